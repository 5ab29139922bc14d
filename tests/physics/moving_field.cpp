// A network that is fitted and moved: Levenberg and Marquardt's steps, rates at points, points near a density.
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/physics/embedded_rk.h>
#include <lowtide/physics/levenberg_marquardt.h>
#include <lowtide/physics/moving_field.h>
#include <lowtide/physics/normal_points.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace lowtide;

BOOST_AUTO_TEST_SUITE(moving_field)

// The first sine of heat on [-1,1], which decays as exp(-k (pi/2)^2 t).
const double pi_half = std::acos(0.0);
MovingField heat() {
  InitialValueProblem problem{.dims = 1};
  problem.initial = [](const Tensor& x) {
    Tensor u({x.shape[0], 1}, Dtype::f64);
    for (std::int64_t i = 0; i < x.shape[0]; ++i) u.mutable_data<double>()[i] = std::cos(pi_half * x.at(i));
    return u;
  };
  problem.rate = [](const Jet& u, double) { return 0.5 * u.laplacian(); };
  return {problem, {.in = 1, .width = 10, .depth = 3, .bands = 2}, Dtype::f64, 50};
}

Tensor fitted(const MovingField& u, const Tensor& x, double& error) {
  Tensor theta = flatten(u.net.init(Stream(1, "net"), Dtype::f64));
  const Tensor target = u.problem.initial(x);
  LevenbergMarquardt method;
  for (int i = 0; i < 25; ++i) {
    const TiledJacobian J = u.jacobian(theta, x);
    const auto report = method.step(J, theta, target, sketch_of(J, 30, Stream(2, "sketch").child("step", i)),
                                    [&](const Tensor& moved) { return u.values(moved, x); });
    BOOST_TEST(report.after <= report.before);
    error = report.after;
  }
  return theta;
}

BOOST_AUTO_TEST_CASE(fits_and_follows_the_heat_equation) {
  const MovingField u = heat();
  const Tensor x = u.points(Stream(3, "points"), 200, 0);
  double error = 1;
  Tensor theta = fitted(u, x, error);
  BOOST_TEST(error <= 1e-3);

  // The misfit of a point is that of the matrix.
  const Tensor f = u.rate(theta, x, 0);
  const TiledJacobian J = u.jacobian(theta, x);
  const Projection now =
      project(J, f, sketch_of(J, 40, Stream(4, "sketch")), {.shift = 1e-9, .tolerance = 1e-6});
  const Tensor misfits = u.misfits(theta, now.rate, x, 0);
  BOOST_TEST(norm(misfits) / norm(f) == projection_misfit(J, f, now.rate), boost::test_tools::tolerance(1e-6));
  BOOST_TEST(norm(u.misfits(theta, {}, x, 0)) == norm(f), boost::test_tools::tolerance(1e-12));

  const auto rate = [&](double t, const Tensor& at) {
    const TiledJacobian here = u.jacobian(at, x);
    return project(here, u.rate(at, x, t), sketch_of(here, 40, Stream(4, "sketch")),
                   {.shift = 1e-9, .tolerance = 1e-6})
        .rate;
  };
  Tensor first = rate(0, theta);
  const double t_end = 0.4;
  for (int i = 0; i < 60; ++i) {
    const RkStep step = rk_step(bogacki_shampine(), rate, 0, theta, t_end / 60, first);
    theta = step.y;
    first = step.last;
  }
  const Tensor at = linspace(-0.95, 0.95, 39, Dtype::f64).reshaped({39, 1}), found = u.values(theta, at),
               start = u.problem.initial(at);
  const double decay = std::exp(-0.5 * pi_half * pi_half * t_end);
  for (std::int64_t i = 0; i < 39; ++i) BOOST_TEST(std::abs(found.at(i) - decay * start.at(i)) <= 2e-2);
}

BOOST_AUTO_TEST_CASE(adaptive_points_go_where_the_misfit_is) {
  const MovingField u = heat();
  const auto misfit = [](const Tensor& x) {
    Tensor r({x.shape[0]}, Dtype::f64);
    for (std::int64_t i = 0; i < x.shape[0]; ++i) r.mutable_data<double>()[i] = x.at(i) > 0.8 ? 1 : 0;
    return r;
  };
  const Tensor x = u.points(Stream(5, "points"), 400, 0, 0.5, 20, misfit);
  BOOST_REQUIRE((x.shape == Shape{400, 1}));
  int near = 0;
  for (std::int64_t i = 0; i < 400; ++i) near += x.at(i) > 0.8;
  BOOST_TEST(near >= 180);  // of uniform ones 40
  BOOST_TEST(near <= 260);
  BOOST_TEST(same_bits(x, u.points(Stream(5, "points"), 400, 0, 0.5, 20, misfit)));
}

BOOST_AUTO_TEST_CASE(points_of_normal_distributions) {
  const NormalPoints cloud{{0.2, -0.9}, {0.1, 0.5}};
  const std::int64_t n = 4096;
  const Tensor x = cloud.draw(Stream(6, "points"), n);
  // The integral of 1 over a part of the box, weighted with what the points are drawn by.
  double mean = 0, one = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double* at = x.data<double>() + 2 * i;
    BOOST_REQUIRE(std::max(std::abs(at[0]), std::abs(at[1])) <= 1.0);
    mean += at[0] / n;
    one += std::abs(at[0] - 0.2) < 0.2 ? 1 / cloud.density(at) / n : 0;
  }
  BOOST_TEST(mean == 0.2, boost::test_tools::tolerance(1e-3));
  BOOST_TEST(one == 0.8, boost::test_tools::tolerance(0.1));
  const Tensor mixed = mixed_with_uniform(cloud, 0.25, Stream(7, "mixed"), 100);
  int far = 0;
  for (std::int64_t i = 25; i < 100; ++i) far += std::abs(mixed.at(2 * i) - 0.2) > 0.5;
  BOOST_TEST(far > 30);
  for (std::int64_t i = 0; i < 25; ++i) BOOST_TEST(std::abs(mixed.at(2 * i) - 0.2) < 0.5);
}

// Bad rates are found where they arise.
BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused) {
  MovingField u = heat();
  const Tensor theta = flatten(u.net.init(Stream(1, "net"), Dtype::f64)),
               x = u.points(Stream(3, "points"), 20, 0);
  u.problem.rate = [](const Jet& f, double) { return concatenate({f(), f()}, 1); };
  BOOST_CHECK_THROW(u.rate(theta, x, 0), ShapeError);
  u.problem.points = [](Stream, std::int64_t n, double) { return zeros({n, 2}, Dtype::f64); };
  BOOST_CHECK_THROW(u.points(Stream(1, "p"), 10, 0), ShapeError);
  const auto nan = [](const Tensor& at) { return full({at.shape[0]}, NAN, Dtype::f64); };
  BOOST_CHECK_THROW(heat().points(Stream(1, "p"), 10, 0, 0.5, 2, nan), NonFiniteError);
}

BOOST_AUTO_TEST_SUITE_END()
