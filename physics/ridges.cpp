#include <lowtide/linalg/error.h>
#include <lowtide/physics/ridges.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lowtide {

using std::numbers::pi;

void Ridges::add(const double* direction, double offset, double factor) {
  w.insert(w.end(), direction, direction + dims);
  b.push_back(offset);
  a.push_back(factor);
}

double dawson(double x) {
  constexpr double h = 0.2;
  const double nearest = 2 * std::round((x / h - 1) / 2) + 1;  // odd
  double sum = 0;
  for (int k = -36; k <= 36; k += 2) {
    const double n = nearest + k, off = x - n * h;
    sum += std::exp(-off * off) / n;
  }
  return sum / std::sqrt(pi);
}

PlaneProfile gaussian_profile(int dims, double deviation, double amplitude) {
  const double inner = 1 / (std::numbers::sqrt2 * deviation);  // dz/ds
  const auto make = [&](auto value, auto slope) {
    return PlaneProfile{[=](double s) { return amplitude * value(s * inner); },
                        [=](double s) { return amplitude * inner * slope(s * inner); }};
  };
  switch (dims) {
    case 1:
      return make([](double z) { return std::exp(-z * z); },
                  [](double z) { return -2 * z * std::exp(-z * z); });
    case 2:
      return make([](double z) { return 1 - 2 * z * dawson(z); },
                  [](double z) { return (4 * z * z - 2) * dawson(z) - 2 * z; });
    case 3:
      return make([](double z) { return (1 - 2 * z * z) * std::exp(-z * z); },
                  [](double z) { return (4 * z * z - 6) * z * std::exp(-z * z); });
    default:
      fail<Error>("gaussian_profile", "in one to three dimensions only");
  }
}

Offsets::Offsets(const std::function<double(double)>& g, double reach, std::int64_t cells)
    : width_(reach / static_cast<double>(cells)), mass_{0} {
  double before = g(0);
  for (std::int64_t i = 1; i <= cells; ++i) {
    const double now = g(width_ * static_cast<double>(i));
    mass_.push_back(mass_.back() + std::abs(now - before));
    sign_.push_back(now < before ? -1 : 1);
    before = now;
  }
  // Tails that rounding alone gives a sign are no pieces.
  pieces_.push_back(0);
  for (std::size_t i = 1; i < sign_.size(); ++i)
    if (sign_[i] != sign_[i - 1] && mass_[i] - pieces_.back() * mass() > 1e-9 * mass() &&
        mass() - mass_[i] > 1e-9 * mass())
      pieces_.push_back(mass_[i] / mass());
  pieces_.push_back(1);
}

Offsets::Place Offsets::at(double share) const {
  const double wanted = share * mass();
  const auto right = std::upper_bound(mass_.begin() + 1, mass_.end() - 1, wanted);
  const auto i = static_cast<std::size_t>(right - mass_.begin()) - 1;
  const double inside = mass_[i + 1] > mass_[i] ? (wanted - mass_[i]) / (mass_[i + 1] - mass_[i]) : 0;
  return {width_ * (static_cast<double>(i) + std::min(inside, 1.0)), sign_[i]};
}

Offsets offsets_of(const PlaneProfile& f, Ridge kind, double reach) {
  return Offsets(kind == Ridge::ramp ? f.slope : f.value, reach);
}

void add_constant(Ridges& ridges, const PlaneProfile& f, Ridge kind, double reach) {
  double axis[3] = {1, 0, 0};
  if (kind == Ridge::step) return ridges.add(axis, reach, f.value(0));
  for (const double sign : {1.0, -1.0}) {
    axis[0] = sign;
    ridges.add(axis, reach, f.value(0) / (2 * reach));
  }
}

SphereCells::SphereCells(int dims, std::int64_t count) : dims_(dims), count_(count) {
  if (dims < 1 || dims > 3 || count < 1)
    fail<Error>("sphere_cells", "one to three dimensions, a cell at least");
  if (dims < 3) return;
  const auto n = static_cast<double>(count);
  const auto bands = std::max(1.0, std::round(std::sqrt(pi * n) / 2));  // as high as cells are wide
  zones_.push_back(0);
  for (double i = 1; i <= bands; ++i) {
    const auto end = static_cast<std::int64_t>(std::llround(n * (1 - std::cos(pi * i / bands)) / 2));
    if (end > zones_.back()) zones_.push_back(end);
  }
}

