#include <lowtide/experiments/network_fit.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/optim/ridge.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

constexpr std::int64_t every = 10;  // steps between two sets of points, and two sketches
constexpr double first_head = 0.1;  // a first layer of large weights makes the rest follow slowly

// Points where the target is, and later where it is missed.
Tensor fit_points(const NetworkFit& fit, const MovingField& u, const IvpOptions& o, TargetField target,
                  double t, const Stream& stream) {
  const auto missed = [&](const Tensor& x) {
    Tensor rest = target(x).cast(Dtype::f64).clone();
    if (fit.tensors[0]) {
      const Tensor now = u.values(fit.tensors[0], x);
      double* to = rest.mutable_data<double>();
      for (std::int64_t i = 0; i < rest.size(); ++i) to[i] -= now.at(i);
    }
    return row_norms(rest);
  };
  const Stream numbers = stream.child("fit points", static_cast<std::uint64_t>(fit.number))
                             .child("step", static_cast<std::uint64_t>(fit.steps));
  return u.points(numbers, o.fit_points, t, std::max(o.adaptive, 0.5), o.over, missed);
}

double relative_difference(const Tensor& a, const Tensor& b) {  // |a - b| / |b|
  double sum = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) sum += std::pow(a.at(i) - b.at(i), 2);
  return std::sqrt(sum) / norm(b);
}

}  // namespace

Tensor with_solved_head(const MovingField& u, const Tensor& theta, const Tensor& x, const Tensor& values,
                        double lambda) {
  Tensors parameters = unflatten(theta, u.field.like);
  const Tensors features = u.net.features(parameters, x);
  const Tensor one = u.net.walls ? value([&](const Vars& xs) { return u.net.boundary(xs[0]); }, {x})
                                 : ones({x.shape[0], 1}, Dtype::f64);
  const std::size_t each = parameters.size() / features.size();
  const std::int64_t n = x.shape[0], c = u.net.out;
  for (std::size_t k = 0; k < features.size(); ++k) {
    const Tensor& z = features[k];
    const std::int64_t width = z.shape[1];
    Tensor with_one({n, width + 1}, Dtype::f64), goal({n, 1}, Dtype::f64), prior({width + 1, 1}, Dtype::f64);
    double* to = with_one.mutable_data<double>();
    for (std::int64_t i = 0; i < n; ++i) {
      to = std::copy_n(z.data<double>() + i * width, width, to);
      *to++ = one.at(i);
      goal.mutable_data<double>()[i] = values.at(i * c + static_cast<std::int64_t>(k));
    }
    Tensor &W = parameters[(k + 1) * each - 2], &b = parameters[(k + 1) * each - 1];
    std::copy_n(W.data<double>(), width, prior.mutable_data<double>());
    prior.mutable_data<double>()[width] = b.at(0);
    const double square = std::pow(norm(with_one), 2) / static_cast<double>(width + 1);
    const Tensor head = ridge(with_one, goal, {.lambda = lambda * square, .prior = prior}).head;
    W = head.rows(0, width).clone();
    b = head.rows(width, width + 1).reshaped({1}).clone();
  }
  return flatten(parameters);
}

void start_fit(NetworkFit& fit, const MovingField& u, const IvpOptions& o, TargetField target, double t,
               const Stream& stream) {
  fit.steps = 0;
  fit.work = 0;
  fit.method = {};
  fit.tensors = Tensors(4);
  fit.largest = 0;
  const Tensor x = fit_points(fit, u, o, target, t, stream);
  const Tensor fresh =
      flatten(u.net.init(stream.child("network", static_cast<std::uint64_t>(fit.number)), Dtype::f64));
  const Tensor values = target(x);
  fit.theta() = with_solved_head(u, fresh, x, values, first_head);
  fit.tensors[1] = x;
  fit.error = relative_difference(u.values(fit.theta(), x), values);
}

bool step_fit(NetworkFit& fit, const MovingField& u, const IvpOptions& o, TargetField target, double t,
              const Stream& stream) {
  const bool anew = fit.steps > 0 && fit.steps % every == 0;
  if (anew) fit.tensors[1] = fit_points(fit, u, o, target, t, stream);
  const Tensor& x = fit.tensors[1];
  const TiledJacobian J = u.jacobian(fit.theta(), x);
  Sketch sketch{.largest = fit.largest};
  if (anew || fit.steps == 0) {
    sketch = sketch_of(J, o.rank,
                       stream.child("fit sketch", static_cast<std::uint64_t>(fit.number))
                           .child("step", static_cast<std::uint64_t>(fit.steps)));
    fit.largest = sketch.largest;
    fit.tensors[2] = sketch.f.u;
    fit.tensors[3] = sketch.f.values;
  } else {
    sketch.f = {fit.tensors[2], fit.tensors[3]};
  }
  const Tensor goal = target(x);
  const LevenbergMarquardt::Report done =
      fit.method.step(J, fit.theta(), goal, sketch, [&](const Tensor& theta) { return u.values(theta, x); });
  fit.work += static_cast<double>((done.products + sketch.products) * x.shape[0]);
  fit.error = done.after;
  ++fit.steps;
  const bool stuck = !done.accepted && fit.method.damping >= fit.method.most;
  if (fit.steps < o.fit_steps && fit.error > o.fit_tolerance && !stuck) return false;
  const Tensor solved = with_solved_head(u, fit.theta(), x, goal, 1e-10);
  if (const double error = relative_difference(u.values(solved, x), goal); error < fit.error) {
    fit.theta() = solved;
    fit.error = error;
  }
  return true;
}

}  // namespace lowtide
