#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/evolution_study.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/matrix.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace lowtide {
namespace {

using Values = std::map<std::string, std::string>;

constexpr const char* known[] = {"advection2d", "burgers2d", "acoustics2d", "euler1d"};
// What the study itself decides, or what POD's modes and the points stand on.
constexpr const char* fixed[] = {"t_end", "frames", "heldout", "ratios", "cells", "tolerance", "buffer"};

[[noreturn]] void unknown_equation(const std::string& case_name) {
  throw InputError(
      fmt::format("the equation of {} is not known here; those of {} are", case_name, fmt::join(known, ", ")));
}

// What was given for a setting of the run; empty: nothing.
std::string text_of(const EvolvedCase& trained, const std::string& name) {
  Settings copy = trained.settings;  // which notes what it is asked for
  return copy.get(name, "", "");
}

// What the case says it has, whatever else a run's settings hold.
Values settings_of_case(const EvolvedCase& trained) {
  CaseRun probe(trained.case_name, trained.preset, Settings{});
  probe.quiet();
  probe.only_settings();
  try {
    case_named(trained.case_name).make(probe);
  } catch (const CaseRun::OnlySettings&) {
  }
  Values out;
  for (const Settings::Used& used : probe.settings().used())
    if (const std::string given = text_of(trained, used.name); !given.empty()) out[used.name] = given;
  return out;
}

Values with_changes(Values settings, const std::vector<std::string>& changed) {
  for (const std::string& text : changed) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw InputError(fmt::format("setting '{}': name=value expected", text));
    const std::string name = text.substr(0, equals);
    if (std::find(std::begin(fixed), std::end(fixed), name) != std::end(fixed))
      throw InputError(fmt::format("setting {} cannot be changed: {}", name,
                                   name == "t_end" ? "--to says how far" : "the trained model stands on it"));
    settings[name] = text.substr(equals + 1);
  }
  return settings;
}

// The case on its full grid, in as many frames at equal distances.
Snapshots solved(const EvolvedCase& trained, Values settings, double t_end, std::int64_t frames,
                 const std::string& heldout) {
  settings["ratios"] = "";
  settings["t_end"] = fmt::format("{}", t_end);
  settings["frames"] = fmt::format("{}", frames);
  settings["heldout"] = heldout;
  std::vector<std::string> words;
  for (const auto& [name, value] : settings) words.push_back(name + "=" + value);
  CaseRun run(trained.case_name, trained.preset, Settings(words));
  run.quiet();
  return case_named(trained.case_name).make(run);
}

pde::Grid grid_of(const Snapshots& set) {
  pde::Grid grid{.dims = static_cast<int>(set.dims())};
  if (std::ssize(set.grid) != set.dims() || !set.fixed())
    throw InputError(fmt::format("{} is not solved on one grid", set.case_name));
  for (std::size_t a = 0; a < set.grid.size(); ++a) {
    grid.cells[a] = set.grid[a];
    grid.low[a] = set.low[a];
    grid.high[a] = set.high[a];
    for (std::size_t side : {2 * a, 2 * a + 1})
      grid.sides[side] = pde::boundary_named(set.boundary[set.boundary.size() == 1 ? 0 : side]);
  }
  return grid;
}

// A frame's fields in the order of the model, divided by their size.
Tensor frame_of(const Snapshots& set, std::int64_t k, const Scaling& scaling) {
  Tensor u = columns(set.values(k), columns_of(set, scaling.fields));
  double* to = u.mutable_data<double>();
  for (std::int64_t i = 0; i < u.size(); ++i) to[i] /= scaling.size[static_cast<std::size_t>(i % u.shape[1])];
  return u;
}

// How many frames from 0 to `to`, so that `from` is one of them and about twenty or more follow; if no number
// of frames does, the nearest frame is taken.
struct Frames {
  std::int64_t count = 0, first = 0;
};
Frames frames_between(double from, double to) {
  Frames best{.count = 0};
  double nearest = 1;
  for (std::int64_t after = 20; after <= 60; ++after) {
    const double before = from / (to - from) * static_cast<double>(after),
                 off = std::abs(before - std::round(before));
    if (off < nearest - 1e-6) {
      nearest = off;
      best = {std::lround(before) + after + 1, std::lround(before)};
    }
  }
  return best;
}

