// `lowtide eval`: the field of a trained model at times and points of the user's choice.
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/npy.h>

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
  double* to = all.mutable_data<double>();
  for (const double t : options.times) {
    const Tensor u = model.values(x, t, options.mu);
    to = std::copy_n(u.data<double>(), u.size(), to);
  }
  write_npy(all, options.out);
  warn_of_times_outside(model.scaling, options.times);
  if (common.json)
    fmt::print("{}\n", nlohmann::ordered_json{{"file", options.out.string()},
                                              {"shape", {std::ssize(options.times), n, c}},
                                              {"fields", model.scaling.fields}}
                           .dump(2));
  else
    fmt::print("{}: {} times, {} points, {} fields\n", options.out.string(), options.times.size(), n, c);
}

}  // namespace lowtide::app
