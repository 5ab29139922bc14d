// Particles that are drawn to a point and to each other, and shaken.
//
//   p_t = -div(h p) + D Laplacian p,  h_i = a - x_i + (alpha / d) (sum_j x_j - d x_i),  x in [-1,1]^d, p = 0 at
//   the walls; p(x,0) = (3/4)^d prod (1 - x_i^2); D = 0.01, a = 0.2, alpha = 1/4; 0 <= t <= 1/2.
//
// The cloud shrinks, and its density grows by powers of ten: points are drawn from normal distributions with
// the moments that the free motion has, for uniform ones would miss it. Values are compared with the density
// that free motion gives (physics/drift_diffusion.h), the mean and covariance with those of particles that
// vanish at the walls.
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

  InitialValueProblem problem{.dims = d, .t_end = t_end};
  problem.initial = [=](const Tensor& x) {
    Tensor p({x.shape[0], 1}, Dtype::f64);
    for (std::int64_t i = 0; i < x.shape[0]; ++i)
      p.mutable_data<double>()[i] = start_density(x.data<double>() + i * d, d);
    return p;
  };
  problem.rate = [=](const Jet& p, double) {
    Var sum = p.x(0);
    for (int i = 1; i < p.dims(); ++i) sum = sum + p.x(i);
    // First derivatives first: a second one is a push through all that was recorded before it.
    Var rate = -drift.divergence() * p();
    for (int i = 0; i < p.dims(); ++i) {
      const Var h =
          drift.center - (1 + drift.coupling) * p.x(i) + drift.coupling / static_cast<double>(d) * sum;
      rate = rate - h * p.d(i);
    }
    rate = rate + drift.diffusion * p.laplacian();
    return rate;
  };
  problem.points = [=](Stream stream, std::int64_t n, double t) {
    return mixed_with_uniform(cloud(drift, t, 1.2), 0.9, stream, n);
  };

  IvpOptions options{.bands = 1, .adaptive = 0};
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
      w /= from_here.density(x.data<double>() + i * d);
      sum += w / n;
      squares += w * w / n;
    }
    Numbers line;
    // A network that has lost the density, which it may where it is small, has no moments.
    Moments found;
    if (sum > 0) found = weighted_moments(x, weights);
    found.mass = sum;
    found.mass_error = std::sqrt((squares - sum * sum) / n);
    if (sum > 0)
      log_moments(line, "", found);
    else
      line.emplace_back("mass", sum);
    const auto frame = std::lower_bound(times.begin(), times.end(), t - 1e-9) - times.begin();
    log_moments(line, "particles_", (*simulated)[static_cast<std::size_t>(frame)]);
    return line;
  };
  run.evolution(problem, options);
  return run.reference([&] {
    ReferenceFrames frames{.times = times, .fields = {"p"}};
    frames.solution = [=](double t) -> ReferenceFrames::AtPoint {
      const auto start = [d](const double* x) { return start_density(x, d); };
      if (t == 0) return [=](const double* x, double* p) { p[0] = start(x); };
      return [density = FreeDensity(drift, start, t, 4096)](const double* x, double* p) { p[0] = density(x); };
    };
    return at_points(frames, [&](double t) { return cloud(drift, t, 1).draw(Stream(1, "reference"), 2000); });
  });
}
