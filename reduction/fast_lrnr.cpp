#include <fmt/format.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/reduction/fast_lrnr.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

std::vector<std::int64_t> first(std::int64_t n) {
  std::vector<std::int64_t> all;
  for (std::int64_t i = 0; i < n; ++i) all.push_back(i);
  return all;
}

// (PT Xi)^+ and its norm.
struct Inverse {
  Tensor matrix;  // (k,rows)
  double norm = 0;
};
Inverse pseudo_inverse(const Tensor& a) {  // (rows,k), of full rank
  const Svd parts = svd(a);
  const std::int64_t k = parts.s.size();
  Tensor v = transposed(parts.vt);
  for (std::int64_t i = 0; i < v.size(); ++i) v.mutable_data<double>()[i] /= parts.s.at(i % k);
  return {multiply(v, parts.u, Trans::no, Trans::yes), 1 / parts.s.at(k - 1)};
}

struct Sampling {
  std::vector<std::int64_t> rows{};
  Tensor lift{};  // Xi (PT Xi)^+
  double amplification = 0;
};
Sampling sampling(const Tensor& basis, std::int64_t rank, const FastOptions& options) {
  const Tensor xi = columns_of(basis, first(rank));
  Sampling out{
      .rows = select_rows(xi, options.selector, rank + std::min(options.oversample, basis.shape[0] - rank))};
  const Inverse inverse = pseudo_inverse(rows_of(xi, out.rows));
  out.lift = multiply(xi, inverse.matrix);
  out.amplification = inverse.norm;
  return out;
}

// A number not below the square root of the largest eigenvalue of a positive semidefinite g, and seldom 10 %
// above: trace(g^4)^(1/8).
double root_of_largest(const Tensor& g) {
  const double size = norm(g);
  if (!(size > 0)) return 0;
  Tensor unit = g;
  for (double& x : unit.mutable_view<double>()) x /= size;
  return std::sqrt(size) * std::pow(norm(multiply(unit, unit)), 1. / 4);
}

// diag(d) A diag(d) in place of A (n,n).
void scale_both_sides(double* a, const double* d, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i, a += n)
    for (std::int64_t j = 0; j < n; ++j) a[j] *= d[i] * d[j];
}

// a (n,r) o the part of s that multiplies the weight of layer l.
Tensor times_s1(Tensor a, const LowRankWeights& net, std::int64_t l, const Tensor& s) {
  const std::int64_t r = a.shape[1], step = s.shape[0] == 1 ? 0 : s.shape[1];
  double* to = a.mutable_data<double>();
  const double* s1 = s.data<double>() + net.weight_begin(l);
  for (std::int64_t i = 0; i < a.shape[0]; ++i, to += r, s1 += step)
    for (std::int64_t j = 0; j < r; ++j) to[j] *= s1[j];
  return a;
}

void require_states(const char* op, const LowRankWeights& net, const std::vector<LayerState>& full,
                    const Tensor& s) {
  const bool fits = std::ssize(full) == net.depth() && s.shape.rank() == 2 &&
                    s.shape[1] == net.coefficients() &&
                    (s.shape[0] == 1 || s.shape[0] == full.back().z.shape[0]);
  if (!fits)
    fail<ShapeError>(op, fmt::format("states of {} layers and coefficients {} do not belong together",
                                     full.size(), to_string(s.shape)));
}

}  // namespace

HiddenBases hidden_bases(const std::vector<LayerState>& states) {
  HiddenBases out;
  for (std::size_t l = 0; l + 1 < states.size(); ++l) {
    Svd parts = svd(transposed(states[l].z));
    out.basis.push_back(std::move(parts.u));
    out.singular_values.push_back(std::move(parts.s));
  }
  return out;
}

