#include <fmt/format.h>
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/folded_kernels.h>
#include <lowtide/reduction/one_point.h>

#include <algorithm>
#include <cmath>

namespace lowtide {

OnePoint::OnePoint(const LowRankWeights& net) : activation_(net.activation) {
  std::int64_t widest = net.in(), inner = 1;
  for (const LowRankLayer& layer : net.layers) {
    layers_.push_back({layer.u.cast(Dtype::f32), layer.v.cast(Dtype::f32), layer.b.cast(Dtype::f32)});
    widest = std::max(widest, layer.out());
    inner = std::max(inner, layer.weight_rank());
  }
  const auto room = static_cast<std::size_t>((widest + folded_pad - 1) / folded_pad * folded_pad);
  state_.assign(room, 0.0f);
  next_.assign(room, 0.0f);
  inner_.assign(static_cast<std::size_t>(inner), 0.0f);
}

void OnePoint::evaluate(const float* x, const float* s, float* u) {
  using blas::Trans;
  const float* z = x;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const std::int64_t r1 = layer.u.shape[0], r2 = layer.b.shape[0], w = layer.u.shape[1], m = layer.v.shape[1];
    blas::gemv(Trans::no, r1, m, 1.0f, layer.v.data<float>(), m, z, 0.0f, inner_.data());
    for (std::int64_t i = 0; i < r1; ++i) inner_[static_cast<std::size_t>(i)] *= s[i];
    blas::gemv(Trans::yes, r1, w, 1.0f, layer.u.data<float>(), w, inner_.data(), 0.0f, next_.data());
    blas::gemv(Trans::yes, r2, w, 1.0f, layer.b.data<float>(), w, s + r1, 1.0f, next_.data());
    s += r1 + r2;
    if (l + 1 < layers_.size())
      folded_kernels().activate[static_cast<int>(activation_)](next_.data(), std::ssize(next_));
    std::swap(state_, next_);
    z = state_.data();
  }
  std::copy_n(z, layers_.back().u.shape[1], u);
}

void TimeSeries::evaluate(double t, float* u) const {
  const double position = std::clamp((t + 1) / 2, 0.0, 1.0) * static_cast<double>(times - 1);
  const std::int64_t first = std::clamp(static_cast<std::int64_t>(position) - 1, std::int64_t{0}, times - 4);
  const auto p = static_cast<float>(position - static_cast<double>(first));
  const float a = p, b = p - 1, c = p - 2, d = p - 3;
  const float w0 = -b * c * d / 6, w1 = a * c * d / 2, w2 = -a * b * d / 2, w3 = a * b * c / 6;
  const float* v = values.data() + first * out;
  for (std::int64_t k = 0; k < out; ++k)
    u[k] = w0 * v[k] + w1 * v[out + k] + w2 * v[2 * out + k] + w3 * v[3 * out + k];
}

TimeSeries time_series(const LowRankWeights& net, const CoefficientsAt& coefficients, const Tensor& point,
                       std::int64_t times) {
  if (times < 4) fail<Error>("time_series", fmt::format("at least four times needed, got {}", times));
  const Tensor u = values(net, point, coefficients(linspace(-1, 1, times, Dtype::f64))).cast(Dtype::f32);
  const auto all = u.view<float>();
  return {times, u.shape[1], std::vector<float>(all.begin(), all.end())};
}

}  // namespace lowtide