// Every few cells of the grid in each direction, at most so many.
std::vector<std::int64_t> candidates_of(const pde::Grid& grid, std::int64_t most) {
  std::int64_t stride = 1;
  const auto count = [&] {
    std::int64_t n = 1;
    for (std::size_t a = 0; a < static_cast<std::size_t>(grid.dims); ++a)
      n *= (grid.cells[a] + stride - 1) / stride;
    return n;
  };
  while (count() > most) ++stride;
  std::vector<std::int64_t> out;
  for (std::int64_t j = 0; j < grid.cells[1]; j += stride)
    for (std::int64_t i = 0; i < grid.cells[0]; i += stride) out.push_back(j * grid.cells[0] + i);
  return out;
}

struct Errors {
  double l1 = 0, l2 = 0;
};
Errors errors_of(const Tensor& u, const Tensor& truth) {
  double d1 = 0, d2 = 0, y1 = 0, y2 = 0;
  for (std::int64_t i = 0; i < truth.size(); ++i) {
    const double d = u.at(i) - truth.at(i), y = truth.at(i);
    d1 += std::abs(d), d2 += d * d;
    y1 += std::abs(y), y2 += y * y;
  }
  return {d1 / (y1 > 0 ? y1 : 1), std::sqrt(d2 / (y2 > 0 ? y2 : 1))};
}

void add(EvolutionStudy& study, Way way, std::size_t times) {
  for (std::size_t k = 0; k < times; ++k) {
    const Errors e = errors_of(way.field(k), study.truth[k]);
    way.rel_l1.push_back(e.l1);
    way.rel_l2.push_back(e.l2);
  }
  study.ways.push_back(std::move(way));
}

Way way_of(const std::string& name, const ModePath& found, std::int64_t points) {
  return {.name = name,
          .unknowns = found.states.shape[1],
          .points = points,
          .steps = found.steps,
          .rejected = found.rejected,
          .rates = found.rates,
          .seconds = found.seconds,
          .condition = found.condition,
          .residual = found.residual,
          .stopped = found.stopped};
}

Tensor state_of(const Tensor& states, std::size_t k) {
  const auto row = static_cast<std::int64_t>(k);
  return states.rows(row, row + 1).reshaped({states.shape[1]});
}

}  // namespace

Equation equation_of(const std::string& case_name, const Values& settings) {
  const auto number = [&](const char* name) { return std::stod(settings.at(name)); };
  if (case_name == "advection2d") return swirl_equation(number("period"));
  if (case_name == "burgers2d") return burgers_equation(2);
  if (case_name == "acoustics2d") return acoustics_equation(2, number("density"), number("bulk_modulus"));
  if (case_name == "euler1d") return euler_equation(number("gamma"));
  unknown_equation(case_name);
}

