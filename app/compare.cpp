// `lowtide compare`: runs side by side, on the same frames.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/experiments/measures.h>
#include <lowtide/io/file.h>

#include "raster.h"
#include "run_figure.h"
#include "verbs.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

namespace lowtide::app {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

struct Compared {
  FinishedRun run;
  Measures train, heldout;
  double ns_per_point = 0;
};

// Adaptive samples have no neighbours to take a total variation of; their picture on the finest grid has.
double variation_on_grid(const SavedModel& model, const Snapshots& set,
                         const std::vector<std::int64_t>& frames) {
  const std::vector<std::int64_t> which = columns_of(set, model.scaling.fields);
  const Frame2D frame = frame_of(set, 400);
  const auto [nx, ny] = frame.pixels;
  const std::int64_t n = nx * ny, c = std::ssize(which);
  Tensor x({n, 2}, Dtype::f64), truth({n, c}, Dtype::f64);
  for (std::int64_t i = 0; i < n; ++i)
    for (const std::int64_t a : {0, 1}) {
      const auto axis = static_cast<std::size_t>(a);
      const double cell = (frame.high[axis] - frame.low[axis]) / static_cast<double>(frame.pixels[axis]);
      x.mutable_data<double>()[2 * i + a] =
          frame.low[axis] + (static_cast<double>(a == 0 ? i % nx : i / nx) + .5) * cell;
    }
  MeasureSum sum;
  for (const std::int64_t k : frames) {
    for (std::int64_t f = 0; f < c; ++f) {
      const Raster raster = rasterize(set, k, which[static_cast<std::size_t>(f)], frame);
      for (std::int64_t i = 0; i < n; ++i)
        truth.mutable_data<double>()[i * c + f] = raster.values[static_cast<std::size_t>(i)];
    }
    if (!all_finite(truth)) return NAN;  // cells that do not cover the domain
    sum.add(x, ones({n}, Dtype::f64), truth, model.values(x, set.time(k), parameters_of(set, k)));
  }
  return sum.result().tv_ratio;
}

Measures measured(const SavedModel& model, const Snapshots& set, const std::vector<std::int64_t>& frames) {
  const std::vector<std::int64_t> which = columns_of(set, model.scaling.fields);
  MeasureSum sum;
  for (const std::int64_t k : frames)
    sum.add(set.points(k), set.weights(k), columns(set.values(k), which),
            model.values(set.points(k), set.time(k), parameters_of(set, k)));
  Measures result = sum.result();
  if (set.dims() == 2 && !set.fixed() && has_cells(set))
    result.tv_ratio = variation_on_grid(model, set, frames);
  return result;
}

// Of whole frames, again and again for a quarter of a second.
double nanoseconds_per_point(const SavedModel& model, const Snapshots& set) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [start = Clock::now()] {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  double points = 0;
  std::int64_t k = 0;
  do {
    model.values(set.points(k), set.time(k), parameters_of(set, k));
    points += static_cast<double>(set.values(k).shape[0]);
    k = (k + 1) % set.frames();
  } while (seconds() < .25);
  return 1e9 * seconds() / points;
}

Compared compared(const fs::path& folder, const Snapshots& set) {
  Compared result{read_run(folder), {}, {}, 0};
  const SavedModel& model = result.run.model;
  try {
    columns_of(set, model.scaling.fields);
  } catch (const InputError& error) {
    bad_input(folder.string(), "", fmt::format("not a model of these snapshots: {}", error.what()));
  }
  result.train = measured(model, set, set.training());
  result.heldout = measured(model, set, set.held_out());
  result.ns_per_point = nanoseconds_per_point(model, set);
  return result;
}

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
    numbers("training", c.train);
    if (set.held_out().empty()) continue;
    fmt::print("{:{}}", "", width + 65);
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
  for (const fs::path& folder : options.runs) all.push_back(compared(folder, set));
  if (!options.csv.empty()) write_file(options.csv, csv_of(all));
  if (!options.plot.empty()) {
    std::vector<FinishedRun> runs;
    for (const Compared& c : all) runs.push_back(c.run);
    fs::path history = options.plot;
    history.replace_filename(options.plot.stem().string() + "-history.svg");
    if (!draw_reconstruction(runs, set, options.plot) || !draw_history(runs, history))
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
