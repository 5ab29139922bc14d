#include <fmt/format.h>
#include <lowtide/autodiff/functions.h>
#include <lowtide/experiments/theory_study.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/physics/plane_waves.h>
#include <lowtide/physics/radial_wave.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lowtide {
namespace {

using Equation = TheoryOptions::Equation;

double reach_of(const TheoryOptions& o) {
  return 1 + o.speed * o.t_end;
}  // what the unit ball sees up to t_end

void check(const TheoryOptions& o) {
  if (o.dims.empty() || o.widths.empty()) throw InputError("dimensions and widths are needed, one at least");
  for (const std::int64_t d : o.dims)
    if (d < 1 || d > 3) throw InputError(fmt::format("--dims {}: there are one to three dimensions", d));
  for (const std::int64_t width : o.widths)
    if (width < 16 || width > 1 << 20 || width % 2 != 0)
      throw InputError(fmt::format("--widths {}: an even number from 16 to {} expected", width, 1 << 20));
  const auto positive = [](const char* name, double value) {
    if (!(value > 0 && value <= 1e3)) throw InputError(fmt::format("{} {}: must be in (0, 1000]", name, value));
  };
  positive("--speed", o.speed);
  positive("--t-end", o.t_end);
  if (!(o.deviation >= 0.01 && o.deviation <= 10))
    throw InputError(fmt::format("--deviation {}: must be in [0.01, 10]", o.deviation));
  if (!(reach_of(o) / o.deviation <= 1e3))  // beyond that offsets are too coarse for the profile
    throw InputError(
        fmt::format("--speed {} --t-end {}: what waves pass by, 1 + {:g}, must be at most 1000 deviations",
                    o.speed, o.t_end, o.speed * o.t_end));
  if (!(std::abs(o.velocity) <= 1e3))
    throw InputError(fmt::format("--velocity {}: not in [-1000, 1000]", o.velocity));
  if (o.seeds < 1 || o.points < 1 || o.times < 1) throw InputError("seeds, points and times: one at least");
}

constexpr double TheoryErrors::*all_errors[] = {&TheoryErrors::h1, &TheoryErrors::u_t, &TheoryErrors::l2,
                                                &TheoryErrors::rel_h1, &TheoryErrors::rel_l2};

double volume(std::int64_t dims) {
  return dims == 1 ? 2 : dims == 2 ? std::numbers::pi : 4 * std::numbers::pi / 3;
}

Tensor points_of_ball(std::int64_t count, std::int64_t dims, const Stream& numbers) {
  const SphereCells sphere(static_cast<int>(dims), 1);
  Tensor x({count, dims}, Dtype::f64);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto first = static_cast<std::uint64_t>(3 * i);
    double* to = x.mutable_data<double>() + i * dims;
    sphere.point(0, numbers.uniform(first), numbers.uniform(first + 1), to);
    const double r = std::pow(numbers.uniform(first + 2), 1 / static_cast<double>(dims));
    for (std::int64_t j = 0; j < dims; ++j) to[j] *= r;
  }
  return x;
}

// u, its gradient, and u_t at points and one time: (n,d+2).
class Exact {
 public:
  Exact(const TheoryOptions& o, std::int64_t dims) : o_(o), dims_(dims) {
    along_.assign(static_cast<std::size_t>(dims), o.speed / std::sqrt(static_cast<double>(dims)));
  }
  const std::vector<double>& advection() const { return along_; }  // speed times the diagonal

  Tensor at(const Tensor& x, double t) const {
    const std::int64_t n = x.shape[0], d = dims_;
    Tensor all({n, d + 2}, Dtype::f64);
    double* to = all.mutable_data<double>();
    const bool waves = o_.equation == Equation::wave;
    const RadialWave wave{static_cast<int>(d), o_.deviation, waves ? o_.velocity : 0, o_.speed};
    parallel_for(n, [&](std::int64_t i) {
      double z[3] = {}, square = 0, carried = 0;
      for (std::int64_t j = 0; j < d; ++j) {
        const double moved = waves ? 0 : along_[static_cast<std::size_t>(j)] * t;
        z[j] = x.data<double>()[i * d + j] - moved;
        square += z[j] * z[j];
      }
      const double r = std::sqrt(square);
      RadialValue value;
      if (waves) {
        value = radial_wave(wave, r, t);
      } else {
        value.u = std::exp(-square / (2 * o_.deviation * o_.deviation));
        value.u_r = -r / (o_.deviation * o_.deviation) * value.u;
      }
      double* row = to + i * (d + 2);
      row[0] = value.u;
      for (std::int64_t j = 0; j < d; ++j) {
        row[1 + j] = r > 0 ? value.u_r * z[j] / r : 0;
        carried += along_[static_cast<std::size_t>(j)] * row[1 + j];
      }
      row[d + 1] = waves ? value.u_t : -carried;
    });
    return all;
  }

