// Particles that are drawn to a point and to each other, and shaken.
//
//   p_t = -div(h p) + D Laplacian p,  h_i = a - x_i + (alpha / d) (sum_j x_j - d x_i),  x in [-1,1]^d, p = 0 at
//   the walls; p(x,0) = (3/4)^d prod (1 - x_i^2); D = 0.01, a = 0.2, alpha = 1/4; 0 <= t <= 1/2.
//
// The cloud shrinks, and its density grows by powers of ten. What the network follows is q = log p,
//
//   q_t = -div h - h . grad q + D (Laplacian q + |grad q|^2):
//
// it stays of one size, a density of it is positive, and it does not begin as a constant times the factor of
// the walls, whose head would be all but zero. Points are drawn from normal distributions with the moments that
// the free motion has, for uniform ones would miss the cloud, and within 0.97 of the way to the walls, where q
// has a logarithm's singularity. Values are compared with the density that free motion gives
// (physics/drift_diffusion.h), at samples of it; the mean and covariance with those of particles that vanish at
// the walls.
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/evolution_reference.h>
#include <lowtide/physics/drift_diffusion.h>
#include <lowtide/physics/normal_points.h>

#include <algorithm>
#include <cmath>

using namespace lowtide;

namespace {

double start_density(const double* x, std::int64_t d) {
  double p = 1;
  for (std::int64_t i = 0; i < d; ++i) p *= std::abs(x[i]) < 1 ? 0.75 * (1 - x[i] * x[i]) : 0.0;
  return p;
}

void draw_start(Stream& numbers, double* x, std::int64_t d) {  // the median of three has that density
  const Tensor three = numbers.uniform({d, 3}, Dtype::f64, -1, 1);
  for (std::int64_t i = 0; i < d; ++i) {
    double v[3] = {three.at(3 * i), three.at(3 * i + 1), three.at(3 * i + 2)};
    std::sort(v, v + 3);
    x[i] = v[1];
  }
}

// n samples of the free motion at time t, exactly: the mean of the coordinates is drawn back at the rate 1,
// what they differ from it at 1 + coupling.
Tensor samples_at(const LinearDrift& drift, double t, std::int64_t n, Stream numbers) {
  const std::int64_t d = drift.dims;
  const double rest = 1 + drift.coupling, slow = std::exp(-t), fast = std::exp(-rest * t),
               slow_noise = std::sqrt(drift.diffusion * (1 - slow * slow) / static_cast<double>(d)),
               fast_noise = std::sqrt(drift.diffusion * (1 - fast * fast) / rest);
  Tensor x({n, d}, Dtype::f64);
  for (std::int64_t i = 0; i < n; ++i) {
    double* row = x.mutable_data<double>() + i * d;
    draw_start(numbers, row, d);
    const Tensor noise = numbers.normal({d + 1}, Dtype::f64);
    double mean = 0, mean_noise = 0;
    for (std::int64_t k = 0; k < d; ++k) {
      mean += row[k] / static_cast<double>(d);
      mean_noise += noise.at(k) / static_cast<double>(d);
    }
    const double center = drift.center + (mean - drift.center) * slow + slow_noise * noise.at(d);
    for (std::int64_t k = 0; k < d; ++k)
      row[k] = center + (row[k] - mean) * fast + fast_noise * (noise.at(k) - mean_noise);
  }
  return x;
}

constexpr double inside = 0.97;  // of the way to the walls

// Points of the cloud inside of that.
Tensor inner_points(const NormalPoints& cloud, const Stream& stream, std::int64_t n) {
  Tensor x = cloud.draw(stream, n);
  for (double& v : x.mutable_view<double>()) v *= inside;
  return x;
}

// Normal distributions as wide as the cloud of free motion, times `wider`.
NormalPoints cloud(const LinearDrift& drift, double t, double wider) {
  Moments start{.mean = zeros({drift.dims}, Dtype::f64), .covariance = eye(drift.dims, Dtype::f64)};
  for (double& c : start.covariance.mutable_view<double>()) c *= 0.2;
  const Moments m = moments_at(drift, start, t);
  return normal_points(drift.dims, m.mean.at(0), wider * std::sqrt(m.covariance.at(0)));
}

// All coordinates are alike: averages over them.
void log_moments(Numbers& line, const std::string& name, const Moments& m) {
  const std::int64_t d = m.mean.size();
  double mean = 0, mean_error = 0, variance = 0, variance_error = 0, mixed = 0;
  for (std::int64_t i = 0; i < d; ++i) {
    mean += m.mean.at(i) / static_cast<double>(d);
    variance += m.covariance.at(i * (d + 1)) / static_cast<double>(d);
    mean_error = std::max(mean_error, m.mean_error.at(i));
    variance_error = std::max(variance_error, m.covariance_error.at(i * (d + 1)));
    for (std::int64_t j = 0; j < i; ++j)
      mixed += 2 * m.covariance.at(i * d + j) / static_cast<double>(d * (d - 1));
  }
  line.insert(line.end(), {{name + "mean", mean},
                           {name + "mean_error", mean_error},
                           {name + "variance", variance},
                           {name + "variance_error", variance_error},
                           {name + "covariance", mixed},
                           {name + "mass", m.mass},
                           {name + "mass_error", m.mass_error}});
}

}  // namespace

