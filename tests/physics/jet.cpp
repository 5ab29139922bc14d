// Derivatives of a field by its inputs against formulas, and through a loss to the parameters.
#include <lowtide/autodiff/check.h>
#include <lowtide/models/mlp.h>
#include <lowtide/physics/jet.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace lowtide;

BOOST_AUTO_TEST_SUITE(jets)

BOOST_AUTO_TEST_CASE(derivatives_are_those_of_the_formula) {
  const Tensor x = Stream(1, "jet").uniform({7, 2}, Dtype::f64, -1, 1);
  // u = sin(2 x) exp(y), v = x^2 y
  const auto field = [](const Var& p) {
    const Var x = column(p, 0), y = column(p, 1);
    return concatenate({sin(2.0 * x) * exp(y), square(x) * y}, 1);
  };
  const auto derivative = [&](auto pick) {
    return value([&](const Vars&) { return pick(Jet(field, x)); }, {});
  };
  const Tensor u = derivative([](const Jet& u) { return u(); }),
               u_x = derivative([](const Jet& u) { return u.d(0); }),
               u_xx = derivative([](const Jet& u) { return u.d(0, 0); }),
               u_xy = derivative([](const Jet& u) { return u.d(1, 0); }),
               lap = derivative([](const Jet& u) { return u.laplacian(); }),
               second = derivative([](const Jet& u) { return u(1) + 0.0 * u.x(0); });
  for (std::int64_t i = 0; i < 7; ++i) {
    const double a = x.at(2 * i), b = x.at(2 * i + 1), s = std::sin(2 * a) * std::exp(b),
                 c = 2 * std::cos(2 * a) * std::exp(b);
    const auto near = [&](const Tensor& t, int column, double expected) {
      BOOST_TEST(t.at(2 * i + column) == expected, boost::test_tools::tolerance(1e-12));
    };
    near(u, 0, s);
    near(u_x, 0, c);
    near(u_x, 1, 2 * a * b);
    near(u_xx, 0, -4 * s);
    near(u_xx, 1, 2 * b);
    near(u_xy, 0, c);
    near(u_xy, 1, 2 * a);
    near(lap, 0, -3 * s);
    near(lap, 1, 2 * b);
    BOOST_TEST(second.at(i) == a * a * b, boost::test_tools::tolerance(1e-12));
  }
}

// The gradient of a residual of second order, and its own derivatives.
BOOST_AUTO_TEST_CASE(a_residual_has_a_gradient) {
  for (const Activation activation : {Activation::tanh, Activation::sin, Activation::silu}) {
    const Mlp net = dense(2, 4, 3, 1, activation, activation == Activation::sin ? 3 : 1);
    const Tensor x = Stream(2, "points").uniform({5, 2}, Dtype::f64, -1, 1);
    const auto loss = [&](const Vars& theta) {
      const Jet u([&](const Var& p) { return net(theta, p); }, x.cast(theta[0].dtype()));
      return mean(square(u.d(1) + u() * u.d(0) - 0.1 * u.d(0, 0)));
    };
    const CheckReport report = check(loss, net.init(Stream(3, "net"), Dtype::f64));
    BOOST_TEST(report.ok(), report.text());
  }
}

// A push that goes on gives what a new one gives, in whatever order derivatives are asked for, and records
// less.
BOOST_AUTO_TEST_CASE(a_push_that_goes_on_is_a_push) {
  const Mlp net = dense(2, 4, 3, 2);
  const Tensors theta = net.init(Stream(4, "net"), Dtype::f64);
  const Tensor x = Stream(5, "points").uniform({6, 2}, Dtype::f64, -1, 1);
  Tensor e0 = zeros({6, 2}, Dtype::f64), e1 = e0;
  for (int i = 0; i < 6; ++i) e0.mutable_data<double>()[2 * i] = e1.mutable_data<double>()[2 * i + 1] = 1;
  std::int64_t anew = 0, going_on = 0;
  const auto from = [&](bool again) {
    Tape tape;
    const Vars p(theta.begin(), theta.end());
    const Var at = tape.leaf(x), u = net(p, at);
    DirectedPush x_push(at, Var(e0)), y_push(at, Var(e1));
    const auto d = [&](const Var& y, bool first) {
      if (!again) return first ? x_push(y) : y_push(y);
      return push(y, at, Var(first ? e0 : e1), Graph::keep);
    };
    const Var u_y = d(u, false), u_x = d(u, true), u_xx = d(u_x, true), u_xy = d(u_x, false),
              u_xxy = d(u_xx, false);
    BOOST_TEST(!d(p[0], true).tracked());
    (again ? anew : going_on) = tape.nodes();
    return Tensors{u_y.peek(), u_x.peek(), u_xx.peek(), u_xy.peek(), u_xxy.peek()};
  };
  const Tensors expected = from(true), found = from(false);
  for (std::size_t k = 0; k < found.size(); ++k)
    for (std::int64_t i = 0; i < 12; ++i)
      BOOST_TEST(std::abs(found[k].at(i) - expected[k].at(i)) <= 1e-13 * max_abs(expected[k]));
  BOOST_TEST(going_on < anew * 3 / 4);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused) {
  const auto refused = [](auto f) {
    BOOST_CHECK_THROW(value([&](const Vars&) { return f(); }, {}), ShapeError);
  };
  const Tensor x = zeros({3, 2}, Dtype::f64);
  refused([&] { return Jet([](const Var& p) { return sum(p); }, x)(); });
  refused([&] { return Jet([](const Var& p) { return square(p); }, x).d(2); });
}

BOOST_AUTO_TEST_SUITE_END()
