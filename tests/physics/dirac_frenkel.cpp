// Products with the derivative by parameters, and the projection of a rate, against dense matrices.
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/models/embedded.h>
#include <lowtide/physics/dirac_frenkel.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace lowtide;

BOOST_AUTO_TEST_SUITE(dirac_frenkel_suite)

struct Problem {
  Embedded net{.in = 2, .out = 2, .width = 6, .depth = 3, .bands = 2};
  Tensors parameters = net.init(Stream(1, "net"), Dtype::f64);
  Tensor theta = flatten(parameters);
  Tensor x = Stream(2, "points").uniform({700, 2}, Dtype::f64, -1, 1);
  Tensor f = Stream(3, "rate").normal({700, 2}, Dtype::f64);
  ParametricField field{[net = net](std::span<const Var> p, const Var& at) { return net(p, at); }, parameters};
};

double difference(const Tensor& a, const Tensor& b) {
  double most = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a.at(i) - b.at(i)));
  return most;
}

BOOST_AUTO_TEST_CASE(products_are_those_of_the_matrix) {
  const Problem q;
  const std::int64_t p = q.theta.size(), n = 700;
  const TiledJacobian J(q.field, q.theta, q.x, Dtype::f64, 64);
  const Tensor dense = dense_jacobian(q.field, q.theta, q.x);
  BOOST_TEST(difference(J.value(), values_of(q.net, q.parameters, q.x)) <= 1e-13);
  const Tensor v = Stream(4, "v").normal({p}, Dtype::f64);
  const Tensor Jv = multiply(dense, v), Jf = multiply(dense, q.f.reshaped({2 * n}), Trans::yes);
  BOOST_TEST(difference(J.push(v).reshaped({2 * n}), Jv) <= 1e-11 * max_abs(Jv));
  BOOST_TEST(difference(J.pull(q.f), Jf) <= 1e-11 * max_abs(Jf));
  const Tensor Mv = multiply(dense, Jv, Trans::yes), product = times(J.gram(), v);
  for (std::int64_t i = 0; i < p; ++i)
    BOOST_TEST(std::abs(product.at(i) - Mv.at(i) / n) <= 1e-11 * max_abs(Mv) / n);

  // A column against a difference quotient.
  for (const std::int64_t k : {std::int64_t{3}, p - 2}) {
    const auto moved = [&](double h) {
      Tensor theta = q.theta.clone();
      theta.mutable_data<double>()[k] += h;
      return values_of(q.net, unflatten(theta, q.parameters), q.x);
    };
    const Tensor up = moved(1e-5), down = moved(-1e-5);
    for (std::int64_t i = 0; i < 2 * n; i += 97)
      BOOST_TEST(std::abs((up.at(i) - down.at(i)) / 2e-5 - dense.at(i * p + k)) <= 1e-7 * (1 + max_abs(dense)));
  }
  // f32 is the same up to its digits.
  const TiledJacobian narrow(q.field, q.theta, q.x);
  BOOST_TEST(difference(narrow.pull_push(v), Mv) <= 1e-5 * max_abs(Mv));
}

BOOST_AUTO_TEST_CASE(same_bits_on_any_number_of_threads) {
  const Problem q;
  Tensor value, product, rate;
  for (const int threads : {1, 2, 3}) {
    const ThreadLimit limit(threads);
    const TiledJacobian J(q.field, q.theta, q.x, Dtype::f32, 50);
    const Sketch sketch = sketch_of(J, 20, Stream(5, "sketch"));
    const Tensor now = times(J.gram(), q.theta.cast(Dtype::f32)),
                 solved = project(J, q.f, sketch, {.shift = 1e-6, .tolerance = 1e-4}).rate;
    if (threads > 1) {
      BOOST_TEST(same_bits(J.value(), value));
      BOOST_TEST(same_bits(now, product));
      BOOST_TEST(same_bits(solved, rate));
    }
    value = J.value();
    product = now;
    rate = solved;
  }
}

