#include <fmt/format.h>
#include <lowtide/io/file.h>

#include "comparison.h"
#include "raster.h"

#include <chrono>
#include <cmath>

namespace lowtide::app {
namespace {

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

}  // namespace

Compared compared(const FinishedRun& run, const Snapshots& set) {
  Compared result{.run = run};
  const SavedModel& model = result.run.model;
  try {
    columns_of(set, model.scaling.fields);
  } catch (const InputError& error) {
    bad_input(run.name, "", fmt::format("not a model of these snapshots: {}", error.what()));
  }
  result.train = measured(model, set, set.training());
  result.heldout = measured(model, set, set.held_out());
  result.ns_per_point = nanoseconds_per_point(model, set);
  return result;
}

}  // namespace lowtide::app
