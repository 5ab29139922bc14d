#include <fmt/format.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/folded.h>
#include <lowtide/reduction/folded_kernels.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace lowtide {
namespace {

constexpr std::int64_t longest_series = 64;
constexpr int most_halvings = 8;  // of a piece that a series does not describe

std::int64_t padded(std::int64_t n) { return (n + folded_pad - 1) / folded_pad * folded_pad; }

std::array<const Columns*, 5> parts_of(const FoldedLayer& layer) {
  return {&layer.tensor, &layer.bias, &layer.u, &layer.s1, &layer.v};
}

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

void multiply_add(const Columns& a, const float* x, float* y) {
  folded_kernels().add_product(a.numbers.data(), a.stride, a.columns, x, y);
}

// c = series (T_0(tau), T_1(tau), ...), with room for the terms.
void sum_series(const Columns& series, double tau, float* terms, float* c) {
  const auto x = static_cast<float>(tau);
  terms[0] = 1;
  terms[1] = x;
  for (std::int64_t k = 2; k < series.columns; ++k) terms[k] = 2 * x * terms[k - 1] - terms[k - 2];
  std::fill_n(c, series.stride, 0.0f);
  multiply_add(series, terms, c);
}

// Modes and series that describe s over one piece.
struct Motion {
  Tensor modes{};   // (n,r)
  Series series{};  // of c, by rows (terms,r)
  Tensor at(const Tensor& tau) const { return from_coordinates(modes, series.at(tau)); }
};

Hypermodes modes_between(const CoefficientsAt& coefficients, double begin, double end) {
  const Tensor tau = linspace(-1, 1, 2 * longest_series + 1, Dtype::f64);
  return hypermodes(tau, coefficients(linspace(begin, end, tau.size(), Dtype::f64)));
}

// With singular values below eps of the first left out, and no more terms than leave out eps of the largest c.
Motion motion(const Hypermodes& all, const CoefficientsAt& coefficients, double begin, double end, double eps) {
  const std::int64_t count = std::max<std::int64_t>(1, all.significant(eps));
  // A network all of whose terms are gone has no mode at all.
  Motion out{.modes = all.modes.shape[1] > 0 ? all.first(count) : all.modes};
  const auto c = [&](const Tensor& t) { return coordinates(out.modes, coefficients(t)); };
  Series full = series_of(c, begin, end, longest_series - 1);
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
  const Tensor bias = multiply(phi2, layer.b);  // (r,w)
  // What the layer sees of its input: the point, one row for all, or each entry of the state for itself.
  const Tensor seen = l == 0 ? multiply(point, layer.v, Trans::no, Trans::yes) : transposed(layer.v);
  const std::int64_t m = l == 0 ? 0 : layer.in(), together = r * (1 + m) * padded(w),
                     apart = m * padded(r1) + r * padded(r1) + (r1 + r) * padded(w);
  if (apart < together)
    return {.factored = true,
            .bias = columns_from_rows(bias),
            .u = columns_from_rows(layer.u),
            .s1 = columns_from_rows(phi1),
            .v = columns_from_rows(seen)};
  // U (phi1_j o seen_i) for all modes j and rows i.
  const std::int64_t rows = seen.shape[0];
  Tensor inner({r * rows, r1}, Dtype::f64);
  for (std::int64_t i = 0; i < inner.size(); ++i)
    inner.mutable_data<double>()[i] = phi1.at(i / (rows * r1) * r1 + i % r1) * seen.at(i % (rows * r1));
  const Tensor outer = multiply(inner, layer.u);  // (r rows, w)
  Tensor tensor({r * (1 + m), w}, Dtype::f64);
  double* to = tensor.mutable_data<double>();
  for (std::int64_t j = 0; j < r; ++j) {
    for (std::int64_t k = 0; k < w; ++k) *to++ = bias.at(j * w + k) + (l == 0 ? outer.at(j * w + k) : 0);
    to = std::copy_n(outer.data<double>() + j * m * w, m * w, to);
  }
  return {.tensor = columns_from_rows(tensor)};
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

double work(const FoldedLayer& layer) {
  double sum = 0;
  for (const Columns* part : parts_of(layer)) sum += 2. * static_cast<double>(part->rows * part->columns);
  return sum;
}

// A piece, or half of it, and so on, until a series of its coefficients is short enough.
struct Folder {
  const PointModel& model;
  const Tensor& point;
  double tolerance;

  void fold(const Piece& piece, double begin, double end, int halvings, Folded& out) const {
    const LowRankWeights& net = piece.fast.net;
    const Tensor tau = linspace(-1, 1, 2 * piece.samples - 1, Dtype::f64),
                 times = linspace(begin, end, tau.size(), Dtype::f64),
                 unfolded = values(net, point, model.coefficients(times));
    const Hypermodes all = modes_between(model.coefficients, begin, end);
    Motion moves;
    double change = 0, eps = tolerance;
    for (int tries = 0; tries < 12; ++tries, eps /= 4) {
      moves = motion(all, model.coefficients, begin, end, eps);
      change = largest_row_difference(values(net, point, moves.at(tau)), unfolded) / model.size;
      if (change <= tolerance) break;
    }
    if (change > tolerance && halvings > 0) {
      const double middle = (begin + end) / 2;
      fold(piece, begin, middle, halvings - 1, out);
      fold(piece, middle, end, halvings - 1, out);
      return;
    }
    FoldedPiece folded{.begin = begin, .end = end, .series = columns_from_rows(moves.series.terms)};
    for (std::int64_t l = 0; l < net.depth(); ++l)
      folded.layers.push_back(folded_layer(net, l, moves.modes, point));
    out.add(std::move(folded));
  }
};

}  // namespace

std::int64_t Folded::bytes() const {
  std::size_t floats = 0;
  for (const FoldedPiece& piece : pieces) {
    floats += piece.series.numbers.size();
    for (const FoldedLayer& layer : piece.layers)
      for (const Columns* part : parts_of(layer)) floats += part->numbers.size();
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

void Folded::evaluate(double t, float* u, std::vector<float>& scratch) const {
  if (static_cast<std::int64_t>(scratch.size()) < room.all) scratch.resize(static_cast<std::size_t>(room.all));
  const FoldedKernels& run = folded_kernels();
  std::size_t low = 0, high = pieces.size();  // the piece that begins last before t
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    (t < pieces[middle].begin ? high : low) = middle;
  }
  const FoldedPiece& piece = pieces[low];
  float *terms = scratch.data(), *c = terms + longest_series;
  sum_series(piece.series, std::clamp(2 * (t - piece.begin) / (piece.end - piece.begin) - 1, -1.0, 1.0), terms,
             c);

  const std::int64_t modes = piece.series.rows;
  float* z = c + piece.series.stride + folded_pad;  // (1, z) from z - 1
  z[-1] = 1;
  float* g = z + room.state;
  float* rest = g + room.inner;
  std::int64_t width = 0;  // of z
  for (std::size_t l = 0; l < piece.layers.size(); ++l) {
    const FoldedLayer& layer = piece.layers[l];
    const Columns& into = layer.factored ? layer.u : layer.tensor;
    if (layer.factored) {
      std::fill_n(rest, layer.s1.stride, 0.0f);
      multiply_add(layer.s1, c, rest);
      std::fill_n(g, layer.v.stride, 0.0f);
      multiply_add(layer.v, z, g);
      run.multiply(g, rest, layer.v.stride);
    } else if (l > 0) {
      for (std::int64_t j = 0; j < modes; ++j)
        for (std::int64_t i = 0; i <= width; ++i) rest[j * (width + 1) + i] = c[j] * z[i - 1];
    }
    std::fill_n(z, into.stride, 0.0f);
    if (layer.factored) multiply_add(layer.bias, c, z);
    multiply_add(into, layer.factored ? g : l > 0 ? rest : c, z);
    if (l + 1 < piece.layers.size()) run.activate[static_cast<int>(activation)](z, into.stride);
    width = into.rows;
  }
  std::copy_n(z, out, u);
}

FoldedCoefficients folded_coefficients(const CoefficientsAt& coefficients, double tolerance) {
  const Motion moves = motion(modes_between(coefficients, -1, 1), coefficients, -1, 1, tolerance);
  return {columns_from_rows(moves.series.terms), columns_from_rows(transposed(moves.modes))};
}

void FoldedCoefficients::evaluate(double t, float* s, float* c) const {
  float terms[longest_series];
  sum_series(series, t, terms, c);
  std::fill_n(s, modes.stride, 0.0f);
  multiply_add(modes, c, s);
}

void Folded::add(FoldedPiece piece) {
  std::int64_t longest = folded_pad;
  for (const FoldedLayer& layer : piece.layers) {
    room.state = std::max({room.state, layer.tensor.stride, layer.u.stride});
    room.inner = std::max(room.inner, layer.v.stride);
    longest = std::max({longest, layer.tensor.columns, layer.s1.stride});
  }
  room.product = std::max(room.product, longest);
  room.modes = std::max(room.modes, piece.series.stride);
  room.all = longest_series + room.modes + folded_pad + room.state + room.inner + room.product;
  pieces.push_back(std::move(piece));
}

Folded folded(const PointModel& model, std::int64_t k, double tolerance) {
  if (!(tolerance > 0)) fail<Error>("folded", fmt::format("tolerance {} is not positive", tolerance));
  if (!model.holds())
    fail<Error>("folded", fmt::format("the point model misses its tolerance: its largest error is {:.1e}",
                                      model.error()));
  Folded out{.activation = model.net.activation, .out = model.net.out(), .size = model.size};
  const Tensor point = model.x.rows(k, k + 1);
  const Folder folder{model, point, tolerance};
  for (const Piece& piece : model.pieces) folder.fold(piece, piece.begin, piece.end, most_halvings, out);
  double most = 0;  // what folding changes
  for (std::size_t p = 0; p < model.pieces.size(); ++p) {
    const Piece& piece = model.pieces[p];
    const std::int64_t n = 2 * piece.samples - 1, last = p + 1 < model.pieces.size() ? n - 1 : n;
    // An end between pieces belongs to the next.
    const Tensor times = linspace(piece.begin, piece.end, n, Dtype::f64).rows(0, last);
    const Tensor s = model.coefficients(times), now = folded_values(out, times);
    require_finite("folded", now);  // f32 may not hold what f64 does
    most = std::max(most, largest_row_difference(now, values(piece.fast.net, point, s)) / model.size);
    out.error = std::max(out.error, largest_row_difference(now, values(model.net, point, s)) / model.size);
  }
  out.bound = model.bound() + most;
  return out;
}

}  // namespace lowtide