#include <fmt/format.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/physics/collocation.h>
#include <lowtide/physics/drift_diffusion.h>
#include <lowtide/physics/embedded_rk.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lowtide {
namespace {

// The motion of one step of length h: along the diagonal (1,...,1) rates and noise differ from those across.
struct Transition {
  double along, across, along_noise, across_noise;

  Transition(const LinearDrift& drift, double h) {
    const double rate = 1 + drift.coupling;
    along = std::exp(-h);
    across = std::exp(-rate * h);
    along_noise = std::sqrt(drift.diffusion * (1 - along * along));
    across_noise = std::sqrt(drift.diffusion / rate * (1 - across * across));
  }
};

double mean_of(const double* x, std::int64_t d) {
  double sum = 0;
  for (std::int64_t i = 0; i < d; ++i) sum += x[i];
  return sum / static_cast<double>(d);
}

constexpr std::int64_t block = 500;  // particles

}  // namespace

double LinearDrift::divergence() const {
  const auto d = static_cast<double>(dims);
  return -d - coupling * (d - 1);
}

Moments moments_at(const LinearDrift& drift, const Moments& start, double t) {
  const std::int64_t d = drift.dims;
  // y holds the mean, then the covariance C: m' = A m + center, C' = A C + C AT + 2 diffusion I with the
  // symmetric A = (coupling / d) 1 1T - (1 + coupling) I.
  const auto times_A = [&](const double* x, std::int64_t stride, double* y) {
    double mean = 0;
    for (std::int64_t i = 0; i < d; ++i) mean += x[i * stride] / static_cast<double>(d);
    for (std::int64_t i = 0; i < d; ++i) y[i] = drift.coupling * mean - (1 + drift.coupling) * x[i * stride];
  };
  const auto rate = [&](double, const Tensor& y) {
    Tensor r({d + d * d}, Dtype::f64);
    const double* from = y.data<double>();
    double* to = r.mutable_data<double>();
    times_A(from, 1, to);
    for (std::int64_t i = 0; i < d; ++i) to[i] += drift.center;
    std::vector<double> columns(static_cast<std::size_t>(d * d)), rows(columns);
    for (std::int64_t i = 0; i < d; ++i) {
      times_A(from + d + i, d, columns.data() + i * d);
      times_A(from + d + i * d, 1, rows.data() + i * d);
    }
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t j = 0; j < d; ++j)
        to[d + i * d + j] = columns[static_cast<std::size_t>(j * d + i)] +
                            rows[static_cast<std::size_t>(i * d + j)] + (i == j ? 2 * drift.diffusion : 0);
    return r;
  };
  Tensor y({d + d * d}, Dtype::f64);
  std::copy_n(start.mean.data<double>(), d, y.mutable_data<double>());
  std::copy_n(start.covariance.data<double>(), d * d, y.mutable_data<double>() + d);
  const int steps = std::max(1, static_cast<int>(std::ceil(20 * t)));
  Tensor first = rate(0, y);
  for (int i = 0; i < steps && t > 0; ++i) {
    const RkStep step = rk_step(dormand_prince(), rate, 0, y, t / steps, first);
    y = step.y;
    first = step.last;
  }
  return {.mean = y.rows(0, d).clone(), .covariance = y.rows(d, d + d * d).clone().reshaped({d, d})};
}

std::vector<Moments> particle_moments(const LinearDrift& drift, std::int64_t n,
                                      const std::function<void(Stream& numbers, double* x)>& start,
                                      const std::vector<double>& times, double step, bool walls,
                                      const Stream& stream) {
  const std::int64_t d = drift.dims;
  Tensor x({n, d}, Dtype::f64);
  std::vector<double> alive(static_cast<std::size_t>(n), 1.0);
  std::vector<Moments> result;
  double* base = x.mutable_data<double>();
  std::vector<Stream> numbers;
  for (std::int64_t i = 0; i < n; ++i)
    numbers.push_back(stream.child("particle", static_cast<std::uint64_t>(i)));
  parallel_for((n + block - 1) / block, [&](std::int64_t b) {
    for (std::int64_t i = b * block; i < std::min(n, (b + 1) * block); ++i)
      start(numbers[static_cast<std::size_t>(i)], base + i * d);
  });
  double now = 0;
  for (const double t : times) {
    const int steps = static_cast<int>(std::ceil((t - now) / step - 1e-9));
    const double h = steps > 0 ? (t - now) / steps : 0;
    const Transition move(drift, h);
    parallel_for((n + block - 1) / block, [&](std::int64_t b) {
      for (std::int64_t i = b * block; i < std::min(n, (b + 1) * block); ++i) {
        Stream& draw = numbers[static_cast<std::size_t>(i)];
        double *at = base + i * d, &lives = alive[static_cast<std::size_t>(i)];
        for (int k = 0; k < steps && lives > 0; ++k) {
          const Tensor noise = draw.normal({d}, Dtype::f64);
          const double *xi = noise.data<double>(), middle = mean_of(at, d), drawn = mean_of(xi, d);
          double survives = 1;
          for (std::int64_t j = 0; j < d; ++j) {
            const double next = drift.center + move.along * (middle - drift.center) +
                                move.across * (at[j] - middle) + move.along_noise * drawn +
                                move.across_noise * (xi[j] - drawn);
            for (const double side : {-1.0, 1.0}) {
              const double before = 1 - side * at[j], after = 1 - side * next;
              if (after <= 0)
                survives = 0;
              else
                survives *= 1 - std::exp(-before * after / (drift.diffusion * h));
            }
            at[j] = next;
          }
          if (walls && (survives <= 0 || draw.uniform({1}, Dtype::f64).at(0) > survives)) lives = 0;
        }
      }
    });
    now = t;
    const Tensor weights = from({n}, alive);
    Moments moments = weighted_moments(x, weights);
    double left = 0;
    for (const double a : alive) left += a;
    moments.mass = left / static_cast<double>(n);
    moments.mass_error = std::sqrt(moments.mass * (1 - moments.mass) / static_cast<double>(n));
    result.push_back(std::move(moments));
  }
  return result;
}

