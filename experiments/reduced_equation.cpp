#include <fmt/format.h>
#include <lowtide/experiments/reduced_equation.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <set>

namespace lowtide {
namespace {

std::vector<double> row(const Tensor& a, std::int64_t k) { return to_vector(a.rows(k, k + 1)); }
Tensor vector_of(const Tensor& a, std::int64_t k) { return a.rows(k, k + 1).reshaped({a.shape[1]}); }

// What a term asks of the network: the points at which it is evaluated (scaled to its inputs), and derivatives.
struct Asked {
  std::vector<Tensor> points{};
  std::set<std::vector<int>> derivatives{{}};
};

// Residuals of a term, a column for each of its components: (n,k).
Tensor residual_of(const EquationAt& at, std::size_t term, const Tensor& x, const Tensor& s,
                   Asked* asked = nullptr) {
  const auto seen = [&](const Vars& p) {
    const auto field = [&](const Var& points) {
      if (asked) asked->points.push_back(points.peek().clone());
      return field_of(*at.pinn, at.net, points, p[0]);
    };
    const Tensor mu = from({std::ssize(at.mu)}, at.mu);
    const Jet u(field, x, Var(mu));
    const Var r = at.pinn->terms[term].residual(u);
    if (asked)
      for (const std::vector<int>& axes : u.derivatives()) asked->derivatives.insert(axes);
    return r;
  };
  return value(seen, {s});
}

// The rows of `candidates` at which the term's residuals are told apart best.
Tensor chosen_points(const EquationAt& at, std::size_t term, const Tensor& candidates, const Tensor& mu,
                     const Tensor& s, const Tensor& beside, std::int64_t count, Selector selector) {
  const std::int64_t n = candidates.shape[0], samples = s.shape[0];
  if (count >= n) return candidates;
  // Of each sample its residual, that of its neighbour's coefficients, and of those beside it, of equal size
  // each.
  const std::int64_t around = beside ? beside.shape[0] / samples : 0, each = 2 + around;
  Tensors found(static_cast<std::size_t>(each * samples));
  parallel_for(each * samples, [&](std::int64_t i) {
    EquationAt here = at;
    const std::int64_t k = i / each, j = i % each;
    here.mu = row(mu, k);
    found[static_cast<std::size_t>(i)] =
        residual_of(here, term, candidates,
                    j < 2 ? vector_of(s, (k + j) % samples) : vector_of(beside, k * around + j - 2));
  });
  const std::int64_t c = found[0].shape[1];
  Tensor snapshots({n, std::ssize(found) * c}, Dtype::f64);
  for (std::size_t k = 0; k < found.size(); ++k) {
    const double size = norm(found[k]);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < c; ++j)
        snapshots.mutable_data<double>()[i * snapshots.shape[1] + static_cast<std::int64_t>(k) * c + j] =
            size > 0 ? found[k].at(i * c + j) / size : 0;
  }
  const Svd parts = svd(snapshots);
  std::int64_t rank = 0;
  while (rank < std::min(count, parts.s.size()) && parts.s.at(rank) > 1e-8 * parts.s.at(0)) ++rank;
  if (rank == 0) return candidates.rows(0, count);  // residuals that are zero tell nothing
  std::vector<std::int64_t> leading(static_cast<std::size_t>(rank));
  for (std::int64_t j = 0; j < rank; ++j) leading[static_cast<std::size_t>(j)] = j;
  std::vector<std::int64_t> rows = select_rows(columns_of(parts.u, leading), selector, count);
  std::sort(rows.begin(), rows.end());
  return rows_of(candidates, rows);
}

Tensor stacked(const std::vector<Tensor>& parts) {
  std::int64_t n = 0;
  for (const Tensor& part : parts) n += part.shape[0];
  Tensor all({n, parts[0].shape[1]}, Dtype::f64);
  double* to = all.mutable_data<double>();
  for (const Tensor& part : parts) to = std::copy_n(part.data<double>(), part.size(), to);
  return all;
}

Tensor in_unit_box(const Box& box, const Tensor& x) {
  Tensor out = x.clone();
  const std::int64_t d = box.dims();
  for (std::int64_t i = 0; i < out.size(); ++i) {
    const auto k = static_cast<std::size_t>(i % d);
    const double low = box.low[k], high = box.high[k];
    out.mutable_data<double>()[i] = high > low ? 2 * (x.at(i) - low) / (high - low) - 1 : 0;
  }
  return out;
}

// `around` coefficients beside each of the samples (k,n), those of the first one first.
Tensor spread_around(const Tensor& s, const ReducedOptions& o, const Stream& stream) {
  const std::int64_t k = s.shape[0], n = s.shape[1], count = k * o.around;
  Tensor all = o.directions ? multiply(stream.child("along").normal({count, o.directions.shape[1]}, Dtype::f64),
                                       o.directions, Trans::no, Trans::yes)
                            : zeros({count, n}, Dtype::f64);
  const Tensor noise = stream.child("spread").normal({count, n}, Dtype::f64);
  double square = 0;
  for (std::int64_t j = 0; j < n; ++j) {
    double mean = 0;
    for (std::int64_t i = 0; i < k; ++i) mean += s.at(i * n + j) / static_cast<double>(k);
    for (std::int64_t i = 0; i < k; ++i) square += std::pow(s.at(i * n + j) - mean, 2);
  }
  const double size = o.spread * std::sqrt(square / static_cast<double>(k * n));
  for (std::int64_t i = 0; i < count * n; ++i)
    all.mutable_data<double>()[i] += s.at(i / (o.around * n) * n + i % n) + size * noise.at(i);
  return all;
}

// Rows [begin, end) of x (n,d) in an order in which neighbours follow each other: cut into halves, of whole
// clusters of rows, across the longer side, and so on.
void in_clusters(const Tensor& x, std::vector<std::int64_t>& rows, std::size_t begin, std::size_t end,
                 std::size_t cluster) {
  const std::size_t count = (end - begin) / cluster;
  if (count < 2) return;
  const std::int64_t d = x.shape[1];
  const auto at = [&](std::int64_t row, std::int64_t axis) { return x.at(row * d + axis); };
  const auto first = rows.begin() + static_cast<std::ptrdiff_t>(begin),
             last = rows.begin() + static_cast<std::ptrdiff_t>(end);
  std::int64_t longest = 0;
  double length = -1;
  for (std::int64_t axis = 0; axis < d; ++axis) {
    const auto [low, high] = std::minmax_element(
        first, last, [&](std::int64_t a, std::int64_t b) { return at(a, axis) < at(b, axis); });
    if (at(*high, axis) - at(*low, axis) > length) {
      length = at(*high, axis) - at(*low, axis);
      longest = axis;
    }
  }
  std::stable_sort(first, last,
                   [&](std::int64_t a, std::int64_t b) { return at(a, longest) < at(b, longest); });
  const std::size_t middle = begin + count / 2 * cluster;
  in_clusters(x, rows, begin, middle, cluster);
  in_clusters(x, rows, middle, end, cluster);
}

}  // namespace

