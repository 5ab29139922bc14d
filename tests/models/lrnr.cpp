#include "check_model.h"

#include <lowtide/models/lrnr.h>

#include <algorithm>
#include <vector>

using namespace lowtide;

BOOST_AUTO_TEST_SUITE(lrnr_suite)

const Lrnr model{.in = 1, .out = 1, .width = 6, .depth = 3, .rank = 2, .hyper_width = 4, .hyper_depth = 3};

// The dense network with W = U diag(s1) VT and b = B s2, assembled outside.
BOOST_AUTO_TEST_CASE(is_the_dense_network_it_stands_for) {
  const Tensors theta = model.init(Stream(1, "lrnr"), Dtype::f64);
  const Vars p(theta.begin(), theta.end());
  Stream stream(1, "points");
  const Var x(stream.uniform({5, 1}, Dtype::f64, -1, 1)), t(from({1, 1}, {0.3}));
  const Var s = model.coefficients_at(p, t);
  Var z = x;
  for (std::int64_t l = 0; l < 3; ++l) {
    const Var *u = &p[static_cast<std::size_t>(3 * l)], *v = u + 1, *b = u + 2;
    const Var s1 = reshape(slice(s, 0, 4 * l, 4 * l + 2), {2, 1}), s2 = slice(s, 0, 4 * l + 2, 4 * l + 4);
    const Var w = matmul(*v, s1 * *u, Trans::yes);
    z = matmul(z, w) + sum(reshape(s2, {2, 1}) * *b, 0);
    if (l < 2) z = tanh(z);
  }
  const Var y = model(p, x, s);
  BOOST_TEST(max_abs((y - z).value()) <= 1e-14 * max_abs(y.value()) + 1e-15);
}

// Rows of several times at once: values, and gradients to all factors, coefficients and points.
BOOST_AUTO_TEST_CASE(several_times_are_those_of_each) {
  const Lrnr wide{.in = 2, .out = 1, .width = 10, .depth = 4, .rank = 3};
  constexpr std::int64_t times = 4, points = 7;
  const Tensors theta = some_parameters(wide);
  Stream stream(1, "several");
  const Tensor x = stream.uniform({times * points, 2}, Dtype::f64, -1, 1),
               s = stream.uniform({times, wide.coefficients()}, Dtype::f64, -1, 1),
               weights = stream.uniform({times * points, 1}, Dtype::f64, 0, 1);
  Tensors arguments(theta.begin(), theta.begin() + static_cast<std::ptrdiff_t>(wide.field_tensors()));
  arguments.push_back(s);
  arguments.push_back(x);
  const auto at_once = [&](const Vars& v) {
    const std::span<const Var> factors(v.data(), v.size() - 2);
    return wide(factors, v.back(), v[v.size() - 2]);
  };
  const auto one_by_one = [&](const Vars& v) {
    const std::span<const Var> factors(v.data(), v.size() - 2);
    Vars parts;
    for (std::int64_t k = 0; k < times; ++k)
      parts.push_back(wide(factors, slice(v.back(), 0, k * points, (k + 1) * points),
                           reshape(slice(v[v.size() - 2], 0, k, k + 1), {wide.coefficients()})));
    return concatenate(parts, 0);
  };
  const Tensor a = value(at_once, arguments), b = value(one_by_one, arguments);
  BOOST_REQUIRE((a.shape == b.shape));
  BOOST_TEST(max_abs((Var(a) - Var(b)).value()) <= 1e-13 * max_abs(b));
  const auto loss = [&](const auto& f) {
    return [&](const Vars& v) { return sum(square(f(v)) * Var(weights)); };
  };
  const Tensors g = value_and_grad(loss(at_once), arguments).gradient,
                h = value_and_grad(loss(one_by_one), arguments).gradient;
  for (std::size_t k = 0; k < g.size(); ++k)
    BOOST_TEST(max_abs((Var(g[k]) - Var(h[k])).value()) <= 1e-12 * max_abs(h[k]), "argument " << k);
}

