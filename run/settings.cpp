#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/io/file.h>
#include <lowtide/run/settings.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace lowtide {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& value, const std::string& expected) {
  throw InputError(fmt::format("setting {}={}: {} expected", name, value, expected));
}

// " from 1 to 5"; only the limits that are not those of the type
template <class T, class Bound>
std::string limits_text(T least, Bound lowest, T most, Bound highest) {
  return (least > lowest ? fmt::format(" from {}", least) : "") +
         (most < highest ? fmt::format(" to {}", most) : "");
}

template <class T>
T parse(const std::string& name, const std::string& text, const std::string& value, const char* expected) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) refuse(name, value, expected);
  return number;
}

// Number of letters to change, drop, add or swap with their neighbour to get from a to b.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i)
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

}  // namespace

std::string nearest(const std::string& word, const std::vector<std::string>& names) {
  std::string best;
  std::size_t least = word.size() / 2 + 1;
  for (const std::string& name : names)
    if (const std::size_t d = distance(word, name); d < least) least = d, best = name;
  return best;
}

Settings::Settings(const std::vector<std::string>& given) {
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw InputError(fmt::format("setting '{}': name=value expected", text));
    const std::string name = text.substr(0, equals);
    if (!given_.emplace(name, text.substr(equals + 1)).second)
      throw InputError(fmt::format("setting {} is given twice", name));
  }
}

const std::string* Settings::given(const std::string& name, const std::string& standard,
                                   const std::string& help) {
  const auto found = given_.find(name);
  const std::string* text = found == given_.end() ? nullptr : &found->second;
  used_.push_back({name, text ? *text : standard, standard, help});
  return text;
}

double Settings::get(const std::string& name, double standard, const std::string& help, double least,
                     double most) {
  const std::string* text = given(name, fmt::format("{}", standard), help);
  if (!text) return standard;
  const double value = parse<double>(name, *text, *text, "a number");
  if (!std::isfinite(value) || value < least || value > most)
    refuse(name, *text, "a number" + limits_text(least, -1e300, most, 1e300));
  return value;
}

std::int64_t Settings::get(const std::string& name, std::int64_t standard, const std::string& help,
                           std::int64_t least, std::int64_t most) {
  const std::string* text = given(name, fmt::format("{}", standard), help);
  if (!text) return standard;
  const auto value = parse<std::int64_t>(name, *text, *text, "a whole number");
  if (value < least || value > most)
    refuse(name, *text, "a whole number" + limits_text(least, INT64_MIN, most, INT64_MAX));
  return value;
}

bool Settings::get(const std::string& name, bool standard, const std::string& help) {
  const std::string* text = given(name, standard ? "true" : "false", help);
  if (!text) return standard;
  if (*text == "true" || *text == "1" || *text == "yes") return true;
  if (*text == "false" || *text == "0" || *text == "no") return false;
  refuse(name, *text, "true or false");
}

std::string Settings::get(const std::string& name, const char* standard, const std::string& help) {
  const std::string* text = given(name, standard, help);
  return text ? *text : standard;
}

std::vector<std::int64_t> Settings::get(const std::string& name, const std::vector<std::int64_t>& standard,
                                        const std::string& help) {
  const std::string* text = given(name, fmt::format("{}", fmt::join(standard, ",")), help);
  if (!text) return standard;
  if (text->ends_with(',')) refuse(name, *text, "whole numbers with commas between");
  std::vector<std::int64_t> list;
  for (std::size_t begin = 0; begin < text->size();) {
    const std::size_t end = std::min(text->find(',', begin), text->size());
    begin = std::min(text->find_first_not_of(' ', begin), end);
    list.push_back(parse<std::int64_t>(name, text->substr(begin, end - begin), *text,
                                       "whole numbers with commas between"));
    begin = end + 1;
  }
  return list;
}

void Settings::check_all_used() const {
  std::vector<std::string> names;
  for (const Used& u : used_) names.push_back(u.name);
  for (const auto& [name, value] : given_) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string meant = nearest(name, names);
    std::sort(names.begin(), names.end());
    throw InputError(meant.empty()
                         ? fmt::format("unknown setting {}; there are {}", name, fmt::join(names, ", "))
                         : fmt::format("unknown setting {}; did you mean {}?", name, meant));
  }
}

std::map<std::string, std::string> Settings::values() const {
  std::map<std::string, std::string> all;
  for (const Used& u : used_) all[u.name] = u.value;
  return all;
}

}  // namespace lowtide
