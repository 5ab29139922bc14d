#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/io/file.h>
#include <lowtide/io/printable.h>
#include <lowtide/run/settings.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace lowtide {
namespace {

// "run.toml:7: "; nothing for what comes from the command line
std::string start(const std::string& place) { return place.empty() ? "" : place + ": "; }

[[noreturn]] void refuse(const std::string& name, const std::string& text, const std::string& place,
                         const std::string& expected) {
  throw InputError(
      fmt::format("{}setting {}={}: {} expected", start(place), printable(name), printable(text), expected));
}

// " from 1 to 5"; only the limits that are not those of the type
template <class T, class Bound>
std::string limits_text(T least, Bound lowest, T most, Bound highest) {
  return (least > lowest ? fmt::format(" from {}", least) : "") +
         (most < highest ? fmt::format(" to {}", most) : "");
}

template <class T>
bool parse(std::string_view text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::string text_of(double value) { return fmt::format("{}", value); }  // the shortest that reads back the same
std::string text_of(std::int64_t value) { return fmt::format("{}", value); }
std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(const std::vector<std::int64_t>& list) { return fmt::format("{}", fmt::join(list, ",")); }

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
  for (const std::string& name : names) {
    if (std::max(name.size(), word.size()) - std::min(name.size(), word.size()) >= least) continue;
    if (const std::size_t d = distance(word, name); d < least) least = d, best = name;
  }
  return best;
}

Settings::Settings(const std::vector<std::string>& given) {
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw InputError(fmt::format("setting '{}': name=value expected", printable(text)));
    const std::string name = text.substr(0, equals);
    if (!given_.emplace(name, Given{text.substr(equals + 1), ""}).second)
      throw InputError(fmt::format("setting {} is given twice", printable(name)));
  }
}

const Settings::Given* Settings::given(const std::string& name) const {
  const auto found = given_.find(name);
  return found == given_.end() ? nullptr : &found->second;
}

void Settings::note(Used used) {
  for (Used& before : used_)
    if (before.name == used.name) return void(before = std::move(used));
  used_.push_back(std::move(used));
}

double Settings::get(const std::string& name, double standard, const std::string& help, double least,
                     double most) {
  double value = standard;
  const Given* text = given(name);
  if (text && text->text != text_of(standard)) {  // a default may lie outside the limits: inf for none
    if (!parse(text->text, value)) refuse(name, text->text, text->place, "a number");
    if (std::isnan(value) || value < least || value > most)
      refuse(name, text->text, text->place, "a number" + limits_text(least, -1e300, most, 1e300));
  }
  note({name, text_of(value), text_of(standard), help, Kind::real});
  return value;
}

std::int64_t Settings::get(const std::string& name, std::int64_t standard, const std::string& help,
                           std::int64_t least, std::int64_t most) {
  std::int64_t value = standard;
  if (const Given* text = given(name)) {
    if (!parse(text->text, value)) refuse(name, text->text, text->place, "a whole number");
    if (value < least || value > most)
      refuse(name, text->text, text->place, "a whole number" + limits_text(least, INT64_MIN, most, INT64_MAX));
  }
  note({name, text_of(value), text_of(standard), help, Kind::whole});
  return value;
}

bool Settings::get(const std::string& name, bool standard, const std::string& help) {
  bool value = standard;
  if (const Given* text = given(name)) {
    const auto is = [&](const auto&... words) { return ((text->text == words) || ...); };
    value = is("true", "1", "yes");
    if (!value && !is("false", "0", "no")) refuse(name, text->text, text->place, "true or false");
  }
  note({name, text_of(value), text_of(standard), help, Kind::truth});
  return value;
}

std::string Settings::get(const std::string& name, const char* standard, const std::string& help) {
  const Given* text = given(name);
  const std::string value = text ? text->text : standard;
  note({name, value, standard, help, Kind::text});
  return value;
}

std::vector<std::int64_t> Settings::get(const std::string& name, const std::vector<std::int64_t>& standard,
                                        const std::string& help) {
  std::vector<std::int64_t> list = standard;
  if (const Given* given_list = given(name)) {
    const std::string& text = given_list->text;
    list.clear();
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find(',', begin), text.size());
      begin = std::min(text.find_first_not_of(' ', begin), end);
      if (!parse(std::string_view(text).substr(begin, end - begin), list.emplace_back()) ||
          end + 1 == text.size())  // nothing after the last comma
        refuse(name, text, given_list->place, "whole numbers with commas between");
      begin = end + 1;
    }
  }
  note({name, text_of(list), text_of(standard), help, Kind::list});
  return list;
}

void Settings::check_all_used() const {
  std::vector<std::string> names;
  for (const Used& u : used_) names.push_back(u.name);
  for (const auto& [name, value] : given_) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string meant = nearest(name, names);
    std::sort(names.begin(), names.end());
    throw InputError(fmt::format("{}unknown setting {}; {}", start(value.place), printable(name),
                                 meant.empty() ? fmt::format("there are {}", fmt::join(names, ", "))
                                               : fmt::format("did you mean {}?", meant)));
  }
}

std::map<std::string, std::string> Settings::values() const {
  std::map<std::string, std::string> all;
  for (const Used& u : used_) all[u.name] = u.value;
  return all;
}

}  // namespace lowtide
