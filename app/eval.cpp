// `lowtide eval`: the field of a trained model at times and points of the user's choice.
#include <fmt/format.h>
#include <lowtide/experiments/low_rank_model.h>
#include <lowtide/io/file.h>
#include <lowtide/io/npy.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/reduction/point_model.h>

#include "points.h"
#include "run_folder.h"
#include "verbs.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace lowtide::app {
namespace fs = std::filesystem;

namespace {

Tensor points_from(const fs::path& path, std::int64_t dims) {
  const Array array = parse_npy(read_file(path), path.string());
  if (!array.numbers) bad_input(path.string(), "", "floating-point numbers expected");
  const Tensor& x = array.numbers;
  const bool line = x.shape.rank() == 1 && dims == 1;
  if (!line && (x.shape.rank() != 2 || x.shape[1] != dims))
    bad_input(path.string(), "", fmt::format("points (n,{}) expected, found {}", dims, to_string(x.shape)));
  if (!all_finite(x)) bad_input(path.string(), "", "points that are not finite");
  return x.reshaped({x.shape[0], dims}).cast(Dtype::f64);
}

struct ByFastLrnr {
  Tensor values{};           // (times,points,fields), physical
  double bound = 0;          // the largest of the points
  std::int64_t network = 0;  // values that the network itself was asked for
};

// A FastLRNR for each point, of as many ranks and pieces of time as the tolerance takes.
ByFastLrnr by_fast_lrnr(const LowRankModel& model, const Tensor& x, const std::vector<double>& times,
                        double tolerance) {
  const std::int64_t n = x.shape[0], c = model.weights.out(), k = std::ssize(times);
  const Tensor points = model.scaled_points(x);
  Tensor t({k}, Dtype::f64);
  for (std::int64_t i = 0; i < k; ++i)
    t.mutable_data<double>()[i] = model.scaled_time(times[static_cast<std::size_t>(i)]);
  std::vector<Tensor> fields(static_cast<std::size_t>(n));
  std::vector<double> bounds(fields.size());
  std::vector<std::int64_t> network(fields.size());
  const PieceOptions pieces{
      .tolerance = tolerance, .rank = model.weights.layer(0).out(), .ranks = Ranks::error};
  parallel_for(n, [&](std::int64_t p) {
    const auto at = static_cast<std::size_t>(p);
    const PointModel fast = point_model(model.weights, model.coefficients, points.rows(p, p + 1), pieces);
    fields[at] = model.physical_values(fast.values(0, t, &network[at]));
    bounds[at] = fast.bound();
  });
  ByFastLrnr out{.values = Tensor({k, n, c}, Dtype::f64)};
  for (std::int64_t p = 0; p < n; ++p) {
    const auto at = static_cast<std::size_t>(p);
    for (std::int64_t i = 0; i < k; ++i)
      std::copy_n(fields[at].data<double>() + i * c, c, out.values.mutable_data<double>() + (i * n + p) * c);
    out.bound = std::max(out.bound, bounds[at]);
    out.network += network[at];
  }
  return out;
}

}  // namespace

void evaluate_run(const EvalOptions& options, const Common& common) {
  const FinishedRun run = read_run(options.run);
  const SavedModel& model = run.model;
  if (options.times.empty()) throw InputError("eval at which times? --t 0.1,0.2");
  if (!options.force && fs::exists(options.out))
    throw InputError(fmt::format("{} exists; --force overwrites it", options.out.string()));
  const Tensor x = !options.points.empty() ? points_from(options.points, model.scaling.dims())
                   : model.pod && options.grid == 0
                       ? model.grid
                       : grid_of(model.scaling, options.grid == 0 ? 100 : options.grid);
  const std::int64_t n = x.shape[0], c = std::ssize(model.scaling.fields);
  Tensor all({std::ssize(options.times), n, c}, Dtype::f64);
  std::string told;
  nlohmann::ordered_json json{{"file", options.out.string()},
                              {"shape", {std::ssize(options.times), n, c}},
                              {"fields", model.scaling.fields}};
  if (options.fast > 0) {
    ByFastLrnr fast = by_fast_lrnr(low_rank_model(model, options.mu), x, options.times, options.fast);
    told = fmt::format("; by FastLRNR, bound {:.1e} at validation times, {} values from the network itself",
                       fast.bound, fast.network);
    json["bound"] = fast.bound;
    json["from_network"] = fast.network;
    all = std::move(fast.values);
  } else {
    double* to = all.mutable_data<double>();
    for (const double t : options.times) {
      const Tensor u = model.values(x, t, options.mu);
      to = std::copy_n(u.data<double>(), u.size(), to);
    }
  }
  write_npy(all, options.out);
  warn_of_times_outside(model.scaling, options.times);
  if (common.json)
    fmt::print("{}\n", json.dump(2));
  else
    fmt::print("{}: {} times, {} points, {} fields{}\n", options.out.string(), options.times.size(), n, c,
               told);
}

}  // namespace lowtide::app
