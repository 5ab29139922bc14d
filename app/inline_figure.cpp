#include "inline_figure.h"

#include <fmt/format.h>
#include <lowtide/io/file.h>

#include <regex>
#include <set>

#include "html.h"

namespace lowtide::app {
namespace fs = std::filesystem;
namespace {

// A file of the figure, and the link that saves it.
struct Attached {
  std::string link{}, script{};
};
Attached attached(const fs::path& path, const char* what, const std::string& id) {
  if (!fs::exists(path)) return {};
  return {
      fmt::format("<a class=\"save\" href=\"#{0}\" data-source=\"{0}\" download=\"{1}\" hidden>{2}</a>", id,
                  escaped(path.filename().string()), what),
      fmt::format("<script type=\"text/plain\" id=\"{}\">{}</script>\n", id, without_tags(read_file(path)))};
}

// gnuplot names every curve, and those of several plots in one picture alike: only what is referred to keeps
// its name.
std::string without_idle_ids(const std::string& svg) {
  static const std::regex id("\\sid=[\"']([^\"']*)[\"']"), reference("(?:href=[\"']|url\\([\"']?)#([^\"')]*)");
  std::set<std::string> used;
  for (std::sregex_iterator it(svg.begin(), svg.end(), reference), end; it != end; ++it) used.insert((*it)[1]);
  std::string out;
  auto from = svg.begin();
  for (std::sregex_iterator it(svg.begin(), svg.end(), id), end; it != end; ++it) {
    out.append(from, (*it)[0].first);
    if (used.contains((*it)[1])) out += (*it)[0];
    from = (*it)[0].second;
  }
  return out.append(from, svg.end());
}

}  // namespace

std::string inline_svg(const std::string& svg, const std::string& prefix, const std::string& label) {
  const std::size_t begin = svg.find("<svg"), head = svg.find('>', begin), end = svg.rfind("</svg>");
  std::smatch box;
  if (begin == std::string::npos || head == std::string::npos || end == std::string::npos || end < head)
    throw InputError("[report] not an SVG");
  const std::string attributes = svg.substr(begin, head - begin);
  static const std::regex view("viewBox=\"([-0-9. ]+)\""), active("<script|<foreignObject");
  if (!std::regex_search(attributes, box, view)) throw InputError("[report] an SVG without viewBox");
  std::string body = svg.substr(head + 1, end - head - 1);
  if (std::regex_search(body, active)) throw InputError("[report] an SVG that contains scripts");
  static const std::regex title("<title>[^<]*</title>\\s*|<desc>[^<]*</desc>\\s*"), id("\\sid=([\"'])"),
      reference("href=([\"'])#"), url("url\\((['\"]?)#"), space("\\n\\s*");
  body = std::regex_replace(body, title, "");
  body = without_idle_ids(body);
  body = std::regex_replace(body, id, " id=$1" + prefix);
  body = std::regex_replace(body, reference, "href=$1#" + prefix);
  body = std::regex_replace(body, url, "url($1#" + prefix);
  body = std::regex_replace(body, space, "\n");
  return fmt::format("<svg viewBox=\"{}\" role=\"img\" aria-label=\"{}\">{}</svg>", box[1].str(),
                     escaped(label), body);
}

std::string inline_figure(const ReportFigure& figure, std::size_t number) {
  if (!fs::exists(figure.svg)) return {};
  const std::string id = fmt::format("figure-{}", number);
  const auto beside = [&](const char* ending) { return fs::path(figure.svg).replace_extension(ending); };
  const fs::path script = fs::exists(beside(".gp")) ? beside(".gp") : beside(".gnuplot");
  const Attached data = attached(beside(".csv"), "Save the numbers (CSV)", id + "-data"),
                 drawing = attached(script, "Save the script (gnuplot)", id + "-script");
  std::string html = "<figure>\n";
  if (!figure.title.empty()) html += fmt::format("<h4>{}</h4>\n", escaped(figure.title));
  html += inline_svg(read_file(figure.svg), id + "-", figure.title) + "\n";
  if (!figure.caption.empty()) html += fmt::format("<figcaption>{}</figcaption>\n", escaped(figure.caption));
  return html + fmt::format("<p class=\"saves\">{}{}</p>\n{}{}</figure>\n", data.link, drawing.link,
                            data.script, drawing.script);
}

}  // namespace lowtide::app
