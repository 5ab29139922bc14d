#include <fmt/format.h>
#include <lowtide/linalg/error.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/models/pod.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

// xs[i] <= x <= xs[i+1] and where between; ends are clamped.
struct Place {
  std::int64_t i;
  double fraction, width;
};
Place place_of(const Tensor& xs, double x) {
  const auto v = xs.view<double>();
  if (v.size() == 1) return {0, 0, 0};
  x = std::clamp(x, v.front(), v.back());
  auto above = std::upper_bound(v.begin() + 1, v.end() - 1, x);
  const std::int64_t i = above - v.begin() - 1;
  const double width = above[0] - above[-1];
  return {i, (x - above[-1]) / width, width};
}

void require_rising(const char* what, const Tensor& xs) {
  for (std::int64_t i = 0; i < xs.size(); ++i)
    if (!std::isfinite(xs.at(i)) || (i > 0 && !(xs.at(i) > xs.at(i - 1))))
      fail<Error>("pod", fmt::format("{} must rise: value {} is {}", what, i, xs.at(i)));
}

// Second derivatives at the knots of the cubic spline through y (T,r). Three points give a parabola, two a
// line.
Tensor bends_of(const Tensor& t, const Tensor& y) {
  const std::int64_t n = t.size(), r = y.shape[1];
  Tensor a = zeros({n, n}, Dtype::f64), b = zeros({n, r}, Dtype::f64);
  double *A = a.mutable_data<double>(), *B = b.mutable_data<double>();
  const auto h = [&](std::int64_t i) { return t.at(i + 1) - t.at(i); };
  if (n < 3) return b;
  for (std::int64_t i = 1; i + 1 < n; ++i) {
    A[i * n + i - 1] = h(i - 1) / 6;
    A[i * n + i] = (h(i - 1) + h(i)) / 3;
    A[i * n + i + 1] = h(i) / 6;
    for (std::int64_t k = 0; k < r; ++k)
      B[i * r + k] = (y.at((i + 1) * r + k) - y.at(i * r + k)) / h(i) -
                     (y.at(i * r + k) - y.at((i - 1) * r + k)) / h(i - 1);
  }
  // The third derivative does not jump at the second and the last but one knot.
  const auto end = [&](std::int64_t row, std::int64_t i) {
    A[row * n + i - 1] = 1 / h(i - 1);
    A[row * n + i] = -1 / h(i - 1) - 1 / h(i);
    A[row * n + i + 1] = 1 / h(i);
  };
  if (n == 3) {  // one knot inside: bends are equal
    A[0] = A[8] = 1;
    A[1] = A[7] = -1;
  } else {
    end(0, 1);
    end(n - 1, n - 2);
  }
  // Rows of very different size would upset the count of singular values that are zero.
  for (std::int64_t i = 0; i < n; ++i) {
    double size = 0;
    for (std::int64_t j = 0; j < n; ++j) size = std::max(size, std::abs(A[i * n + j]));
    for (std::int64_t j = 0; j < n; ++j) A[i * n + j] /= size;
    for (std::int64_t k = 0; k < r; ++k) B[i * r + k] /= size;
  }
  return least_squares(a, b);
}

}  // namespace

