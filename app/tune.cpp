// `lowtide tune`: a low-rank model that has learned an equation for some values of its parameters, tuned to
// others.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/experiments/reduced_equation.h>
#include <lowtide/io/file.h>
#include <lowtide/io/safetensors.h>
#include <lowtide/linalg/matrix.h>

#include "run_folder.h"
#include "verbs.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

namespace lowtide::app {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr double beyond = .1;  // of a parameter's range, on either side: as far as s = hyper(mu) is of use

using Values = std::vector<std::vector<double>>;

std::vector<double> row(const Tensor& a, std::int64_t k) { return to_vector(a.rows(k, k + 1)); }

struct Learned {  // a run whose model can be tuned
  FinishedRun run;
  std::shared_ptr<const Pinn> pinn;
  LowRankWeights net;
  CoefficientsOf coefficients;
};

Learned learned(const fs::path& folder) {
  Learned out{.run = read_run(folder), .pinn = {}, .net = {}, .coefficients = {}};
  const SavedModel& model = out.run.model;
  if (!model.from_equation)
    throw InputError(
        fmt::format("{} has learned from data, not from an equation that could tune it", out.run.name));
  const auto factors = low_rank(model.net);
  if (!factors) throw InputError(fmt::format("{} has no low-rank coefficients to tune; lrnr has", model.name));
  out.pinn = pinn_of(out.run.settings);
  if (!out.pinn || out.pinn->parameters.empty())
    throw InputError(
        fmt::format("the equation of {} has no parameters that could be other ones; those of "
                    "pinn_convection_family1d and pinn_burgers_family1d have",
                    out.run.case_name()));
  out.net = weights_of(*factors, model.theta);
  Vars theta;
  for (const Tensor& part : model.theta) theta.emplace_back(part.cast(Dtype::f64));
  out.coefficients = [net = model.net, theta = std::move(theta), pinn = out.pinn](const Tensor& mu) {
    Values values;
    for (std::int64_t k = 0; k < mu.shape[0]; ++k) values.push_back(row(mu, k));
    return coefficients_at_times(net, theta, Var(pinn_parameters(*pinn, values, Dtype::f64))).value();
  };
  return out;
}

// The values asked for, or those of the case's own reference.
Values values_of(const Learned& model, const std::vector<double>& given) {
  const Pinn& pinn = *model.pinn;
  const std::size_t p = pinn.parameters.size();
  if (given.size() % p != 0)
    throw InputError(fmt::format("--mu: {} numbers are no whole number of ({})", given.size(),
                                 fmt::join(pinn.parameters, ", ")));
  Values values;
  for (std::size_t i = 0; i < given.size(); i += p) {
    values.emplace_back(given.begin() + static_cast<std::ptrdiff_t>(i),
                        given.begin() + static_cast<std::ptrdiff_t>(i + p));
    for (std::size_t k = 0; k < p; ++k) {
      const double low = pinn.parameter_box.low[k], high = pinn.parameter_box.high[k],
                   slack = beyond * (high - low);
      const double mu = values.back()[k];
      if (!(mu >= low - slack && mu <= high + slack))
        throw InputError(
            fmt::format("--mu: {} = {} is outside of [{:.6g}, {:.6g}], what it was trained on and a "
                        "tenth of that on either side",
                        pinn.parameters[k], mu, low - slack, high + slack));
    }
  }
  return values;
}

// The solution at these values, all its frames held out.
Snapshots solution_at(const Learned& model, const Values& values) {
  Settings settings = model.run.settings;
  if (!values.empty()) {
    if (!settings_of(settings).values().contains("new_values") || model.pinn->parameters.size() > 1)
      throw InputError(
          fmt::format("{} does not give its solution at other parameters: it has no setting new_values",
                      model.run.case_name()));
    std::string text;
    for (const auto& value : values) text += fmt::format("{}{}", text.empty() ? "" : ",", value[0]);
    settings = Settings({"new_values=" + text});  // which wins over the file
    settings.add_file(fs::path(model.run.name) / "config.toml");
  }
  return prepare(settings, true).set;
}

// Relative l2 error over all held-out frames of these parameters, and the points they are at.
double error_at(const EquationAt& equation, const Tensor& s, const Snapshots& solution, bool in_time) {
  double wrong = 0, size = 0;
  for (const std::int64_t frame : solution.held_out()) {
    if (parameters_of(solution, frame) != equation.mu) continue;
    const Tensor x = solution.points(frame), truth = solution.values(frame);
    const std::int64_t n = x.shape[0], d = x.shape[1];
    Tensor inputs({n, d + (in_time ? 1 : 0)}, Dtype::f64);
    double* to = inputs.mutable_data<double>();
    for (std::int64_t i = 0; i < n; ++i) {
      to = std::copy_n(x.data<double>() + i * d, d, to);
      if (in_time) *to++ = solution.time(frame);
    }
    const Tensor u = field_at(equation, inputs, s);
    for (std::int64_t i = 0; i < u.size(); ++i) {
      wrong += std::pow(u.at(i) - truth.at(i), 2);
      size += truth.at(i) * truth.at(i);
    }
  }
  return size > 0 ? std::sqrt(wrong / size) : std::sqrt(wrong);
}

struct One {                                // of the table
  double error = 0, loss = 0, seconds = 0;  // seconds a step
  std::int64_t steps = 0;
  Tensor s{};
};
struct Row {
  std::vector<double> mu;
  One before, between, full, fast;  // between learned ones
};

One tuned(const EquationAt& by, const EquationAt& whole, const Tensor& s, const TuneOptions& options,
          const Snapshots& solution, bool in_time) {
  const Tuned found = tune(by, s, options);
  return {.error = error_at(whole, found.s, solution, in_time),
          .loss = value([&](const Vars& p) { return loss(whole, p[0]); }, {found.s}).item(),
          .seconds = found.seconds / static_cast<double>(std::max<std::int64_t>(1, found.steps)),
          .steps = found.steps,
          .s = found.s};
}

Json json_of(const One& one) {
  return {{"rel_l2", one.error}, {"loss", one.loss}, {"steps", one.steps}, {"seconds_per_step", one.seconds}};
}

// Coefficients that were tuned before, ordered by the value of a single parameter.
struct Before {
  Tensor mu{}, s{};  // (k,p), (k,n)
};
Before read_learned(const fs::path& path, const Learned& model) {
  const TensorFile file = read_safetensors(path);
  const auto p = std::ssize(model.pinn->parameters), n = model.net.coefficients();
  const Before found{file.at("mu").cast(Dtype::f64), file.at("s").cast(Dtype::f64)};
  const std::int64_t k = found.mu.shape.rank() == 2 ? found.mu.shape[0] : 0;
  if (k < 1 || found.mu.shape != Shape({k, p}) || found.s.shape != Shape({k, n}))
    throw InputError(fmt::format("{} holds mu {} and s {}; of this model they are (k,{}) and (k,{})",
                                 path.string(), to_string(found.mu.shape), to_string(found.s.shape), p, n));
  std::vector<std::int64_t> order(static_cast<std::size_t>(k));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return found.mu.at(a * p) < found.mu.at(b * p); });
  return {rows_of(found.mu, order), rows_of(found.s, order)};
}

