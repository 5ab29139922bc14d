#include <fmt/format.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/reduction/fast_lrnr.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowtide {
namespace {

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

std::vector<std::int64_t> sampled_rows(const Tensor& xi, const FastOptions& options) {
  const std::int64_t m = xi.shape[0], rank = xi.shape[1];
  return select_rows(xi, options.selector, rank + std::min(options.oversample, m - rank));
}

struct Sampling {
  std::vector<std::int64_t> rows{};
  Tensor lift{};  // Xi (PT Xi)^+
  double amplification = 0;
};
Sampling sampling(const Tensor& basis, std::int64_t rank, const FastOptions& options) {
  const Tensor xi = first_columns(basis, rank);
  Sampling out{.rows = sampled_rows(xi, options)};
  const Inverse inverse = pseudo_inverse(rows_of(xi, out.rows));
  out.lift = multiply(xi, inverse.matrix);
  out.amplification = inverse.norm;
  return out;
}

double amplification(const Tensor& basis, std::int64_t rank, const FastOptions& options) {
  const Tensor xi = first_columns(basis, rank);
  return 1 / svd(rows_of(xi, sampled_rows(xi, options))).s.at(rank - 1);
}

// A number not below the largest singular value of a, and seldom 10 % above: trace(g^4)^(1/8), where g = a aT
// or aT a, the smaller.
double largest_singular_value(const Tensor& a) {
  const bool wide = a.shape[0] < a.shape[1];
  Tensor g = wide ? multiply(a, a, Trans::no, Trans::yes) : multiply(a, a, Trans::yes);
  const double size = norm(g);
  if (size == 0) return 0;
  for (double& x : g.mutable_view<double>()) x /= size;
  return std::sqrt(size) * std::pow(norm(multiply(g, g)), 1. / 4);
}

// diag(d) a
Tensor scaled_rows(const Tensor& a, const double* d) {
  Tensor out = a.clone();
  double* to = out.mutable_data<double>();
  for (std::int64_t i = 0; i < a.size(); ++i) to[i] *= d[i / a.shape[1]];
  return out;
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
  std::vector<Tensor> factors;  // of each layer from the second: R (k,r1), k <= r1, with RT R = VhatT Vhat
  for (std::int64_t l = 1; l < depth; ++l) {
    const Tensor& v = fast.net.layer(l).v;
    const bool shorter = v.shape[1] > v.shape[0] && all_finite(v);
    factors.push_back(shorter ? qr(transposed(v)).r : transposed(v));
  }
  Tensor out({n}, Dtype::f64);
  double* bounds = out.mutable_data<double>();
  parallel_for(n, [&](std::int64_t k) {
    double gathered = 0;  // the first layer sees x itself
    for (std::int64_t l = 1; l < depth; ++l) {
      const auto at = static_cast<std::size_t>(l - 1);
      const LowRankLayer& layer = fast.net.layer(l);
      const std::int64_t w = layer.out();
      const double* s1 = s.data<double>() + (s.shape[0] == 1 ? 0 : k) * s.shape[1] + net.weight_begin(l);
      // UT diag(s1) RT (w,k): its rows and its singular values are as long as those of What.
      Tensor what = multiply(scaled_rows(layer.u, s1), factors[at], Trans::yes, Trans::yes);
      Tensor rho = missed[at].rows(k, k + 1).clone();
      if (l + 1 < depth) {
        double *row = what.mutable_data<double>(), *rest = rho.mutable_data<double>();
        const std::int64_t length = what.shape[1];
        for (std::int64_t i = 0; i < w; ++i, row += length) {
          double off = blas::nrm2(length, row) * gathered + std::abs(rest[i]);
          if (std::isnan(off)) off = std::numeric_limits<double>::infinity();
          const double slope = largest_slope(net.activation, y[at].at(k * w + i), off);
          for (std::int64_t j = 0; j < length; ++j) row[j] *= slope;
          rest[i] *= slope;
        }
      }
      gathered = (gathered == 0 ? 0 : largest_singular_value(what) * gathered) + norm(rho);
    }
    bounds[k] = std::isnan(gathered) ? std::numeric_limits<double>::infinity() : gathered;
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

// The longest row of z (I - Xi XiT) for Xi the first 0, 1, .., k columns of a basis. Summed from the last: what
// is left of a row is far smaller than the row.
std::vector<double> longest_rests(const Tensor& z, const Tensor& basis, std::int64_t k) {
  const Tensor xi = first_columns(basis, k), c = multiply(z, xi), rest = multiply(c, xi, Trans::no, Trans::yes);
  std::vector<double> longest(static_cast<std::size_t>(k + 1), 0.0);
  for (std::int64_t i = 0; i < z.shape[0]; ++i) {
    double square = 0;
    for (std::int64_t j = i * z.shape[1]; j < (i + 1) * z.shape[1]; ++j)
      square += (z.at(j) - rest.at(j)) * (z.at(j) - rest.at(j));
    for (std::int64_t r = k;; --r) {
      double& most = longest[static_cast<std::size_t>(r)];
      most = std::max(most, std::sqrt(square));
      if (r == 0) break;
      square += c.at(i * k + r - 1) * c.at(i * k + r - 1);
    }
  }
  return longest;
}

// A number of from..most that is enough, the least unless a larger one is not enough where it is; else most.
// Steps that double, then halves, since `enough` takes its time.
template <class Enough>
std::int64_t least_enough(std::int64_t from, std::int64_t most, const Enough& enough) {
  std::int64_t low = from - 1, high = from;  // low is not enough
  for (std::int64_t step = 1; high < most && !enough(high); step *= 2) {
    low = high;
    high = std::min(most, high + step);
  }
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (enough(middle) ? high : low) = middle;
  }
  return high;
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
    const std::int64_t k = std::min(most, basis.shape[1]);
    const double gain = std::sqrt(*std::max_element(squares[l].begin(), squares[l].end()));
    const double share = tolerance / static_cast<double>(hidden);
    const std::vector<double> rests = longest_rests(full[l].z, basis, k);
    const auto error = [&](std::int64_t rank) { return gain * rests[static_cast<std::size_t>(rank)]; };
    std::int64_t from = 1;  // an amplification is at least 1
    while (from < k && !(error(from) <= share)) ++from;
    ranks.push_back(least_enough(from, k, [&](std::int64_t rank) {
      return amplification(basis, rank, options) * error(rank) <= share;
    }));
  }
  return ranks;
}

}  // namespace lowtide