 private:
  TheoryOptions o_;
  std::int64_t dims_;
  std::vector<double> along_;
};

// Where ridges of u and of u_t are drawn from, the same for all widths and seeds.
struct Densities {
  Offsets ramps, steps;
};
Densities densities_of(const TheoryOptions& o, std::int64_t dims) {
  const int d = static_cast<int>(dims);
  return {offsets_of(gaussian_profile(d, o.deviation), Ridge::ramp, reach_of(o)),
          offsets_of(gaussian_profile(d, o.deviation, o.velocity), Ridge::step, reach_of(o))};
}

// Half of a wave's units run one way and half the other. Of the ridges of u and of u_t, so many as their masses
// are: both then add equally much to the error for each ridge.
PlaneWaves network_for(const TheoryOptions& o, const Exact& exact, const Densities& densities,
                       std::int64_t dims, std::int64_t width, RidgeSampling sampling, const Stream& stream) {
  const int d = static_cast<int>(dims);
  const auto& [ramps, steps] = densities;
  const auto ridges = [&](Ridge kind, double amplitude, const Offsets& offsets, std::int64_t count) {
    Ridges made = sample_ridges(d, offsets, count - constant_units(kind), sampling,
                                stream.child(kind == Ridge::ramp ? "u" : "u_t"));
    add_constant(made, gaussian_profile(d, o.deviation, amplitude), kind, reach_of(o));
    return made;
  };
  if (o.equation == Equation::advection)
    return advection_network(ridges(Ridge::ramp, 1, ramps, width), exact.advection());
  if (o.velocity == 0) return wave_network(ridges(Ridge::ramp, 1, ramps, width / 2), {.dims = d}, o.speed);
  const double share = steps.mass() / (steps.mass() + o.speed * ramps.mass());
  const std::int64_t half = width / 2, of_steps = std::clamp<std::int64_t>(
                                           std::llround(share * static_cast<double>(half)), 2, half - 3);
  return wave_network(ridges(Ridge::ramp, 1, ramps, half - of_steps),
                      ridges(Ridge::step, o.velocity, steps, of_steps), o.speed);
}

// Sums over points of squared errors of u, its gradient and u_t. Derivatives are the network's own, by the
// tape.
struct Squares {
  double u = 0, gradient = 0, u_t = 0;
};
Squares squares_of(const PlaneWaves& waves, const Tensor& x, double t, const Tensor& exact) {
  constexpr std::int64_t tile = 250;
  const std::int64_t n = x.shape[0], d = x.shape[1];
  std::vector<Squares> parts(static_cast<std::size_t>((n + tile - 1) / tile));
  parallel_for(std::ssize(parts), [&](std::int64_t k) {
    const std::int64_t begin = k * tile, end = std::min(n, begin + tile), rows = end - begin;
    const Tensor at = full({1, 1}, t, Dtype::f64), still = zeros({rows, d}, Dtype::f64),
                 now = zeros({1, 1}, Dtype::f64);
    const Tensors inputs{x.rows(begin, end), at};
    const auto f = [&](const Vars& in) { return waves(in[0], in[1]); };
    const Linearization u(f, inputs);
    Squares& sum = parts[static_cast<std::size_t>(k)];
    const auto add = [&](const Tensor& of, std::int64_t column, double& to) {
      for (std::int64_t i = 0; i < rows; ++i)
        to += std::pow(of.at(i) - exact.at((begin + i) * (d + 2) + column), 2);
    };
    add(u.value(), 0, sum.u);
    for (std::int64_t j = 0; j < d; ++j) {
      Tensor along = still.clone();
      for (std::int64_t i = 0; i < rows; ++i) along.mutable_data<double>()[i * d + j] = 1;
      add(u.push({along, now}), 1 + j, sum.gradient);
    }
    add(u.push({still, ones({1, 1}, Dtype::f64)}), d + 1, sum.u_t);
  });
  Squares all;
  for (const Squares& part : parts) {
    all.u += part.u;
    all.gradient += part.gradient;
    all.u_t += part.u_t;
  }
  return all;
}