// hyper(mu) and what tuning added to it at the values on either side, linearly: the rival of tuning anew. One
// parameter only.
Tensor between_learned(const Learned& model, const Before& before, double mu) {
  const std::int64_t k = before.mu.shape[0], n = before.s.shape[1];
  std::int64_t right = 0;
  while (right < k && before.mu.at(right) < mu) ++right;
  const std::int64_t left = std::max<std::int64_t>(0, right - 1);
  right = std::min(right, k - 1);
  const double step = before.mu.at(right) - before.mu.at(left),
               weight = step > 0 ? (mu - before.mu.at(left)) / step : 0;
  const Tensor at_nodes = model.coefficients(before.mu);
  Tensor s = model.coefficients(full({1, 1}, mu, Dtype::f64)).reshaped({n}).clone();
  for (std::int64_t j = 0; j < n; ++j)
    s.mutable_data<double>()[j] += (1 - weight) * (before.s.at(left * n + j) - at_nodes.at(left * n + j)) +
                                   weight * (before.s.at(right * n + j) - at_nodes.at(right * n + j));
  return s;
}

// Seconds of a loss and its gradient by s: the least of some.
double gradient_seconds(const EquationAt& equation, const Tensor& s) {
  using Clock = std::chrono::steady_clock;
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 5; ++i) {
    const Clock::time_point start = Clock::now();
    loss_and_gradient(equation, s);
    least = std::min(least, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return least;
}

void save(const fs::path& path, const Learned& model, const std::vector<Row>& rows, bool fast) {
  const auto p = std::ssize(model.pinn->parameters), n = model.net.coefficients(), k = std::ssize(rows);
  Tensor mu({k, p}, Dtype::f64), s({k, n}, Dtype::f64);
  double *to_mu = mu.mutable_data<double>(), *to_s = s.mutable_data<double>();
  for (const Row& row : rows) {
    to_mu = std::copy(row.mu.begin(), row.mu.end(), to_mu);
    to_s = std::copy_n((fast ? row.fast : row.full).s.data<double>(), n, to_s);
  }
  write_safetensors({.tensors = {{"mu", mu}, {"s", s}},
                     .metadata = {{"kind", "lowtide coefficients 1"},
                                  {"parameters", fmt::format("{}", fmt::join(model.pinn->parameters, ","))},
                                  {"tuned_by", fast ? "reduced network" : "network"}}},
                    path);
}

}  // namespace

