#include <fmt/format.h>
#include <lowtide/experiments/job.h>
#include <lowtide/io/file.h>
#include <lowtide/models/about_svd.h>

#include "verbs.h"

#include <nlohmann/json.hpp>

namespace lowtide::app {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

Settings settings_from(const TrainOptions& options) {
  std::vector<std::string> given = options.settings;
  const auto say = [&](const char* name, const std::string& value) {
    if (!value.empty()) given.push_back(fmt::format("run.{}={}", name, value));
  };
  say("case", options.case_name);
  say("model", options.model);
  say("preset", options.preset);
  say("recipe", options.recipe);
  if (!options.data.empty()) say("data", fs::absolute(options.data).string());
  if (options.seed >= 0) say("seed", std::to_string(options.seed));
  Settings settings(given);
  if (!options.config.empty()) settings.add_file(options.config);
  return settings;
}

void report(const Run& run, const Prepared& prepared, const Outcome& outcome, const Common& common) {
  const SavedModel& model = outcome.model;
  const std::string folder = run.folder().string();
  if (common.json) {
    const Json result{{"run", folder},
                      {"model", model.name},
                      {"params", model.parameter_count()},
                      {"coefficients", model.coefficients()},
                      {"steps", outcome.steps},
                      {"seconds", run.seconds()},
                      {"gflop", run.gflop()}};
    fmt::print("{}\n", result.dump(2, ' ', false, Json::error_handler_t::replace));
    return;
  }
  fmt::print("{}: {} with {} parameters, {} coefficients", folder, model.name, model.parameter_count(),
             model.coefficients());
  if (outcome.steps > 0)
    fmt::print("; {} steps in {:.1f} s, {:.0f} GFLOP, {:.0f} GFLOP/s", outcome.steps, run.seconds(),
               run.gflop(), run.gflop() / run.seconds());
  const auto* dense = std::get_if<MlpXt>(&prepared.net);
  if (const std::string about = dense ? about_svd(*dense) : ""; !about.empty())
    fmt::print("\nweights {}", about);
  fmt::print("\nerrors: {} compare {}\n", program_name(), folder);
}

// Trains, and leaves in the manifest how it ended.
Outcome trained(Run& run, Prepared& prepared) {
  try {
    Outcome outcome = train(run, prepared);
    run.ended("done");
    return outcome;
  } catch (const Stopped&) {  // the loop has noted it
    throw;
  } catch (const FileError&) {  // so that nothing more can be written
    throw;
  } catch (const NonFiniteError& e) {
    run.ended(fmt::format("diverged: {}", e.what()));
    throw;
  } catch (const SolverError& e) {
    run.ended(fmt::format("diverged: {}", e.what()));
    throw;
  } catch (const std::exception& e) {
    run.ended(fmt::format("failed: {}", e.what()));
    throw;
  }
}

}  // namespace

void train_model(const TrainOptions& options, const Common& common) {
  const bool resume = !options.resume.empty();
  Settings settings;
  if (resume) {
    const bool other = !options.model.empty() || !options.preset.empty() || !options.recipe.empty() ||
                       !options.data.empty() || !options.out.empty() || options.seed >= 0;
    if (!options.case_name.empty() || !options.settings.empty() || !options.config.empty() || other)
      throw InputError("--resume goes on with what the run was asked for; no other settings can be given");
    const fs::path config = options.resume / "config.toml";
    if (!fs::exists(config))
      throw InputError(fs::exists(options.resume / "manifest.json")
                           ? fmt::format("{}: stopped before its first step; train it anew, with --force",
                                         options.resume.string())
                           : fmt::format("{}: there is no run to resume", options.resume.string()));
    settings.add_file(config);
  } else {
    settings = settings_from(options);
  }
  const Settings all = settings_of(settings);
  if (options.list_settings) return print_settings(all, common);
  const auto value = [&](const std::string& name) { return all.values().at(name); };
  const fs::path folder = resume ? options.resume
                          : !options.out.empty()
                              ? options.out
                              : fs::path(fmt::format("run-{}-{}", value("run.case"), value("run.model")));
  // Before the work; the run itself looks again. Data come before the folder: a mistake in them replaces
  // nothing.
  if (!resume && !options.force && fs::exists(folder / "manifest.json"))
    throw InputError(fmt::format("{} exists; --force replaces it, --resume goes on with it", folder.string()));
  Prepared prepared = prepare(settings, common.json);
  Run run({.folder = folder,
           .seed = static_cast<std::uint64_t>(std::stoull(value("run.seed"))),
           .resume = resume,
           .force = options.force,
           .checkpoint_every = options.checkpoint_every,
           .quiet = common.json,
           .label = fmt::format("{} {}", value("run.case"), value("run.model"))});
  const Outcome outcome = trained(run, prepared);
  report(run, prepared, outcome, common);
}

}  // namespace lowtide::app
