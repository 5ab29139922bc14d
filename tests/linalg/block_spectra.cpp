#include <lowtide/linalg/block_spectra.h>
#include <lowtide/linalg/parallel.h>

#include "hierarchical.h"

namespace lowtide::test {
namespace {

constexpr std::uint64_t kinds = 10;

Tensor smooth(std::int64_t m, std::int64_t n, double c) {
  std::vector<double> a;
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      a.push_back(1 / (std::abs((static_cast<double>(i) + .5) / static_cast<double>(m) -
                                (static_cast<double>(j) + .5) / static_cast<double>(n)) +
                       c));
  return from({m, n}, a);
}

Tensor plus(const Tensor& a, double factor, const Tensor& b) {
  Tensor c = a.clone();
  blas::axpy(c.size(), factor, b.data<double>(), c.mutable_data<double>());
  return c;
}

// Matrices of many kinds, by turns.
Tensor matrix_of_kind(std::uint64_t i) {
  Stream rng = Stream(5, "kinds").child("one", i);
  const std::int64_t m = 2 + rng.below(38), n = 2 + rng.below(38), k = std::min(m, n);
  switch (i % kinds) {
    case 0:
      return gaussian({m, n}, Dtype::f64, i);
    case 1:
      return with_singular_values(m, n, geometric(static_cast<std::size_t>(k), .4 + .5 * rng.uniform(9)),
                                  Dtype::f64);
    case 2:
      return smooth(m, n, .02);
    case 3:
      return plus(with_singular_values(m, n, {3, 1}, Dtype::f64), 1e-3, gaussian({m, n}, Dtype::f64, i));
    case 4:
      return plus(smooth(3 * m, n / 2 + 1, .1), .1, gaussian({3 * m, n / 2 + 1}, Dtype::f64, i));
    case 5:  // columns of sizes from 1 to 1e-12
      return columns_times(gaussian({m, n}, Dtype::f64, i),
                           geometric(static_cast<std::size_t>(n), std::pow(1e-12, 1. / 39)));
    case 6:
      return zeros({m, n}, Dtype::f64);
    case 7:
      return gaussian(i % 4 == 1 ? Shape{1, n} : Shape{n, 1}, Dtype::f64, i);
    case 8:
      return rescaled("test", smooth(m, n, .05), i % 4 == 0 ? 200 : -200);
    default:  // one quarter alone
      Tensor a = zeros({m, n}, Dtype::f64);
      for (std::int64_t r = 0; r < m / 2; ++r)
        for (std::int64_t c = 0; c < n / 2; ++c)
          a.mutable_data<double>()[r * n + c] =
              gaussian({}, Dtype::f64, static_cast<std::uint64_t>(r * n + c)).item();
      return a;
  }
}

// Singular or not, and with scales of its own.
Tensor gram_of(std::int64_t n, std::uint64_t i) {
  const std::int64_t k = i % 2 ? 2 * n : n / 2 + 1;
  const Tensor z =
      columns_times(gaussian({k, n}, Dtype::f64, 77 + i), geometric(static_cast<std::size_t>(n), .9));
  return multiply(z, z, Trans::yes);
}

// The root of the sum of squares of |G_RR^1/2 D_b|_F, from the matrices themselves, and the largest of them.
struct Direct {
  double all, largest;
};
Direct direct_error(const Tensor& a, const HMatrix& h, const Tensor& gram) {
  const Tensor d = plus(a, -1, plain(h));
  double sum = 0, largest = 0;
  for (const Block& b : h.structure.blocks) {
    const Tensor block = block_of(d, b);
    const double square = gram ? dot(block, multiply(block_of(gram, {b.row, b.rows, b.row, b.rows}), block))
                               : std::pow(norm(block), 2);
    sum += std::max(square, 0.0);
    largest = std::max(largest, square);
  }
  return {std::sqrt(sum), std::sqrt(largest)};
}

bool cheaper_than_dense(const Chosen& c) {
  return std::all_of(c.structure.blocks.begin(), c.structure.blocks.end(),
                     [](const Block& b) { return b.dense() || b.rank == 0 || b.entries() < b.rows * b.cols; });
}

// Whether what is left of the entries would pay for one rank more somewhere.
bool affords_more(const Chosen& c, std::int64_t entries) {
  for (std::size_t i = 0; i < c.structure.blocks.size(); ++i) {
    const Block& b = c.structure.blocks[i];
    if (b.dense() || c.block_errors[i] == 0) continue;
    const std::int64_t more = std::min((b.rank + 1) * (b.rows + b.cols), b.rows * b.cols) - b.entries();
    if (c.structure.entries() + more <= entries) return true;
  }
  return false;
}

// Every structure and all ranks of a block: what each costs. Computed apart from what is tested.
struct Option {
  double square;
  std::int64_t entries;
  double worst;    // square of the error of a block, the largest
  double crowded;  // and the largest for its share of the entries
};
std::vector<Option> every_option(const Tensor& a, const Block& block, std::int64_t leaf, int depth) {
  std::vector<Option> options{{0, block.rows * block.cols, 0, 0}};
  const Svd f = svd(block_of(a, block));
  for (std::int64_t k = 0; k * (block.rows + block.cols) < block.rows * block.cols; ++k) {
    double rest = 0;
    for (std::int64_t i = k; i < f.s.size(); ++i) rest += std::pow(f.s.at(i), 2);
    options.push_back(
        {rest, k * (block.rows + block.cols), rest, rest / static_cast<double>(block.rows * block.cols)});
  }
  if (depth == 0 || std::min(block.rows, block.cols) <= leaf) return options;
  Block quarter[4];
  quarters(block, quarter);
  std::vector<Option> below{{0, 0, 0, 0}};
  for (const Block& q : quarter) {
    std::vector<Option> next;
    for (const Option& more : every_option(a, q, leaf, depth - 1))
      for (const Option& o : below)
        next.push_back({o.square + more.square, o.entries + more.entries, std::max(o.worst, more.worst),
                        std::max(o.crowded, more.crowded)});
    below = next;
  }
  options.insert(options.end(), below.begin(), below.end());
  return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spectra_of_blocks)

BOOST_AUTO_TEST_CASE(errors_of_a_thousand_matrices) {
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const Tensor a = matrix_of_kind(i);
    Stream rng = Stream(6, "options").child("one", i);
    SpectraOptions options{1 + rng.below(9), static_cast<int>(rng.below(5))};
    if (i % 3 == 0) options.gram = gram_of(a.shape[0], i);
    const BlockSpectra spectra = block_spectra(a, options);
    const double size = norm(a), units = options.gram ? std::sqrt(norm(options.gram)) : 1,
                 rounding = 1e-13 * size * units, t = size * units * std::pow(10, -5 * rng.uniform(50));
    const double area = static_cast<double>(a.size());
    const auto entries = static_cast<std::int64_t>(area * rng.uniform(51));
    const Chosen share = choose_by_share(spectra, t), block = choose_by_block(spectra, t),
                 least = choose_for_error(spectra, t), rate = choose_by_rate(spectra, t * t * 1e-2 / area),
                 budget = choose_for_entries(spectra, entries);
    BOOST_TEST(share.error <= t * (1 + 1e-12));
    BOOST_TEST(block.error <= t * std::sqrt(static_cast<double>(block.structure.blocks.size())) * (1 + 1e-12));
    BOOST_TEST(least.error <= t);
    BOOST_TEST(least.structure.entries() <= share.structure.entries());
    BOOST_TEST(budget.structure.entries() <= entries);
    BOOST_TEST(!affords_more(budget, entries));
    for (double e : block.block_errors) BOOST_TEST(e <= t * (1 + 1e-12));
    for (const Chosen* c : {&share, &block, &least, &rate, &budget}) {
      BOOST_TEST(c->structure.entries() <= a.size());
      BOOST_TEST(cheaper_than_dense(*c));
      BOOST_TEST(c->structure.text == block_structure(a.shape[0], a.shape[1], c->structure.text).text);
      BOOST_TEST(c->block_errors.size() == c->structure.blocks.size());
      const HMatrix h = hmatrix(spectra, *c, Dtype::f64);
      const Direct direct = direct_error(a, h, options.gram);
      // The direct one squares before it subtracts.
      if (options.gram)
        BOOST_TEST(std::abs(direct.all * direct.all - c->error * c->error) <=
                   1e-12 * std::pow(size * units, 2));
      else
        BOOST_TEST(std::abs(direct.all - c->error) <= 100 * rounding);
      if (c == &block) BOOST_TEST(direct.largest <= t + (options.gram ? 1e-6 * size * units : 100 * rounding));
      if (!options.gram) {
        BOOST_TEST(std::abs(norm(plus(a, -1, dense(h))) - c->error) <= 100 * rounding);
        if (i % kinds == 8) continue;  // beyond the range of f32
        const HMatrix single = hmatrix(spectra, *c, Dtype::f32);
        BOOST_TEST(norm(plus(a, -1, dense(single).cast(Dtype::f64))) <= c->error + 1e-5 * size);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(choices_against_all_that_there_are) {
  std::int64_t found = 0, best = 0;
  double error = 0, least_error = 0;
  for (std::uint64_t i = 0; i < 60; ++i) {
    const std::int64_t m = 5 + static_cast<std::int64_t>(i % 5), n = 9 - static_cast<std::int64_t>(i % 4),
                       leaf = 2;
    const Tensor a = i % 3 == 0
                         ? smooth(m, n, .1)
                         : plus(smooth(m, n, .3), i % 3 == 1 ? .3 : .01, gaussian({m, n}, Dtype::f64, i));
    const BlockSpectra spectra = block_spectra(a, {.leaf = leaf, .depth = 2});
    const std::vector<Option> options = every_option(a, {0, m, 0, n}, leaf, 2);
    const double square = std::pow(norm(a), 2);
    for (double level : {1e-1, 1e-2, 1e-3, 1e-4}) {
      const double lambda = level * square / static_cast<double>(a.size());
      const Chosen rate = choose_by_rate(spectra, lambda);
      double least = infinity;
      for (const Option& o : options)
        least = std::min(least, o.square + lambda * static_cast<double>(o.entries));
      const double cost = rate.error * rate.error + lambda * static_cast<double>(rate.structure.entries());
      BOOST_TEST(std::abs(cost - least) <= 1e-12 * square);

      const double t = level * std::sqrt(square);
      const auto fewest = [&](const auto& good) {
        std::int64_t n_least = a.size();
        for (const Option& o : options)
          if (good(o)) n_least = std::min(n_least, o.entries);
        return n_least;
      };
      BOOST_TEST(choose_by_block(spectra, t).structure.entries() ==
                 fewest([&](const Option& o) { return o.worst <= t * t; }));
      BOOST_TEST(choose_by_share(spectra, t).structure.entries() ==
                 fewest([&](const Option& o) { return o.crowded <= t * t / static_cast<double>(a.size()); }));
      found += choose_for_error(spectra, t).structure.entries();
      const std::int64_t optimum = fewest([&](const Option& o) { return o.square <= t * t; });
      best += optimum;
      BOOST_TEST(choose_for_error(spectra, t).structure.entries() >= optimum);
      // And for the other side: the least error within these entries.
      const Chosen budget = choose_for_entries(spectra, optimum);
      double reachable = infinity;
      for (const Option& o : options)
        if (o.entries <= optimum) reachable = std::min(reachable, o.square);
      BOOST_TEST(budget.error >= std::sqrt(reachable) - 1e-12);
      error += budget.error / t, least_error += std::sqrt(reachable) / t;
    }
  }
  BOOST_TEST_MESSAGE("entries for an error: " << found << ", at best " << best << "; errors for entries: "
                                              << error << ", at best " << least_error);
  BOOST_TEST(static_cast<double>(found) < 1.001 * static_cast<double>(best));
  BOOST_TEST(error < 1.25 * least_error);
}

// Near the ends of the range all is the same but for a power of two.
BOOST_AUTO_TEST_CASE(choices_do_not_depend_on_scale) {
  const Tensor a = smooth(30, 40, .05);
  const BlockSpectra s = block_spectra(a, {.leaf = 4});
  for (int exponent : {-1000, 1000}) {
    const BlockSpectra t = block_spectra(rescaled("test", a, exponent), {.leaf = 4});
    const Chosen pairs[][2] = {
        {choose_by_share(s, .1), choose_by_share(t, std::ldexp(.1, exponent))},
        {choose_by_block(s, .1), choose_by_block(t, std::ldexp(.1, exponent))},
        {choose_for_error(s, .1), choose_for_error(t, std::ldexp(.1, exponent))},
        {choose_for_entries(s, 500), choose_for_entries(t, 500)},
    };
    for (const auto& [one, other] : pairs) {
      BOOST_TEST(one.structure.text == other.structure.text);
      BOOST_TEST(std::abs(std::ldexp(other.error, -exponent) - one.error) <= 1e-12);
      const Tensor back = rescaled("test", dense(hmatrix(t, other, Dtype::f64)), -exponent);
      BOOST_TEST(gap(back, dense(hmatrix(s, one, Dtype::f64))) <= 1e-11);
    }
  }
}

BOOST_AUTO_TEST_CASE(depth_zero_is_the_plain_svd) {
  const Tensor a = with_singular_values(40, 30, geometric(30, .5), Dtype::f64);
  const BlockSpectra plain_svd = block_spectra(a, {.depth = 0});
  BOOST_TEST(plain_svd.nodes.size() == 1);
  const Chosen c = choose_for_error(plain_svd, 1e-3);
  BOOST_TEST(c.structure.text == "r11");  // 2^-10 / sqrt(1 - 1/4) = 1.13e-3 is too much
  BOOST_TEST(choose_by_share(plain_svd, 1.2e-3).structure.text == "r10");
  BOOST_TEST(choose_for_error(plain_svd, 0).structure.text == "d");
}

BOOST_AUTO_TEST_CASE(hierarchy_beats_the_plain_svd_where_it_should) {
  const Tensor a = smooth(256, 256, .001);
  const double t = 1e-4 * norm(a);
  const std::int64_t tree = choose_for_error(block_spectra(a), t).structure.entries(),
                     flat = choose_for_error(block_spectra(a, {.depth = 0}), t).structure.entries(),
                     shares = choose_by_share(block_spectra(a), t).structure.entries();
  BOOST_TEST_MESSAGE("entries of (256,256): tree " << tree << ", by shares " << shares << ", plain " << flat);
  BOOST_TEST(2 * tree < flat);
  BOOST_TEST(tree < shares);
  // Nothing is to be gained on a matrix of low rank.
  const Tensor b = with_singular_values(64, 64, {5, 4, 3}, Dtype::f64);
  BOOST_TEST(choose_for_error(block_spectra(b), 1e-10).structure.text == "r3");
  BOOST_TEST(choose_for_error(block_spectra(zeros({9, 9}, Dtype::f32)), 0).structure.text == "r0");
}

// A direction that the inputs never take costs nothing to leave out.
BOOST_AUTO_TEST_CASE(gram_of_few_directions) {
  const Tensor a = gaussian({32, 24}, Dtype::f64), z = gaussian({5, 32}, Dtype::f64, 1);
  const Tensor gram = multiply(z, z, Trans::yes);
  const BlockSpectra spectra = block_spectra(a, {.depth = 0, .gram = gram});
  const Chosen c = choose_for_error(spectra, 1e-6 * norm(multiply(z, a)));
  BOOST_TEST(c.structure.text == "r5");
  const HMatrix h = hmatrix(spectra, c, Dtype::f64);
  BOOST_TEST(gap(multiply(z, dense(h)), multiply(z, a)) < 1e-10);
  BOOST_TEST(gap(dense(h), a) > 1);
  // Of one block its error is the error of the products.
  const Chosen coarse = choose_for_entries(spectra, 3 * (32 + 24));
  BOOST_TEST(std::abs(gap(multiply(z, dense(hmatrix(spectra, coarse, Dtype::f64))), multiply(z, a)) -
                      coarse.error) < 1e-9);
}

BOOST_AUTO_TEST_CASE(same_bits_on_any_number_of_threads) {
  const Tensor a = smooth(130, 90, .01);
  const auto all = [&](int threads, const Tensor& gram) {
    ThreadLimit limit(threads);
    const BlockSpectra s = block_spectra(a, {.leaf = 8, .gram = gram});
    const HMatrix h = hmatrix(s, choose_for_error(s, 1e-3), Dtype::f32);
    return std::pair(h.values, h.structure.text);
  };
  for (const Tensor& gram : {Tensor{}, gram_of(130, 1)}) {
    const auto alone = all(1, gram);
    for (int threads : {2, 4}) {
      const auto together = all(threads, gram);
      BOOST_TEST(same_bits(alone.first, together.first));
      BOOST_TEST(alone.second == together.second);
    }
  }
}

BOOST_AUTO_TEST_CASE(edges_and_misuse) {
  for (const Shape& shape : {Shape{0, 5}, Shape{5, 0}, Shape{1, 1}, Shape{1, 9}}) {
    const Tensor a = ones(shape, Dtype::f32);
    const BlockSpectra s = block_spectra(a);
    for (const Chosen& c :
         {choose_for_error(s, 0), choose_by_share(s, 0), choose_by_block(s, 0), choose_by_rate(s, 0)})
      BOOST_TEST(gap(dense(hmatrix(s, c, Dtype::f32)), a) == 0);
    BOOST_TEST(choose_for_entries(s, 0).structure.entries() == 0);
  }
  const Tensor a = gaussian({12, 12}, Dtype::f64);
  const BlockSpectra s = block_spectra(a, {.leaf = 3});
  for (double bad : {-1.0, nan}) {
    BOOST_TEST(!thrown<Error>([&] { choose_by_share(s, bad); }).empty());
    BOOST_TEST(!thrown<Error>([&] { choose_by_block(s, bad); }).empty());
    BOOST_TEST(!thrown<Error>([&] { choose_by_rate(s, bad); }).empty());
    BOOST_TEST(!thrown<Error>([&] { choose_for_error(s, bad); }).empty());
    BOOST_TEST(!thrown<NonFiniteError>([&] {
                  block_spectra(full({3, 3}, bad == -1 ? infinity : nan, Dtype::f64));
                }).empty());
  }
  BOOST_TEST(choose_for_error(s, infinity).structure.text == "r0");
  BOOST_TEST(!thrown<Error>([&] { choose_for_entries(s, -1); }).empty());
  BOOST_TEST(!thrown<ShapeError>([&] { block_spectra(a, {.leaf = 0}); }).empty());
  BOOST_TEST(!thrown<ShapeError>([&] { block_spectra(a, {.depth = -1}); }).empty());
  BOOST_TEST(!thrown<ShapeError>([&] { block_spectra(ones({4}, Dtype::f64)); }).empty());
  BOOST_TEST(!thrown<ShapeError>([&] { block_spectra(a, {.gram = eye(11, Dtype::f64)}); }).empty());
  BOOST_TEST(!thrown<ShapeError>([&] { block_spectra(a, {.gram = eye(12, Dtype::f32)}); }).empty());
  BOOST_TEST(contains(thrown<SolverError>([&] { block_spectra(a, {.gram = a}); }), "not symmetric"));
  BOOST_TEST(contains(
      thrown<SolverError>([&] { block_spectra(a, {.gram = columns_times(eye(12, Dtype::f64), {-1})}); }),
      "semidefinite"));
  BOOST_TEST(!thrown<NonFiniteError>([&] {
                block_spectra(a, {.gram = full({12, 12}, nan, Dtype::f64)});
              }).empty());
  const auto given = [&](const char* text) { return Chosen{block_structure(12, 12, text), 0, {}}; };
  BOOST_TEST(gap(dense(hmatrix(s, given("sdsdddddd"), Dtype::f64)), a) < 1e-12);
  BOOST_TEST(contains(thrown<ShapeError>([&] { hmatrix(s, given("sdsdsdddddddd"), Dtype::f64); }), "is cut"));
  BOOST_TEST(contains(thrown<ShapeError>([&] { hmatrix(s, given("r6"), Dtype::f64); }), "known up to 5"));
  BOOST_TEST(contains(thrown<ShapeError>([&] {
                        hmatrix(s, {block_structure(12, 11, "d"), 0, {}}, Dtype::f64);
                      }),
                      "(12,11)"));
  const BlockSpectra large = block_spectra(full({2, 2}, 1e300, Dtype::f64));
  BOOST_TEST(!thrown<NonFiniteError>([&] { hmatrix(large, choose_for_error(large, 0), Dtype::f32); }).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
