#include <lowtide/autodiff.h>
#include <lowtide/models/mlp.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace lowtide;

BOOST_AUTO_TEST_SUITE(mlp_suite)

// Against the formula, one number at a time.
BOOST_AUTO_TEST_CASE(is_the_formula) {
  const Mlp net{{2, 3, 1}, Activation::sin, 30};
  const Tensors p = net.init(Stream(1, "mlp"), Dtype::f64);
  const double x[2] = {0.3, -0.7};
  double u = p[3].at(0);
  for (int j = 0; j < 3; ++j)
    u += p[2].at(j) * std::sin(30 * (x[0] * p[0].at(j) + x[1] * p[0].at(3 + j) + p[1].at(j)));
  const Vars parameters(p.begin(), p.end());
  BOOST_TEST(net(parameters, Var(from({1, 2}, {x[0], x[1]}))).item() == u, boost::test_tools::tolerance(1e-13));
}

BOOST_AUTO_TEST_CASE(derivatives_of_every_activation) {
  Stream stream(1, "points");
  const Tensor x = stream.uniform({4, 2}, Dtype::f64, -1, 1);
  for (const Activation activation : {Activation::tanh, Activation::silu, Activation::sin}) {
    const Mlp net{{2, 5, 5, 1}, activation, activation == Activation::sin ? 3.0 : 1.0};
    const auto f = [&](const Vars& p) { return sum(square(net(p, Var(x.cast(p[0].dtype()))))); };
    const CheckReport report =
        check(f, net.init(Stream(2, "mlp"), Dtype::f64), {std::string(name_of(activation))});
    BOOST_TEST(report.ok(), report.text());
  }
}

BOOST_AUTO_TEST_CASE(siren_starts_as_its_paper_says) {
  const Mlp net{{2, 400, 400, 1}, Activation::sin, 30};
  const Tensors p = net.init(Stream(1, "siren"), Dtype::f64);
  BOOST_TEST(max_abs(p[0]) <= 0.5);
  BOOST_TEST(max_abs(p[0]) > 0.49);
  BOOST_TEST(max_abs(p[2]) <= std::sqrt(6.0 / 400) / 30);
  BOOST_TEST(max_abs(p[2]) > 0.99 * std::sqrt(6.0 / 400) / 30);
}

BOOST_AUTO_TEST_CASE(refuses_parameters_that_do_not_fit) {
  const Mlp net{{2, 3, 1}};
  BOOST_CHECK_THROW(net(Vars{}, Var(zeros({1, 2}, Dtype::f64))), ShapeError);
  BOOST_CHECK_THROW(Mlp{{2}}.init(Stream(1, "x")), ShapeError);
}

BOOST_AUTO_TEST_SUITE_END()