Pod make_pod(const Tensor& snapshots, const Tensor& times, std::int64_t rank, InTime in_time,
             const Tensor& weights) {
  const Shape& shape = snapshots.shape;
  if (shape.rank() < 2 || shape.rank() > 3 || times.size() != shape[0] || snapshots.size() == 0)
    fail<ShapeError>("pod", fmt::format("snapshots {} at times {} are not (T,points[,out]) at (T)",
                                        to_string(shape), to_string(times.shape)));
  Pod pod;
  pod.points = shape[1];
  pod.out = shape.rank() == 3 ? shape[2] : 1;
  pod.in_time = in_time;
  const std::int64_t frames = shape[0], n = pod.points * pod.out;
  if (weights && weights.size() != pod.points)
    fail<ShapeError>("pod", fmt::format("{} weights for {} points", weights.size(), pod.points));
  if (rank < 1 || rank > std::min(frames, n))
    fail<ShapeError>("pod", fmt::format("rank {} of {} snapshots of {} numbers", rank, frames, n));
  pod.times = times.cast(Dtype::f64).reshaped({frames});
  require_rising("times", pod.times);

  // Rows of A are snapshots times the roots of the weights.
  std::vector<double> roots(static_cast<std::size_t>(n), 1.0);
  for (std::int64_t j = 0; weights && j < n; ++j) {
    const double w = weights.at(j / pod.out);
    if (!(w > 0) || !std::isfinite(w)) fail<Error>("pod", fmt::format("weight {} is {}", j / pod.out, w));
    roots[static_cast<std::size_t>(j)] = std::sqrt(w);
  }
  Tensor a = snapshots.cast(Dtype::f64).reshaped({frames, n}).clone();
  double* rows = a.mutable_data<double>();
  for (std::int64_t i = 0; i < a.size(); ++i) rows[i] *= roots[static_cast<std::size_t>(i % n)];
  const Svd factors = svd(a);

  pod.singular_values = factors.s;
  pod.modes = factors.vt.rows(0, rank).clone();
  double* modes = pod.modes.mutable_data<double>();
  for (std::int64_t i = 0; i < pod.modes.size(); ++i) modes[i] /= roots[static_cast<std::size_t>(i % n)];
  pod.coefficients = Tensor({frames, rank}, Dtype::f64);
  double* c = pod.coefficients.mutable_data<double>();
  for (std::int64_t k = 0; k < frames; ++k)
    for (std::int64_t i = 0; i < rank; ++i)
      c[k * rank + i] = factors.u.at(k * factors.u.shape[1] + i) * factors.s.at(i);
  if (in_time == InTime::cubic) pod.bends = bends_of(pod.times, pod.coefficients);
  return pod;
}

double Pod::relative_error(std::int64_t rank) const {
  double rest = 0, all = 0;
  for (std::int64_t i = singular_values.size() - 1; i >= 0; --i) {  // small ones first
    const double square = singular_values.at(i) * singular_values.at(i);
    all += square;
    if (i >= rank) rest += square;
  }
  return all > 0 ? std::sqrt(rest / all) : 0;
}

Tensor Pod::at(double t) const {
  if (!std::isfinite(t)) fail<Error>("pod", fmt::format("time is {}", t));
  const Place p = place_of(times, t);
  const std::int64_t r = rank(), next = times.size() > 1 ? p.i + 1 : p.i;
  const double b = p.fraction, a = 1 - b, scale = p.width * p.width / 6;
  Tensor s({r}, Dtype::f64);
  for (std::int64_t k = 0; k < r; ++k) {
    double value = a * coefficients.at(p.i * r + k) + b * coefficients.at(next * r + k);
    if (in_time == InTime::cubic)
      value += scale * ((a * a * a - a) * bends.at(p.i * r + k) + (b * b * b - b) * bends.at(next * r + k));
    s.mutable_data<double>()[k] = value;
  }
  return s;
}

Tensor Pod::field(double t) const { return multiply(modes, at(t), Trans::yes).reshaped({points, out}); }

Tensor Pod::field(double t, const Tensor& grid, const Tensor& x) const {
  if (grid.size() != points)
    fail<ShapeError>("pod", fmt::format("a grid of {} for modes at {} points", grid.size(), points));
  const Tensor places = grid.cast(Dtype::f64), u = field(t);
  require_rising("grid", places);
  Tensor y({x.size(), out}, Dtype::f64);
  double* to = y.mutable_data<double>();
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const Place p = place_of(places, x.at(i));
    const std::int64_t next = points > 1 ? p.i + 1 : p.i;
    for (std::int64_t k = 0; k < out; ++k)
      to[i * out + k] = (1 - p.fraction) * u.at(p.i * out + k) + p.fraction * u.at(next * out + k);
  }
  return y;
}

}  // namespace lowtide
