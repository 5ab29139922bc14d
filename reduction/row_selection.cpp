#include <fmt/format.h>
#include <lowtide/linalg/error.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/low_rank_weights.h>
#include <lowtide/reduction/row_selection.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowtide {
namespace {

constexpr const char* names[] = {"eim", "qdeim", "s_opt"};
using Rows = std::vector<std::int64_t>;

[[noreturn]] void dependent(std::int64_t k, std::int64_t found) {
  fail<Error>("select_rows", fmt::format("the basis has only {} independent columns of {}", found, k));
}

// Column i is freed of what the rows chosen so far interpolate. Up to a factor that all rows share, the entry
// that is left in a row is the determinant of the first i columns at the chosen rows and that one. `score(i,
// row, entry)` says how much a row is wanted, for an entry that is not zero; `took(row)` hears which it was.
template <class Score, class Took>
Rows by_elimination(const Tensor& basis, const Score& score, const Took& took) {
  const std::int64_t m = basis.shape[0], k = basis.shape[1];
  Tensor rest = transposed(basis);  // (k,m)
  double* w = rest.mutable_data<double>();
  Rows rows;
  std::vector<bool> taken(static_cast<std::size_t>(m), false);
  for (std::int64_t i = 0; i < k; ++i) {
    const double* v = w + i * m;
    std::int64_t p = -1;
    double most = -std::numeric_limits<double>::infinity();
    for (std::int64_t row = 0; row < m; ++row) {
      if (v[row] == 0 || taken[static_cast<std::size_t>(row)]) continue;
      if (const double wanted = score(i, row, v[row]); wanted > most) {
        most = wanted;
        p = row;
      }
    }
    if (p < 0) dependent(k, i);
    rows.push_back(p);
    taken[static_cast<std::size_t>(p)] = true;
    took(p);
    for (std::int64_t j = i + 1; j < k; ++j) blas::axpy(m, -w[j * m + p] / v[p], v, w + j * m);
  }
  return rows;
}

// Sums of squares of the columns of the chosen rows, and what a further row does to the logarithm of their
// product.
struct ColumnLengths {
  const Tensor& basis;
  std::vector<double> squares;
  explicit ColumnLengths(const Tensor& b) : basis(b), squares(static_cast<std::size_t>(b.shape[1]), 0.0) {}
  double square(std::int64_t row, std::int64_t j) const {
    const double entry = basis.at(row * basis.shape[1] + j);
    return squares[static_cast<std::size_t>(j)] + entry * entry;
  }
  double log_of_lengths(std::int64_t row, std::int64_t columns) const {
    double sum = 0;
    for (std::int64_t j = 0; j < columns; ++j) sum += .5 * std::log(square(row, j));
    return sum;
  }
  void add(std::int64_t row) {
    for (std::int64_t j = 0; j < basis.shape[1]; ++j) squares[static_cast<std::size_t>(j)] = square(row, j);
  }
};

Rows eim(const Tensor& basis) {
  return by_elimination(
      basis, [](std::int64_t, std::int64_t, double entry) { return std::abs(entry); }, [](std::int64_t) {});
}

Rows s_opt(const Tensor& basis) {
  ColumnLengths lengths(basis);
  return by_elimination(
      basis,
      [&](std::int64_t i, std::int64_t row, double entry) {
        return std::log(std::abs(entry)) - lengths.log_of_lengths(row, i + 1);
      },
      [&](std::int64_t row) { lengths.add(row); });
}

// Modified Gram-Schmidt on the rows of the basis, the longest rest first.
Rows qdeim(const Tensor& basis) {
  const std::int64_t m = basis.shape[0], k = basis.shape[1];
  Tensor rest = basis.clone();
  double* a = rest.mutable_data<double>();
  Rows rows;
  std::vector<double> direction(static_cast<std::size_t>(k));
  for (std::int64_t i = 0; i < k; ++i) {
    std::int64_t p = -1;
    double longest = 0;
    for (std::int64_t row = 0; row < m; ++row)
      if (const double size = blas::nrm2(k, a + row * k); size > longest) {
        longest = size;
        p = row;
      }
    if (p < 0) dependent(k, i);
    rows.push_back(p);
    for (std::int64_t j = 0; j < k; ++j) direction[static_cast<std::size_t>(j)] = a[p * k + j] / longest;
    for (std::int64_t row = 0; row < m; ++row)
      blas::axpy(k, -blas::dot(k, a + row * k, direction.data()), direction.data(), a + row * k);
    std::fill_n(a + p * k, k, 0.0);
  }
  return rows;
}

// The row that makes log_volume of the rows most, once there are as many rows as columns: it multiplies
// det(AT A) by 1 + |R^-T row|^2, A = Q R.
std::int64_t next_row(const Tensor& basis, const Rows& rows, const ColumnLengths& lengths) {
  const std::int64_t m = basis.shape[0], k = basis.shape[1];
  const Tensor lower = transposed(qr(rows_of(basis, rows)).r);
  Tensor all = transposed(basis);  // (k,m), then R^-T of it
  blas::solve_lower(blas::Trans::no, k, m, lower.data<double>(), k, all.mutable_data<double>(), m);
  std::int64_t best = -1;
  double most = 0;
  for (std::int64_t row = 0; row < m; ++row) {
    if (std::find(rows.begin(), rows.end(), row) != rows.end()) continue;
    double square = 0;
    for (std::int64_t j = 0; j < k; ++j) square += all.at(j * m + row) * all.at(j * m + row);
    const double wanted = .5 * std::log1p(square) - lengths.log_of_lengths(row, k);
    if (best < 0 || wanted > most) {
      most = wanted;
      best = row;
    }
  }
  return best;
}

}  // namespace

const char* name_of(Selector selector) { return names[static_cast<int>(selector)]; }

Selector selector_named(const std::string& name) {
  for (int i = 0; i < 3; ++i)
    if (name == names[i]) return static_cast<Selector>(i);
  fail<Error>("select_rows", fmt::format("unknown selector '{}'; there are eim, qdeim, s_opt", name));
}

std::vector<std::int64_t> select_rows(const Tensor& basis, Selector selector, std::int64_t rows) {
  require_matrix("select_rows", basis);
  require_finite("select_rows", basis);
  const std::int64_t m = basis.shape[0], k = basis.shape[1];
  if (rows == 0) rows = k;
  if (k < 1 || rows < k || rows > m)
    fail<ShapeError>("select_rows", fmt::format("{} rows of a basis {}", rows, to_string(basis.shape)));
  Rows chosen = selector == Selector::eim     ? eim(basis)
                : selector == Selector::qdeim ? qdeim(basis)
                                              : s_opt(basis);
  ColumnLengths lengths(basis);
  for (const std::int64_t row : chosen) lengths.add(row);
  while (std::ssize(chosen) < rows) {
    chosen.push_back(next_row(basis, chosen, lengths));
    lengths.add(chosen.back());
  }
  return chosen;
}

double log_volume(const Tensor& rows) {
  const std::int64_t k = rows.shape[1];
  if (rows.shape[0] < k) return -std::numeric_limits<double>::infinity();
  const Tensor r = qr(rows).r, by_columns = transposed(rows);
  double sum = 0;
  for (std::int64_t j = 0; j < k; ++j)
    sum += std::log(std::abs(r.at(j * k + j))) - std::log(norm(by_columns.rows(j, j + 1)));
  return sum;
}

}  // namespace lowtide
