#include <fmt/format.h>
#include <lowtide/experiments/measures.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

namespace lowtide {
namespace {

using Numbers = std::vector<double>;

void raise(double& most, double value) {  // a NaN stays
  if (value > most || std::isnan(value)) most = value;
}

double relative(double error, double size, double if_zero) { return error / (size == 0 ? if_zero : size); }

// Which row of a frame belongs where: in a line, or in a grid whose rows follow one another.
struct Layout {
  std::vector<std::size_t> row;
  std::size_t nx = 0, ny = 1;
  double dx = 1, dy = 1;  // a step along one axis counts with the width of the other

  Numbers arranged(const Tensor& u, std::int64_t field) const {
    const double* from = u.data<double>() + field;
    Numbers values(row.size());
    for (std::size_t i = 0; i < row.size(); ++i)
      values[i] = from[row[i] * static_cast<std::size_t>(u.shape[1])];
    return values;
  }
};

Layout line_of(const Tensor& x) {
  Layout line{.row = std::vector<std::size_t>(static_cast<std::size_t>(x.size()))};
  std::iota(line.row.begin(), line.row.end(), std::size_t{0});
  const double* at = x.data<double>();
  std::stable_sort(line.row.begin(), line.row.end(),
                   [&](std::size_t a, std::size_t b) { return at[a] < at[b]; });
  line.nx = line.row.size();
  return line;
}

// The coordinates of a uniform grid along one axis, if these are some.
struct Axis {
  double low = 0, step = 0;
  std::size_t n = 0;

  static std::optional<Axis> of(Numbers all) {
    std::sort(all.begin(), all.end());
    const double length = all.back() - all.front();
    Axis axis{all.front(), 0, 1};
    for (std::size_t i = 1; i < all.size(); ++i) axis.n += all[i] - all[i - 1] > 1e-5 * length;
    if (axis.n < 2) return {};
    axis.step = length / static_cast<double>(axis.n - 1);
    for (const double x : all)
      if (std::abs(x - axis.low - axis.step * static_cast<double>(axis.place(x))) > 1e-3 * axis.step) return {};
    return axis;
  }
  std::size_t place(double x) const { return static_cast<std::size_t>(std::round((x - low) / step)); }
};

std::optional<Layout> grid_of(const Tensor& x) {
  const double* at = x.data<double>();
  const auto n = static_cast<std::size_t>(x.shape[0]);
  Numbers first(n), second(n);
  for (std::size_t i = 0; i < n; ++i) first[i] = at[2 * i], second[i] = at[2 * i + 1];
  const std::optional<Axis> a = Axis::of(first), b = Axis::of(second);
  if (!a || !b || a->n * b->n != n) return {};
  Layout grid{std::vector<std::size_t>(n, n), a->n, b->n, a->step, b->step};
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t& row = grid.row[b->place(second[i]) * a->n + a->place(first[i])];
    if (row != n) return {};  // two points in one place
    row = i;
  }
  return grid;
}

double variation(const Layout& layout, const Numbers& u) {
  double sum = 0;
  for (std::size_t j = 0; j < layout.ny; ++j)
    for (std::size_t i = 0; i < layout.nx; ++i) {
      const std::size_t at = j * layout.nx + i;
      if (i + 1 < layout.nx) sum += layout.dy * std::abs(u[at + 1] - u[at]);
      if (j + 1 < layout.ny) sum += layout.dx * std::abs(u[at + layout.nx] - u[at]);
    }
  return sum;
}

constexpr std::size_t few = 4;  // points: a shock of a captured solution is as wide, a contact twice
constexpr double window = 0.05;

struct Jump {
  std::size_t at;
  double height;  // with its sign
};

// Each stretch of large differences of one sign is one jump, where it is steepest.
std::vector<Jump> jumps_of(const Numbers& u) {
  std::vector<Jump> stretches, jumps;
  const auto [low, high] = std::minmax_element(u.begin(), u.end());
  const double range = *high - *low;
  if (!(range > 1e-6 * std::max(std::abs(*low), std::abs(*high)))) return jumps;  // constant but for rounding
  bool inside = false;
  for (std::size_t i = 1; i + 1 < u.size(); ++i) {
    const double height = u[i + 1] - u[i - 1];
    const bool large = std::abs(height) > 0.2 * range;
    if (large && !(inside && (stretches.back().height > 0) == (height > 0)))
      stretches.push_back({i, height});
    else if (large && std::abs(height) > std::abs(stretches.back().height))
      stretches.back() = {i, height};
    inside = large;
  }
  std::stable_sort(stretches.begin(), stretches.end(),
                   [](const Jump& a, const Jump& b) { return std::abs(a.height) > std::abs(b.height); });
  for (const Jump& next : stretches) {
    const bool apart = std::all_of(jumps.begin(), jumps.end(), [&](const Jump& other) {
      return std::max(next.at, other.at) - std::min(next.at, other.at) > few;
    });
    if (apart && jumps.size() < 3) jumps.push_back(next);
  }
  return jumps;
}

// Where u passes `value` in the direction of the sign, between the points i and i+1.
std::optional<double> crossing(const Numbers& x, const Numbers& u, std::size_t i, double value, double sign) {
  if (!(sign * (u[i] - value) < 0 && sign * (u[i + 1] - value) >= 0)) return {};
  return x[i] + (x[i + 1] - x[i]) * ((value - u[i]) / (u[i + 1] - u[i]));
}

// How far the prediction has a jump of the truth from its place, relative to the length.
double distance(const Numbers& x, const Numbers& truth, const Numbers& prediction, const Jump& jump) {
  const double sign = jump.height > 0 ? 1 : -1, length = x.back() - x.front();
  std::size_t left = jump.at, right = jump.at;
  while (left > 0 && jump.at - left < few && sign * (truth[left] - truth[left - 1]) >= 0) --left;
  while (right + 1 < x.size() && right - jump.at < few && sign * (truth[right + 1] - truth[right]) >= 0)
    ++right;
  const double middle = truth[left] + (truth[right] - truth[left]) / 2;
  double place = x[jump.at], nearest = window;
  for (std::size_t i = left; i < right; ++i)
    if (const auto found = crossing(x, truth, i, middle, sign)) place = *found;
  for (std::size_t i = 0; i + 1 < x.size(); ++i)
    if (const auto found = crossing(x, prediction, i, middle, sign))
      nearest = std::min(nearest, std::abs(*found - place) / length);
  return nearest;
}

}  // namespace

