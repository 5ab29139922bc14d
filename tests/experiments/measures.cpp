// Measures of error, by examples that can be worked out by hand.
#include <lowtide/experiments/measures.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>

using namespace lowtide;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), none = Measures::none;
using Function = std::function<double(double)>;

bool close(double a, double b, double tolerance = 1e-12) { return std::abs(a - b) < tolerance; }

Tensor column(const std::vector<double>& values) { return from({std::ssize(values), 1}, values); }

// At n equal points of [0,1], with equal weights.
void add(MeasureSum& sum, std::int64_t n, const Function& truth, const Function& prediction) {
  const Tensor x = linspace(0, 1, n, Dtype::f64).reshaped({n, 1});
  std::vector<double> y, p;
  for (std::int64_t i = 0; i < n; ++i) y.push_back(truth(x.at(i))), p.push_back(prediction(x.at(i)));
  sum.add(x, full({n}, 1 / static_cast<double>(n), Dtype::f64), column(y), column(p));
}

Measures of(const Function& truth, const Function& prediction, std::int64_t n = 401) {
  MeasureSum sum;
  add(sum, n, truth, prediction);
  return sum.result();
}

Measures of(const Tensor& x, const Tensor& truth, const Tensor& prediction) {
  MeasureSum sum;
  sum.add(x, ones({x.shape[0]}, Dtype::f64), truth, prediction);
  return sum.result();
}

// From `left` to `right` around `at`, linear over `width`: 0.0075 are three cells of 400.
Function step(double at, double left = 0, double right = 1, double width = 0.0075) {
  return [=](double x) { return left + (right - left) * std::clamp((x - at) / width + 0.5, 0.0, 1.0); };
}

// At 41 points: zero, then these from point `first` on, then the last.
Function numbers(std::size_t first, const std::vector<double>& values, double last) {
  return [=](double x) {
    const auto i = static_cast<std::size_t>(std::lround(40 * x));
    return i < first ? 0 : i < first + values.size() ? values[i - first] : last;
  };
}

double constant(double) { return 1; }

}  // namespace

BOOST_AUTO_TEST_SUITE(measures)

BOOST_AUTO_TEST_CASE(sums_with_weights) {
  MeasureSum sum;
  sum.add(column({0, 1}), from({2}, {1, 3}), column({1, -2}), column({2, -1.5}));
  sum.add(column({0}), from({1}, {2}), column({4}), column({3}));
  const Measures m = sum.result();
  BOOST_TEST(close(m.rel_l1, (1 + 1.5 + 2) / (1 + 6 + 8)));
  BOOST_TEST(close(m.rel_mse, (1 + 0.75 + 2) / (1 + 12 + 32)));
  BOOST_TEST(close(m.rel_l2, std::sqrt(3.75 / 45)));
  BOOST_TEST(close(m.max, 1. / 4));
}

BOOST_AUTO_TEST_CASE(mean_over_two_fields_and_the_worst) {
  const Measures m = of(column({0, 1}), from({2, 2}, {1, 10, 3, 10}), from({2, 2}, {2, 10, 3, 14}));
  BOOST_TEST(close(m.rel_l1, (1. / 4 + 4. / 20) / 2));
  BOOST_TEST(close(m.rel_mse, (1. / 10 + 16. / 200) / 2));
  BOOST_TEST(close(m.max, 0.4));
  BOOST_TEST(close(m.tv_ratio, (1. + 4) / 2));
}

BOOST_AUTO_TEST_CASE(a_field_that_is_zero_counts_absolutely) {
  MeasureSum sum;
  sum.add(column({0, 1}), from({2}, {1, 3}), from({2, 2}, {0, 1, 0, 1}), from({2, 2}, {0.4, 1, -0.2, 1}));
  const Measures m = sum.result();
  BOOST_TEST(close(m.rel_l1, (0.4 + 0.6) / 4 / 2));
  BOOST_TEST(close(m.rel_mse, (0.16 + 0.12) / 4 / 2));
  BOOST_TEST(close(m.max, 0.4));
}

