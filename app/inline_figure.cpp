#include "inline_figure.h"

#include <fmt/format.h>
#include <lowtide/io/file.h>

#include "html.h"
#include "inline_svg.h"
#include "packed.h"

namespace lowtide::app {
namespace fs = std::filesystem;
namespace {

// A file of the figure, and the link that saves it.
struct Attached {
  std::string link{}, script{};
};
Attached attached(const fs::path& path, const char* what, const std::string& id) {
  if (!fs::exists(path)) return {};
  const std::string text = read_file(path);
  std::string kept = without_tags(text);
  const char* packed = "";
  if (text.size() > 8192) {  // tables of numbers become a quarter
    const std::string small = deflated(text);
    kept = base64({reinterpret_cast<const unsigned char*>(small.data()), small.size()});
    packed = " data-packed";
  }
  return {fmt::format("<a class=\"save\" href=\"#{0}\" data-source=\"{0}\" download=\"{1}\" hidden>{2}</a>", id,
                      escaped(path.filename().string()), what),
          fmt::format("<script type=\"text/plain\" id=\"{}\"{}>{}</script>\n", id, packed, kept)};
}

}  // namespace

std::string inline_figure(const ReportFigure& figure, std::size_t number) {
  if (!fs::exists(figure.svg)) return {};
  const std::string id = fmt::format("figure-{}", number);
  const auto beside = [&](const char* ending) { return fs::path(figure.svg).replace_extension(ending); };
  const fs::path script = fs::exists(beside(".gp")) ? beside(".gp") : beside(".gnuplot");
  const Attached data = attached(beside(".csv"), "Save the numbers (CSV)", id + "-data"),
                 drawing = attached(script, "Save the script (gnuplot)", id + "-script");
  std::string html = "<figure>\n";
  if (!figure.title.empty()) html += fmt::format("<h4>{}</h4>\n", escaped(figure.title));
  html += fmt::format("<div class=\"scroll\">{}</div>\n",
                      inline_svg(read_file(figure.svg), id + "-", figure.title));
  if (!figure.caption.empty()) html += fmt::format("<figcaption>{}</figcaption>\n", escaped(figure.caption));
  return html + fmt::format("<p class=\"saves\">{}{}</p>\n{}{}</figure>\n", data.link, drawing.link,
                            data.script, drawing.script);
}

}  // namespace lowtide::app