Tensor parameter_samples(const Box& box, std::int64_t count) {
  if (box.dims() > 1) return collocation(box, count, Sampling::sobol, Stream(0, "parameters"));
  return linspace(box.low[0], box.high[0], count, Dtype::f64).reshaped({count, 1});
}

Tensor tuning_directions(const Pinn& pinn, const CoefficientsOf& coefficients, std::int64_t count,
                         std::int64_t samples) {
  const Svd parts = svd(coefficients(parameter_samples(pinn.parameter_box, std::max(samples, count))));
  const std::int64_t n = parts.vt.shape[1], m = std::min(count, parts.s.size());
  Tensor out({n, m}, Dtype::f64);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < m; ++j) out.mutable_data<double>()[i * m + j] = parts.vt.at(j * n + i);
  return out;
}

Tensor learned_directions(const CoefficientsOf& coefficients, const Tensor& mu, const Tensor& s,
                          std::int64_t count) {
  Tensor moved = s.clone();
  const Tensor from = coefficients(mu);
  for (std::int64_t i = 0; i < moved.size(); ++i) moved.mutable_data<double>()[i] -= from.at(i);
  const Svd parts = svd(moved);
  const std::int64_t k = s.shape[0], n = s.shape[1];
  std::int64_t m = 0;
  while (m < std::min(count, parts.s.size()) && parts.s.at(m) > 1e-8 * parts.s.at(0)) ++m;
  Tensor out({n, m}, Dtype::f64);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < m; ++j)
      out.mutable_data<double>()[i * m + j] =
          parts.vt.at(j * n + i) * parts.s.at(j) / std::sqrt(static_cast<double>(k));
  return out;
}

