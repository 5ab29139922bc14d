#include <fmt/format.h>
#include <lowtide/io/file.h>

#include "run_folder.h"
#include "verbs.h"

#include <nlohmann/json.hpp>

namespace lowtide::app {
namespace fs = std::filesystem;

std::string FinishedRun::case_name() const {
  Settings copy = settings;  // which notes what it is asked for
  return copy.get("run.case", "", "what was solved");
}

FinishedRun read_run(const fs::path& folder) {
  FinishedRun run{.name = folder.string()};
  const fs::path manifest = folder / "manifest.json", model = folder / "model.safetensors";
  if (!fs::is_directory(folder)) throw InputError(fmt::format("{}: no such folder", folder.string()));
  if (!fs::exists(manifest))
    throw InputError(fmt::format("{} is not a run: it has no manifest.json", folder.string()));
  if (!fs::exists(model))
    throw InputError(fmt::format("{} has no model yet; {} train --resume {} finishes the run", folder.string(),
                                 program_name(), folder.string()));
  const auto json = nlohmann::json::parse(read_file(manifest), nullptr, false);
  if (!json.is_object()) bad_input(manifest.string(), "", "not JSON");
  const auto number = [&](const char* key) {
    return json.contains(key) && json[key].is_number() ? json[key].get<double>() : 0.0;
  };
  run.steps = static_cast<std::int64_t>(number("steps"));
  run.seconds = number("seconds");
  run.gflop = number("gflop");
  if (const fs::path config = folder / "config.toml"; fs::exists(config)) run.settings.add_file(config);
  run.model = read_model(model);
  if (run.model.needs_trial) run.model.trial = built_in(run.settings);
  return run;
}

Snapshots snapshots_of(const FinishedRun& run) {
  if (!fs::exists(fs::path(run.name) / "config.toml"))
    throw InputError(fmt::format(
        "{} does not say what it was trained on: it has no config.toml; --data FILE.h5 does", run.name));
  return prepare(run.settings, true).set;
}

}  // namespace lowtide::app
