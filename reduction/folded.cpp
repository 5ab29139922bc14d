#include <fmt/format.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/folded.h>
#include <lowtide/reduction/folded_kernels.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

constexpr std::int64_t longest_series = 64;

std::int64_t padded(std::int64_t n) { return (n + folded_pad - 1) / folded_pad * folded_pad; }

Columns empty_columns(std::int64_t rows, std::int64_t columns) {
  const std::int64_t stride = padded(rows);
  return {rows, columns, stride, std::vector<float>(static_cast<std::size_t>(stride * columns), 0.0f)};
}

// The rows of a (k,n) become columns.
Columns columns_from_rows(const Tensor& a) {
  Columns out = empty_columns(a.shape[1], a.shape[0]);
  for (std::int64_t j = 0; j < a.shape[0]; ++j)
    for (std::int64_t i = 0; i < a.shape[1]; ++i)
      out.numbers[static_cast<std::size_t>(j * out.stride + i)] = static_cast<float>(a.at(j * a.shape[1] + i));
  return out;
}

// Modes and series that describe s over one piece.
struct Motion {
  Tensor modes{};   // (n,r)
  Series series{};  // of c, by rows (terms,r)
  Tensor at(const Tensor& tau) const { return from_coordinates(modes, series.at(tau)); }
};

// With singular values below eps of the first left out, and no more terms than leave out eps of the largest c.
Motion motion(const CoefficientsAt& coefficients, const Piece& piece, double eps) {
  const Tensor tau = linspace(-1, 1, 2 * longest_series + 1, Dtype::f64);
  const Tensor times = linspace(piece.begin, piece.end, tau.size(), Dtype::f64);
  const Hypermodes all = hypermodes(tau, coefficients(times));
  Motion out{.modes = all.first(std::max<std::int64_t>(1, all.significant(eps)))};
  const auto c = [&](const Tensor& t) { return coordinates(out.modes, coefficients(t)); };
  Series full = series_of(c, piece.begin, piece.end, longest_series - 1);
  const std::int64_t r = out.modes.shape[1];
  double size = 0;
  for (std::int64_t j = 0; j < r; ++j) size = std::max(size, std::abs(full.terms.at(j)));
  std::int64_t terms = longest_series;
  double beyond = 0;
  while (terms > 1) {
    for (std::int64_t j = 0; j < r; ++j) beyond += std::abs(full.terms.at((terms - 1) * r + j));
    if (beyond > eps * size) break;
    --terms;
  }
  out.series.terms = full.terms.rows(0, terms).clone();
  return out;
}

// U diag(s1_j) applied to columns: for mode j and column i of v, column (j,i) is U (phi1_j o v_i).
FoldedLayer folded_layer(const LowRankWeights& net, std::int64_t l, const Tensor& modes, const Tensor& point) {
  const LowRankLayer& layer = net.layer(l);
  const std::int64_t r = modes.shape[1], r1 = layer.weight_rank(), r2 = layer.bias_rank(), w = layer.out();
  const Tensor by_mode = transposed(modes);  // (r,n)
  const auto phi = [&](std::int64_t j, std::int64_t at) { return by_mode.at(j * by_mode.shape[1] + at); };
  Tensor phi1({r, r1}, Dtype::f64), phi2({r, r2}, Dtype::f64);
  for (std::int64_t j = 0; j < r; ++j) {
    for (std::int64_t i = 0; i < r1; ++i)
      phi1.mutable_data<double>()[j * r1 + i] = phi(j, net.weight_begin(l) + i);
    for (std::int64_t i = 0; i < r2; ++i)
      phi2.mutable_data<double>()[j * r2 + i] = phi(j, net.bias_begin(l) + i);
  }
  Tensor bias = multiply(phi2, layer.b);  // (r,w)
  if (l == 0) {
    const Tensor g = multiply(point, layer.v, Trans::no, Trans::yes);  // (1,r1)
    Tensor seen = phi1.clone();
    for (std::int64_t i = 0; i < seen.size(); ++i) seen.mutable_data<double>()[i] *= g.at(i % r1);
    const Tensor fixed = multiply(seen, layer.u);
    for (std::int64_t i = 0; i < bias.size(); ++i) bias.mutable_data<double>()[i] += fixed.at(i);
    return {.bias = columns_from_rows(bias)};
  }
  FoldedLayer out{.bias = columns_from_rows(bias)};
  const std::int64_t m = layer.in(), together = r * m * padded(w),
                     apart = m * padded(r1) + r * padded(r1) + r1 * padded(w);
  const Tensor by_input = transposed(layer.v);  // (m,r1)
  out.factored = apart < together;
  if (out.factored) {
    out.u = columns_from_rows(layer.u);
    out.s1 = columns_from_rows(phi1);
    out.v = columns_from_rows(by_input);
    return out;
  }
  Tensor seen({r * m, r1}, Dtype::f64);
  for (std::int64_t j = 0; j < r; ++j)
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t k = 0; k < r1; ++k)
        seen.mutable_data<double>()[(j * m + i) * r1 + k] = phi1.at(j * r1 + k) * by_input.at(i * r1 + k);
  out.tensor = columns_from_rows(multiply(seen, layer.u));
  return out;
}