FreeDensity::FreeDensity(const LinearDrift& drift, std::function<double(const double* x)> p0, double t,
                         std::int64_t nodes)
    : drift_(drift), p0_(std::move(p0)), t_(t) {
  const std::vector<double> low(static_cast<std::size_t>(drift.dims), 0.0), high(low.size(), 1.0);
  nodes_ = collocation({low, high}, nodes, Sampling::sobol, Stream(1, "density"));
  for (double& v : nodes_.mutable_view<double>()) v = normal_quantile(std::clamp(v, 1e-12, 1 - 1e-12));
}

double FreeDensity::operator()(const double* x) const {
  const std::int64_t d = drift_.dims, count = nodes_.shape[0];
  // The start is x without noise, with the motion undone; the volume has shrunk by exp(divergence t).
  const Transition move(drift_, t_);
  const double middle = mean_of(x, d);
  std::vector<double> y(static_cast<std::size_t>(d));
  double sum = 0;
  for (std::int64_t k = 0; k < count; ++k) {
    const double *node = nodes_.data<double>() + k * d, drawn = mean_of(node, d),
                 start = drift_.center + (middle - move.along_noise * drawn - drift_.center) / move.along;
    for (std::int64_t j = 0; j < d; ++j)
      y[static_cast<std::size_t>(j)] =
          start + (x[j] - middle - move.across_noise * (node[j] - drawn)) / move.across;
    sum += p0_(y.data());
  }
  return std::exp(-drift_.divergence() * t_) * sum / static_cast<double>(count);
}

Moments weighted_moments(const Tensor& x, const Tensor& weights) {
  const std::int64_t n = x.shape[0], d = x.shape[1];
  double total = 0;
  for (std::int64_t i = 0; i < n; ++i) total += weights.at(i);
  if (!(total > 0)) fail<SolverError>("moments", "no weight is left");
  Moments m{zeros({d}, Dtype::f64), zeros({d, d}, Dtype::f64), zeros({d}, Dtype::f64),
            zeros({d, d}, Dtype::f64)};
  double *mean = m.mean.mutable_data<double>(), *covariance = m.covariance.mutable_data<double>(),
         *mean_error = m.mean_error.mutable_data<double>(),
         *covariance_error = m.covariance_error.mutable_data<double>();
  const double *at = x.data<double>(), *w = weights.data<double>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j) mean[j] += w[i] / total * at[i * d + j];
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j)
      for (std::int64_t k = 0; k < d; ++k)
        covariance[j * d + k] += w[i] / total * (at[i * d + j] - mean[j]) * (at[i * d + k] - mean[k]);
  // Of a quotient of sums: the squares of (weight / total) (value - mean).
  for (std::int64_t i = 0; i < n; ++i) {
    const double share = std::pow(w[i] / total, 2);
    for (std::int64_t j = 0; j < d; ++j) {
      const double off = at[i * d + j] - mean[j];
      mean_error[j] += share * off * off;
      for (std::int64_t k = 0; k < d; ++k)
        covariance_error[j * d + k] +=
            share * std::pow(off * (at[i * d + k] - mean[k]) - covariance[j * d + k], 2);
    }
  }
  for (double& e : m.mean_error.mutable_view<double>()) e = std::sqrt(e);
  for (double& e : m.covariance_error.mutable_view<double>()) e = std::sqrt(e);
  return m;
}

double normal_quantile(double p) {
  if (!(p > 0 && p < 1)) fail<Error>("normal_quantile", "a probability between 0 and 1 is needed");
  const auto ratio = [](const std::array<double, 6>& above, const std::array<double, 6>& below, double x) {
    double a = 0, b = 0;
    for (const double c : above) a = a * x + c;
    for (const double c : below) b = b * x + c;
    return a / b;
  };
  // Starting values: the tails' expansion, or the middle's line; then Halley's method on the error function.
  double x;
  if (const double tail = std::min(p, 1 - p); tail < 0.02425) {
    const double q = std::sqrt(-2 * std::log(tail));
    x = q - ratio({0, 0, 0, 0.010328, 0.802853, 2.515517}, {0, 0, 0.001308, 0.189269, 1.432788, 1}, q);
    if (p < 0.5) x = -x;
  } else {
    x = (p - 0.5) * std::sqrt(2 * std::numbers::pi);
  }
  for (int i = 0; i < 12; ++i) {
    const double error = 0.5 * std::erfc(-x / std::numbers::sqrt2) - p,
                 slope = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi), newton = error / slope,
                 move = newton / (1 + x * newton / 2);
    x -= move;
    if (std::abs(move) <= 1e-14 * (1 + std::abs(x))) break;
  }
  return x;
}

}  // namespace lowtide
