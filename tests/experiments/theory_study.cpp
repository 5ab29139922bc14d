// Theorems 3.2 and 3.3 in small.
#include <lowtide/experiments/theory_study.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/parallel.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace lowtide;

namespace {

TheoryOptions small(TheoryOptions::Equation equation) {
  return {.equation = equation, .widths = {128, 1024}, .seeds = 6, .points = 400, .times = 2};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(theory_study_suite)

// Both samplings about as promised, in the norms of the theorems. Of so few widths and draws the rates are
// known to 0.2 or so, and three dimensions have not come to the end of their first fast fall.
BOOST_AUTO_TEST_CASE(rates) {
  for (const auto equation : {TheoryOptions::Equation::wave, TheoryOptions::Equation::advection}) {
    const TheoryStudy study = theory_study(small(equation));
    BOOST_REQUIRE(study.rows.size() == 12);
    BOOST_REQUIRE(study.rates.size() == 6);
    for (const TheoryRow& row : study.rows) {
      BOOST_TEST(row.coefficients == row.dims + 3);
      BOOST_TEST(row.parameters > row.width * (row.dims + 3));
    }
    for (std::size_t k = 0; k < 6; k += 2) {
      const TheoryRate &strata = study.rates[k], &loose = study.rates[k + 1];
      BOOST_TEST_CONTEXT(strata.dims << " dimensions, equation " << static_cast<int>(equation)) {
        BOOST_TEST(
            (strata.sampling == RidgeSampling::stratified && loose.sampling == RidgeSampling::independent));
        BOOST_TEST(strata.promised == 0.5 + 0.5 / static_cast<double>(strata.dims));
        BOOST_TEST(loose.promised == 0.5);
        BOOST_TEST(std::abs(strata.rates.h1 - strata.promised) <= 0.25);
        BOOST_TEST(strata.rates.l2 >= strata.promised - 0.1);
        BOOST_TEST(std::abs(loose.rates.h1 - 0.5) <= 0.35);
        // At equal width.
        const TheoryRow &fine = study.rows[2 * k + 1], &coarse = study.rows[2 * k + 3];
        BOOST_TEST((fine.width == 1024 && coarse.width == 1024));
        for (const auto which : {&TheoryErrors::h1, &TheoryErrors::u_t, &TheoryErrors::l2})
          BOOST_TEST((fine.errors.*which) <= (coarse.errors.*which) / 2.5);
      }
    }
  }
}

// The energy of the error does not grow, and other speeds change nothing of that.
BOOST_AUTO_TEST_CASE(later_is_no_worse) {
  TheoryOptions o{.dims = {1, 2}, .widths = {512}, .seeds = 2, .points = 500, .t_end = 0.6, .speed = 1.7};
  o.times = 4;
  const TheoryStudy study = theory_study(o);
  BOOST_TEST(study.rates.empty());
  for (const TheoryRow& row : study.rows)
    if (row.sampling == RidgeSampling::stratified)
      BOOST_TEST(row.errors.rel_h1 <= (row.dims == 1 ? 0.02 : 0.15));
}

BOOST_AUTO_TEST_CASE(same_bits_on_any_number_of_threads) {
  TheoryOptions o{.dims = {2}, .widths = {64}, .seeds = 1, .points = 600, .times = 2};
  TheoryErrors one;
  for (const int threads : {1, 4}) {
    const ThreadLimit limit(threads);
    const TheoryErrors now = theory_study(o).rows.front().errors;
    if (threads == 1) one = now;
    BOOST_TEST((now.h1 == one.h1 && now.u_t == one.u_t && now.l2 == one.l2));
  }
}

BOOST_AUTO_TEST_CASE(wrong_options) {
  const auto refused = [](auto change) {
    TheoryOptions o;
    change(o);
    BOOST_CHECK_THROW(theory_study(o), InputError);
  };
  refused([](TheoryOptions& o) { o.dims = {}; });
  refused([](TheoryOptions& o) { o.dims = {4}; });
  refused([](TheoryOptions& o) { o.widths = {}; });
  refused([](TheoryOptions& o) { o.widths = {65}; });
  refused([](TheoryOptions& o) { o.widths = {8}; });
  refused([](TheoryOptions& o) { o.speed = 0; });
  refused([](TheoryOptions& o) { o.t_end = -1; });
  refused([](TheoryOptions& o) { o.deviation = 0; });
  refused([](TheoryOptions& o) { o.velocity = NAN; });
  refused([](TheoryOptions& o) { o.seeds = 0; });
  refused([](TheoryOptions& o) { o.t_end = 1001 * o.deviation / o.speed; });  // offsets too coarse
}

BOOST_AUTO_TEST_SUITE_END()