void SphereCells::point(std::int64_t k, double u, double v, double* w) const {
  const auto n = static_cast<double>(count_);
  const double share = (static_cast<double>(k) + u) / n;
  if (dims_ == 1) {
    w[0] = share < 0.5 ? -1 : 1;
  } else if (dims_ == 2) {
    w[0] = std::cos(2 * pi * share);
    w[1] = std::sin(2 * pi * share);
  } else {
    const auto zone = std::upper_bound(zones_.begin(), zones_.end(), k) - 1;
    const auto begin = static_cast<double>(zone[0]), cells = static_cast<double>(zone[1]) - begin;
    const double z = 1 - 2 * (begin + v * cells) / n, radius = std::sqrt(std::max(0.0, 1 - z * z)),
                 angle = 2 * pi * (static_cast<double>(k) - begin + u) / cells;
    w[0] = radius * std::cos(angle);
    w[1] = radius * std::sin(angle);
    w[2] = z;
  }
}

const char* name_of(RidgeSampling sampling) {
  return sampling == RidgeSampling::stratified ? "stratified" : "independent";
}

namespace {

struct Stratum {
  double begin, share;  // of the mass
};

// So many strata of the mass of offsets, in number as the pieces' masses and at least one in each; equal ones
// over all pieces if there are fewer than these.
std::vector<Stratum> strata_of(const Offsets& offsets, std::int64_t count) {
  std::vector<double> ends = offsets.pieces();
  if (count < std::ssize(ends) - 1) ends = {0, 1};
  const std::size_t pieces = ends.size() - 1;
  std::vector<std::int64_t> counts(pieces, 1);
  for (std::int64_t left = count - std::ssize(counts); left > 0; --left) {
    std::size_t heaviest = 0;
    const auto mean = [&](std::size_t k) { return (ends[k + 1] - ends[k]) / static_cast<double>(counts[k]); };
    for (std::size_t k = 1; k < pieces; ++k)
      if (mean(k) > mean(heaviest)) heaviest = k;
    ++counts[heaviest];
  }
  std::vector<Stratum> strata;
  for (std::size_t k = 0; k < pieces; ++k) {
    const double share = (ends[k + 1] - ends[k]) / static_cast<double>(counts[k]);
    for (std::int64_t j = 0; j < counts[k]; ++j)
      strata.push_back({ends[k] + share * static_cast<double>(j), share});
  }
  return strata;
}

}  // namespace

Ridges sample_ridges(int dims, const Offsets& offsets, std::int64_t count, RidgeSampling sampling,
                     const Stream& stream) {
  // Parts whose sides move a ridge about equally far in a domain of a few deviations.
  constexpr double per_offset[] = {2, 2, 1.6};
  const bool stratified = sampling == RidgeSampling::stratified;
  const double power = dims == 1 ? 0 : 1 - 1 / static_cast<double>(dims);
  const std::int64_t pieces = std::ssize(offsets.pieces()) - 1,
                     most = std::max<std::int64_t>(1, count / pieces),
                     wanted = std::llround(per_offset[dims - 1] * std::pow(static_cast<double>(count), power)),
                     parts = stratified ? std::clamp<std::int64_t>(wanted, 1, most) : 1;
  const SphereCells cells(dims, parts);
  Ridges ridges{.dims = dims};
  std::uint64_t element = 0;
  const auto add = [&](std::int64_t part, const Stratum& stratum, double factor) {
    double w[3];
    cells.point(part, stream.uniform(element), stream.uniform(element + 1), w);
    const Offsets::Place place = offsets.at(stratum.begin + stratum.share * stream.uniform(element + 2));
    element += 3;
    ridges.add(w, -place.offset, factor * place.sign);
  };
  if (!stratified) {
    for (std::int64_t i = 0; i < count; ++i) add(0, {0, 1}, 2 * offsets.mass() / static_cast<double>(count));
    return ridges;
  }
  for (std::int64_t k = 0; k < parts; ++k)
    for (const Stratum& stratum : strata_of(offsets, (k + 1) * count / parts - k * count / parts))
      add(k, stratum, 2 * offsets.mass() * stratum.share / static_cast<double>(parts));
  return ridges;
}

}  // namespace lowtide
