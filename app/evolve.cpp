// `lowtide evolve`: a trained low-rank model moved on by its equation.
#include <fmt/format.h>
#include <lowtide/experiments/evolution_study.h>
#include <lowtide/io/file.h>

#include "evolve_figure.h"
#include "gnuplot.h"
#include "run_folder.h"
#include "verbs.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace lowtide::app {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

Json json_of(const Way& way) {
  Json json{{"name", way.name}, {"rel_l2", way.rel_l2}, {"rel_l1", way.rel_l1}};
  if (way.unknowns > 0)
    json.update({{"unknowns", way.unknowns},
                 {"points", way.points},
                 {"steps", way.steps},
                 {"rejected", way.rejected},
                 {"rates", way.rates},
                 {"seconds", way.seconds}});
  if (way.condition > 0) json.update({{"condition", way.condition}, {"residual", way.residual}});
  if (!way.stopped.empty()) json["stopped"] = way.stopped;
  return json;
}

Json json_of(const FinishedRun& run, const EvolutionStudy& study, const EvolutionOptions& options) {
  Json ways = Json::array();
  for (const Way& way : study.ways) ways.push_back(json_of(way));
  return {{"run", run.name},
          {"case", run.case_name()},
          {"model", run.model.name},
          {"fields", study.fields},
          {"form", name_of(options.form)},
          {"changed", options.changed},
          {"from", study.times.front()},
          {"to", study.times.back()},
          {"learned_until", study.learned_until},
          {"tolerance", options.tolerance},
          {"regularization", options.regularization},
          {"times", study.times},
          {"ways", ways}};
}

void print(const FinishedRun& run, const EvolutionStudy& study, const EvolutionOptions& options) {
  const Way& evolved = study.ways.front();
  fmt::print("{}: {} learned until t = {:.4g}, evolved from {:.4g} to {:.4g} in {} hypermodes\n", run.name,
             run.model.name, study.learned_until, study.times.front(), study.times.back(), evolved.unknowns);
  for (const std::string& change : options.changed) fmt::print("with {}\n", change);
  fmt::print("\n{:>10}", "t");
  for (const Way& way : study.ways) fmt::print("{:>21}", way.name);
  fmt::print("\n{:>10}", "");
  for (std::size_t w = 0; w < study.ways.size(); ++w) fmt::print("{:>21}", "rel l2    rel l1");
  fmt::print("\n");
  const std::size_t count = study.times.size(), rows = std::min<std::size_t>(count, 11);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t k = row * (count - 1) / (rows - 1);
    fmt::print("{:>10.4g}", study.times[k]);
    for (const Way& way : study.ways)
      if (k < way.rel_l2.size())
        fmt::print("{:>11.2f} %{:>6.2f} %", 100 * way.rel_l2[k], 100 * way.rel_l1[k]);
      else
        fmt::print("{:>21}", "-");
    fmt::print("\n");
  }
  fmt::print("\n");
  for (const Way& way : study.ways) {
    if (way.unknowns == 0) continue;
    fmt::print("{}: {} unknowns, {} points, {} steps ({} more rejected), {} right sides, {:.2f} s", way.name,
               way.unknowns, way.points, way.steps, way.rejected, way.rates, way.seconds);
    if (way.condition > 0)
      fmt::print(", condition at most {:.1e}, residual {:.2f}", way.condition, way.residual);
    fmt::print("\n");
    if (!way.stopped.empty()) fmt::print("{} stopped: {}\n", way.name, way.stopped);
  }
}

std::string csv_of(const EvolutionStudy& study) {
  std::string csv = "t";
  for (const Way& way : study.ways) csv += fmt::format(",{0}_l2,{0}_l1", way.name);
  csv += '\n';
  for (std::size_t k = 0; k < study.times.size(); ++k) {
    std::vector<double> row{study.times[k]};
    for (const Way& way : study.ways) {
      row.push_back(k < way.rel_l2.size() ? way.rel_l2[k] : NAN);
      row.push_back(k < way.rel_l1.size() ? way.rel_l1[k] : NAN);
    }
    append_row(csv, row);
  }
  return csv;
}

}  // namespace

void evolve_run(const EvolveRunOptions& options, const Common& common) {
  const FinishedRun run = read_run(options.run);
  if (run.model.pod)
    throw InputError(
        fmt::format("{} is pod, which has no coefficients to evolve; lrnr and lrnr-cheb have", run.name));
  Settings settings = run.settings;  // which notes what it is asked for
  const std::string case_name = run.case_name();
  if (case_name == "data" || !settings.get("run.data", "", "").empty())
    throw InputError(fmt::format(
        "{} was trained on a file; to be evolved, its case must be solved again: train the case itself",
        run.name));
  EvolvedCase trained{.model = low_rank_model(run.model), .case_name = case_name};
  trained.preset = preset_named(settings.get("run.preset", "demo", ""));
  trained.settings = run.settings;
  const EvolutionStudy study = evolution_study(trained, options.study);
  const Way& evolved = study.ways.front();

  const fs::path folder = options.out.empty() ? options.run / "evolution" : options.out;
  make_folder(folder);
  const std::string json =
      json_of(run, study, options.study).dump(2, ' ', false, Json::error_handler_t::replace);
  write_file(folder / "evolution.json", json + "\n");
  write_file(folder / "evolution.csv", csv_of(study));
  const bool drawn = draw_evolution(study, folder);
  if (common.json) {
    fmt::print("{}\n", json);
  } else {
    print(run, study, options.study);
    fmt::print("\nsaved in {}{}\n", folder.string(), drawn ? "" : "; no figures, gnuplot is not installed");
  }
  if (evolved.rel_l2.size() < 2)
    throw SolverError(fmt::format("{}: nothing evolved, {}", run.name, evolved.stopped));
}

}  // namespace lowtide::app