BOOST_AUTO_TEST_CASE(f32_is_as_good) {
  const Tensor x = column({0, 1, 2}), y = column({1, 2, 4}), p = column({1, 2.5, 4});
  const Measures a = of(x, y, p), b = of(x.cast(Dtype::f32), y.cast(Dtype::f32), p.cast(Dtype::f32));
  BOOST_TEST(a.rel_l1 == b.rel_l1);
  BOOST_TEST(close(b.rel_l1, 0.5 / 7));
}

BOOST_AUTO_TEST_CASE(nothing_makes_no_sense) {
  MeasureSum sum;
  const auto all_nan = [&] {
    const Measures m = sum.result();
    return std::isnan(m.rel_l1) && std::isnan(m.rel_l2) && std::isnan(m.rel_mse) && std::isnan(m.max) &&
           std::isnan(m.tv_ratio) && std::isnan(m.shock_error);
  };
  BOOST_TEST(all_nan());
  const Tensor empty({0, 1}, Dtype::f64);
  sum.add(empty, Tensor({0}, Dtype::f64), empty, empty);
  BOOST_TEST(all_nan());
  add(sum, 401, step(0.5), step(0.5137));
  sum.add(empty, Tensor({0}, Dtype::f64), empty, empty);
  BOOST_TEST(close(sum.result().shock_error, 0.0137));
}

BOOST_AUTO_TEST_CASE(predictions_that_are_not_finite_show) {
  for (const double bad : {none, inf}) {
    const Measures m = of(step(0.5), [=](double x) { return x < 0.1 ? bad : step(0.5)(x); });
    BOOST_TEST(!std::isfinite(m.rel_l1));
    BOOST_TEST(!std::isfinite(m.rel_l2));
    BOOST_TEST(!std::isfinite(m.max));
    BOOST_TEST(!std::isfinite(m.tv_ratio));
    BOOST_TEST(close(m.shock_error, 0));
  }
  BOOST_TEST(of(step(0.5), [](double) { return none; }).shock_error == 0.05);
}

BOOST_AUTO_TEST_CASE(shifted_steps) {
  for (const double by : {0.0137, -0.0137, 0.04, 0.0}) {
    BOOST_TEST(close(of(step(0.5), step(0.5 + by)).shock_error, std::abs(by)));
    BOOST_TEST(close(of(step(0.3, 5, -2), step(0.3 + by, 5, -2)).shock_error, std::abs(by)));
    BOOST_TEST(close(of(step(0.5), step(0.5 + by)).tv_ratio, 1));
  }
  // Relative to the length.
  MeasureSum sum;
  const Tensor x = linspace(-3, 7, 401, Dtype::f64).reshaped({401, 1});
  std::vector<double> y, p;
  for (std::int64_t i = 0; i < 401; ++i) {
    y.push_back(step(0.5)(x.at(i) / 10 + 0.3));
    p.push_back(step(0.5137)(x.at(i) / 10 + 0.3));
  }
  sum.add(x, ones({401}, Dtype::f64), column(y), column(p));
  BOOST_TEST(close(sum.result().shock_error, 0.0137));
}

BOOST_AUTO_TEST_CASE(a_step_without_width) {
  const auto sharp = [](double at) { return [=](double x) { return x < at ? 3. : 1.; }; };
  BOOST_TEST(close(of(sharp(0.501), sharp(0.501)).shock_error, 0));
  BOOST_TEST(close(of(sharp(0.501), sharp(0.511)).shock_error, 0.01));  // four cells
}

BOOST_AUTO_TEST_CASE(smeared_steps) {
  for (const double width : {0.02, 0.05, 0.2})
    BOOST_TEST(close(of(step(0.5), step(0.5, 0, 1, width)).shock_error, 0));
  // A truth as wide as a contact.
  const auto contact = [](double at) { return [=](double x) { return 2 + std::tanh((x - at) / 0.006); }; };
  BOOST_TEST(close(of(contact(0.5), contact(0.5137)).shock_error, 0.0137, 1e-4));
}