BOOST_AUTO_TEST_CASE(derivatives_of_the_whole_model) {
  Stream stream(1, "points");
  const Tensor x = stream.uniform({3, 1}, Dtype::f64, -1, 1), u = stream.uniform({3, 1}, Dtype::f64, -1, 1);
  const auto loss = [&](const Vars& p) {
    const Var s = model.coefficients_at(p, Var(from({1, 1}, {0.3}).cast(p[0].dtype())));
    return sum(square(model(p, Var(x.cast(p[0].dtype())), s) - Var(u.cast(p[0].dtype()))));
  };
  const CheckReport report = check(loss, model.init(Stream(1, "lrnr"), Dtype::f64), {"lrnr"});
  BOOST_TEST(report.ok(), report.text());
}

// Table 1, for one output field: factors, and with the hypernetwork.
BOOST_AUTO_TEST_CASE(has_the_parameters_of_table_1) {
  struct Row {
    Lrnr model;
    std::int64_t factors, all, coefficients;
  };
  const auto two_d = [](std::int64_t rank) {
    return Lrnr{.in = 2, .width = 2000, .depth = 4, .rank = rank, .hyper_width = 10, .hyper_depth = 3};
  };
  const Row rows[] = {{{.in = 1, .out = 1, .width = 1200, .depth = 5, .rank = 150}, 2160450, 2200800, 1500},
                      {two_d(190), 3420760, 3437610, 1520},
                      {two_d(170), 3060680, 3075770, 1360},
                      {two_d(180), 3240720, 3256690, 1440}};
  for (const Row& row : rows) {
    BOOST_TEST(row.model.factors().parameter_count() == row.factors);
    BOOST_TEST(row.model.parameter_count() == row.all);
    BOOST_TEST(row.model.coefficients() == row.coefficients);
  }
  BOOST_TEST(count(rows[0].model.init(Stream(1, "lrnr"))) == 2200800);
}

BOOST_AUTO_TEST_CASE(passes_what_every_model_must) {
  check_model(model, 1, 1, "lrnr", true, 2);
  Lrnr other{.in = 2, .width = 6, .depth = 3, .rank = 3, .hyper_width = 4, .hyper_depth = 3};
  other.mu = 2;
  other.head = Head::softplus;
  check_model(other, 2, 3, "lrnr with softplus head and two parameters");
  other.head = Head::relu;
  check_model(other, 2, 3, "lrnr with relu head", false, 2);
}

BOOST_AUTO_TEST_CASE(heads_are_what_they_say) {
  Lrnr with = model;
  Tensors theta = with.init(Stream(1, "lrnr"), Dtype::f64);
  for (double& b : theta.back().mutable_view<double>()) b -= 1;  // some coefficients fall below 0
  const Vars p = vars(theta);
  const Var t(from({1, 1}, {0.8}));
  const Tensor linear = with.coefficients_at(p, t).value();
  with.head = Head::relu;
  const Tensor rectified = with.coefficients_at(p, t).value();
  with.head = Head::softplus;
  const Tensor soft = with.coefficients_at(p, t).value();
  int below = 0;
  for (std::int64_t i = 0; i < linear.size(); ++i) {
    below += linear.at(i) < 0;
    BOOST_TEST(rectified.at(i) == std::max(0.0, linear.at(i)));
    BOOST_TEST(std::abs(soft.at(i) - std::log1p(std::exp(linear.at(i)))) <= 1e-14);
  }
  BOOST_TEST(below > 0);
  // Whatever the head, coefficients start around 1.
  for (const Head head : {Head::linear, Head::relu, Head::softplus}) {
    with.head = head;
    with.rank = 100;
    const Tensor s = with.coefficients_at(vars(with.init(Stream(1, "lrnr"), Dtype::f64)), t).value();
    double mean = 0;
    for (std::int64_t i = 0; i < s.size(); ++i) mean += s.at(i) / static_cast<double>(s.size());
    BOOST_TEST(std::abs(mean - 1) < 0.1);
  }
}

