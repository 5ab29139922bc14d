#include <fmt/format.h>
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/physics/levenberg_marquardt.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

// a - b in f64
Tensor minus(const Tensor& a, const Tensor& b) {
  Tensor c = a.cast(Dtype::f64).clone();
  const Tensor d = b.cast(Dtype::f64);
  blas::axpy(d.size(), -1.0, d.data<double>(), c.mutable_data<double>());
  return c;
}

}  // namespace

LevenbergMarquardt::Report LevenbergMarquardt::step(const TiledJacobian& J, Tensor& theta, const Tensor& target,
                                                    const Sketch& sketch,
                                                    FunctionRef<Tensor(const Tensor& theta)> values) {
  const double size = norm(target);
  if (!(size > 0) || !std::isfinite(size))
    fail<SolverError>("fit", "the field to be fitted is zero or not finite at all points");
  const Tensor missing = minus(target, J.value());
  Report report{.before = norm(missing) / size};
  report.after = report.before;
  const auto refuse = [&] {
    damping = std::min(most, 4 * damping);
    return report;
  };
  Tensor motion;
  try {
    const Projection solved =
        project(J, missing, sketch,
                {.shift = damping, .tolerance = tolerance, .iterations = iterations, .hopeless = 0.9});
    report.products = solved.products;
    motion = solved.rate;
  } catch (const SolverError&) {  // more damping makes the system easier
    report.products = iterations;
    return refuse();
  }
  const double predicted = projection_misfit(J, missing, motion) * report.before;
  Tensor moved = theta.clone();
  blas::axpy(moved.size(), 1.0, motion.data<double>(), moved.mutable_data<double>());
  const double after = norm(minus(target, values(moved))) / size;
  if (!(after < report.before)) return refuse();  // NaN included
  // How much of the promised decrease of the squares has come about.
  const double gain = (report.before - after) * (report.before + after) /
                      ((report.before - predicted) * (report.before + predicted));
  if (gain > 0.7)
    damping = std::max(least, damping / 4);
  else if (!(gain > 0.3))
    damping = std::min(most, 2 * damping);
  theta = moved;
  report.after = after;
  report.accepted = true;
  return report;
}

}  // namespace lowtide