FastLrnr fast_lrnr(const LowRankWeights& net, const HiddenBases& bases, const std::vector<std::int64_t>& ranks,
                   const FastOptions& options) {
  const std::size_t hidden = bases.basis.size();
  if (std::ssize(bases.basis) + 1 != net.depth() || ranks.size() != hidden)
    fail<ShapeError>("fast_lrnr", fmt::format("{} hidden layers, {} bases and {} ranks", net.depth() - 1,
                                              hidden, ranks.size()));
  FastLrnr fast{.net = net};
  for (std::size_t l = 0; l < hidden; ++l) {
    const Tensor& basis = bases.basis[l];
    if (ranks[l] < 1 || ranks[l] > basis.shape[1])
      fail<ShapeError>("fast_lrnr",
                       fmt::format("rank {} of layer {}: there are {} directions in width {} (more times "
                                   "give more, up to the width)",
                                   ranks[l], l + 1, basis.shape[1], basis.shape[0]));
    Sampling chosen = sampling(basis, ranks[l], options);
    LowRankLayer &here = fast.net.layers[l], &next = fast.net.layers[l + 1];
    here.u = columns_of(here.u, chosen.rows);
    here.b = columns_of(here.b, chosen.rows);
    next.v = multiply(next.v, chosen.lift);
    fast.rows.push_back(std::move(chosen.rows));
    fast.ranks.push_back(ranks[l]);
    fast.amplification.push_back(chosen.amplification);
  }
  return fast;
}

// d bounds |q - fast q|_2, q the state at the chosen rows. From layer to layer, for one row of (x,s),
//   q - fast q = S (What (q' - fast q') + rho),  rho = U diag(s1) (VT z' - VhatT q')
// with a prime for the layer before, What = U diag(s1) VhatT, U at the rows, and S a diagonal of mean slopes,
// each between y and fast y, whose distance is at most |row of What| d' + |rho|.
Tensor error_bounds(const LowRankWeights& net, const FastLrnr& fast, const std::vector<LayerState>& full,
                    const Tensor& s) {
  require_states("error_bounds", net, full, s);
  const std::int64_t n = full.back().z.shape[0], depth = net.depth();
  std::vector<Tensor> y, missed;  // of each layer from the second: y at the rows; s1 o (VT z' - VhatT q')
  for (std::int64_t l = 1; l < depth; ++l) {
    const auto at = static_cast<std::size_t>(l);
    const LowRankLayer& reduced = fast.net.layer(l);
    const Tensor& before = full[at - 1].z;
    Tensor g = multiply(before, net.layer(l).v, Trans::no, Trans::yes);
    const Tensor hat = multiply(columns_of(before, fast.rows[at - 1]), reduced.v, Trans::no, Trans::yes);
    for (std::int64_t i = 0; i < g.size(); ++i) g.mutable_data<double>()[i] -= hat.at(i);
    missed.push_back(multiply(times_s1(std::move(g), net, l, s), reduced.u));
    y.push_back(l + 1 < depth ? columns_of(full[at].y, fast.rows[at]) : full[at].y);
  }
  std::vector<Tensor> gram;  // VhatT Vhat of each layer from the second (r1,r1)
  for (std::int64_t l = 1; l < depth; ++l)
    gram.push_back(multiply(fast.net.layer(l).v, fast.net.layer(l).v, Trans::no, Trans::yes));
  Tensor out({n}, Dtype::f64);
  double* bounds = out.mutable_data<double>();
  parallel_for(n, [&](std::int64_t k) {
    double gathered = 0;  // the first layer sees x itself
    for (std::int64_t l = 1; l < depth; ++l) {
      const auto at = static_cast<std::size_t>(l - 1);
      const LowRankLayer& layer = fast.net.layer(l);
      const std::int64_t r1 = layer.weight_rank(), w = layer.out();
      const double* s1 = s.data<double>() + (s.shape[0] == 1 ? 0 : k) * s.shape[1] + net.weight_begin(l);
      // What WhatT = UT diag(s1) VhatT Vhat diag(s1) U (w,w); its diagonal holds the squares of the rows of
      // What.
      Tensor inner = gram[at];
      double* t = inner.mutable_data<double>();
      scale_both_sides(t, s1, r1);
      Tensor square = multiply(layer.u, multiply(inner, layer.u), Trans::yes);
      Tensor rho = missed[at].rows(k, k + 1).clone();
      if (l + 1 < depth) {
        double *g = square.mutable_data<double>(), *rest = rho.mutable_data<double>();
        std::vector<double> slopes(static_cast<std::size_t>(w));
        for (std::int64_t i = 0; i < w; ++i) {
          const double off = std::sqrt(std::max(0.0, g[i * w + i])) * gathered + std::abs(rest[i]);
          const double slope = largest_slope(net.activation, y[at].at(k * w + i), off);
          slopes[static_cast<std::size_t>(i)] = slope;
          rest[i] *= slope;
        }
        scale_both_sides(g, slopes.data(), w);
      }
      gathered = (gathered > 0 ? root_of_largest(square) * gathered : 0) + norm(rho);
    }
    bounds[k] = gathered;
  });
  return out;
}

