// `lowtide compare`: runs side by side, on the same frames.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/io/file.h>

#include "comparison.h"
#include "physics_figure.h"
#include "run_figure.h"
#include "verbs.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace lowtide::app {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

struct Column {
  const char* name;
  double (*value)(const Measures&);
};
constexpr Column measures[] = {{"rel_l1", [](const Measures& m) { return m.rel_l1; }},
                               {"rel_l2", [](const Measures& m) { return m.rel_l2; }},
                               {"rel_mse", [](const Measures& m) { return m.rel_mse; }},
                               {"max", [](const Measures& m) { return m.max; }},
                               {"tv_ratio", [](const Measures& m) { return m.tv_ratio; }},
                               {"shock_error", [](const Measures& m) { return m.shock_error; }}};

Json json_of(const Measures& m) {
  Json json = Json::object();
  for (const Column& c : measures) {
    const double value = c.value(m);
    json[c.name] = std::isfinite(value) ? Json(value) : Json();
  }
  return json;
}

Json json_of(const Compared& c) {
  return {{"run", c.run.name},
          {"model", c.run.model.name},
          {"params", c.run.model.parameter_count()},
          {"coefficients", c.run.model.coefficients()},
          {"steps", c.run.steps},
          {"seconds", c.run.seconds},
          {"gflop", c.run.gflop},
          {"train", json_of(c.train)},
          {"heldout", json_of(c.heldout)},
          {"eval_ns_per_point", c.ns_per_point}};
}

std::string csv_of(const std::vector<Compared>& all) {
  std::string text = "run,model,params,coefficients,steps,seconds,gflop,eval_ns_per_point";
  for (const char* part : {"train", "heldout"})
    for (const Column& c : measures) text += fmt::format(",{}_{}", part, c.name);
  text += '\n';
  for (const Compared& c : all) {
    std::string name = c.run.name;  // quoted as RFC 4180 wants it
    for (std::size_t at = 0; (at = name.find('"', at)) != std::string::npos; at += 2) name.insert(at, 1, '"');
    text += fmt::format("\"{}\",{},{},{},{},{},{},{}", name, c.run.model.name, c.run.model.parameter_count(),
                        c.run.model.coefficients(), c.run.steps, c.run.seconds, c.run.gflop, c.ns_per_point);
    for (const Measures* m : {&c.train, &c.heldout})
      for (const Column& column : measures) text += fmt::format(",{}", column.value(*m));
    text += '\n';
  }
  return text;
}

void print(const std::vector<Compared>& all, const Snapshots& set) {
  std::size_t width = 3;
  for (const Compared& c : all) width = std::max(width, c.run.name.size());
  fmt::print("{:<{}} {:<11} {:>9} {:>6} {:>7} {:>8} {:>9} {:>8}   {:<9} {:>8} {:>8} {:>8} {:>6} {:>8}\n", "run",
             width, "model", "params", "n", "steps", "seconds", "GFLOP", "ns/point", "frames", "L1", "L2",
             "max", "TV", "shock");
  const auto numbers = [](const char* frames, const Measures& m) {
    fmt::print("   {:<9} {:>8.2e} {:>8.2e} {:>8.2e} {:>6.3f} {:>8.2e}\n", frames, m.rel_l1, m.rel_l2, m.max,
               m.tv_ratio, m.shock_error);
  };
  for (const Compared& c : all) {
    fmt::print("{:<{}} {:<11} {:>9} {:>6} {:>7} {:>8.1f} {:>9.0f} {:>8.1f}", c.run.name, width,
               c.run.model.name, c.run.model.parameter_count(), c.run.model.coefficients(), c.run.steps,
               c.run.seconds, c.run.gflop, c.ns_per_point);
    if (!set.training().empty()) numbers("training", c.train);
    if (set.held_out().empty()) continue;
    if (!set.training().empty()) fmt::print("{:{}}", "", width + 65);
    numbers("held out", c.heldout);
  }
}

}  // namespace

void compare_runs(const CompareOptions& options, const Common& common) {
  if (options.runs.empty())
    throw InputError(fmt::format("compare which runs? {} compare DIR DIR ...", program_name()));
  const Snapshots set =
      options.data.empty() ? snapshots_of(read_run(options.runs[0])) : read_snapshots(options.data);
  std::vector<Compared> all;
  for (const fs::path& folder : options.runs) all.push_back(compared(read_run(folder), set));
  if (!options.csv.empty()) write_file(options.csv, csv_of(all));
  if (!options.plot.empty()) {
    std::vector<FinishedRun> runs;
    for (const Compared& c : all) runs.push_back(c.run);
    fs::path history = options.plot;
    history.replace_filename(options.plot.stem().string() + "-history.svg");
    const bool equation = solves_an_equation(runs[0].model);
    if (!(set.dims() > 2 ? draw_agreement(runs, set, options.plot)
                         : draw_reconstruction(runs, set, options.plot)) ||
        !(equation ? draw_progress(runs, history) : draw_history(runs, history)))
      fmt::print(stderr, "{}: no picture, gnuplot is not installed; its script and data are there\n",
                 program_name());
    else if (!common.json)
      fmt::print("pictures: {}, {}\n", options.plot.string(), history.string());
  }
  if (!common.json) return print(all, set);
  Json list = Json::array();
  for (const Compared& c : all) list.push_back(json_of(c));
  fmt::print("{}\n", list.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace lowtide::app