ReducedEquation reduced_equation(const std::shared_ptr<const Pinn>& pinn, const LowRankWeights& net,
                                 const CoefficientsOf& coefficients, const ReducedOptions& o,
                                 const Stream& stream) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const Tensor mu = parameter_samples(pinn->parameter_box, o.samples), s = coefficients(mu);
  EquationAt whole{pinn, row(mu, 0), net, {}, tuning_points(*pinn, o.candidates, stream)};

  const Tensor beside = o.around > 0 && (o.spread > 0 || o.directions) ? spread_around(s, o, stream) : Tensor{};
  const Tensor seen = beside ? stacked({s, beside}) : s;
  const std::int64_t cluster = std::max<std::int64_t>(1, o.cluster);

  PinnPoints few;
  std::vector<Asked> asked;
  std::set<std::vector<int>> derivatives{{}};
  for (std::size_t term = 0; term < pinn->terms.size(); ++term) {
    std::vector<Tensor> of_term;
    for (const PinnPoints::Piece& piece : whole.points->pieces)
      if (piece.term == term) of_term.push_back(piece.x);
    const PinnTerm& t = pinn->terms[term];
    const Tensor candidates = stacked(of_term);
    std::int64_t wanted =
        std::max<std::int64_t>(4, std::llround(t.share * static_cast<double>(o.points))) + cluster - 1;
    wanted = std::min(wanted, candidates.shape[0]) / cluster * cluster;
    if (wanted == 0)
      fail<Error>("reduced_equation",
                  fmt::format("{} points that share a basis, of {} candidates", cluster, candidates.shape[0]));
    Tensor x = chosen_points(whole, term, candidates, mu, s, beside, wanted, o.selector);
    std::vector<std::int64_t> order(static_cast<std::size_t>(x.shape[0]));
    std::iota(order.begin(), order.end(), 0);
    in_clusters(x, order, 0, order.size(), static_cast<std::size_t>(cluster));
    x = rows_of(x, order);
    asked.emplace_back();
    residual_of(whole, term, x, vector_of(s, 0), &asked.back());
    for (Tensor& points : asked.back().points) points = in_unit_box(pinn->box, points);
    derivatives.insert(asked.back().derivatives.begin(), asked.back().derivatives.end());
    few.pieces.push_back({term, 0, x, t.weight / static_cast<double>(x.shape[0])});
    few.count += x.shape[0];
  }
  const auto reduced = [&](const Tensor& x, const std::set<std::vector<int>>& wanted) {
    const HiddenBases bases = hidden_bases(net, x, seen, Derivatives(wanted.begin(), wanted.end()), o.rank);
    std::vector<std::int64_t> ranks;
    for (const Tensor& basis : bases.basis) ranks.push_back(std::min(o.rank, basis.shape[1]));
    return fast_lrnr(net, bases, ranks, {o.selector, o.oversample});
  };
  ReducedEquation out;
  if (o.cluster > 0) {
    for (std::size_t k = 0; k < few.pieces.size(); ++k) {
      const std::int64_t n = few.pieces[k].x.shape[0] / cluster;
      std::vector<LowRankWeights> nets(static_cast<std::size_t>(n));
      parallel_for(n, [&](std::int64_t i) {  // the points themselves, and where else their term looks
        std::vector<Tensor> places;
        for (const Tensor& points : asked[k].points)
          places.push_back(points.rows(i * cluster, (i + 1) * cluster));
        nets[static_cast<std::size_t>(i)] = reduced(stacked(places), asked[k].derivatives).net;
      });
      out.local.push_back(side_by_side(nets));
    }
  } else {
    std::vector<Tensor> places;
    for (const Asked& of_term : asked)
      places.insert(places.end(), of_term.points.begin(), of_term.points.end());
    out.fast = reduced(stacked(places), derivatives);
  }
  out.points = std::make_shared<const PinnPoints>(std::move(few));
  out.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return out;
}

}  // namespace lowtide
