#include <lowtide/linalg/tensor.h>

#include "check.h"

namespace lowtide::test {

BOOST_AUTO_TEST_SUITE(tensor)

BOOST_AUTO_TEST_CASE(copies_are_values) {
  for (Dtype dtype : both)
    dispatch(dtype, [&](auto zero) {
      using T = decltype(zero);
      Tensor a = linspace(0, 5, 6, dtype).reshaped({3, 2});
      const Tensor copy = a, middle = a.rows(1, 2), flat = a.reshaped({6});
      const T* before = a.template data<T>();
      BOOST_TEST(copy.template data<T>() == before);
      BOOST_TEST(middle.template data<T>() == before + 2);
      a.template mutable_data<T>()[2] = 99;
      BOOST_TEST(a.at(2) == 99);
      BOOST_TEST(copy.at(2) == 2);
      BOOST_TEST(middle.at(0) == 2);
      BOOST_TEST(flat.at(2) == 2);
      // Alone it is written in place.
      const T* alone = a.template data<T>();
      a.template mutable_data<T>()[0] = 1;
      BOOST_TEST(a.template data<T>() == alone);
      // A part that is written leaves the whole as it was.
      Tensor part = copy.rows(2, 3);
      part.template mutable_view<T>()[1] = -1;
      BOOST_TEST(copy.at(5) == 5);
      BOOST_TEST(part.at(0) == 4);
      BOOST_TEST(part.at(1) == -1);
      const Tensor cloned = copy.clone();
      BOOST_TEST(cloned.template data<T>() != copy.template data<T>());
      BOOST_TEST(same_bits(cloned, copy));
    });
}

BOOST_AUTO_TEST_CASE(makers) {
  for (Dtype dtype : both) {
    BOOST_TEST(to_vector(eye(3, dtype)) == (std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0, 1}),
               boost::test_tools::per_element());
    BOOST_TEST(to_vector(transposed(linspace(1, 6, 6, dtype).reshaped({2, 3}))) ==
                   (std::vector<double>{1, 4, 2, 5, 3, 6}),
               boost::test_tools::per_element());
    const Tensor line = linspace(-1, 2, 7, dtype);
    BOOST_TEST(line.at(0) == -1);
    BOOST_TEST(line.at(6) == 2);
    BOOST_TEST(line.at(2) == 0);
    BOOST_TEST(linspace(4, 9, 1, dtype).item() == 4);
    BOOST_TEST(scalar(2.5, dtype).item() == 2.5);
    BOOST_TEST(scalar(2.5, dtype).shape.rank() == 0);
    BOOST_TEST(max_abs(from({3}, {1, -4, 2}, dtype)) == 4);
    BOOST_TEST(zeros({2, 0, 3}, dtype).size() == 0);
    BOOST_TEST(static_cast<bool>(zeros({0}, dtype)));
  }
  BOOST_TEST(!Tensor());
  BOOST_TEST(full({1}, 0.1, Dtype::f64).cast(Dtype::f32).item() == static_cast<double>(0.1f));
}

BOOST_AUTO_TEST_CASE(finiteness) {
  for (Dtype dtype : both)
    for (std::int64_t n : {1, 2, 17, 1000})
      for (double bad : {nan, infinity, -infinity})
        for (std::int64_t place : {std::int64_t{0}, n / 2, n - 1}) {
          std::vector<double> v(static_cast<std::size_t>(n), dtype == Dtype::f32 ? 3e38 : 1e308);
          BOOST_TEST(all_finite(from({n}, v, dtype)));
          v[static_cast<std::size_t>(place)] = bad;
          BOOST_TEST(!all_finite(from({n}, v, dtype)));
          BOOST_TEST((std::isnan(bad) ? std::isnan(max_abs(from({n}, v, dtype)))
                                      : std::isinf(max_abs(from({n}, v, dtype)))));
        }
  BOOST_TEST(all_finite(zeros({0}, Dtype::f64)));
}

BOOST_AUTO_TEST_CASE(bits) {
  const Tensor a = from({2}, {0.0, 1.0});
  BOOST_TEST(same_bits(a, a.clone()));
  BOOST_TEST(!same_bits(a, from({2}, {-0.0, 1.0})));
  BOOST_TEST(!same_bits(a, a.reshaped({2, 1})));
  BOOST_TEST(!same_bits(a, a.cast(Dtype::f32)));
  BOOST_TEST(same_bits(from({4}, {9, 0, 1, 9}).rows(1, 3), a));
}

BOOST_AUTO_TEST_CASE(misuse) {
  const Tensor a = ones({2, 3}, Dtype::f32);
  BOOST_TEST(thrown<DtypeError>([&] { a.data<double>(); }) == "[tensor] holds f32, but f64 was asked for");
  BOOST_TEST(contains(thrown<ShapeError>([&] { a.reshaped({5}); }), "(2,3) has 6 elements, (5) has 5"));
  BOOST_TEST(contains(thrown<ShapeError>([&] { a.rows(1, 3); }), "rows 1 to 3"));
  BOOST_TEST(!thrown<ShapeError>([&] { a.rows(-1, 1); }).empty());
  BOOST_TEST(!thrown<ShapeError>([&] { a.rows(2, 1); }).empty());
  BOOST_TEST(!thrown<ShapeError>([&] { a.at(6); }).empty());
  BOOST_TEST(!thrown<ShapeError>([&] { a.at(-1); }).empty());
  BOOST_TEST(!thrown<ShapeError>([&] { a.item(); }).empty());
  BOOST_TEST(!thrown<ShapeError>([] { Tensor().item(); }).empty());
  BOOST_TEST(!thrown<ShapeError>([] { from({2}, {1, 2, 3}); }).empty());
  BOOST_TEST(!thrown<ShapeError>([] { transposed(ones({3}, Dtype::f32)); }).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
