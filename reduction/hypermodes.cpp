#include <fmt/format.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/hypermodes.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lowtide {
namespace {

// T_0(t), ..., T_(terms-1)(t) by rows.
Tensor chebyshev_rows(const Tensor& t, std::int64_t terms) {
  Tensor out({t.size(), terms}, Dtype::f64);
  double* row = out.mutable_data<double>();
  for (std::int64_t k = 0; k < t.size(); ++k, row += terms) {
    const double x = t.at(k);
    for (std::int64_t j = 0; j < terms; ++j) row[j] = j == 0 ? 1 : j == 1 ? x : 2 * x * row[j - 1] - row[j - 2];
  }
  return out;
}

}  // namespace

std::int64_t Hypermodes::significant(double tolerance) const {
  std::int64_t count = 0;
  while (count < singular_values.size() && singular_values.at(count) > 0 &&
         singular_values.at(count) >= tolerance * singular_values.at(0))
    ++count;
  return count;
}

Tensor Hypermodes::first(std::int64_t r) const {
  if (r < 1 || r > modes.shape[1])
    fail<ShapeError>("hypermodes", fmt::format("{} of {} modes asked for", r, modes.shape[1]));
  return first_columns(modes, r);
}

Hypermodes hypermodes(const Tensor& times, const Tensor& s) {
  if (s.shape.rank() != 2 || times.size() != s.shape[0] || s.shape[0] < 2)
    fail<ShapeError>("hypermodes",
                     fmt::format("at least two times and as many rows of s expected, got {} and {}",
                                 to_string(times.shape), to_string(s.shape)));
  Svd parts = svd(transposed(s));
  return {times, parts.u, parts.s, transposed(parts.vt)};
}

Tensor coordinates(const Tensor& modes, const Tensor& s) { return multiply(s, modes); }
Tensor from_coordinates(const Tensor& modes, const Tensor& c) {
  return multiply(c, modes, Trans::no, Trans::yes);
}

Tensor Series::at(const Tensor& t) const { return multiply(chebyshev_rows(t, terms.shape[0]), terms); }

// T_k' = k U_(k-1), by the recurrence of U.
Tensor Series::derivative_at(const Tensor& t) const {
  const std::int64_t n = terms.shape[0];
  Tensor slopes({t.size(), n}, Dtype::f64);
  double* row = slopes.mutable_data<double>();
  for (std::int64_t k = 0; k < t.size(); ++k, row += n) {
    const double x = t.at(k);
    double before = 0, u = 1;  // U_(j-2), U_(j-1)
    row[0] = 0;
    for (std::int64_t j = 1; j < n; ++j) {
      row[j] = static_cast<double>(j) * u;
      const double next = 2 * x * u - before;
      before = u;
      u = next;
    }
  }
  return multiply(slopes, terms);
}

Series series_of(const CoefficientsAt& f, double begin, double end, std::int64_t degree) {
  const std::int64_t n = degree + 1;
  Tensor angles({n}, Dtype::f64), times({n}, Dtype::f64), cosines({n, n}, Dtype::f64);
  for (std::int64_t i = 0; i < n; ++i) {
    const double angle = std::numbers::pi * (static_cast<double>(i) + .5) / static_cast<double>(n);
    times.mutable_data<double>()[i] = begin + (end - begin) * (std::cos(angle) + 1) / 2;
    for (std::int64_t k = 0; k < n; ++k)  // the discrete orthogonality of the T_k
      cosines.mutable_data<double>()[k * n + i] =
          (k == 0 ? 1.0 : 2.0) / static_cast<double>(n) * std::cos(static_cast<double>(k) * angle);
  }
  return {multiply(cosines, f(times))};
}