BOOST_AUTO_TEST_CASE(lost_steps) {
  BOOST_TEST(of(step(0.5), constant).shock_error == 0.05);
  BOOST_TEST(of(step(0.5), step(0.5, 0, 0.4)).shock_error == 0.05);  // too low
  BOOST_TEST(of(step(0.5), step(0.5, 1, 0)).shock_error == 0.05);    // down, not up
  BOOST_TEST(of(step(0.5), step(0.58)).shock_error == 0.05);         // too far
}

BOOST_AUTO_TEST_CASE(mean_over_shocks_fields_and_frames) {
  const auto pulse = [](double rise, double fall) {
    return [=](double x) { return step(rise)(x) - step(fall)(x); };
  };
  BOOST_TEST(close(of(pulse(0.3, 0.6), pulse(0.31, 0.63)).shock_error, 0.02));
  BOOST_TEST(close(of(pulse(0.3, 0.6), step(0.31)).shock_error, (0.01 + 0.05) / 2));
  MeasureSum sum;
  add(sum, 401, step(0.5), step(0.51));
  add(sum, 201, constant, constant);  // no shock
  add(sum, 801, pulse(0.3, 0.6), pulse(0.3, 0.6));
  BOOST_TEST(close(sum.result().shock_error, 0.01 / 3));

  const Tensor x = linspace(0, 1, 401, Dtype::f64).reshaped({401, 1});
  std::vector<double> y, p;
  for (std::int64_t i = 0; i < 401; ++i) {
    y.insert(y.end(), {step(0.5)(x.at(i)), 1000 * step(0.7)(x.at(i))});
    p.insert(p.end(), {step(0.52)(x.at(i)), 1000 * step(0.71)(x.at(i))});
  }
  BOOST_TEST(close(of(x, from({401, 2}, y), from({401, 2}, p)).shock_error, 0.015));
}

BOOST_AUTO_TEST_CASE(the_three_strongest) {
  const auto stairs = [](double by) {  // heights 5, 4, 3.5, 3 and 1: the last is less than a fifth
    return [=](double x) {
      return step(0.1 + by / 2, 0, 5)(x) + step(0.3, 0, 4)(x) + step(0.5, 0, -3.5)(x) +
             step(0.7 + by, 0, -3)(x) + step(0.9 + by)(x);
    };
  };
  BOOST_TEST(close(of(stairs(0), stairs(0.012)).shock_error, 0.002));
}

BOOST_AUTO_TEST_CASE(a_weak_jump_is_none) {
  const auto on_a_slope = [](double height) {
    return [=](double x) { return (1 - height) * x + step(0.5, 0, height, 0.0025)(x); };
  };
  BOOST_TEST(std::isnan(of(on_a_slope(0.19), constant).shock_error));
  BOOST_TEST(of(on_a_slope(0.21), constant).shock_error == 0.05);
}