Tensor folded_values(const Folded& fold, const Tensor& times) {
  std::vector<float> scratch, u(static_cast<std::size_t>(fold.out));
  Tensor out({times.size(), fold.out}, Dtype::f64);
  double* to = out.mutable_data<double>();
  for (std::int64_t i = 0; i < times.size(); ++i) {
    fold.evaluate(times.at(i), u.data(), scratch);
    to = std::copy(u.begin(), u.end(), to);
  }
  return out;
}

double largest_row(const Tensor& a, const Tensor& b) {
  const std::int64_t c = a.shape[1];
  double most = 0;
  for (std::int64_t i = 0; i < a.shape[0]; ++i) {
    double square = 0;
    for (std::int64_t k = i * c; k < (i + 1) * c; ++k) square += (a.at(k) - b.at(k)) * (a.at(k) - b.at(k));
    most = std::max(most, std::sqrt(square));
  }
  return most;
}

double work(const FoldedLayer& layer) {
  double sum = 0;
  for (const Columns* part : {&layer.bias, &layer.tensor, &layer.u, &layer.s1, &layer.v})
    sum += 2. * static_cast<double>(part->rows * part->columns);
  return sum;
}

}  // namespace

std::int64_t Folded::bytes() const {
  std::size_t floats = 0;
  for (const FoldedPiece& piece : pieces) {
    floats += piece.series.numbers.size();
    for (const FoldedLayer& layer : piece.layers)
      for (const Columns* part : {&layer.bias, &layer.tensor, &layer.u, &layer.s1, &layer.v})
        floats += part->numbers.size();
  }
  return static_cast<std::int64_t>(floats * sizeof(float));
}

double Folded::flops() const {
  double mean = 0;
  for (const FoldedPiece& piece : pieces) {
    double sum = 2. * static_cast<double>(piece.series.rows * piece.series.columns);
    for (const FoldedLayer& layer : piece.layers) sum += work(layer);
    mean += sum * (piece.end - piece.begin);
  }
  return mean / (pieces.back().end - pieces.front().begin);
}

// Room for the terms, c, the state, g and the longest of c (x) q and s1.
std::int64_t Folded::scratch() const {
  std::int64_t terms = 0, modes = 0, widest = 0, inner = 0, longest = 0;
  for (const FoldedPiece& piece : pieces) {
    terms = std::max(terms, piece.series.columns);
    modes = std::max(modes, piece.series.stride);
    for (const FoldedLayer& layer : piece.layers) {
      widest = std::max(widest, layer.bias.stride);
      inner = std::max(inner, layer.v.stride);
      longest = std::max({longest, layer.tensor.columns, layer.s1.stride});
    }
  }
  return terms + modes + widest + inner + longest;
}

