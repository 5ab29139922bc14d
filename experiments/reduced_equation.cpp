#include <fmt/format.h>
#include <lowtide/experiments/reduced_equation.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>
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
                     const Tensor& s, std::int64_t count, Selector selector) {
  const std::int64_t n = candidates.shape[0], samples = s.shape[0];
  if (count >= n) return candidates;
  // Two snapshots a sample: its residual, and that of its neighbour's coefficients, of equal size each.
  Tensors found(static_cast<std::size_t>(2 * samples));
  parallel_for(2 * samples, [&](std::int64_t k) {
    EquationAt here = at;
    here.mu = row(mu, k / 2);
    const std::int64_t of = k % 2 == 0 ? k / 2 : (k / 2 + 1) % samples;
    found[static_cast<std::size_t>(k)] = residual_of(here, term, candidates, vector_of(s, of));
  });
  const std::int64_t c = found[0].shape[1];
  Tensor snapshots({n, 2 * samples * c}, Dtype::f64);
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

// Samples, and two more of each beside the curve.
Tensor spread_around(const Tensor& s, double spread, const Stream& stream) {
  const std::int64_t k = s.shape[0], n = s.shape[1];
  Tensor all({3 * k, n}, Dtype::f64);
  const Tensor noise = Stream(stream).child("spread").normal({2 * k, n}, Dtype::f64);
  std::copy_n(s.data<double>(), s.size(), all.mutable_data<double>());
  double square = 0;
  for (std::int64_t j = 0; j < n; ++j) {
    double mean = 0;
    for (std::int64_t i = 0; i < k; ++i) mean += s.at(i * n + j) / static_cast<double>(k);
    for (std::int64_t i = 0; i < k; ++i) square += std::pow(s.at(i * n + j) - mean, 2);
  }
  const double size = spread * std::sqrt(square / static_cast<double>(k * n));
  for (std::int64_t i = 0; i < 2 * k * n; ++i)
    all.mutable_data<double>()[k * n + i] = s.at(i % (k * n)) + size * noise.at(i);
  return all;
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

ReducedEquation reduced_equation(const std::shared_ptr<const Pinn>& pinn, const LowRankWeights& net,
                                 const CoefficientsOf& coefficients, const ReducedOptions& o,
                                 const Stream& stream) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const Tensor mu = parameter_samples(pinn->parameter_box, o.samples), s = coefficients(mu);
  EquationAt whole{pinn, row(mu, 0), net, {}, tuning_points(*pinn, o.candidates, stream)};

  const Tensor around = o.spread > 0 ? spread_around(s, o.spread, stream) : s;

  PinnPoints few;
  std::vector<Asked> asked;
  std::set<std::vector<int>> derivatives{{}};
  for (std::size_t term = 0; term < pinn->terms.size(); ++term) {
    std::vector<Tensor> of_term;
    for (const PinnPoints::Piece& piece : whole.points->pieces)
      if (piece.term == term) of_term.push_back(piece.x);
    const PinnTerm& t = pinn->terms[term];
    const auto wanted = static_cast<std::int64_t>(std::llround(t.share * static_cast<double>(o.points)));
    const Tensor x =
        chosen_points(whole, term, stacked(of_term), mu, s, std::max<std::int64_t>(wanted, 4), o.selector);
    asked.emplace_back();
    residual_of(whole, term, x, vector_of(s, 0), &asked.back());
    for (Tensor& points : asked.back().points) points = in_unit_box(pinn->box, points);
    derivatives.insert(asked.back().derivatives.begin(), asked.back().derivatives.end());
    few.pieces.push_back({term, 0, x, t.weight / static_cast<double>(x.shape[0])});
    few.count += x.shape[0];
  }
  const auto reduced = [&](const Tensor& x, const std::set<std::vector<int>>& wanted) {
    const HiddenBases bases = hidden_bases(net, x, around, Derivatives(wanted.begin(), wanted.end()));
    std::vector<std::int64_t> ranks;
    for (const Tensor& basis : bases.basis) ranks.push_back(std::min(o.rank, basis.shape[1]));
    return fast_lrnr(net, bases, ranks, {o.selector, o.oversample});
  };
  ReducedEquation out;
  if (o.local) {
    for (std::size_t k = 0; k < few.pieces.size(); ++k) {
      const std::int64_t n = few.pieces[k].x.shape[0];
      std::vector<LowRankWeights> nets(static_cast<std::size_t>(n));
      parallel_for(n, [&](std::int64_t i) {  // the point itself, and where else its term looks
        std::vector<Tensor> places;
        for (const Tensor& points : asked[k].points) places.push_back(points.rows(i, i + 1));
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