EvolutionStudy evolution_study(const EvolvedCase& trained, const EvolutionOptions& options) {
  const LowRankModel& model = trained.model;
  const Range learned = model.scaling.t[0];
  if (model.scaling.parameters() > 0)
    throw InputError("a model with parameters beside time is not evolved; train one of time alone");
  const double window = learned.high - learned.low,
               from = options.from.value_or(options.changed.empty() ? learned.high : learned.low),
               to = options.to.value_or(from + window);
  if (!(from >= learned.low && from <= learned.high))
    throw InputError(fmt::format("--from {} is not within the times that were learned, {} to {}", from,
                                 learned.low, learned.high));
  if (!(to > from) || !(to <= learned.low + 100 * window))
    throw InputError(
        fmt::format("--to {}: a time after {} expected, and at most {}", to, from, learned.low + 100 * window));
  const Values standard = settings_of_case(trained), settings = with_changes(standard, options.changed);
  if (std::find(std::begin(known), std::end(known), trained.case_name) == std::end(known))
    unknown_equation(trained.case_name);

  EvolutionStudy study{
      .fields = model.scaling.fields, .size = model.scaling.size, .learned_until = learned.high};
  const Frames frames = frames_between(from, to);
  const Snapshots truth = solved(trained, settings, to, frames.count, "0");
  const Equation equation = equation_of(trained.case_name, truth.settings);
  if (model.scaling.fields != equation.fields)
    throw InputError(fmt::format("the model has learned {}, and the equation needs {}; train it with fields={}",
                                 fmt::join(model.scaling.fields, ", "), fmt::join(equation.fields, ", "),
                                 fmt::join(equation.fields, ",")));
  study.grid = grid_of(truth);
  study.x = truth.points(0);
  for (std::int64_t k = frames.first; k < truth.frames(); ++k) {
    study.times.push_back(truth.time(k));
    study.truth.push_back(frame_of(truth, k, model.scaling));
  }
  const std::size_t count = study.times.size();

  ModeProblem problem = mode_problem(model, equation, study.grid, options.form, options.modes);
  problem.limiter = pde::limiter_named(truth.settings.at("limiter"));
  problem.regularization = options.regularization;
  const std::vector<std::int64_t> cells = candidates_of(study.grid, options.candidates);
  const Tensor candidates = rows_of(study.x, cells);
  const std::int64_t wanted = options.points < 0 ? 12 * problem.count() : options.points;
  if (wanted > 0 && wanted * std::ssize(study.fields) < problem.count())
    throw InputError(fmt::format("{} points are too few for {} modes", wanted, problem.count()));
  const EvolveOptions steps{.tolerance = options.tolerance, .refresh = options.refresh ? wanted : 0};

  // Where it starts: where the model is; with other settings, which another solution has led to, as near to
  // that as the network can be.
  Tensor start = problem.coordinates_at(study.times.front());
  if (!options.changed.empty())
    start = nearest_coordinates(problem, candidates, rows_of(study.truth.front(), cells), start);

  Tensor points = candidates;
  if (wanted > 0) {
    constexpr std::int64_t times = 16;
    const Tensor states = coordinates(problem.modes, model.coefficients(linspace(-1, 1, times, Dtype::f64)));
    std::vector<double> physical;
    for (std::int64_t k = 0; k < times; ++k)
      physical.push_back(learned.low + static_cast<double>(k) / (times - 1) * window);
    points =
        rows_of(candidates, chosen_points(problem, candidates, states, physical, wanted, options.selector));
  }
  study.points = points;

  const auto on_grid = [problem, x = study.x](const Tensor& c) { return problem.field(x, c); };
  const ModePath moved = evolved(problem, points, candidates, start, study.times, steps);
  Way evolved_way = way_of("evolved", moved, points.shape[0]);
  evolved_way.field = [=](std::size_t k) { return on_grid(state_of(moved.states, k)); };
  add(study, std::move(evolved_way), static_cast<std::size_t>(moved.times.size()));
  add(study, {.name = "frozen", .field = [=](std::size_t) { return on_grid(start); }}, count);
  add(study,
      {.name = "network",
       .field =
           [problem, x = study.x, times = study.times](std::size_t k) {
             const LowRankModel& network = problem.model;
             return values(network.weights, network.scaled_points(x),
                           network.coefficients(full({1}, network.scaled_time(times[k]), Dtype::f64)));
           }},
      count);

  // POD of the training frames, of the same size.
  const auto setting = [&](const char* name, const char* otherwise) {
    const std::string given = text_of(trained, name);
    return given.empty() ? std::string(otherwise) : given;
  };
  const Snapshots seen =
      solved(trained, standard, learned.high, std::stoll(setting("frames", "81")), setting("heldout", "8"));
  const std::vector<std::int64_t> training = seen.training();
  const std::int64_t n = study.x.shape[0], c = std::ssize(study.fields);
  Tensor u({std::ssize(training), n, c}, Dtype::f64), t({std::ssize(training)}, Dtype::f64);
  for (std::size_t k = 0; k < training.size(); ++k) {
    const Tensor frame = frame_of(seen, training[k], model.scaling);
    std::copy_n(frame.data<double>(), n * c, u.mutable_data<double>() + static_cast<std::int64_t>(k) * n * c);
    t.mutable_data<double>()[k] = seen.time(training[k]);
  }
  const std::int64_t rank = std::min(problem.count(), std::ssize(training));
  const PodProblem pod{.pod = make_pod(u, t, rank, InTime::linear, seen.weights(0)),
                       .equation = equation,
                       .grid = study.grid,
                       .x = study.x,
                       .weights = seen.weights(0),
                       .size = model.scaling.size,
                       .limiter = problem.limiter};
  const ModePath pod_moved = evolved(pod, pod.coordinates(study.truth.front()), study.times, steps);
  Way pod_way = way_of("pod", pod_moved, n);
  pod_way.field = [=](std::size_t k) { return pod.field(state_of(pod_moved.states, k)); };
  add(study, std::move(pod_way), static_cast<std::size_t>(pod_moved.times.size()));

  if (options.nearest) {
    std::vector<Tensor> states;
    Tensor near = start;
    for (std::size_t k = 0; k < count; ++k) {
      near = nearest_coordinates(problem, candidates, rows_of(study.truth[k], cells), near);
      states.push_back(near);
    }
    add(study, {.name = "nearest", .field = [=](std::size_t k) { return on_grid(states[k]); }}, count);
    add(study,
        {.name = "pod nearest",
         .field = [pod, all = study.truth](std::size_t k) { return pod.field(pod.coordinates(all[k])); }},
        count);
  }
  return study;
}

}  // namespace lowtide
