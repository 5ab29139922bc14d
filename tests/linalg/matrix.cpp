#include <lowtide/linalg/matrix.h>

#include "check.h"

namespace lowtide::test {

BOOST_AUTO_TEST_SUITE(matrix)

BOOST_AUTO_TEST_CASE(products) {
  for (Dtype dtype : both) {
    const Tensor a = from({2, 3}, {1, 2, 3, 4, 5, 6}, dtype), b = from({3, 2}, {1, 0, -1, 2, 0, 1}, dtype);
    const Tensor ab = from({2, 2}, {-1, 7, -1, 16}, dtype), v = from({3}, {1, 1, -1}, dtype);
    BOOST_TEST(gap(multiply(a, b), ab) == 0);
    BOOST_TEST(gap(multiply(transposed(a), b, Trans::yes), ab) == 0);
    BOOST_TEST(gap(multiply(a, transposed(b), Trans::no, Trans::yes), ab) == 0);
    BOOST_TEST(gap(multiply(transposed(a), transposed(b), Trans::yes, Trans::yes), ab) == 0);
    BOOST_TEST(gap(multiply(a, v), from({2}, {0, 3}, dtype)) == 0);
    BOOST_TEST(gap(multiply(b, v, Trans::yes), from({2}, {0, 1}, dtype)) == 0);
    BOOST_TEST(gap(multiply(zeros({2, 0}, dtype), zeros({0}, dtype)), zeros({2}, dtype)) == 0);
    BOOST_TEST(gap(multiply(zeros({2, 0}, dtype), zeros({0, 3}, dtype)), zeros({2, 3}, dtype)) == 0);
    BOOST_TEST(
        contains(thrown<ShapeError>([&] { multiply(a, a); }), "inner dimensions differ: (2,3) times (2,3)"));
    BOOST_TEST(contains(thrown<ShapeError>([&] { multiply(b, a, Trans::yes); }), "(3,2)^T times (2,3)"));
    BOOST_TEST(!thrown<ShapeError>([&] { multiply(a, from({2}, {1, 2}, dtype)); }).empty());
    BOOST_TEST(!thrown<ShapeError>([&] { multiply(v, a); }).empty());
    BOOST_TEST(!thrown<ShapeError>([&] { multiply(a, scalar(1, dtype)); }).empty());
  }
  BOOST_TEST(contains(thrown<DtypeError>([] { multiply(eye(2, Dtype::f32), eye(2, Dtype::f64)); }),
                      "f32 (2,2) met f64 (2,2)"));
  BOOST_TEST(contains(thrown<DtypeError>([] { dot(eye(2, Dtype::f32), eye(2, Dtype::f64)); }), "[dot]"));
  BOOST_TEST(
      contains(thrown<ShapeError>([] { dot(eye(2, Dtype::f32), ones({4}, Dtype::f32)); }), "(2,2) and (4)"));
}

BOOST_AUTO_TEST_CASE(norms_over_the_whole_range) {
  for (double unit : {1.0, 1e-300, 1e300, 0x1p-1070, 1e-160, 1e160})
    BOOST_TEST(std::abs(norm(from({2}, {3 * unit, -4 * unit})) / unit - 5) < 1e-14);
  for (double unit : {1.0, 1e-38, 3e37, 0x1p-145})
    BOOST_TEST(std::abs(norm(from({2}, {3 * unit, 4 * unit}, Dtype::f32)) / unit - 5) < 1e-6);
  BOOST_TEST(std::abs(norm(from({2}, {-3e-200, -4e-200})) / 5e-200 - 1) < 1e-14);
  BOOST_TEST(norm(zeros({0}, Dtype::f64)) == 0);
  BOOST_TEST(std::isnan(norm(from({3}, {1, nan, 1e308}))));
  BOOST_TEST(std::isinf(norm(from({2}, {1, infinity}))));
  // Sums of f32 numbers are kept in f64.
  BOOST_TEST(dot(from({3}, {1e8, 1, -1e8}, Dtype::f32), ones({3}, Dtype::f32)) == 1);
}

BOOST_AUTO_TEST_CASE(scaling_is_exact) {
  for (Dtype dtype : both)
    for (int exponent : {-120, -70, -3, 0, 5, 70, 120}) {
      const int range = dtype == Dtype::f64 ? 8 * exponent : exponent;
      std::vector<double> v = to_vector(gaussian({50}, dtype));
      for (double& x : v) x = std::ldexp(std::round(64 * x), range - 6);
      const Tensor a = from({50}, v, dtype);
      const Scaled s = scaled_to_one(a);
      BOOST_TEST(s.exponent % 2 == 0);
      BOOST_TEST((std::abs(std::log2(max_abs(s.value))) <= (dtype == Dtype::f64 ? 258 : 34)));
      BOOST_TEST(same_bits(rescaled("test", s.value, s.exponent), a));
    }
  BOOST_TEST(contains(thrown<NonFiniteError>([] { rescaled("name", ones({2}, Dtype::f32), 128); }),
                      "[name] the result (2) is beyond the range of f32"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
