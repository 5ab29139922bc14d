#include "report_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "html.h"
#include "paper.h"

namespace lowtide::app {
namespace {

const std::string none = "–";

std::string percent(double x) {
  if (!std::isfinite(x)) return none;
  return x < 1e-5 ? fmt::format("{:.1e}", x) : fmt::format("{:.{}f} %", 100 * x, x < .01 ? 3 : 2);
}

// 0.012, but 1.2e-4 as 1.2·10⁻⁴.
std::string scientific(double x) {
  if (!std::isfinite(x)) return none;
  if (x == 0 || (std::abs(x) >= .0095 && std::abs(x) < 99.5)) return fmt::format("{:.2g}", x);
  if (std::abs(x) >= 1 && std::abs(x) < 1e5) return fmt::format("{:.0f}", x);
  const std::string text = fmt::format("{:.1e}", x);
  const std::size_t e = text.find('e');
  return fmt::format("{}·10<sup>{}{}</sup>", text.substr(0, e), text[e + 1] == '-' ? "−" : "",
                     std::abs(std::stoi(text.substr(e + 1))));
}

std::string grouped(std::int64_t n) {
  std::string text = fmt::format("{}", n);
  for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), "\u202f");  // a narrow space
  return text;
}

std::string short_number(double x) {
  if (!std::isfinite(x)) return none;
  return fmt::format("{:.{}f}", x, x < 10 ? 1 : 0);
}

class Rows {
 public:
  explicit Rows(const std::string& caption) : caption_(caption) {}
  void head(const std::vector<std::string>& cells) {
    html_ += "<thead><tr>";
    for (const std::string& cell : cells) html_ += fmt::format("<th scope=\"col\">{}</th>", cell);
    html_ += "</tr></thead>\n<tbody>\n";
  }
  void row(const std::vector<std::string>& cells, const char* kind = "") {
    html_ += *kind == '\0' ? "<tr>" : fmt::format("<tr class=\"{}\">", kind);
    for (std::size_t k = 0; k < cells.size(); ++k)
      html_ +=
          k == 0 ? fmt::format("<th scope=\"row\">{}</th>", cells[k]) : fmt::format("<td>{}</td>", cells[k]);
    html_ += "</tr>\n";
  }
  std::string done() const {
    return fmt::format(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
        "aria-label=\"{}\"><table>\n{}</tbody></table></div>\n",
        escaped(caption_), html_);
  }

 private:
  std::string caption_, html_{};
};

std::string fact(const std::string& name, const std::string& value) {
  return value.empty() ? "" : fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value));
}

std::string layered(const std::vector<std::int64_t>& ranks) {
  return fmt::format("{}", fmt::join(ranks, ", "));
}

}  // namespace