// The value on the right is that of four points off: 8, in the middle of 0 and 8 is 4, at 20.75.
BOOST_AUTO_TEST_CASE(sides_of_a_jump) {
  const Function truth = numbers(20, {1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, 14);
  const Function prediction = numbers(22, {8}, 8);  // there at 21.5
  BOOST_TEST(close(of(truth, prediction, 41).shock_error, 0.75 / 40));
}

// Up to 7, right down again: the sides end at the top. Half of it, 3.5, is met at 23.7 on the way down.
BOOST_AUTO_TEST_CASE(a_thin_peak) {
  const Function truth = numbers(19, {1, 4.5, 5, 6, 7, 2, 1}, 0);
  const Function prediction = numbers(19, {1, 4.5, 5, 6, 7, 3.5, 0.5}, 0);  // at 24
  BOOST_TEST(close(of(truth, prediction, 41).shock_error, 0.3 / 40 / 2));
  const auto mirrored = [](const Function& u) { return [=](double x) { return u(1 - x); }; };
  BOOST_TEST(close(of(mirrored(truth), mirrored(prediction), 41).shock_error, 0.3 / 40 / 2));
}

BOOST_AUTO_TEST_CASE(an_overshoot_belongs_to_its_jump) {
  BOOST_TEST(close(of(numbers(20, {1.4}, 1), numbers(20, {1.4}, 1.4), 41).shock_error, 0));
}

BOOST_AUTO_TEST_CASE(constants_have_neither_shocks_nor_variation) {
  const Measures m = of(constant, step(0.5));
  BOOST_TEST(std::isnan(m.shock_error));
  BOOST_TEST(std::isnan(m.tv_ratio));
  BOOST_TEST(m.max == 1);
  const auto rounded = [](double x) { return x < 0.5 ? 1. : 1 + 1e-15; };
  BOOST_TEST(std::isnan(of(rounded, rounded).shock_error));
  BOOST_TEST(std::isnan(of(column({2}), column({1}), column({3})).shock_error));  // one point
  BOOST_TEST(std::isnan(of(column({2, 2, 2}), column({1, 2, 3}), column({1, 2, 3})).shock_error));
}

BOOST_AUTO_TEST_CASE(oscillation) {
  const Measures m =
      of(column({0, 1, 2, 3, 4, 5}), column({0, 0, 0, 1, 1, 1}), column({0, 0.1, -0.2, 1.3, 0.9, 1}));
  BOOST_TEST(close(m.tv_ratio, 0.1 + 0.3 + 1.5 + 0.4 + 0.1));
  MeasureSum sum;
  add(sum, 401, step(0.5), step(0.5, 0, 3));
  add(sum, 401, step(0.5, 0, 4), step(0.5, 0, 4));
  BOOST_TEST(close(sum.result().tv_ratio, 7. / 5));
}

BOOST_AUTO_TEST_CASE(points_in_any_order) {
  std::vector<double> x, y, p;
  for (std::size_t i = 0; i < 401; ++i) {  // 401 is prime
    x.push_back(static_cast<double>(i * 152 % 401) / 400);
    y.push_back(step(0.5)(x.back()));
    p.push_back(step(0.5137, 0, 1.5)(x.back()));
  }
  const Measures a = of(column(x), column(y), column(p)), b = of(step(0.5), step(0.5137, 0, 1.5));
  BOOST_TEST(close(a.tv_ratio, 1.5));
  BOOST_TEST(close(a.shock_error, b.shock_error));
  BOOST_TEST(close(a.rel_l1, b.rel_l1));
}

BOOST_AUTO_TEST_CASE(variation_on_a_grid) {
  // Three columns 0.5 apart, two rows 2 apart, shuffled.
  const Tensor x = from({6, 2}, {1, 2, 0, 0, 0.5, 2, 1, 0, 0, 2, 0.5, 0});
  // Rows from below: 0 1 3 and 1 1 7; then 0 0 1 and 0 2 1.
  const Tensor y = from({6, 1}, {7, 0, 1, 3, 1, 1}), p = from({6, 1}, {1, 0, 2, 1, 0, 0});
  const double truth = 2 * (1 + 2 + 0 + 6) + 0.5 * (1 + 0 + 4);
  const double prediction = 2 * (0 + 1 + 2 + 1) + 0.5 * (0 + 2 + 0);
  const Measures m = of(x, y, p);
  BOOST_TEST(close(m.tv_ratio, prediction / truth));
  BOOST_TEST(std::isnan(m.shock_error));
}

BOOST_AUTO_TEST_CASE(rounded_coordinates_are_a_grid) {
  const std::int64_t n = 300;
  std::vector<double> x, y, p;
  for (std::int64_t j = 0; j < n; ++j)
    for (std::int64_t i = 0; i < n; ++i) {
      x.insert(x.end(), {-1 + (static_cast<double>(i) + 0.5) / 150, 10 + static_cast<double>(j) / 150});
      y.push_back(static_cast<double>(i));
      p.push_back(static_cast<double>(j) / 2);
    }
  const Tensor truth = from({n * n, 1}, y), prediction = from({n * n, 1}, p);
  BOOST_TEST(close(of(from({n * n, 2}, x, Dtype::f32), truth, prediction).tv_ratio, 0.5, 1e-4));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += 1e-9 * std::sin(static_cast<double>(i));
  BOOST_TEST(close(of(from({n * n, 2}, x), truth, prediction).tv_ratio, 0.5, 1e-4));
}

BOOST_AUTO_TEST_CASE(other_points_in_two_dimensions_have_no_variation) {
  const auto ratio = [](std::initializer_list<double> x) {
    const auto n = static_cast<std::int64_t>(x.size() / 2);
    const Tensor u = linspace(1, 2, n, Dtype::f64).reshaped({n, 1});
    const Measures m = of(from({n, 2}, x), u, u);
    BOOST_TEST(m.rel_l1 == 0);
    return m.tv_ratio;
  };
  BOOST_TEST(close(ratio({0, 0, 1, 0, 0, 1, 1, 1}), 1));
  BOOST_TEST(std::isnan(ratio({0, 0, 1, 0, 0, 1})));                                          // a corner short
  BOOST_TEST(std::isnan(ratio({0, 0, 1, 0, 0, 1, 1, 0})));                                    // one twice
  BOOST_TEST(std::isnan(ratio({0, 0, 1, 0, 3, 0, 0, 1, 1, 1, 3, 1})));                        // uneven
  BOOST_TEST(std::isnan(ratio({1, 1, 3, 1, 1, 3, 2.5, 2.5, 3.5, 2.5, 2.5, 3.5, 3.5, 3.5})));  // two levels
  BOOST_TEST(std::isnan(ratio({0, 0, 1, 0, 2, 0})));                                          // a line
  BOOST_TEST(std::isnan(ratio({0, 0})));

  MeasureSum sum;  // one frame without a grid spoils all
  const Tensor x = from({4, 2}, {0, 0, 1, 0, 0, 1, 1, 1}), u = from({4, 1}, {1, 2, 3, 4});
  for (const std::int64_t n : {4, 3, 4})
    sum.add(x.rows(0, n), ones({n}, Dtype::f64), u.rows(0, n), u.rows(0, n));
  BOOST_TEST(std::isnan(sum.result().tv_ratio));
}

BOOST_AUTO_TEST_CASE(three_dimensions) {
  const Measures m = of(from({2, 3}, {0, 0, 0, 1, 1, 1}), column({1, 1}), column({1, 2}));
  BOOST_TEST(m.rel_l1 == 0.5);
  BOOST_TEST(std::isnan(m.tv_ratio));
  BOOST_TEST(std::isnan(m.shock_error));
}

BOOST_AUTO_TEST_CASE(shapes_that_disagree) {
  const Tensor x = column({0, 1}), w = ones({2}, Dtype::f64), y = column({1, 2});
  MeasureSum sum;
  BOOST_CHECK_THROW(sum.add(x, ones({3}, Dtype::f64), y, y), ShapeError);
  BOOST_CHECK_THROW(sum.add(x, w, y, column({1, 2, 3})), ShapeError);
  BOOST_CHECK_THROW(sum.add(x, w, column({1}), column({1})), ShapeError);
  BOOST_CHECK_THROW(sum.add(w, w, y, y), ShapeError);
  sum.add(x, w, y, y);
  BOOST_CHECK_THROW(sum.add(x, w, ones({2, 2}, Dtype::f64), ones({2, 2}, Dtype::f64)), ShapeError);
  BOOST_CHECK_THROW(sum.add(ones({2, 2}, Dtype::f64), w, y, y), ShapeError);
  BOOST_CHECK_THROW(sum.add(column({0, none}), w, y, y), NonFiniteError);
  BOOST_TEST(sum.result().rel_l1 == 0);
}

BOOST_AUTO_TEST_SUITE_END()
