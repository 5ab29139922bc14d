#include "report_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "html.h"
#include "inline_figure.h"
#include "report_tables.h"

namespace lowtide::app {
namespace {

class Page {
 public:
  std::string html{};
  std::size_t figures = 0, explorers = 0;

  void figures_of(const std::vector<ReportFigure>& all) {
    for (const ReportFigure& figure : all) html += inline_figure(figure, figures++);
  }

  void explorer_of(const ReportEntry& entry) {
    html += "<h3>Explorer</h3>\n";
    html +=
        "<p>The network itself, evaluated while you look: its weights follow from few numbers c, the "
        "coordinates of "
        "its coefficients along the hypermodes. Move them off their trajectory c(t) and see what they "
        "mean.</p>\n";
    if (entry.run.run.model.scaling.parameters() > 0)
      html += "<p>Parameters beside time are in the middle of their ranges.</p>\n";
    const std::string id = fmt::format("explorer-{}", explorers++);
    const std::string data =
        entry.explorer.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    html += fmt::format(
        "<div class=\"explorer\" data-source=\"{0}-data\" data-name=\"{1}\"><noscript>The explorer needs "
        "JavaScript.</noscript></div>\n<script type=\"text/plain\" id=\"{0}-data\">{2}</script>\n",
        id, escaped(entry.label), without_tags(data));
  }

  void reduction_of(const ReductionStudy& study, const std::string& case_name) {
    html +=
        "<h3>Truncation</h3>\n<p>Coefficients that stay below 5·10<sup>−5</sup> at all times are left out, "
        "with "
        "their terms: relative to the largest of all, as in table 2 of the LRNR paper, to the largest of their "
        "weight or bias, or counted with the norms of the factors that they multiply.</p>\n";
    html += truncation_table(study, case_name);
    html +=
        "<h3>Hypermodes</h3>\n<p>Principal directions of all coefficients over time. The error is that of u "
        "at the points of the next table, when the coefficients are projected onto so many.</p>\n";
    html += modes_table(study);
    html += fmt::format(
        "<h3>FastLRNR</h3>\n<p>Networks of small width for one point, from {} points, half of them where the "
        "field changes most abruptly. Errors are relative, at times that none of them has seen. The bound is "
        "the "
        "largest at validation times, and an estimate between them. Pieces, ns from a time to u, and kB are "
        "means over the points. The network takes {:.0f} ns from a time to u, truncated {:.0f}.</p>\n",
        study.points ? study.points.shape[0] : 0, study.full_ns + study.coefficients_ns,
        study.truncated_ns + study.coefficients_ns);
    html += fast_table(study);
  }
};

std::string anchor(std::size_t group, std::size_t run) { return fmt::format("run-{}-{}", group + 1, run + 1); }

std::string heading_of(const ReportGroup& group) {
  return group.about.empty() ? escaped(group.case_name)
                             : fmt::format("{}: {}", escaped(group.case_name), escaped(group.about));
}

}  // namespace

std::string report_page(const std::vector<ReportGroup>& groups, const std::vector<std::string>& notes) {
  std::vector<std::string> cases;
  std::size_t runs = 0;
  for (const ReportGroup& group : groups) {
    cases.push_back(group.case_name);
    runs += group.runs.size();
  }
  const std::string title = escaped(fmt::format("{}", fmt::join(cases, ", ")));
  Page page;
  std::string& html = page.html;
  html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data: blob:; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
      "<title>{} – lowtide</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{}</style>\n</head>\n<body>\n"
      "<header>\n<h1>{}</h1>\n<p class=\"lead\">{} trained by lowtide, against {}.</p>\n",
      title, page_style, title, runs == 1 ? "A model" : fmt::format("{} models", runs),
      std::none_of(groups.begin(), groups.end(), [](const ReportGroup& group) { return group.learned; })
          ? "references"
      : runs == 1 ? "the data that it has learned from"
                  : "the data that they have learned from");
  for (const std::string& note : notes) html += fmt::format("<p class=\"note\">{}</p>\n", escaped(note));
  html += "<nav aria-label=\"contents\"><ul>\n";
  for (std::size_t g = 0; g < groups.size(); ++g) {
    html += fmt::format("<li><a href=\"#case-{}\">{}</a>", g + 1, escaped(groups[g].case_name));
    for (std::size_t k = 0; k < groups[g].runs.size(); ++k)
      if (groups[g].runs[k].run.low_rank)
        html += fmt::format(", <a href=\"#{}\">explore {}</a>", anchor(g, k), escaped(groups[g].runs[k].label));
    html += "</li>\n";
  }
  html += "</ul></nav>\n</header>\n<main>\n";
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const ReportGroup& group = groups[g];
    html += fmt::format("<section>\n<h2 id=\"case-{}\">{}</h2>\n<p>{}</p>\n", g + 1, heading_of(group),
                        escaped(group.data));
    for (const ReportEntry& entry : group.runs)
      html += fmt::format("<h3>{}</h3>\n{}", escaped(entry.label), run_facts(entry));
    html += "<h3>Errors</h3>\n" + errors_table(group);
    html +=
        "<p class=\"note\">L1, L2, max: relative. TV: total variation over that of the data. shock: distance "
        "from the place of the shocks, as a part of the domain.</p>\n";
    html += "<h3>Costs</h3>\n" + costs_table(group);
    html +=
        "<p class=\"note\">n: numbers that give a frame. seconds: of training. ns/point: to evaluate whole "
        "frames, on all threads.</p>\n";
    page.figures_of(group.figures);
    html += "</section>\n";
    for (std::size_t k = 0; k < group.runs.size(); ++k) {
      const ReportEntry& entry = group.runs[k];
      if (!entry.run.low_rank) continue;
      html += fmt::format("<section>\n<h2 id=\"{}\">The low-rank model {}</h2>\n", anchor(g, k),
                          escaped(entry.label));
      if (!entry.explorer.is_null()) page.explorer_of(entry);
      if (entry.run.study) page.reduction_of(*entry.run.study, group.case_name);
      page.figures_of(entry.figures);
      html += "</section>\n";
    }
  }
  return html + fmt::format("</main>\n<script>\n{}</script>\n</body>\n</html>\n", page_scripts);
}

}  // namespace lowtide::app
