#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/io/printable.h>
#include "verbs.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace lowtide::app {
namespace {

using Json = nlohmann::ordered_json;

struct Column {
  double least, most, integral;
};

// Of each field over one frame.
std::vector<Column> columns(const Snapshots& set, std::int64_t frame) {
  const Tensor u = set.values(frame), weight = set.weights(frame);
  const std::int64_t rows = u.shape[0], fields = u.shape[1];
  const double *values = u.data<double>(), *weights = weight.data<double>();
  std::vector<Column> all;
  for (std::int64_t c = 0; c < fields; ++c) {
    Column column{values[c], values[c], 0};
    for (std::int64_t i = 0; i < rows; ++i) {
      const double value = values[i * fields + c];
      column.least = std::min(column.least, value);
      column.most = std::max(column.most, value);
      column.integral += value * weights[i];
    }
    all.push_back(column);
  }
  return all;
}

std::string points_text(const Snapshots& set) {
  if (!set.grid.empty()) return fmt::format("{} cells, the same in all frames", fmt::join(set.grid, " x "));
  if (set.fixed()) return fmt::format("{}, the same in all frames", set.x.shape[0]);
  std::int64_t least = INT64_MAX, most = 0;
  for (std::int64_t k = 0; k < set.frames(); ++k) {
    const std::int64_t n = set.values(k).shape[0];
    least = std::min(least, n);
    most = std::max(most, n);
  }
  return fmt::format("{} in all, {} to {} a frame", set.u.shape[0], least, most);
}

void print(const Snapshots& set, const std::string& file) {
  const auto line = [](const char* what, const std::string& text) {  // what a file says may hold anything
    if (!text.empty()) fmt::print("{:<10} {}\n", what, printable(text, 2000));
  };
  line("file", fmt::format("{}, snapshots (schema {})", file, Snapshots::schema_version));
  line("case", set.case_name);
  line("law", set.law);
  std::string domain;
  for (std::size_t a = 0; a < set.low.size(); ++a)
    domain += fmt::format("{}[{}, {}]", a ? " x " : "", set.low[a], set.high[a]);
  line("domain", domain);
  line("boundary", fmt::format("{}", fmt::join(set.boundary, ", ")));
  line("frames", fmt::format("{}, t = {} to {}; {} held out", set.frames(), set.time(0),
                             set.time(set.frames() - 1), set.held_out().size()));
  line("points", points_text(set));
  if (set.mu) line("mu", fmt::format("{} parameters beside time", set.mu.shape[1]));
  if (set.cell) line("levels", fmt::format("{} of refinement", set.cell.shape[0]));
  line("fields", fmt::format("{}", fmt::join(set.fields, ", ")));
  std::string settings;
  for (const auto& [name, value] : set.settings)
    settings += fmt::format("{}{}={}", settings.empty() ? "" : " ", name, value);
  line("settings", settings);

  fmt::print("\n{:>5} {:>12} {:>8}  {:<14} {:>13} {:>13} {:>22}\n", "frame", "t", "points", "field", "least",
             "most", "integral");
  for (std::int64_t k = 0; k < set.frames(); ++k) {
    const std::vector<Column> all = columns(set, k);
    for (std::size_t c = 0; c < all.size(); ++c) {
      const std::string head =
          c > 0 ? std::string(27, ' ')
                : fmt::format("{:>5} {:>12.6g} {:>8}", k, set.time(k), set.values(k).shape[0]);
      fmt::print("{}  {:<14} {:>13.6g} {:>13.6g} {:>22.15g}\n", head, printable(set.fields[c]), all[c].least,
                 all[c].most, all[c].integral);
    }
  }
}

void print_json(const Snapshots& set, const std::string& file) {
  Json frames = Json::array();
  for (std::int64_t k = 0; k < set.frames(); ++k) {
    Json fields = Json::object();
    const std::vector<Column> all = columns(set, k);
    for (std::size_t c = 0; c < all.size(); ++c)
      fields[set.fields[c]] = {{"least", all[c].least}, {"most", all[c].most}, {"integral", all[c].integral}};
    frames.push_back({{"t", set.time(k)},
                      {"points", set.values(k).shape[0]},
                      {"held_out", !set.heldout.empty() && set.heldout[static_cast<std::size_t>(k)] != 0},
                      {"fields", fields}});
  }
  const Json result{
      {"file", file},          {"kind", "snapshots"},      {"version", Snapshots::schema_version},
      {"case", set.case_name}, {"law", set.law},           {"dims", set.dims()},
      {"low", set.low},        {"high", set.high},         {"boundary", set.boundary},
      {"grid", set.grid},      {"fields", set.fields},     {"levels", set.cell ? set.cell.shape[0] : 1},
      {"fixed", set.fixed()},  {"settings", set.settings}, {"frames", frames}};
  fmt::print("{}\n", result.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

void show_info(const std::filesystem::path& file, const Common& common) {
  const Snapshots set = read_snapshots(file);
  if (common.json)
    print_json(set, file.string());
  else
    print(set, file.string());
}

}  // namespace lowtide::app
