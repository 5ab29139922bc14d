#include <fmt/format.h>
#include <lowtide/linalg/error.h>
#include <lowtide/physics/plane_waves.h>

#include <algorithm>

namespace lowtide {
namespace {

// Units a sigma(w . x + b + rate t).
struct Units {
  int dims;
  std::vector<double> w{}, b{}, rate{}, a{};

  void add(const Ridges& ridges, std::int64_t i, double speed, double factor) {
    const auto k = static_cast<std::size_t>(i), d = static_cast<std::size_t>(dims);
    for (std::size_t j = 0; j < d; ++j) w.push_back(ridges.w[k * d + j]);
    b.push_back(ridges.b[k]);
    rate.push_back(speed);
    a.push_back(factor * ridges.a[k]);
  }
};

PlaneWaves network_of(const Units& units) {
  const std::int64_t d = units.dims, M = static_cast<std::int64_t>(units.a.size());
  if (M == 0) fail<Error>("plane_waves", "no ridges");
  PlaneWaves waves;
  waves.net = {.in = d,
               .out = 1,
               .width = M,
               .depth = 2,
               .terms = 2,
               .activation = Activation::relu,
               .ranks = {.weight = {d, 1}, .bias = {2, 0}}};
  Tensor B({2, M}, Dtype::f64), series = zeros({2, waves.net.coefficients()}, Dtype::f64);
  std::copy(units.b.begin(), units.b.end(), B.mutable_data<double>());
  std::copy(units.rate.begin(), units.rate.end(), B.mutable_data<double>() + M);
  const std::int64_t n = series.shape[1], moving = d + 1;  // s = (s1 of layer 1: d, s2: 1 and t, s1 of layer 2)
  for (std::int64_t i = 0; i < n; ++i) series.mutable_data<double>()[i == moving ? n + i : i] = 1;
  for (const Tensor& part : {transposed(from({M, d}, units.w)), eye(d, Dtype::f64), B, ones({1, 1}, Dtype::f64),
                             from({1, M}, units.a), Tensor({0, 1}, Dtype::f64), series})
    waves.theta.push_back(part);
  return waves;
}

}  // namespace

Var PlaneWaves::operator()(const Var& x, const Var& t) const {
  return evaluate(net, Vars(theta.begin(), theta.end()), x, t);
}

PlaneWaves wave_network(const Ridges& u, const Ridges& u_t, double speed) {
  if (u.dims != u_t.dims)
    fail<ShapeError>("wave_network", fmt::format("u in {} dimensions, u_t in {}", u.dims, u_t.dims));
  if (!(speed > 0)) fail<Error>("wave_network", fmt::format("the speed must be positive: {}", speed));
  Units units{.dims = u.dims};
  for (const double sign : {1.0, -1.0}) {
    for (std::int64_t i = 0; i < u.count(); ++i) units.add(u, i, sign * speed, 0.5);
    for (std::int64_t i = 0; i < u_t.count(); ++i) units.add(u_t, i, sign * speed, sign / (2 * speed));
  }
  return network_of(units);
}

PlaneWaves advection_network(const Ridges& u, std::span<const double> velocity) {
  if (std::ssize(velocity) != u.dims)
    fail<ShapeError>("advection_network",
                     fmt::format("u in {} dimensions, a velocity of {} numbers", u.dims, velocity.size()));
  Units units{.dims = u.dims};
  for (std::int64_t i = 0; i < u.count(); ++i) {
    double along = 0;
    for (std::size_t j = 0; j < velocity.size(); ++j)
      along += u.w[static_cast<std::size_t>(i) * velocity.size() + j] * velocity[j];
    units.add(u, i, -along, 1);
  }
  return network_of(units);
}

}  // namespace lowtide