// PCG with and without preconditioner, and from a guess, against the dense solution of the same system.
BOOST_AUTO_TEST_CASE(solutions_are_those_of_the_dense_system) {
  const Problem q;
  const std::int64_t p = q.theta.size(), n = 700;
  const TiledJacobian J(q.field, q.theta, q.x, Dtype::f64, 64);
  const Tensor dense = dense_jacobian(q.field, q.theta, q.x);
  const Sketch sketch = sketch_of(J, 40, Stream(6, "sketch")), plain = sketch_of(J, 0, Stream(6, "sketch"));
  const Tensor M = multiply(dense, dense, Trans::yes);
  const Eigen e = eigh(M);
  const double largest = e.values.at(p - 1) / n;
  BOOST_TEST(sketch.largest == largest, boost::test_tools::tolerance(1e-3));
  BOOST_TEST(plain.largest <= largest * (1 + 1e-12));
  BOOST_TEST(plain.largest >= 0.8 * largest);

  const double shift = 1e-6;
  const auto exact = [&](double mu) {
    Tensor A = M.clone();
    for (std::int64_t i = 0; i < p; ++i) A.mutable_data<double>()[i * (p + 1)] += mu * n;
    return solve_cholesky(cholesky(A), multiply(dense, q.f.reshaped({2 * n}), Trans::yes));
  };
  const ProjectionOptions options{.shift = shift, .tolerance = 1e-9, .iterations = 2000};
  const Projection with = project(J, q.f, sketch, options), without = project(J, q.f, plain, options);
  const Tensor expected = exact(shift * sketch.largest);
  BOOST_TEST(difference(with.rate, expected) <= 1e-4 * max_abs(expected));
  BOOST_TEST(difference(without.rate, exact(shift * plain.largest)) <= 1e-4 * max_abs(expected));
  BOOST_TEST(with.residual <= 1e-9);
  BOOST_TEST(with.iterations * 2 < without.iterations);
  const Projection again = project(J, q.f, sketch, options, with.rate);
  BOOST_TEST(again.iterations <= 2);
  BOOST_TEST(difference(again.rate, expected) <= 1e-4 * max_abs(expected));

  double trace = 0;
  for (std::int64_t i = 0; i < p; ++i) trace += M.at(i * (p + 1));
  const Tensor direct = project_dense(dense, q.f, shift);
  BOOST_TEST(difference(direct, exact(shift * trace / n)) <= 1e-6 * max_abs(expected));
  // Without a shift the matrix may be singular; the least-squares solution is still one.
  const Tensor unshifted = project_dense(dense, q.f, 0);
  BOOST_TEST(projection_misfit(J, q.f, unshifted) <= projection_misfit(J, q.f, direct) + 1e-10);
}

// The first and the last of three fields share parameters, the second has its own, one parameter moves nothing.
BOOST_AUTO_TEST_CASE(fields_without_common_parameters_are_solved_as_all_together) {
  const std::int64_t n = 40, c = 3, p = 9;
  Tensor J = Stream(11, "J").normal({n * c, p}, Dtype::f64);
  for (std::int64_t i = 0; i < n * c; ++i)
    for (std::int64_t k = 0; k < p; ++k)
      if (k == 4 || (i % c == 1) != (k % 3 == 1)) J.mutable_data<double>()[i * p + k] = 0;
  const Tensor f = Stream(12, "f").normal({n, c}, Dtype::f64);
  Tensor A = multiply(J, J, Trans::yes);
  double trace = 0;
  for (std::int64_t i = 0; i < p; ++i) trace += A.at(i * (p + 1));
  for (std::int64_t i = 0; i < p; ++i) A.mutable_data<double>()[i * (p + 1)] += 1e-3 * trace;
  const Tensor expected = solve_cholesky(cholesky(A), multiply(J, f.reshaped({n * c}), Trans::yes));
  const Tensor found = project_dense(J, f, 1e-3);
  for (std::int64_t k = 0; k < p; ++k) BOOST_TEST(std::abs(found.at(k) - expected.at(k)) <= 1e-13);
  BOOST_TEST(found.at(4) == 0);
  BOOST_TEST(max_abs(found) > 0.01);
}

// What parameters can do is followed exactly: the rate of a motion of theta gives back a field of that rate.
BOOST_AUTO_TEST_CASE(a_rate_within_reach_leaves_no_misfit) {
  const Problem q;
  const TiledJacobian J(q.field, q.theta, q.x, Dtype::f64);
  const Tensor motion = Stream(7, "motion").normal({q.theta.size()}, Dtype::f64), f = J.push(motion);
  const Sketch sketch = sketch_of(J, 60, Stream(8, "sketch"));
  const Projection found = project(J, f, sketch, {.shift = 1e-12, .tolerance = 1e-9, .iterations = 1000});
  BOOST_TEST(projection_misfit(J, f, found.rate) <= 1e-4);
  BOOST_TEST(projection_misfit(J, f, zeros({q.theta.size()}, Dtype::f64)) == 1.0);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_solved_is_said) {
  const Problem q;
  const TiledJacobian J(q.field, q.theta, q.x);
  const Sketch sketch = sketch_of(J, 10, Stream(9, "sketch"));
  Tensor bad = q.f.clone();
  bad.mutable_data<double>()[5] = NAN;
  BOOST_CHECK_THROW(project(J, bad, sketch, {}), NonFiniteError);
  BOOST_CHECK_THROW(project(J, q.f, sketch, {.shift = 1e-9, .iterations = 1, .hopeless = 1e-3}), SolverError);
  BOOST_CHECK_THROW(project(J, q.f.rows(0, 10), sketch, {}), ShapeError);
  // A constant has no parameters that move it.
  const ParametricField still{[](std::span<const Var> p, const Var& x) { return 0.0 * sum(p[0]) * x; },
                              {ones({3}, Dtype::f64)}};
  const TiledJacobian none(still, ones({3}, Dtype::f64), ones({4, 1}, Dtype::f64));
  BOOST_CHECK_THROW(sketch_of(none, 0, Stream(1, "s")), SolverError);
  BOOST_CHECK_THROW(projection_solver_named("qr"), Error);
}

BOOST_AUTO_TEST_SUITE_END()