std::vector<std::int64_t> degrees(const Series& series, double tolerance) {
  const std::int64_t n = series.terms.shape[0], r = series.terms.shape[1];
  const Tensor line = series.at(linspace(-1, 1, 4 * n, Dtype::f64));
  std::vector<std::int64_t> out;
  for (std::int64_t j = 0; j < r; ++j) {
    double size = 0, beyond = 0;
    for (std::int64_t i = 0; i < line.shape[0]; ++i) size = std::max(size, std::abs(line.at(i * r + j)));
    std::int64_t degree = n - 1;
    while (degree > 0) {
      beyond += std::abs(series.terms.at(degree * r + j));
      if (beyond > tolerance * size) break;
      --degree;
    }
    out.push_back(degree);
  }
  return out;
}

Tensor moved(const Tensor& s, const Tensor& modes, std::int64_t i, double eta) {
  if (s.shape.rank() != 2 || modes.shape.rank() != 2 || s.shape[1] != modes.shape[0] || i < 0 ||
      i >= modes.shape[1])
    fail<ShapeError>("hypermodes", fmt::format("mode {} of {} for coefficients {}", i, to_string(modes.shape),
                                               to_string(s.shape)));
  Tensor out = s.clone();
  double* to = out.mutable_data<double>();
  for (std::int64_t k = 0; k < s.size(); ++k)
    to[k] += eta * modes.at((k % modes.shape[0]) * modes.shape[1] + i);
  return out;
}

HypermodeTensor hypermode_tensor(const LowRankWeights& net, const Tensor& modes) {
  if (modes.shape.rank() != 2 || modes.shape[0] != net.coefficients())
    fail<ShapeError>("hypermodes",
                     fmt::format("modes ({},r) expected, got {}", net.coefficients(), to_string(modes.shape)));
  HypermodeTensor out{.activation = net.activation};
  const std::int64_t r = modes.shape[1];
  const Tensor by_mode = transposed(modes);  // (r,n)
  for (std::int64_t l = 0; l < net.depth(); ++l) {
    const LowRankLayer& layer = net.layer(l);
    const std::int64_t w = layer.out(), m = layer.in();
    HypermodeTensor::Layer parts{Tensor({r, w, m}, Dtype::f64), Tensor({r, w}, Dtype::f64)};
    for (std::int64_t j = 0; j < r; ++j) {
      const double* phi = by_mode.data<double>() + j * net.coefficients();
      Tensor scaled = layer.u.clone();
      for (std::int64_t i = 0; i < layer.weight_rank(); ++i)
        for (std::int64_t k = 0; k < w; ++k)
          scaled.mutable_data<double>()[i * w + k] *= phi[net.weight_begin(l) + i];
      const Tensor weight = multiply(scaled, layer.v, Trans::yes);
      std::copy_n(weight.data<double>(), w * m, parts.weight.mutable_data<double>() + j * w * m);
      for (std::int64_t k = 0; k < w; ++k) {
        double sum = 0;
        for (std::int64_t i = 0; i < layer.bias_rank(); ++i)
          sum += phi[net.bias_begin(l) + i] * layer.b.at(i * w + k);
        parts.bias.mutable_data<double>()[j * w + k] = sum;
      }
    }
    out.layers.push_back(std::move(parts));
  }
  return out;
}

Tensor values(const HypermodeTensor& net, const Tensor& x, const Tensor& c) {
  Tensor z = x;
  for (std::size_t l = 0; l < net.layers.size(); ++l) {
    const auto& [weight, bias] = net.layers[l];
    const std::int64_t r = weight.shape[0], w = weight.shape[1], m = weight.shape[2];
    const Tensor row = c.reshaped({1, r});
    const Tensor W = multiply(row, weight.reshaped({r, w * m})).reshaped({w, m}), b = multiply(row, bias);
    Tensor y = multiply(z, W, Trans::no, Trans::yes);
    for (std::int64_t i = 0; i < y.size(); ++i) y.mutable_data<double>()[i] += b.at(i % w);
    z = l + 1 < net.layers.size() ? activated(net.activation, y) : y;
  }
  return z;
}

}  // namespace lowtide
