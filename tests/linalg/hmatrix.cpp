#include <lowtide/linalg/parallel.h>

#include "hierarchical.h"

namespace lowtide::test {

BOOST_AUTO_TEST_SUITE(hmatrix)

BOOST_AUTO_TEST_CASE(products_and_norm_against_the_dense_matrix) {
  for (Dtype dtype : both)
    for (std::uint64_t i = 0; i < 120; ++i) {
      const HMatrix h = random_hmatrix(random_structure(i), dtype, i);
      const Tensor a = unordered(h);
      const std::int64_t m = h.structure.rows, n = h.structure.cols;
      const double least = 100 * eps(dtype) * (norm(a) + 1);
      BOOST_TEST(gap(dense(h), a) <= least);
      BOOST_TEST(std::abs(norm(h) - norm(a)) <= least);
      for (const Shape& shape : {Shape{n}, Shape{n, 1}, Shape{n, 0}, Shape{n, 3}, Shape{n, 300}}) {
        const Tensor x = gaussian(shape, dtype, i);
        BOOST_TEST(gap(multiply(h, x), multiply(a, x)) <= least * norm(x));
        BOOST_TEST(gap(times(linop_of(h), x), multiply(h, x)) == 0);
      }
      for (const Shape& shape : {Shape{m}, Shape{m, 1}, Shape{m, 7}}) {
        const Tensor x = gaussian(shape, dtype, i);
        BOOST_TEST(gap(multiply_transposed(h, x), multiply(a, x, Trans::yes)) <= least * norm(x));
        BOOST_TEST(gap(times_transposed(linop_of(h), x), multiply_transposed(h, x)) == 0);
      }
    }
}

// Large enough for many bands, blocks over many of them, and more columns than a tile.
BOOST_AUTO_TEST_CASE(large_products_have_the_same_bits_on_any_number_of_threads) {
  for (Dtype dtype : both)
    for (std::int64_t rows : {1000, 1500}) {
      const HMatrix h = random_hmatrix(off_diagonal_structure(rows, 1200, 5, 20), dtype, 3);
      const Tensor a = unordered(h), x = gaussian({1200}, dtype), batch = gaussian({1200, 270}, dtype),
                   other = gaussian({rows, 3}, dtype);
      const auto all = [&](int threads) {
        ThreadLimit limit(threads);
        Stream rng(1, "ends");
        const SingularEnds ends = singular_ends(h, rng, 0, 30);
        return std::vector<Tensor>{multiply(h, x), multiply(h, batch), multiply_transposed(h, other), dense(h),
                                   from({3}, {norm(h), ends.largest, ends.smallest})};
      };
      const std::vector<Tensor> alone = all(1);
      for (int threads : {2, 4}) {
        const std::vector<Tensor> together = all(threads);
        for (std::size_t i = 0; i < alone.size(); ++i) BOOST_TEST(same_bits(alone[i], together[i]));
      }
      const double least = 10 * eps(dtype) * norm(a);
      BOOST_TEST(gap(alone[0], multiply(a, x)) <= least * norm(x));
      BOOST_TEST(gap(alone[1], multiply(a, batch)) <= least * norm(batch));
      BOOST_TEST(gap(alone[2], multiply(a, other, Trans::yes)) <= least * norm(other));
    }
}

BOOST_AUTO_TEST_CASE(bytes_count_orders) {
  HMatrix h = random_hmatrix(block_structure(10, 6, "sdr1dd"), Dtype::f32, 0);
  const std::int64_t structure = 4 * (15 + 8 + 15 + 15) + 6;
  BOOST_TEST(bytes(h) == structure);
  h.row_order.resize(10);
  std::iota(h.row_order.begin(), h.row_order.end(), 0);
  BOOST_TEST(bytes(h) == structure + 40);
}

BOOST_AUTO_TEST_CASE(approximation_of_a_given_structure) {
  for (Dtype dtype : both) {
    // Exactly of that structure: found again. The second has blocks that are sketched.
    for (const BlockStructure& s :
         {block_structure(30, 50, "sdr2sr1dddr0"), off_diagonal_structure(256, 256, 3, 32)}) {
      const HMatrix h = random_hmatrix(s, dtype, 0);
      const Tensor a = plain(h);
      Stream rng(1, "given"), again(1, "given");
      const HMatrix found = approximated(a, s, rng);
      BOOST_TEST(gap(dense(found), a) <= 30 * eps(dtype) * norm(a));
      BOOST_TEST(same_bits(found.values, approximated(a, s, again).values));
      BOOST_TEST(
          !thrown<NonFiniteError>([&] { approximated(full(a.shape, infinity, dtype), s, rng); }).empty());
      BOOST_TEST(!thrown<ShapeError>([&] { approximated(transposed(a).rows(0, 9), s, rng); }).empty());
    }
  }
  // The best one: |A - H| is the tail of the singular values.
  const Tensor a = with_singular_values(20, 12, geometric(12, .5), Dtype::f64);
  Stream rng(1, "best");
  const double error = gap(dense(approximated(a, block_structure(20, 12, "r4"), rng)), a);
  BOOST_TEST(std::abs(error - std::sqrt(std::pow(.25, 4) / .75 * (1 - std::pow(.25, 8)))) < 1e-14);
}

BOOST_AUTO_TEST_CASE(ends_of_the_spectrum) {
  for (std::uint64_t i : {0, 1, 2, 3}) {
    const HMatrix h = random_hmatrix(off_diagonal_structure(i < 2 ? 90 : 60, 70, 2, 9), Dtype::f64, i);
    const Svd f = svd(unordered(h));
    const double largest = f.s.at(0), smallest = f.s.at(f.s.size() - 1);
    Stream rng(1, "ends");
    const SingularEnds exact = singular_ends(h, rng), few = singular_ends(h, rng, 0, 15),
                       all = singular_ends(h, rng, 0, 1000);
    BOOST_TEST((exact.exact && !few.exact));
    BOOST_TEST(std::abs(exact.largest - largest) < 1e-12 * largest);
    BOOST_TEST(std::abs(exact.smallest - smallest) < 1e-12 * largest);
    BOOST_TEST(few.largest <= largest * (1 + 1e-12));
    BOOST_TEST(few.largest > .95 * largest);
    BOOST_TEST(few.smallest >= smallest - 1e-8 * largest);
    BOOST_TEST(few.condition() <= exact.condition() * 1.0001);
    BOOST_TEST(std::abs(all.largest - largest) < 1e-12 * largest);
    BOOST_TEST(std::abs(all.smallest - smallest) < 1e-7 * largest);
  }
  Stream rng(1, "zero");
  BOOST_TEST(std::isinf(
      singular_ends({block_structure(4, 4, "r0"), zeros({0}, Dtype::f64), {}, {}}, rng).condition()));
}

// (largest + e) / (smallest - e) bounds the condition number of all that is that near; what has been published
// does not.
BOOST_AUTO_TEST_CASE(bound_on_the_condition_number) {
  const double published = 1 * (1 + .1 / (1 - .1)), h = 1.1 / .9;
  BOOST_TEST(h > published + .1);
  BOOST_TEST(std::abs(h - 1.2222) < 1e-4);
  BOOST_TEST(h <= condition_bound(1, 1, .1) * (1 + 1e-15));
  BOOST_TEST(std::isinf(condition_bound(3, 1, 1)));
  BOOST_TEST(std::isinf(condition_bound(3, 1, 2)));
  BOOST_TEST(std::isinf(condition_bound(3, 0, 0)));
  BOOST_TEST(condition_bound(3, 1, 0) == 3);
  int published_fails = 0;
  for (std::uint64_t i = 0; i < 300; ++i) {
    const Tensor a = gaussian({8, 8}, Dtype::f64, i);
    const Svd f = svd(a);
    // The worst that has this norm: it moves the two extreme values towards what hurts.
    const double e = f.s.at(7) * (.05 + .9 * Stream(2, "e").uniform(i));
    std::vector<double> d = to_vector(f.s);
    d[0] += e, d[7] -= e;
    const Tensor near = multiply(columns_times(f.u, d), f.vt);
    const Tensor noise = gaussian({8, 8}, Dtype::f64, 1000 + i);
    Tensor far = a.clone();
    blas::axpy(64, e / svd(noise).s.at(0), noise.data<double>(), far.mutable_data<double>());
    for (const Tensor& changed : {near, far}) {
      const Svd g = svd(changed);
      const double kappa = g.s.at(0) / g.s.at(7);
      BOOST_TEST(kappa <= condition_bound(f.s.at(0), f.s.at(7), e) * (1 + 1e-9));
      published_fails += kappa > f.s.at(0) / f.s.at(7) * (1 + e / (f.s.at(7) - e)) * (1 + 1e-9);
    }
  }
  BOOST_TEST(published_fails >= 300);
}

BOOST_AUTO_TEST_CASE(misuse) {
  HMatrix h = random_hmatrix(block_structure(10, 6, "sdr1dd"), Dtype::f64, 0);
  BOOST_TEST(
      contains(thrown<ShapeError>([&] { multiply(h, ones({10}, Dtype::f64)); }), "(10) for a matrix (10,6)"));
  BOOST_TEST(!thrown<ShapeError>([&] { multiply_transposed(h, ones({6}, Dtype::f64)); }).empty());
  BOOST_TEST(!thrown<ShapeError>([&] { multiply(h, ones({6, 1, 1}, Dtype::f64)); }).empty());
  BOOST_TEST(!thrown<DtypeError>([&] { multiply(h, ones({6}, Dtype::f32)); }).empty());
  HMatrix bad = h;
  for (const std::vector<std::int64_t>& order :
       {std::vector<std::int64_t>{0, 1, 2, 3, 4, 4}, {0, 1, 2}, {0, 1, 2, 3, 4, 6}, {0, 1, 2, 3, 4, -1}}) {
    bad.col_order = order;
    BOOST_TEST(contains(thrown<ShapeError>([&] { multiply(bad, ones({6}, Dtype::f64)); }), "an order of"));
  }
  bad = h;
  bad.values = h.values.rows(0, 5);
  BOOST_TEST(contains(thrown<ShapeError>([&] { dense(bad); }), "(5) values for a structure of 53"));
  h.values.mutable_data<double>()[3] = nan;
  Stream rng(1, "misuse");
  BOOST_TEST(!thrown<NonFiniteError>([&] { singular_ends(h, rng); }).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