double slope_of(const std::vector<std::pair<double, double>>& points) {  // of logarithms, downwards
  double x = 0, y = 0, xx = 0, xy = 0;
  const auto n = static_cast<double>(points.size());
  for (const auto& [width, error] : points) {
    const double u = std::log(width), v = std::log(error);
    x += u / n;
    y += v / n;
    xx += u * u / n;
    xy += u * v / n;
  }
  return -(xy - x * y) / (xx - x * x);
}

TheoryRate rate_of(const std::vector<TheoryRow>& rows) {
  TheoryRate rate{.dims = rows.front().dims, .sampling = rows.front().sampling};
  rate.promised = rate.sampling == RidgeSampling::independent ? .5 : .5 + .5 / static_cast<double>(rate.dims);
  for (double TheoryErrors::*which : all_errors) {
    std::vector<std::pair<double, double>> points;
    for (const TheoryRow& row : rows) points.emplace_back(static_cast<double>(row.width), row.errors.*which);
    rate.rates.*which = slope_of(points);
  }
  return rate;
}

}  // namespace

TheoryStudy theory_study(const TheoryOptions& o) {
  check(o);
  TheoryStudy study;
  std::vector<std::int64_t> dims = o.dims, widths = o.widths;
  for (auto* list : {&dims, &widths}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  for (const std::int64_t d : dims) {
    const Exact exact(o, d);
    const Densities densities = densities_of(o, d);
    const Tensor x = points_of_ball(o.points, d, Stream(0, "points"));
    const Tensor times =
        o.times == 1 ? full({1}, o.t_end, Dtype::f64) : linspace(0, o.t_end, o.times, Dtype::f64);
    std::vector<Tensor> truth;
    double size = 0, size_h1 = 0;  // the largest of sums of squares of u, and of u and its gradient
    for (std::int64_t k = 0; k < times.size(); ++k) {
      truth.push_back(exact.at(x, times.at(k)));
      double u = 0, gradient = 0;
      for (std::int64_t i = 0; i < o.points; ++i)
        for (std::int64_t j = 0; j <= d; ++j)
          (j == 0 ? u : gradient) += std::pow(truth.back().at(i * (d + 2) + j), 2);
      size = std::max(size, u);
      size_h1 = std::max(size_h1, u + gradient);
    }
    const double weight = volume(d) / static_cast<double>(o.points);
    for (const RidgeSampling sampling : {RidgeSampling::stratified, RidgeSampling::independent}) {
      std::vector<TheoryRow> rows;
      for (const std::int64_t width : widths) {
        TheoryRow row{.dims = d, .width = width, .sampling = sampling};
        for (std::int64_t seed = 0; seed < o.seeds; ++seed) {
          const PlaneWaves waves = network_for(o, exact, densities, d, width, sampling,
                                               Stream(static_cast<std::uint64_t>(seed), name_of(sampling)));
          row.coefficients = waves.net.coefficients();
          row.parameters = waves.net.factors().parameter_count();
          TheoryErrors worst;  // squared
          for (std::size_t k = 0; k < truth.size(); ++k) {
            const Squares e = squares_of(waves, x, times.at(static_cast<std::int64_t>(k)), truth[k]);
            worst.h1 = std::max(worst.h1, weight * (e.u + e.gradient));
            worst.u_t = std::max(worst.u_t, weight * e.u_t);
            worst.l2 = std::max(worst.l2, weight * e.u);
          }
          worst.rel_h1 = worst.h1 / (weight * size_h1);
          worst.rel_l2 = worst.l2 / (weight * size);
          for (double TheoryErrors::*which : all_errors)
            row.errors.*which += worst.*which / static_cast<double>(o.seeds);
        }
        for (double TheoryErrors::*which : all_errors) row.errors.*which = std::sqrt(row.errors.*which);
        rows.push_back(row);
      }
      if (rows.size() > 1) study.rates.push_back(rate_of(rows));
      study.rows.insert(study.rows.end(), rows.begin(), rows.end());
    }
  }
  return study;
}

}  // namespace lowtide
