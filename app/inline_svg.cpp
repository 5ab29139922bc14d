#include "inline_svg.h"

#include <fmt/format.h>
#include <lowtide/io/file.h>

#include <charconv>
#include <cmath>
#include <regex>
#include <set>

#include "html.h"

namespace lowtide::app {
namespace {

// What only repeats a default, or what the page's style says.
std::string without_defaults(std::string svg) {
  static const std::regex said(
      " (stroke-linecap=\"butt\"|stroke-linejoin=\"miter\"|stroke-width=\"1.00\"|font-family=\"sans\")");
  static const std::regex idle("<title>[^<]*</title>|<desc>[^<]*</desc>|<g [^<>]*>\\s*</g>"), space("\\n\\s*");
  svg = std::regex_replace(svg, said, "");
  for (std::size_t before = 0; before != svg.size();) {
    before = svg.size();
    svg = std::regex_replace(svg, idle, "");
  }
  static const std::regex line("<g fill=\"none\" color=\"black\" stroke=\"currentColor\">"), wide("  +'");
  svg = std::regex_replace(svg, line, "<g class=\"k\">");  // thousands of them
  return std::regex_replace(std::regex_replace(svg, wide, " '"), space, "\n");
}

// A number of tenths: 12.3, 4, -.5.
void append_tenths(std::string& out, long tenths) {
  if (tenths < 0) out += '-';
  const long size = std::abs(tenths);
  if (size >= 10 || size == 0) out += fmt::format("{}", size / 10);
  if (size % 10 != 0) out += fmt::format(".{}", size % 10);
}

// "M1.00,2.00 L3.25,2.00 ..." as "M1,2l2.3,0 ...": steps in tenths of a unit, of which a figure has some
// hundred. What consists of other commands, or of relative ones, stays as it is.
std::string short_path(std::string_view path) {
  std::string out;
  long at[2] = {0, 0};
  char command = 0, written = 0;
  const char *here = path.data(), *end = here + path.size();
  while (true) {
    while (here < end && (*here == ' ' || *here == '\n')) ++here;
    if (here == end) return out;
    if (*here == 'M' || *here == 'L' || *here == 'Z') {
      if (command == 'Z' && *here == 'L') return std::string(path);  // from where the closed one began
      command = *here++;
      if (command == 'Z') {
        out += 'Z';
        written = 0;
      }
      continue;
    }
    long point[2];
    for (const int k : {0, 1}) {
      double number = 0;
      const auto [past, error] = std::from_chars(here, end, number);
      if (error != std::errc() || (k == 0 && (past == end || *past != ','))) return std::string(path);
      point[k] = std::lround(10 * number);
      here = past + (k == 0 ? 1 : 0);
    }
    if (command == 'M') {
      out += 'M';
      append_tenths(out, point[0]);
      out += ',';
      append_tenths(out, point[1]);
      command = 'L';  // as SVG has it
      written = 0;
    } else if (command == 'L') {
      out += written == 'l' ? ' ' : 'l';
      append_tenths(out, point[0] - at[0]);
      out += ',';
      append_tenths(out, point[1] - at[1]);
      written = 'l';
    } else {
      return std::string(path);
    }
    at[0] = point[0];
    at[1] = point[1];
  }
}

std::string with_short_paths(const std::string& svg) {
  std::string out;
  std::size_t at = svg.find("</defs>");  // what is there will be scaled
  if (at == std::string::npos) at = 0;
  out.append(svg, 0, at);
  while (true) {
    const std::size_t begin = svg.find(" d='", at);
    const std::size_t end = begin == std::string::npos ? begin : svg.find('\'', begin + 4);
    if (end == std::string::npos) return out.append(svg, at);
    out.append(svg, at, begin + 4 - at);
    out += short_path(std::string_view(svg).substr(begin + 4, end - begin - 4));
    at = end;
  }
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
  static const std::regex id("\\sid=([\"'])"), reference("href=([\"'])#"), url("url\\((['\"]?)#");
  body = with_short_paths(without_defaults(without_idle_ids(body)));
  body = std::regex_replace(body, id, " id=$1" + prefix);
  body = std::regex_replace(body, reference, "href=$1#" + prefix);
  body = std::regex_replace(body, url, "url($1#" + prefix);
  double width = 0;  // beyond which its letters would be larger than those around it
  static const std::regex third("[-0-9.]+ +[-0-9.]+ +([0-9.]+)");
  if (std::smatch match; std::regex_search(attributes, match, third)) width = std::stod(match[1]);
  return fmt::format("<svg viewBox=\"{}\" style=\"max-width:{}px\" role=\"img\" aria-label=\"{}\">{}</svg>",
                     box[1].str(), width, escaped(label), body);
}

}  // namespace lowtide::app
