// Points, losses and Jacobians of problems that are learned from their equation, against plain transcriptions.
#include <lowtide/autodiff/check.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/physics/pinn_jacobian.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>

using namespace lowtide;
using boost::test_tools::tolerance;

namespace {

// u_t + u u_x - u_xx / 10 on [0,2] x [0,3], with a weight, an initial state and a period.
std::shared_ptr<const Pinn> problem() {
  Pinn pinn{.box = {{0, 0}, {2, 3}}, .inputs = {"x", "t"}};
  pinn.trial = [](const Var& at, const Var& network) { return network + 0.5 * column(at, 0); };
  pinn.equation([](const Jet& u) { return u.d(1) + u() * u.d(0) - 0.1 * u.d(0, 0); });
  pinn.initial(7, [](const Jet& u) { return u() - sin(u.x(0)); });
  pinn.periodic(3, 0, [](const Jet& u) { return u.x(1); });
  return std::make_shared<const Pinn>(std::move(pinn));
}

Network small_net() { return MlpXt{.in = 2, .out = 1, .width = 5, .depth = 3}; }

double network_at(const Tensors& theta, double x, double t) {
  // Inputs in [-1,1], and 0 in the place of parameters.
  std::vector<double> z = {x - 1, t / 1.5 - 1, 0};
  for (std::size_t l = 0; l < 3; ++l) {
    const Tensor &W = theta[2 * l], &b = theta[2 * l + 1];
    std::vector<double> y;
    for (std::int64_t j = 0; j < W.shape[1]; ++j) {
      double sum = b.at(j);
      for (std::size_t i = 0; i < z.size(); ++i)
        sum += z[i] * W.at(static_cast<std::int64_t>(i) * W.shape[1] + j);
      y.push_back(l < 2 ? std::tanh(sum) : sum);
    }
    z = y;
  }
  return z[0] + .5 * x;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(problems)

BOOST_AUTO_TEST_CASE(points_are_where_and_as_many_as_asked_for) {
  const auto pinn = problem();
  const PinnPoints points = draw_points(*pinn, 1003, Sampling::sobol, Stream(1, "points"), Dtype::f64);
  std::map<std::size_t, std::int64_t> counts;
  std::map<std::size_t, double> weights;
  for (const PinnPoints::Piece& piece : points.pieces) {
    BOOST_TEST(piece.x.shape[0] <= 250);
    counts[piece.term] += piece.x.shape[0];
    weights[piece.term] += piece.factor * static_cast<double>(piece.x.shape[0]);
    for (std::int64_t i = 0; i < piece.x.shape[0]; ++i) {
      const double x = piece.x.at(2 * i), t = piece.x.at(2 * i + 1);
      BOOST_TEST((x >= 0 && x <= 2 && t >= 0 && t <= 3));
      if (piece.term == 1) BOOST_TEST(t == 0);
      if (piece.term == 2) BOOST_TEST(x == 0);
    }
  }
  BOOST_TEST(counts[0] == 1003);
  BOOST_TEST(counts[1] == 125);
  BOOST_TEST(counts[2] == 125);
  BOOST_TEST(points.count == 1253);
  BOOST_TEST(weights[0] == 1, tolerance(1e-12));
  BOOST_TEST(weights[1] == 7, tolerance(1e-12));
  BOOST_TEST(weights[2] == 3, tolerance(1e-12));
}

// A row of parameters has points of its own, and all rows together the weight of one.
BOOST_AUTO_TEST_CASE(parameters_have_points_of_their_own) {
  Pinn pinn{.box = {{0, 0}, {1, 1}}, .inputs = {"x", "t"}, .parameters = {"a"}, .parameter_box = {{2}, {6}}};
  pinn.training = {{2}, {3}, {6}};
  pinn.equation([](const Jet& u) { return u.mu(0) * u.d(0) + u.d(1); });
  const PinnPoints points = draw_points(pinn, 100, Sampling::uniform, Stream(2, "points"), Dtype::f32);
  std::map<std::int64_t, double> factors;
  for (const PinnPoints::Piece& piece : points.pieces) factors[piece.parameters] += piece.factor * 100;
  BOOST_TEST(factors.size() == 3U);
  for (const auto& [row, factor] : factors) BOOST_TEST(factor == 1. / 3, tolerance(1e-12));
  BOOST_TEST(!same_bits(points.pieces[0].x, points.pieces[1].x));
  const Tensor s = pinn_parameters(pinn, pinn.training, Dtype::f64);
  BOOST_TEST(s.at(0) == -1);
  BOOST_TEST(s.at(1) == -.5);
  BOOST_TEST(s.at(2) == 1);
}

// By differences of the network's value, written down once more.
BOOST_AUTO_TEST_CASE(the_loss_is_what_it_says) {
  const auto pinn = problem();
  const Network net = small_net();
  const Tensors theta = init(net, Stream(3, "net"), Dtype::f64);
  const PinnPoints points = draw_points(*pinn, 12, Sampling::sobol, Stream(4, "points"), Dtype::f64);
  const auto u = [&](double x, double t) { return network_at(theta, x, t); };
  const double h = 1e-4;
  double expected = 0;
  for (const PinnPoints::Piece& piece : points.pieces)
    for (std::int64_t i = 0; i < piece.x.shape[0]; ++i) {
      const double x = piece.x.at(2 * i), t = piece.x.at(2 * i + 1);
      const auto u_x = [&](double at) { return (u(at + h, t) - u(at - h, t)) / (2 * h); };
      if (piece.term == 0) {
        const double u_t = (u(x, t + h) - u(x, t - h)) / (2 * h),
                     u_xx = (u(x + h, t) - 2 * u(x, t) + u(x - h, t)) / (h * h);
        expected += std::pow(u_t + u(x, t) * u_x(x) - .1 * u_xx, 2) / 12;
      } else if (piece.term == 1) {
        expected += 7 * std::pow(u(x, 0) - std::sin(x), 2) / 2;
      } else {
        expected += 3 * (std::pow(u(2, t) - u(0, t), 2) + std::pow(t * (u_x(2) - u_x(0)), 2)) / 2;
      }
    }
  const auto shared = std::make_shared<const PinnPoints>(points);
  const auto loss = [&](const Vars& p) { return pinn_loss(pinn, net, p, shared); };
  BOOST_TEST(value_and_grad(loss, theta).value == expected, tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(the_gradient_is_that_of_the_loss) {
  const auto pinn = problem();
  for (const Network& net :
       {small_net(),
        Network(Lrnr{.in = 2, .width = 4, .depth = 3, .rank = 2, .hyper_width = 3, .hyper_depth = 2})}) {
    const auto in_f64 = std::make_shared<const PinnPoints>(
        draw_points(*pinn, 5, Sampling::sobol, Stream(4, "points"), Dtype::f64));
    const auto loss = [&](const Vars& p) {
      PinnPoints points = *in_f64;
      for (PinnPoints::Piece& piece : points.pieces) piece.x = piece.x.cast(p[0].dtype());
      return pinn_loss(pinn, net, p, std::make_shared<const PinnPoints>(points));
    };
    const CheckReport report = check(loss, init(net, Stream(5, "net"), Dtype::f64));
    BOOST_TEST(report.ok(), report.text());
  }
}

// Squares of the residuals are the loss; 2 JT r is its gradient; on any number of threads.
BOOST_AUTO_TEST_CASE(the_jacobian_has_the_gradient) {
  const auto pinn = problem();
  const Network net = small_net();
  const Tensors theta = init(net, Stream(3, "net"), Dtype::f64);
  const auto points = std::make_shared<const PinnPoints>(
      draw_points(*pinn, 300, Sampling::sobol, Stream(4, "points"), Dtype::f64));
  const auto [loss, gradient] =
      value_and_grad([&](const Vars& p) { return pinn_loss(pinn, net, p, points); }, theta);
  const PinnJacobian at = pinn_jacobian(*pinn, net, theta, *points);
  BOOST_TEST((at.rows.shape == Shape({300 + 38 + 2 * 38, parameter_count(net)})));
  BOOST_TEST(dot(at.residuals, at.residuals) == loss, tolerance(1e-12));
  const Tensor product = multiply(at.rows, at.residuals, Trans::yes), expected = flatten(gradient);
  for (std::int64_t i = 0; i < product.size(); ++i)
    BOOST_TEST(std::abs(2 * product.at(i) - expected.at(i)) < 1e-11);
  const ThreadLimit limit(1);
  BOOST_TEST(same_bits(at.rows, pinn_jacobian(*pinn, net, theta, *points).rows));
}

BOOST_AUTO_TEST_CASE(adaptive_points_replace_those_of_the_equation_alone) {
  Pinn pinn{.box = {{0}, {1}}, .inputs = {"x"}};
  pinn.equation([](const Jet& u) { return u.x(0) * u.x(0) * u.x(0) + 0.0 * u(); });
  pinn.side("left", 1, 0, Pinn::End::low, [](const Jet& u) { return u(); });
  const Network net = MlpXt{.in = 1, .out = 1, .width = 3, .depth = 2};
  const PinnPoints points =
      draw_adaptive(pinn, net, init(net, Stream(1, "net")), 400, 4, Sampling::sobol, Stream(2, "points"));
  double right = 0, all = 0, faces = 0;
  for (const PinnPoints::Piece& piece : points.pieces)
    for (std::int64_t i = 0; i < piece.x.shape[0]; ++i) {
      faces += piece.term == 1;
      all += piece.term == 0;
      right += piece.term == 0 && piece.x.at(i) > .5;
    }
  BOOST_TEST(all == 400);
  BOOST_TEST(faces == 50);
  // Weights x^3 / mean + 1: (15/16 + 1/2) / 2 of a first draw.
  BOOST_TEST((right > 250 && right < 310));
}

// A second derivative costs as much as a value.
BOOST_AUTO_TEST_CASE(flops_are_those_of_what_is_asked_for) {
  const auto pinn = problem();
  const Network net = small_net();
  const Tensors theta = init(net, Stream(3, "net"));
  const PinnPoints points = draw_points(*pinn, 80, Sampling::sobol, Stream(4, "points"), Dtype::f32);
  BOOST_TEST(pinn_flops(*pinn, net, theta, points) == flops(net, 80 * 4 + 10 + 10 * 3), tolerance(1e-12));
}

BOOST_AUTO_TEST_SUITE_END()