LOWTIDE_CASE(ivp_fokkerplanck, "drift and diffusion of a density in many dimensions, by a network that moves",
             "embedded") {
  const std::int64_t d = run.param("dim", 10, "dimensions", 1, 20);
  const LinearDrift drift{.dims = d,
                          .center = run.param("center", 0.2, "the point of rest", -0.9, 0.9),
                          .coupling = run.param("coupling", 0.25, "attraction of the mean", 0.0, 10.0),
                          .diffusion = run.param("diffusion", 0.01, "diffusivity", 1e-6, 1.0)};
  const double t_end = run.param("t_end", 0.5, "final time", 1e-3, 10.0);
  const std::int64_t particles = run.param("particles", 20000, "of the simulation to compare with", 100);
  const std::vector<double> times = times_to(t_end, 6);

  InitialValueProblem problem{.dims = d, .walls = false, .t_end = t_end};
  problem.initial = [=](const Tensor& x) {
    Tensor q({x.shape[0], 1}, Dtype::f64);
    for (std::int64_t i = 0; i < x.shape[0]; ++i)
      q.mutable_data<double>()[i] = std::log(start_density(x.data<double>() + i * d, d));
    return q;
  };
  problem.rate = [=](const Jet& q, double) {
    Var sum = q.x(0);
    for (int i = 1; i < q.dims(); ++i) sum = sum + q.x(i);
    Var rate = drift.diffusion * q.laplacian() - drift.divergence();
    for (int i = 0; i < q.dims(); ++i) {
      const Var h =
          drift.center - (1 + drift.coupling) * q.x(i) + drift.coupling / static_cast<double>(d) * sum;
      rate = rate + (drift.diffusion * q.d(i) - h) * q.d(i);
    }
    return rate;
  };
  problem.points = [=](Stream stream, std::int64_t n, double t) {
    return inner_points(cloud(drift, t, 1.1), stream, n);
  };

  IvpOptions options{.width = 32,
                     .bands = 1,
                     .points = 2000,
                     .adaptive = 0,
                     .tolerance = 1e-3,
                     .fit_points = 2000,
                     .fit_steps = 30};
  const auto simulated = std::make_shared<std::vector<Moments>>();
  options.measure = [=](const Embedded& net, const Tensors& parameters, double t) {
    if (simulated->empty())
      *simulated = particle_moments(
          drift, particles, [d](Stream& numbers, double* x) { draw_start(numbers, x, d); }, times, t_end / 50,
          true, Stream(1, "particles"));
    const NormalPoints from_here = cloud(drift, t, 1.2);
    const Tensor x = from_here.draw(Stream(2, "moments"), 20000);
    Tensor weights = values_of(net, parameters, x).reshaped({x.shape[0]});
    double sum = 0, squares = 0;
    const auto n = static_cast<double>(x.shape[0]);
    for (std::int64_t i = 0; i < x.shape[0]; ++i) {
      double& w = weights.mutable_data<double>()[i];
      w = std::exp(w) / from_here.density(x.data<double>() + i * d);
      sum += w / n;
      squares += w * w / n;
    }
    Numbers line;
    Moments found = weighted_moments(x, weights);
    found.mass = sum;
    found.mass_error = std::sqrt((squares - sum * sum) / n);
    log_moments(line, "", found);
    const auto frame = std::lower_bound(times.begin(), times.end(), t - 1e-9) - times.begin();
    log_moments(line, "particles_", (*simulated)[static_cast<std::size_t>(frame)]);
    return line;
  };
  run.evolution(problem, options);
  return run.reference([&] {
    ReferenceFrames frames{.times = times, .fields = {"log p"}};
    frames.solution = [=](double t) -> ReferenceFrames::AtPoint {
      const auto start = [d](const double* x) { return start_density(x, d); };
      if (t == 0) return [=](const double* x, double* q) { q[0] = std::log(start(x)); };
      return [density = FreeDensity(drift, start, t, 4096)](const double* x, double* q) {
        q[0] = std::log(density(x));
      };
    };
    return at_points(frames, [&](double t) { return samples_at(drift, t, 2000, Stream(1, "reference")); });
  });
}
