// Networks that start from sines and cosines, and fields between known times.
#include <lowtide/autodiff.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/models/embedded.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

using namespace lowtide;

BOOST_AUTO_TEST_SUITE(embedded_suite)

Vars vars_of(const Tensors& xs) { return Vars(xs.begin(), xs.end()); }

// Against the formula, one number at a time.
BOOST_AUTO_TEST_CASE(is_the_formula) {
  const Embedded net{.in = 2, .out = 2, .width = 3, .depth = 3, .bands = 2, .decay = 0.5, .size = 4};
  const Tensors p = net.init(Stream(1, "embedded"), Dtype::f64);
  std::int64_t count = 0;
  for (const Tensor& t : p) count += t.size();
  BOOST_TEST(count == net.parameter_count());
  BOOST_REQUIRE(p.size() == net.parameter_tensors());
  const double x[2] = {0.3, -0.7};
  std::vector<double> gamma;
  for (const auto turn : {0, 1})
    for (int k = 0; k < 2; ++k)
      for (const double xi : x) {
        const double w = std::numbers::pi / 2 * (1 << k);
        gamma.push_back(4 / std::sqrt(w) * (turn == 0 ? std::sin(w * xi) : std::cos(w * xi)));
      }
  const Tensor u = net(vars_of(p), Var(from({1, 2}, {x[0], x[1]}))).value();
  for (std::size_t output = 0; output < 2; ++output) {
    std::vector<double> z = gamma;
    for (std::size_t l = 0; l < 3; ++l) {
      const Tensor &W = p[6 * output + 2 * l], &b = p[6 * output + 2 * l + 1];
      std::vector<double> y = to_vector(b);
      for (std::size_t i = 0; i < z.size(); ++i)
        for (std::size_t j = 0; j < y.size(); ++j)
          y[j] += z[i] * W.at(static_cast<std::int64_t>(i * y.size() + j));
      if (l < 2)
        for (double& v : y) v = v / (1 + std::exp(-v));
      z = y;
    }
    const double expected = z[0] * (1 - x[0] * x[0]) * (1 - x[1] * x[1]);
    BOOST_TEST(u.at(static_cast<std::int64_t>(output)) == expected, boost::test_tools::tolerance(1e-12));
  }
}

BOOST_AUTO_TEST_CASE(walls_are_zero_and_only_if_there_are_walls) {
  Embedded net{.in = 3, .out = 1, .width = 8};
  const Tensors p = net.init(Stream(2, "walls"), Dtype::f64);
  const Tensor x = from({2, 3}, {1, 0.2, -0.3, 0.4, -1, 0.9});
  BOOST_TEST(max_abs(values_of(net, p, x)) <= 1e-15);
  net.walls = false;
  BOOST_TEST(max_abs(values_of(net, p, x)) > 1e-3);
}

BOOST_AUTO_TEST_CASE(derivatives_by_the_parameters) {
  const Embedded net{.in = 2, .out = 2, .width = 4, .depth = 3, .bands = 2};
  const Tensor x = Stream(3, "points").uniform({5, 2}, Dtype::f64, -1, 1);
  const CheckReport report =
      check([&](const Vars& p) { return sum(square(net(p, Var(x.cast(p[0].dtype()))))); },
            net.init(Stream(4, "embedded"), Dtype::f64));
  BOOST_TEST(report.ok(), report.text());
}

// Features times the head, and the constant, are the network.
BOOST_AUTO_TEST_CASE(features_are_what_the_head_combines) {
  const Embedded net{.in = 2, .out = 2, .width = 5, .depth = 3};
  const Tensors p = net.init(Stream(5, "features"), Dtype::f64);
  const Tensor x = Stream(6, "points").uniform({7, 2}, Dtype::f64, -1, 1), u = values_of(net, p, x);
  const Tensors z = net.features(p, x);
  for (std::int64_t k = 0; k < 2; ++k) {
    const Tensor &W = p[static_cast<std::size_t>(6 * k + 4)], &b = p[static_cast<std::size_t>(6 * k + 5)];
    for (std::int64_t i = 0; i < 7; ++i) {
      double sum = b.at(0) * (1 - std::pow(x.at(2 * i), 2)) * (1 - std::pow(x.at(2 * i + 1), 2));
      for (std::int64_t j = 0; j < 5; ++j) sum += z[static_cast<std::size_t>(k)].at(5 * i + j) * W.at(j);
      BOOST_TEST(u.at(2 * i + k) == sum, boost::test_tools::tolerance(1e-10));
    }
  }
}

BOOST_AUTO_TEST_CASE(fields_between_times_are_between_fields) {
  Evolved u{.net = {.in = 1, .out = 1, .width = 4, .depth = 2}, .times = from({2}, {0.5, 1.5})};
  const Tensor a = flatten(u.net.init(Stream(7, "a"), Dtype::f64)),
               b = flatten(u.net.init(Stream(7, "b"), Dtype::f64));
  u.theta = Tensor({2, a.size()}, Dtype::f64);
  std::copy_n(a.data<double>(), a.size(), u.theta.mutable_data<double>());
  std::copy_n(b.data<double>(), b.size(), u.theta.mutable_data<double>() + a.size());
  const Tensor x = linspace(-0.9, 0.9, 1201, Dtype::f64).reshaped({1201, 1});
  const Tensor first = u.at(x, 0.5), second = u.at(x, 1.5), before = u.at(x, 0), after = u.at(x, 7),
               between = u.at(x, 0.75);
  BOOST_TEST(same_bits(first, values_of(u.net, u.parameters(0), x)));
  BOOST_TEST(same_bits(first, before));
  BOOST_TEST(same_bits(second, after));
  BOOST_TEST(!same_bits(first, second));
  for (std::int64_t i = 0; i < x.size(); ++i)
    BOOST_TEST(std::abs(between.at(i) - (0.75 * first.at(i) + 0.25 * second.at(i))) <= 1e-14);
  Tensor one;
  for (const int threads : {1, 2}) {
    const ThreadLimit limit(threads);
    const Tensor now = u.at(x, 0.75);
    if (threads == 2) BOOST_TEST(same_bits(one, now));
    one = now;
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused) {
  const Embedded net{.in = 2};
  BOOST_CHECK_THROW(Embedded{.bands = 0}.init(Stream(1, "x")), ShapeError);
  BOOST_CHECK_THROW(net(Vars{}, Var(zeros({1, 2}, Dtype::f64))), ShapeError);
  BOOST_CHECK_THROW(values_of(net, net.init(Stream(1, "x")), zeros({4, 3}, Dtype::f64)), ShapeError);
  BOOST_CHECK_THROW((Evolved{.net = net}.at(zeros({1, 2}, Dtype::f64), 0)), ShapeError);
}

BOOST_AUTO_TEST_SUITE_END()