// Where units of the first layer have their kinks, and how steep they are, for coefficients s.
struct Kinks {
  std::vector<double> places, slopes;
};
Kinks kinks_of(const Tensors& theta, const Tensor& s, std::int64_t rank) {
  Kinks kinks;
  for (std::int64_t j = 0; j < theta[0].shape[1]; ++j) {
    double w = 0, b = 0;
    for (std::int64_t i = 0; i < rank; ++i) {
      w += theta[0].at(i * theta[0].shape[1] + j) * s.at(i) * theta[1].at(i);
      b += theta[2].at(i * theta[2].shape[1] + j) * s.at(rank + i);
    }
    kinks.places.push_back(-b / w);
    kinks.slopes.push_back(w);
  }
  return kinks;
}

// The largest distance between the empirical distribution and the uniform one on [lo,hi].
double kolmogorov(std::vector<double> xs, double lo, double hi) {
  std::sort(xs.begin(), xs.end());
  double worst = 0;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    const double f = std::clamp((xs[i] - lo) / (hi - lo), 0.0, 1.0), n = static_cast<double>(xs.size());
    worst = std::max(
        {worst, std::abs(f - static_cast<double>(i) / n), std::abs(f - static_cast<double>(i + 1) / n)});
  }
  return worst;
}

BOOST_AUTO_TEST_CASE(kinks_are_spread_over_the_domain) {
  Lrnr kinked{.width = 400, .depth = 3, .rank = 24};
  kinked.start = Start::kinks;
  const Tensors theta = kinked.init(Stream(1, "lrnr"), Dtype::f64);
  const Kinks at_1 = kinks_of(theta, ones({kinked.coefficients()}, Dtype::f64), 24);
  BOOST_TEST(kolmogorov(at_1.places, -1.1, 1.1) < 0.01);
  std::vector<double> lengths;
  int rising = 0, in_order = 0;
  for (std::size_t j = 0; j < 400; ++j) {
    lengths.push_back(std::abs(at_1.slopes[j]));
    rising += at_1.slopes[j] > 0;
    in_order += j > 0 && at_1.places[j] > at_1.places[j - 1];
  }
  BOOST_TEST(kolmogorov(lengths, 5, 20) < 1.63 / 20);  // 1 per cent
  BOOST_TEST(std::abs(rising - 200) < 50);
  BOOST_TEST(std::abs(in_order - 200) < 50);  // shuffled

  // At the coefficients that the hypernetwork starts with they have moved, and still cover the domain.
  const Kinks now = kinks_of(theta, kinked.coefficients_at(vars(theta), Var(from({1, 1}, {0.5}))).value(), 24);
  int quarters[4] = {};
  for (const double x : now.places)
    if (std::abs(x) < 1) ++quarters[static_cast<int>(2 * (x + 1))];
  for (const int n : quarters) BOOST_TEST(n > 50);
  double moved = 0;
  for (std::size_t j = 0; j < 400; ++j) moved = std::max(moved, std::abs(now.places[j] - at_1.places[j]));
  BOOST_TEST(moved > 0.01);

  // A plain start leaves the slopes small.
  kinked.start = Start::plain;
  const Kinks plain =
      kinks_of(kinked.init(Stream(1, "lrnr"), Dtype::f64), ones({kinked.coefficients()}, Dtype::f64), 24);
  BOOST_TEST(kolmogorov(plain.places, -1.1, 1.1) > 0.1);
}