void MeasureSum::add(const Tensor& x_any, const Tensor& weights, const Tensor& truth_any,
                     const Tensor& prediction_any) {
  const std::int64_t n = x_any.shape[0];
  if (x_any.shape.rank() != 2 || truth_any.shape.rank() != 2 || truth_any.shape != prediction_any.shape ||
      weights.shape != Shape{n} || truth_any.shape[0] != n)
    fail<ShapeError>("measures", fmt::format("points {}, weights {}, truth {} and prediction {} disagree",
                                             to_string(x_any.shape), to_string(weights.shape),
                                             to_string(truth_any.shape), to_string(prediction_any.shape)));
  const std::int64_t c = truth_any.shape[1];
  if (dims_ == 0) {
    dims_ = x_any.shape[1];
    fields_.resize(static_cast<std::size_t>(c));
  }
  if (dims_ != x_any.shape[1] || std::ssize(fields_) != c)
    fail<ShapeError>("measures", fmt::format("{} fields in {} dimensions after frames with {} in {}", c,
                                             x_any.shape[1], fields_.size(), dims_));
  if (n == 0) return;
  const Tensor x = x_any.cast(Dtype::f64), w = weights.cast(Dtype::f64), truth = truth_any.cast(Dtype::f64),
               prediction = prediction_any.cast(Dtype::f64);
  if (!all_finite(x)) fail<NonFiniteError>("measures", "a point is not finite");

  points_ += n;
  for (std::int64_t i = 0; i < n; ++i) {
    const double weight = w.at(i);
    weight_ += weight;
    for (std::int64_t k = 0; k < c; ++k) {
      Field& sum = fields_[static_cast<std::size_t>(k)];
      const double y = std::abs(truth.at(i * c + k)),
                   d = std::abs(prediction.at(i * c + k) - truth.at(i * c + k));
      sum.d1 += weight * d;
      sum.d2 += weight * d * d;
      sum.y1 += weight * y;
      sum.y2 += weight * y * y;
      raise(sum.d_max, d);
      raise(sum.y_max, y);
    }
  }

  std::optional<Layout> layout;
  if (dims_ == 1) layout = line_of(x);
  if (dims_ == 2) layout = grid_of(x);
  if (!layout) {
    variation_truth_ = Measures::none;
    return;
  }
  const Numbers place = layout->arranged(x, 0);
  for (std::int64_t k = 0; k < c; ++k) {
    const Numbers y = layout->arranged(truth, k), p = layout->arranged(prediction, k);
    variation_truth_ += variation(*layout, y);
    variation_prediction_ += variation(*layout, p);
    if (dims_ != 1 || !(place.back() > place.front())) continue;
    for (const Jump& jump : jumps_of(y)) {
      shock_distance_ += distance(place, y, p, jump);
      ++shocks_;
    }
  }
}

Measures MeasureSum::result() const {
  Measures m;
  if (points_ == 0 || fields_.empty()) return m;
  m.rel_l1 = m.rel_mse = m.max = 0;
  const auto count = static_cast<double>(fields_.size());
  for (const Field& sum : fields_) {
    m.rel_l1 += relative(sum.d1, sum.y1, weight_) / count;
    m.rel_mse += relative(sum.d2, sum.y2, weight_) / count;
    raise(m.max, relative(sum.d_max, sum.y_max, 1));
  }
  m.rel_l2 = std::sqrt(m.rel_mse);
  if (variation_truth_ > 0) m.tv_ratio = variation_prediction_ / variation_truth_;
  if (shocks_ > 0) m.shock_error = shock_distance_ / static_cast<double>(shocks_);
  return m;
}

}  // namespace lowtide
