#include <lowtide/linalg/linop.h>

#include "check.h"

namespace lowtide::test {
namespace {

// The matrix that an operator stands for, seen through its map, and through its transpose.
Tensor seen(const LinOp& A) { return times(A, eye(A.cols, A.dtype)); }
Tensor seen_transposed(const LinOp& A) { return transposed(times_transposed(A, eye(A.rows, A.dtype))); }

void check_op(const LinOp& A, const Tensor& expected) {
  const double close = 100 * eps(A.dtype) * (1 + norm(expected));
  BOOST_TEST_REQUIRE((expected.shape == Shape{A.rows, A.cols}));
  BOOST_TEST(gap(seen(A), expected) <= close);
  BOOST_TEST(gap(seen_transposed(A), expected) <= close);
  // One vector at a time it is the same.
  const Tensor x = gaussian({A.cols}, A.dtype, 1), y = gaussian({A.rows}, A.dtype, 2);
  BOOST_TEST(gap(times(A, x), multiply(expected, x)) <= close * norm(x));
  BOOST_TEST(std::abs(dot(times(A, x), y) - dot(x, times_transposed(A, y))) <= close * norm(x) * norm(y));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(linop)

BOOST_AUTO_TEST_CASE(algebra) {
  for (Dtype dtype : both) {
    const Tensor a = gaussian({5, 4}, dtype, 1), b = gaussian({5, 4}, dtype, 2), c = gaussian({4, 6}, dtype, 3);
    const Tensor square = gaussian({4, 4}, dtype, 4);
    const LinOp A = matrix_op(a), B = matrix_op(b), C = matrix_op(c);
    auto combined = [&](double p, const Tensor& x, double q, const Tensor& y) {
      std::vector<double> v = to_vector(x), w = to_vector(y);
      for (std::size_t i = 0; i < v.size(); ++i) v[i] = p * v[i] + q * w[i];
      return from(x.shape, v, dtype);
    };
    check_op(A, a);
    check_op(scaled(A, -2.5), combined(-2.5, a, 0, a));
    check_op(sum(A, B), combined(1, a, 1, b));
    check_op(shifted(matrix_op(square), 0.75), combined(1, square, 0.75, eye(4, dtype)));
    check_op(product(A, C), multiply(a, c));
    check_op(transposed(A), transposed(a));
    check_op(identity_op(4, dtype), eye(4, dtype));
    check_op(scaled(product(sum(A, B), shifted(C.rows == 4 ? matrix_op(square) : A, 1)), 3),
             combined(3, multiply(combined(1, a, 1, b), combined(1, square, 1, eye(4, dtype))), 0, a));
    const Dtype other = dtype == Dtype::f32 ? Dtype::f64 : Dtype::f32;
    const LinOp seen_otherwise = cast(A, other);
    BOOST_TEST((seen_otherwise.dtype == other));
    BOOST_TEST(gap(seen(seen_otherwise), a.cast(other)) <= 10 * eps(Dtype::f32));
    BOOST_TEST(gap(seen_transposed(seen_otherwise), a.cast(other)) <= 10 * eps(Dtype::f32));
  }
}

BOOST_AUTO_TEST_CASE(vectors_only) {
  int calls = 0;
  const LinOp doubling = symmetric_op(3, Dtype::f64, [&calls](const Tensor& x) {
    BOOST_TEST_REQUIRE(x.shape.rank() == 1);
    ++calls;
    return times(scaled(identity_op(3, Dtype::f64), 2), x);
  });
  const Tensor x = gaussian({3, 4}, Dtype::f64);
  BOOST_TEST(gap(times(doubling, x), columns_times(x, {2, 2, 2, 2})) == 0);
  BOOST_TEST(gap(times_transposed(shifted(doubling, 1), x), columns_times(x, {3, 3, 3, 3})) == 0);
  BOOST_TEST(calls == 8);
}

BOOST_AUTO_TEST_CASE(misuse) {
  const LinOp A = matrix_op(ones({3, 2}, Dtype::f64)), F = matrix_op(ones({3, 2}, Dtype::f32));
  const Tensor x = ones({3}, Dtype::f64);
  BOOST_TEST(thrown<ShapeError>([&] { times(A, x); }) == "[times] (3) for an operator (3,2)");
  BOOST_TEST(!thrown<ShapeError>([&] { times(A, Tensor()); }).empty());
  BOOST_TEST(!thrown<ShapeError>([&] { times_transposed(A, ones({2}, Dtype::f64)); }).empty());
  BOOST_TEST(
      contains(thrown<DtypeError>([&] { times(F, ones({2}, Dtype::f64)); }), "f64 (2) for an operator of f32"));
  BOOST_TEST(contains(thrown<DtypeError>([&] { sum(A, F); }), "f64 met one of f32"));
  BOOST_TEST(contains(thrown<ShapeError>([&] { product(A, A); }), "(3,2) and (3,2)"));
  BOOST_TEST(contains(thrown<ShapeError>([&] { sum(A, transposed(A)); }), "(3,2) and (2,3)"));
  BOOST_TEST(!thrown<ShapeError>([&] { shifted(A, 1); }).empty());
  LinOp one_way = A;
  one_way.apply_transposed = nullptr;
  for (const LinOp& op : {one_way, scaled(one_way, 2), sum(A, one_way), cast(one_way, Dtype::f32)}) {
    BOOST_TEST(
        contains(thrown<SolverError>([&] { times_transposed(op, ones({3}, op.dtype)); }), "no such map"));
    BOOST_TEST(!op.apply_transposed);
  }
  const LinOp liar = symmetric_op(3, Dtype::f64, [](const Tensor&) { return ones({2}, Dtype::f64); });
  BOOST_TEST(contains(thrown<ShapeError>([&] { times(liar, x); }), "returned f64 (2) for (3)"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