void tune_run(const TuneRunOptions& o, const Common& common) {
  const Learned model = learned(o.run);
  Values values = values_of(model, o.mu);
  if (!o.out.empty() && fs::exists(o.out) && !o.force)
    throw InputError(fmt::format("{} exists; --force overwrites it", o.out.string()));
  const std::int64_t width = model.net.layer(0).out();
  if (o.fast && o.rank > width)
    throw InputError(
        fmt::format("--fast {}: larger than the width {} of the network's hidden layers", o.rank, width));
  ReducedOptions few = o.reduced;
  few.rank = o.rank > 0 ? o.rank : std::min(few.rank, width);
  const Snapshots solution = solution_at(model, values);
  if (values.empty())
    for (const std::int64_t frame : solution.held_out())
      if (const auto mu = parameters_of(solution, frame); values.empty() || values.back() != mu)
        values.push_back(mu);

  const Stream stream(0, "tune");
  const auto points = tuning_points(*model.pinn, o.points, stream.child("full"));
  const Before learned = o.learned.empty() ? Before{} : read_learned(o.learned, model);
  const bool between = !o.learned.empty() && model.pinn->parameters.size() == 1;
  if (o.from_learned && !between)
    throw InputError("--from-learned: needs --learned, and an equation of one parameter");
  const auto directions = [&](std::int64_t count) {
    return o.learned.empty() ? tuning_directions(*model.pinn, model.coefficients, count)
                             : learned_directions(model.coefficients, learned.mu, learned.s, count);
  };
  TuneOptions options = o.tune, fast_options = o.tune;
  if (o.modes > 0) options.directions = directions(o.modes);
  if (o.fast_modes > 0) fast_options.directions = directions(o.fast_modes);
  if (!o.learned.empty()) few.directions = fast_options.directions;
  ReducedEquation reduced;
  double gradient_whole = 0, gradient_same = 0, gradient_few = 0;
  if (o.fast) {
    reduced = reduced_equation(model.pinn, model.net, model.coefficients, few, stream);
    const Tensor s =
        model.coefficients(from({1, std::ssize(values[0])}, values[0])).reshaped({model.net.coefficients()});
    gradient_whole = gradient_seconds({model.pinn, values[0], model.net, {}, points}, s);
    gradient_same = gradient_seconds({model.pinn, values[0], model.net, {}, reduced.points}, s);
    gradient_few = gradient_seconds(reduced.at(model.pinn, values[0]), s);
  }

  const bool in_time = model.pinn->in_time();
  std::vector<Row> rows;
  for (const std::vector<double>& mu : values) {
    const EquationAt whole{model.pinn, mu, model.net, {}, points};
    const Tensor s = model.coefficients(from({1, std::ssize(mu)}, mu)).reshaped({model.net.coefficients()});
    Row row;
    row.mu = mu;
    row.before.error = error_at(whole, s, solution, in_time);
    row.before.loss = value([&](const Vars& p) { return loss(whole, p[0]); }, {s}).item();
    const Tensor start = between ? between_learned(model, learned, mu[0]) : s;
    if (between) row.between.error = error_at(whole, start, solution, in_time);
    row.full = tuned(whole, whole, s, options, solution, in_time);
    if (o.fast)
      row.fast =
          tuned(reduced.at(model.pinn, mu), whole, o.from_learned ? start : s, fast_options, solution, in_time);
    rows.push_back(std::move(row));
  }
  if (!o.out.empty()) save(o.out, model, rows, o.fast);

  Json table = Json::array();
  for (const Row& row : rows) {
    table.push_back({{"mu", row.mu},
                     {"before", {{"rel_l2", row.before.error}, {"loss", row.before.loss}}},
                     {"full", json_of(row.full)}});
    if (between) table.back()["between_learned"] = {{"rel_l2", row.between.error}};
    if (o.fast) table.back()["reduced"] = json_of(row.fast);
  }
  Json json{{"run", model.run.name},
            {"parameters", model.pinn->parameters},
            {"coefficients", model.net.coefficients()},
            {"method", name_of(options.by)},
            {"points", points->count},
            {"values", table}};
  if (o.fast)
    json["reduced"] = {{"rank", few.rank},
                       {"one_basis", few.cluster == 0},
                       {"cluster", few.cluster},
                       {"points", reduced.points->count},
                       {"seconds_to_make", reduced.seconds},
                       {"gradient_seconds", gradient_few},
                       {"gradient_seconds_network", gradient_whole},
                       {"gradient_seconds_network_same_points", gradient_same}};
  if (!o.out.empty()) json["coefficients_file"] = o.out.string();
  if (common.json) {
    fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
    return;
  }
  fmt::print("{}: {} coefficients tuned by {} at {} points", model.run.name, model.net.coefficients(),
             name_of(options.by), points->count);
  if (o.modes > 0) fmt::print(", along {} directions", options.directions.shape[1]);
  if (o.fast)
    fmt::print("; reduced: rank {}, {} points, {}, made in {:.2g} s", few.rank, reduced.points->count,
               o.fast_modes > 0 ? fmt::format("along {} directions", fast_options.directions.shape[1])
                                : "in all directions",
               reduced.seconds);
  if (o.fast)
    fmt::print(
        "\na gradient by the network {:.2e} s, at {} points {:.2e} s; reduced {:.2e} s: {:.0f}x and {:.1f}x",
        gradient_whole, reduced.points->count, gradient_same, gradient_few, gradient_whole / gradient_few,
        gradient_same / gradient_few);
  fmt::print("\nrelative l2 errors and seconds a step\n{:>12}{:>12}",
             fmt::format("{}", fmt::join(model.pinn->parameters, ",")), "before");
  if (between) fmt::print("{:>12}", "between");
  fmt::print("{:>12}{:>7}{:>12}", "full", "steps", "s/step");
  if (o.fast) fmt::print("{:>12}{:>7}{:>12}{:>8}", "reduced", "steps", "s/step", "ratio");
  fmt::print("\n");
  for (const Row& row : rows) {
    fmt::print("{:>12}{:>12.2e}", fmt::format("{:.5g}", fmt::join(row.mu, ",")), row.before.error);
    if (between) fmt::print("{:>12.2e}", row.between.error);
    fmt::print("{:>12.2e}{:>7}{:>12.2e}", row.full.error, row.full.steps, row.full.seconds);
    if (o.fast)
      fmt::print("{:>12.2e}{:>7}{:>12.2e}{:>7.1f}x", row.fast.error, row.fast.steps, row.fast.seconds,
                 row.full.seconds / row.fast.seconds);
    fmt::print("\n");
  }
  if (!o.out.empty()) fmt::print("\ncoefficients saved in {}\n", o.out.string());
}

}  // namespace lowtide::app
