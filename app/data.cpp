#include <fmt/format.h>

#include "verbs.h"

#include <nlohmann/json.hpp>

namespace lowtide::app {
using Json = nlohmann::ordered_json;

void print_settings(const Settings& settings, const Common& common) {
  Json list = Json::array();
  for (const Settings::Used& s : settings.used()) {
    if (common.json)
      list.push_back({{"name", s.name}, {"value", s.value}, {"default", s.standard}, {"help", s.help}});
    else
      fmt::print("{:<20} {:<12} {}\n", s.name, s.value.empty() ? "(none)" : s.value, s.help);
  }
  if (common.json) fmt::print("{}\n", list.dump(2));
}

void make_data(const DataOptions& options, const Common& common) {
  const Case& chosen = case_named(options.name);
  CaseRun run(chosen.name, options.preset, Settings(options.settings));
  if (options.list_settings) {
    run.only_settings();
    try {
      chosen.make(run);
    } catch (const CaseRun::OnlySettings&) {
    }
    return print_settings(run.settings(), common);
  }
  Output output = options.output;
  if (output.path.empty()) output.path = fmt::format("{}-{}.h5", chosen.name, name_of(options.preset));
  check_output(output);
  const Snapshots set = chosen.make(run);
  finish(set, output, run.work(), common);
}

}  // namespace lowtide::app