void Folded::evaluate(double t, float* u, std::vector<float>& scratch) const {
  const auto need = static_cast<std::size_t>(this->scratch());
  if (scratch.size() < need) scratch.resize(need);
  const FoldedKernels& run = folded_kernels();
  std::size_t low = 0, high = pieces.size();  // the piece that begins last before t
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    (t < pieces[middle].begin ? high : low) = middle;
  }
  const FoldedPiece& piece = pieces[low];
  const auto tau =
      static_cast<float>(std::clamp(2 * (t - piece.begin) / (piece.end - piece.begin) - 1, -1.0, 1.0));

  float* terms = scratch.data();
  float* c = terms + piece.series.columns;
  terms[0] = 1;
  for (std::int64_t k = 1; k < piece.series.columns; ++k)
    terms[k] = k == 1 ? tau : 2 * tau * terms[k - 1] - terms[k - 2];
  std::fill_n(c, piece.series.stride, 0.0f);
  run.add_product(piece.series.numbers.data(), piece.series.stride, piece.series.columns, terms, c);

  float* state = c + piece.series.stride;
  float* g = state;
  for (const FoldedLayer& layer : piece.layers) g = std::max(g, state + layer.bias.stride);
  float* rest = g;
  for (const FoldedLayer& layer : piece.layers) rest = std::max(rest, g + layer.v.stride);
  const auto product = [&](const Columns& a, const float* x, float* to) {
    run.add_product(a.numbers.data(), a.stride, a.columns, x, to);
  };
  for (std::size_t l = 0; l < piece.layers.size(); ++l) {
    const FoldedLayer& layer = piece.layers[l];
    if (layer.factored) {  // g = (s1 c) o (v q)
      std::fill_n(rest, layer.s1.stride, 0.0f);
      product(layer.s1, c, rest);
      std::fill_n(g, layer.v.stride, 0.0f);
      product(layer.v, state, g);
      run.multiply(g, rest, layer.v.stride);
    } else if (l > 0) {  // c (x) q
      const std::int64_t m = layer.tensor.columns / piece.series.rows;
      for (std::int64_t j = 0; j < piece.series.rows; ++j)
        for (std::int64_t i = 0; i < m; ++i) rest[j * m + i] = c[j] * state[i];
    }
    std::fill_n(state, layer.bias.stride, 0.0f);
    product(layer.bias, c, state);
    if (layer.factored)
      product(layer.u, g, state);
    else if (l > 0)
      product(layer.tensor, rest, state);
    if (l + 1 < piece.layers.size()) run.activate[static_cast<int>(activation)](state, layer.bias.stride);
  }
  std::copy_n(state, out, u);
}

Folded folded(const PointModel& model, std::int64_t k, double tolerance) {
  if (!(tolerance > 0)) fail<Error>("folded", fmt::format("tolerance {} is not positive", tolerance));
  if (!model.holds())
    fail<Error>("folded", fmt::format("the point model misses its tolerance: its largest error is {:.1e}",
                                      model.error()));
  Folded out{.activation = model.net.activation, .out = model.net.out(), .size = model.size};
  const Tensor point = model.x.rows(k, k + 1);
  double most = 0;  // what folding changes
  for (const Piece& piece : model.pieces) {
    const LowRankWeights& net = piece.fast.net;
    const Tensor tau = linspace(-1, 1, 2 * piece.samples - 1, Dtype::f64),
                 times = linspace(piece.begin, piece.end, tau.size(), Dtype::f64);
    const Tensor unfolded = values(net, point, model.coefficients(times));
    Motion moves;
    double change = 0, eps = tolerance;
    for (int tries = 0; tries < 12; ++tries, eps /= 4) {
      moves = motion(model.coefficients, piece, eps);
      change = largest_row(values(net, point, moves.at(tau)), unfolded) / model.size;
      if (change <= tolerance) break;
    }
    FoldedPiece fold{.begin = piece.begin, .end = piece.end, .series = columns_from_rows(moves.series.terms)};
    for (std::int64_t l = 0; l < net.depth(); ++l)
      fold.layers.push_back(folded_layer(net, l, moves.modes, point));
    out.pieces.push_back(std::move(fold));
  }
  for (const Piece& piece : model.pieces) {
    const Tensor times = linspace(piece.begin, piece.end, 2 * piece.samples - 1, Dtype::f64);
    const Tensor s = model.coefficients(times), now = folded_values(out, times);
    most = std::max(most, largest_row(now, values(piece.fast.net, point, s)) / model.size);
    out.error = std::max(out.error, largest_row(now, values(model.net, point, s)) / model.size);
  }
  out.bound = model.bound() + most;
  return out;
}

}  // namespace lowtide