// In two dimensions unit j is sigma(w . (x - x_j)): 0 at x_j.
BOOST_AUTO_TEST_CASE(kinks_of_two_dimensions_point_everywhere) {
  Lrnr kinked{.in = 2, .width = 800, .depth = 3, .rank = 10};
  kinked.start = Start::kinks;
  const Tensors theta = kinked.init(Stream(1, "lrnr"), Dtype::f64);
  std::vector<double> angles, offsets;
  for (std::int64_t j = 0; j < 800; ++j) {
    double w[2] = {}, b = 0;
    for (std::int64_t i = 0; i < 10; ++i) {
      for (int k = 0; k < 2; ++k) w[k] += theta[0].at(i * 800 + j) * theta[1].at(2 * i + k);
      b += theta[2].at(i * 800 + j);
    }
    const double length = std::hypot(w[0], w[1]);
    BOOST_TEST((length >= 5 - 1e-9 && length <= 20 + 1e-9));
    angles.push_back(std::atan2(w[1], w[0]));
    offsets.push_back(b / length);
    BOOST_TEST(std::abs(offsets.back()) <= 1.1 * std::sqrt(2.0) + 1e-9);
  }
  BOOST_TEST(kolmogorov(angles, -M_PI, M_PI) < 1.63 / std::sqrt(800.0));
  double square = 0;
  for (const double x : offsets) square += x * x / 800;
  BOOST_TEST(std::abs(square - 1.21 / 3) < 0.06);  // n . x_j for x_j uniform in the square
}

BOOST_AUTO_TEST_CASE(output_scaling_gives_the_asked_size) {
  Lrnr kinked{.in = 2, .out = 3, .width = 40, .depth = 4, .rank = 8};
  kinked.start = Start::kinks;
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    Tensors theta = kinked.init(Stream(1, "lrnr"), dtype);
    const Tensor x = Stream(1, "x").uniform({200, 2}, dtype, -1, 1),
                 t = linspace(-1, 1, 7, dtype).reshaped({7, 1});
    const Tensors before = theta;
    scale_output(kinked, theta, x, t, 0.35);
    double square = 0;
    for (std::int64_t k = 0; k < 7; ++k) {
      const Tensor u = evaluate(kinked, vars(theta), Var(x), Var(t.rows(k, k + 1))).value();
      for (std::int64_t i = 0; i < u.size(); ++i) square += u.at(i) * u.at(i) / (7.0 * 600);
    }
    BOOST_TEST(std::sqrt(square) == 0.35, boost::test_tools::tolerance(dtype == Dtype::f32 ? 1e-5 : 1e-12));
    for (std::size_t k = 0; k < theta.size(); ++k)
      BOOST_TEST(same_bits(theta[k], before[k]) == (k < 9 || k > 11));  // the last layer alone
    BOOST_CHECK_THROW(scale_output(kinked, theta, x, t, 0), Error);
  }
}

BOOST_AUTO_TEST_CASE(refuses_sizes_that_do_not_fit) {
  const Tensors theta = model.init(Stream(1, "lrnr"), Dtype::f64);
  const Var x(zeros({2, 1}, Dtype::f64));
  BOOST_CHECK_THROW(model(vars(theta), x, Var(ones({3}, Dtype::f64))), ShapeError);
  BOOST_CHECK_THROW(model(Vars{}, x, Var(ones({12}, Dtype::f64))), ShapeError);
  BOOST_CHECK_THROW(model(vars(theta), x, Var(ones({12, 1}, Dtype::f64))), ShapeError);
  BOOST_CHECK_THROW(model(vars(theta), x, Var(ones({3, 12}, Dtype::f64))), ShapeError);  // 2 rows of 3 times
  BOOST_TEST((model(vars(theta), x, Var(ones({2, 12}, Dtype::f64))).shape() == Shape({2, 1})));
  BOOST_CHECK_THROW(model.coefficients_at(vars(theta), Var(zeros({2, 1}, Dtype::f64))), ShapeError);
  Lrnr thin{.in = 3, .rank = 2};
  thin.start = Start::kinks;
  BOOST_CHECK_THROW(thin.init(Stream(1, "lrnr")), ShapeError);
  BOOST_CHECK_THROW(Lrnr{.depth = 1}.init(Stream(1, "lrnr")), ShapeError);
}

BOOST_AUTO_TEST_SUITE_END()