namespace {

// |du/dz_l|_F at each row, for all hidden layers: a bound of what a small change of the state does to u.
std::vector<std::vector<double>> gains(const LowRankWeights& net, const std::vector<LayerState>& full,
                                       const Tensor& s) {
  const std::int64_t n = full.back().z.shape[0], depth = net.depth();
  std::vector<std::vector<double>> squares(static_cast<std::size_t>(depth - 1),
                                           std::vector<double>(static_cast<std::size_t>(n), 0.0));
  for (std::int64_t o = 0; o < net.out(); ++o) {
    Tensor a = zeros({n, net.out()}, Dtype::f64);  // du_o/dy
    for (std::int64_t k = 0; k < n; ++k) a.mutable_data<double>()[k * net.out() + o] = 1;
    for (std::int64_t l = depth - 1; l > 0; --l) {
      const LowRankLayer& layer = net.layer(l);
      a = multiply(times_s1(multiply(a, layer.u, Trans::no, Trans::yes), net, l, s), layer.v);  // du_o/dz'
      const auto before = static_cast<std::size_t>(l - 1);
      const Tensor& y = full[before].y;
      double* d = a.mutable_data<double>();
      for (std::int64_t i = 0; i < a.size(); ++i) {
        squares[before][static_cast<std::size_t>(i / layer.in())] += d[i] * d[i];
        d[i] *= largest_slope(net.activation, y.at(i), 0);
      }
    }
  }
  return squares;
}

}  // namespace

std::vector<std::int64_t> ranks_for(const LowRankWeights& net, const HiddenBases& bases,
                                    const std::vector<LayerState>& full, const Tensor& s, double tolerance,
                                    std::int64_t most, const FastOptions& options) {
  require_states("ranks_for", net, full, s);
  const auto squares = gains(net, full, s);
  const std::size_t hidden = bases.basis.size();
  std::vector<std::int64_t> ranks;
  for (std::size_t l = 0; l < hidden; ++l) {
    const Tensor& basis = bases.basis[l];
    const std::int64_t n = full[l].z.shape[0], m = basis.shape[0], k = std::min(most, basis.shape[1]);
    const double gain = std::sqrt(*std::max_element(squares[l].begin(), squares[l].end()));
    const double share = tolerance / static_cast<double>(hidden);
    // |(I - Xi XiT) z|^2 of each row, as one more direction after the other is taken off.
    Tensor rest = full[l].z.clone();
    double* z = rest.mutable_data<double>();
    const Tensor by_direction = transposed(basis);
    std::int64_t rank = 0;
    while (rank < k) {
      const double* xi = by_direction.data<double>() + rank * m;
      double longest = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        blas::axpy(m, -blas::dot(m, z + i * m, xi), xi, z + i * m);
        longest = std::max(longest, blas::dot(m, z + i * m, z + i * m));
      }
      longest = std::sqrt(longest);
      ++rank;
      // An amplification is at least 1: only where this could do is it worth to select rows.
      if (gain * longest <= share && sampling(basis, rank, options).amplification * gain * longest <= share)
        break;
    }
    ranks.push_back(rank);
  }
  return ranks;
}

}  // namespace lowtide
