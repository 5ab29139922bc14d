#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/low_rank_weights.h>
#include <lowtide/reduction/row_selection.h>

#include <algorithm>
#include <limits>

#include "support.h"

using namespace support;
using Rows = std::vector<std::int64_t>;

BOOST_AUTO_TEST_SUITE(row_selection_suite)

Tensor some_basis(std::int64_t m, std::int64_t k, std::uint64_t seed) { return qr(random({m, k}, seed)).q; }

Tensor leading(const Tensor& basis, std::int64_t k) {
  Rows which;
  for (std::int64_t j = 0; j < k; ++j) which.push_back(j);
  return columns_of(basis, which);
}

template <class Score>
std::int64_t best(std::int64_t m, const Rows& taken, const Score& score) {
  std::int64_t p = -1;
  double most = -std::numeric_limits<double>::infinity();
  for (std::int64_t row = 0; row < m; ++row)
    if (std::find(taken.begin(), taken.end(), row) == taken.end())
      if (const double s = score(row); s > most) {
        most = s;
        p = row;
      }
  return p;
}

// Interpolates column i by those before at the rows so far, with a solver.
Rows eim_by_definition(const Tensor& basis) {
  Rows rows;
  for (std::int64_t i = 0; i < basis.shape[1]; ++i) {
    Tensor rest = columns_of(basis, {i});
    if (i > 0) {
      const Tensor before = leading(basis, i);
      const Tensor c = least_squares(rows_of(before, rows), rows_of(rest, rows)), fit = multiply(before, c);
      for (std::int64_t k = 0; k < rest.size(); ++k) rest.mutable_data<double>()[k] -= fit.at(k);
    }
    rows.push_back(best(basis.shape[0], rows, [&](std::int64_t k) { return std::abs(rest.at(k)); }));
  }
  return rows;
}

// The row farthest from the span of those so far.
Rows qdeim_by_definition(const Tensor& basis) {
  Rows rows;
  for (std::int64_t i = 0; i < basis.shape[1]; ++i)
    rows.push_back(best(basis.shape[0], rows, [&](std::int64_t k) {
      Tensor row = transposed(rows_of(basis, {k}));
      if (i == 0) return norm(row);
      const Tensor span = transposed(rows_of(basis, rows)), fit = multiply(span, least_squares(span, row));
      for (std::int64_t j = 0; j < row.size(); ++j) row.mutable_data<double>()[j] -= fit.at(j);
      return norm(row);
    }));
  return rows;
}

// Every candidate's determinant for itself.
double volume_of(const Tensor& a) {
  const Svd parts = svd(a);
  double sum = 0;
  for (std::int64_t j = 0; j < parts.s.size(); ++j) sum += std::log(parts.s.at(j));
  const Tensor columns = transposed(a);
  for (std::int64_t j = 0; j < columns.shape[0]; ++j) sum -= std::log(norm(columns.rows(j, j + 1)));
  return sum;
}
Rows s_opt_by_definition(const Tensor& basis, std::int64_t count) {
  Rows rows;
  for (std::int64_t i = 0; i < count; ++i) {
    const Tensor columns = leading(basis, std::min(i + 1, basis.shape[1]));
    rows.push_back(best(basis.shape[0], rows, [&](std::int64_t k) {
      Rows with = rows;
      with.push_back(k);
      return volume_of(rows_of(columns, with));
    }));
  }
  return rows;
}

BOOST_AUTO_TEST_CASE(they_are_what_their_definitions_say) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::int64_t m = 8 + static_cast<std::int64_t>(seed), k = 2 + static_cast<std::int64_t>(seed % 5);
    const Tensor basis = some_basis(m, k, seed);
    BOOST_TEST(select_rows(basis, Selector::eim) == eim_by_definition(basis), boost::test_tools::per_element());
    BOOST_TEST(select_rows(basis, Selector::qdeim) == qdeim_by_definition(basis),
               boost::test_tools::per_element());
    // The first column alone has volume one with any row: all tie, and the first to be found counts.
    const Rows chosen = select_rows(basis, Selector::s_opt, k + 3), brute = s_opt_by_definition(basis, k + 3);
    if (chosen[0] == brute[0]) BOOST_TEST(chosen == brute, boost::test_tools::per_element());
  }
}

// The largest volume of all sets of rows, on small matrices: greedy ones come near it, and never above.
BOOST_AUTO_TEST_CASE(volumes_against_all_sets) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Tensor basis = some_basis(9, 3, seed);
    double most = -1e300;
    for (std::int64_t a = 0; a < 9; ++a)
      for (std::int64_t b = a + 1; b < 9; ++b)
        for (std::int64_t c = b + 1; c < 9; ++c) most = std::max(most, log_volume(rows_of(basis, {a, b, c})));
    const double found = log_volume(rows_of(basis, select_rows(basis, Selector::s_opt)));
    BOOST_TEST(found <= most + 1e-12);
    BOOST_TEST(found >= most - 1.5);
  }
}

BOOST_AUTO_TEST_CASE(chosen_rows_determine_the_coefficients) {
  for (const Selector selector : {Selector::eim, Selector::qdeim, Selector::s_opt})
    for (const std::int64_t extra : {0, 1, 4}) {
      const Tensor basis = some_basis(40, 6, 3), c = random({6, 1}, 4), z = multiply(basis, c);
      const Rows rows = select_rows(basis, selector, 6 + extra);
      BOOST_TEST(std::ssize(rows) == 6 + extra);
      Rows sorted = rows;
      std::sort(sorted.begin(), sorted.end());
      BOOST_TEST((std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end()));
      BOOST_TEST(difference(least_squares(rows_of(basis, rows), rows_of(z, rows)), c) <= 1e-12);
    }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_chosen) {
  const Tensor basis = some_basis(5, 3, 1);
  BOOST_CHECK_THROW(select_rows(basis, Selector::eim, 2), ShapeError);
  BOOST_CHECK_THROW(select_rows(basis, Selector::eim, 6), ShapeError);
  Tensor twice = basis.clone();  // two equal columns
  for (std::int64_t i = 0; i < 5; ++i) twice.mutable_data<double>()[3 * i + 1] = twice.at(3 * i);
  for (const Selector selector : {Selector::eim, Selector::s_opt})
    BOOST_CHECK_THROW(select_rows(twice, selector), Error);
  Tensor bad = basis.clone();
  bad.mutable_data<double>()[4] = NAN;
  BOOST_CHECK_THROW(select_rows(bad, Selector::qdeim), NonFiniteError);
  BOOST_CHECK_THROW(selector_named("best"), Error);
  BOOST_TEST((selector_named("s_opt") == Selector::s_opt));
}

BOOST_AUTO_TEST_SUITE_END()