std::string run_facts(const ReportEntry& entry) {
  const FinishedRun& run = entry.run.run;
  const auto text = [&](const char* key) {
    if (!entry.manifest.is_object() || !entry.manifest.contains(key)) return std::string();
    const auto& value = entry.manifest[key];
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  std::string sizes, changed, recipe;
  for (const Settings::Used& used : entry.settings.used()) {
    if (used.name == "run.recipe") recipe = used.value;
    if (used.name == "run.preset")
      recipe += recipe.empty() ? used.value : fmt::format(", sizes of {}", used.value);
    if (used.name.starts_with("model."))
      sizes += fmt::format("{}{} {}", sizes.empty() ? "" : ", ", used.name.substr(6), used.value);
    if (used.value != used.standard && !used.name.starts_with("run."))
      changed += fmt::format("{}{} = {} (default {})", changed.empty() ? "" : "; ", used.name, used.value,
                             used.standard.empty() ? "none" : used.standard);
  }
  if (sizes.empty())
    for (const auto& [name, value] : run.model.settings)
      if (name.starts_with("model."))
        sizes += fmt::format("{}{} {}", sizes.empty() ? "" : ", ", name.substr(6), value);
  std::string html = "<dl>\n";
  html += fact("Model", fmt::format("{}{}{}", run.model.name, sizes.empty() ? "" : ": ", sizes));
  html += fact("Fields", fmt::format("{}", fmt::join(run.model.scaling.fields, ", ")));
  html += fact("Size", fmt::format("{} parameters, {} coefficients a frame",
                                   grouped(run.model.parameter_count()), grouped(run.model.coefficients())));
  html += fact("Recipe", recipe);
  html += fact("Changed", changed);
  html += fact("Training",
               fmt::format("{} steps, {:.1f} s, {:.0f} GFLOP", grouped(run.steps), run.seconds, run.gflop));
  html += fact("Seed", text("seed"));
  const std::string version = text("version"), commit = text("git");
  html += fact(
      "Program",
      version.empty() ? "" : fmt::format("lowtide {}{}{}", version, commit.empty() ? "" : ", commit ", commit));
  const std::string cpu = text("cpu"), threads = text("threads");
  html += fact("Machine", cpu.empty() ? "" : fmt::format("{}, {} threads, {}", cpu, threads, text("compiler")));
  html += fact("Started", text("started"));
  return html + "</dl>\n";
}

std::string errors_table(const ReportGroup& group) {
  Rows rows("errors");
  rows.head({"run", "frames", "L1", "L2", "max", "TV", "shock"});
  const auto row = [&](const std::string& name, const char* frames, const Measures& m, const char* kind) {
    rows.row({name, frames, percent(m.rel_l1), percent(m.rel_l2), percent(m.max),
              std::isfinite(m.tv_ratio) ? fmt::format("{:.3f}", m.tv_ratio) : none, scientific(m.shock_error)},
             kind);
  };
  for (const ReportEntry& entry : group.runs) {
    if (group.learned) row(escaped(entry.label), "training", entry.compared.train, "");
    if (!group.learned)
      row(escaped(entry.label), "reference", entry.compared.heldout, "");
    else if (group.held_out)
      row("", "held out", entry.compared.heldout, "more");
  }
  return rows.done();
}

std::string costs_table(const ReportGroup& group) {
  Rows rows("costs");
  rows.head({"run", "model", "parameters", "n", "steps", "seconds", "GFLOP", "ns/point"});
  for (const ReportEntry& entry : group.runs) {
    const FinishedRun& run = entry.run.run;
    rows.row({escaped(entry.label), run.model.name, grouped(run.model.parameter_count()),
              grouped(run.model.coefficients()), grouped(run.steps), fmt::format("{:.1f}", run.seconds),
              fmt::format("{:.0f}", run.gflop), short_number(entry.compared.ns_per_point)});
  }
  return rows.done();
}

std::string truncation_table(const ReductionStudy& study, const std::string& case_name) {
  Rows rows("truncated ranks");
  rows.head({"relative to", "ranks r<sub>1</sub> of the weights, by layer", "r<sub>2</sub> of the biases",
             "hypermodes", "error of u, L2"});
  constexpr const char* meaning[] = {"largest coefficient", "largest of the block", "largest term"};
  for (const TruncationRow& row : study.truncation) {
    const bool global = row.relative == Relative::global;
    rows.row({meaning[static_cast<std::size_t>(row.relative)], layered(row.kept.weight_ranks()),
              layered(row.kept.bias_ranks()), global ? fmt::format("{}", study.significant) : none,
              scientific(row.rel_l2)});
  }
  if (const auto paper = paper_row(case_name))
    rows.row({fmt::format("the paper’s (width {}, rank {})", paper->width, paper->rank),
              layered(paper->weights), layered(paper->biases), fmt::format("{}", paper->hypermodes), none},
             "paper");
  return rows.done();
}

std::string modes_table(const ReductionStudy& study) {
  Rows rows("hypermodes");
  rows.head({"hypermodes", "singular value", "degree in t to 10<sup>−6</sup>", "to 10<sup>−12</sup>",
             "error of u, L2"});
  const double first = study.modes.singular_values.size() > 0 ? study.modes.singular_values.at(0) : 1;
  for (std::size_t j = 0; j < study.projection.size(); ++j) {
    const auto modes = study.projection[j].modes;
    if (modes > study.significant || (j >= 8 && modes % 4 != 0 && modes != study.significant)) continue;
    const auto degree = [&](const std::vector<std::int64_t>& all) {
      const auto at = static_cast<std::size_t>(modes - 1);
      return at < all.size() ? fmt::format("{}", all[at]) : none;
    };
    rows.row({fmt::format("{}", modes), scientific(study.modes.singular_values.at(modes - 1) / first),
              degree(study.degrees), degree(study.degrees_to_roundoff),
              scientific(study.projection[j].rel_l2)});
  }
  return rows.done();
}

std::string fast_table(const ReductionStudy& study) {
  Rows rows("FastLRNR");
  rows.head({"rank", "pieces of time", "error, worst point", "middle point", "bound", "bound / error", "ns",
             "kB", "one basis: error", "ns"});
  for (std::size_t k = 0; k < study.fast.size(); ++k) {
    const FastRow& row = study.fast[k];
    std::vector<std::string> cells{
        fmt::format("{}", row.rank),
        short_number(row.pieces),
        scientific(row.rel_l2),
        scientific(row.median),
        scientific(row.bound),
        fmt::format("{} to {}", short_number(row.effectivity_low), short_number(row.effectivity_high)),
        short_number(row.ns_per_point),
        short_number(row.kilobytes)};
    const bool both = k < study.one_basis.size();
    cells.push_back(both ? scientific(study.one_basis[k].rel_l2) : none);
    cells.push_back(both ? short_number(study.one_basis[k].ns_per_point) : none);
    rows.row(cells);
  }
  if (study.series_times <= 0) return rows.done();
  return rows.done() +
         fmt::format(
             "<p class=\"note\">The rival is a table of {} values of the point over time, cubic between them: "
             "{} ns, {} kB, error {}.</p>\n",
             grouped(study.series_times), short_number(study.series_ns), short_number(study.series_kilobytes),
             scientific(study.series_rel_l2));
}

}  // namespace lowtide::app
