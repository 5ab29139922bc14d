#include <lowtide/linalg/matrix.h>
#include <lowtide/optim/lbfgs.h>
#include <lowtide/optim/optimizer.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace lowtide {
namespace {

Tensor plus(const Tensor& a, double factor, const Tensor& b) {  // a + factor b
  Tensor c = a;
  blas::axpy<double>(b.size(), factor, b.data<double>(), c.mutable_data<double>());
  return c;
}

// A point on the line x + a d.
struct Point {
  double a = 0, value = 0, slope = 0;
  Tensors theta;
  Tensor x, gradient;  // flat, f64; x as theta is after rounding to its dtype
};

// Where the cubic through values and slopes at p and q has its minimum, kept away from both ends.
double between(const Point& p, const Point& q) {
  const double width = q.a - p.a, low = std::min(p.a, q.a) + .1 * std::abs(width),
               high = std::max(p.a, q.a) - .1 * std::abs(width);
  const double d1 = p.slope + q.slope - 3 * (q.value - p.value) / width, root = d1 * d1 - p.slope * q.slope;
  const double d2 = std::copysign(std::sqrt(std::max(0.0, root)), width),
               a = q.a - width * (q.slope + d2 - d1) / (q.slope - p.slope + 2 * d2);
  return std::isfinite(a) ? std::clamp(a, low, high) : p.a + .5 * width;
}

struct Search {
  const Lbfgs& settings;
  Lbfgs::Objective f;
  std::int64_t evaluations_left;
  std::int64_t evaluations = 0;

  Point evaluate(const Tensors& theta) {
    ++evaluations;
    --evaluations_left;
    Point p;
    ValueAndGradient at = f(theta);
    require_gradient("lbfgs", theta, at.gradient);
    if (!std::isfinite(at.value)) fail<NonFiniteError>("lbfgs", "the value is not finite");
    p.value = at.value;
    p.theta = theta;
    p.x = flatten(theta).cast(Dtype::f64);
    p.gradient = flatten(at.gradient).cast(Dtype::f64);
    return p;
  }

  Point along(const Point& start, const Tensor& d, double a) {
    const Tensor x = plus(start.x, a, d);
    Point p;
    try {
      p = evaluate(unflatten(x.cast(start.theta[0].dtype), start.theta));
      p.slope = dot(p.gradient, d);
    } catch (const NonFiniteError&) {
      p.value = std::numeric_limits<double>::infinity();
    }
    p.a = a;
    return p;
  }

  // The strong Wolfe conditions, or at least a lower value where roundoff or the budget ends the search.
  std::optional<Point> wolfe(const Point& start, const Tensor& d, double a) {
    const double slope = dot(start.gradient, d);
    Point low = start, high;
    low.a = 0;
    low.slope = slope;
    bool bracketed = false;
    for (int trial = 0; trial < 40 && evaluations_left > 0; ++trial) {
      Point p = along(start, d, a);
      if (!(p.value <= start.value + settings.c1 * a * slope) || (low.a > 0 && p.value >= low.value)) {
        high = std::move(p);
        bracketed = true;
      } else {
        if (std::abs(p.slope) <= -settings.c2 * slope) return p;
        if (bracketed ? p.slope * (high.a - low.a) >= 0 : p.slope >= 0) {
          high = std::move(low);
          bracketed = true;
        }
        low = std::move(p);
      }
      if (!bracketed) {
        a = 2 * low.a;
        continue;
      }
      if (std::abs(high.a - low.a) <= 1e-15 * std::max(high.a, low.a)) break;
      a = std::isfinite(high.value) ? between(low, high) : low.a + .2 * (high.a - low.a);
    }
    if (low.a > 0 && low.value < start.value) return low;
    return std::nullopt;
  }
};

}  // namespace

std::string_view text_of(LbfgsStop stop) {
  switch (stop) {
    case LbfgsStop::none:
      break;
    case LbfgsStop::gradient:
      return "the gradient is small enough";
    case LbfgsStop::value:
      return "the value hardly decreases any more";
    case LbfgsStop::iterations:
      return "the number of iterations is reached";
    case LbfgsStop::evaluations:
      return "the number of evaluations is reached";
    case LbfgsStop::line_search:
      return "no lower value on the line: the end of the digits, or a wrong gradient";
  }
  return "not run";
}

Tensor Lbfgs::direction(const Tensor& gradient) const {
  const std::size_t k = s.size();
  std::vector<double> alpha(k), rho(k);
  Tensor q = gradient;
  for (std::size_t i = k; i-- > 0;) {
    rho[i] = 1 / dot(s[i], y[i]);
    alpha[i] = rho[i] * dot(s[i], q);
    q = plus(q, -alpha[i], y[i]);
  }
  const double scale = k > 0 ? 1 / (rho.back() * dot(y.back(), y.back())) : 1;
  blas::scal<double>(q.size(), scale, q.mutable_data<double>());
  for (std::size_t i = 0; i < k; ++i) q = plus(q, alpha[i] - rho[i] * dot(y[i], q), s[i]);
  blas::scal<double>(q.size(), -1.0, q.mutable_data<double>());
  return q;
}

LbfgsStop Lbfgs::minimize(Tensors& theta, Objective f) {
  Search search{*this, f, max_evaluations};
  const auto ended = [&](LbfgsStop reason) {
    evaluations += search.evaluations;
    return stop = reason;
  };
  if (theta.empty()) return ended(LbfgsStop::gradient);
  Point at = search.evaluate(theta);  // throws where the start is not finite
  for (const Tensors* part : {&s, &y})
    for (const Tensor& t : *part)
      if (s.size() != y.size() || !(t.shape == at.x.shape) || t.dtype != Dtype::f64)
        fail<ShapeError>("lbfgs", "the state is " + to_string(t.shape) + ", the parameters have " +
                                      std::to_string(at.x.size()) + " elements");
  value = at.value;
  for (std::int64_t iteration = 0;; ++iteration) {
    if (max_abs(at.gradient) <= gradient_tolerance) return ended(LbfgsStop::gradient);
    if (iteration == max_iterations) return ended(LbfgsStop::iterations);
    if (search.evaluations_left <= 0) return ended(LbfgsStop::evaluations);
    Tensor d = direction(at.gradient);
    if (!(dot(d, at.gradient) < 0)) {  // roundoff in the pairs
      s.clear();
      y.clear();
      d = direction(at.gradient);
    }
    // Without a scale the first step has length 1 at most.
    const double first = s.empty() ? std::min(1.0, 1 / norm(at.gradient)) : 1;
    std::optional<Point> next = search.wolfe(at, d, first);
    if (!next) {
      if (search.evaluations_left <= 0) return ended(LbfgsStop::evaluations);
      if (s.empty()) return ended(LbfgsStop::line_search);
      s.clear();  // once more along the gradient
      y.clear();
      continue;
    }
    const Tensor step = plus(next->x, -1, at.x), change = plus(next->gradient, -1, at.gradient);
    if (dot(step, change) > 1e-14 * norm(step) * norm(change)) {
      s.push_back(step);
      y.push_back(change);
      if (std::ssize(s) > history) {
        s.erase(s.begin());
        y.erase(y.begin());
      }
    }
    const double decrease = at.value - next->value, size = std::max(std::abs(at.value), std::abs(next->value));
    at = std::move(*next);
    theta = at.theta;
    value = at.value;
    ++iterations;
    if (max_abs(at.gradient) > gradient_tolerance && decrease <= value_tolerance * size)
      return ended(LbfgsStop::value);
  }
}

}  // namespace lowtide
