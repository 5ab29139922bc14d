#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/quantized.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

constexpr int most = 127;

}  // namespace

Quantized quantized(const Tensor& a) {
  require_matrix("quantized", a);
  require_finite("quantized", a);
  Quantized q{a.shape[0], a.shape[1], {}, Tensor({a.shape[1]}, a.dtype)};
  q.codes.resize(static_cast<std::size_t>(a.size()));
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* from = a.data<T>();
    T* scale = q.scales.mutable_data<T>();
    std::fill_n(scale, q.cols, T{0});
    for (std::int64_t i = 0; i < a.size(); ++i)
      scale[i % q.cols] = std::max(scale[i % q.cols], std::abs(from[i]));
    for (std::int64_t j = 0; j < q.cols; ++j) scale[j] /= T{most};
    for (std::int64_t i = 0; i < a.size(); ++i) {
      const T s = scale[i % q.cols];  // which may be zero, or so small that the quotient is not in range
      const T code = s > 0 ? std::clamp(std::nearbyint(from[i] / s), T{-most}, T{most}) : T{0};
      q.codes[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(code);
    }
  });
  return q;
}

Tensor dense(const Quantized& q) {
  Tensor a({q.rows, q.cols}, q.scales.dtype);
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* scale = q.scales.data<T>();
    T* to = a.mutable_data<T>();
    for (std::int64_t i = 0; i < a.size(); ++i)
      to[i] = scale[i % q.cols] * static_cast<T>(q.codes[static_cast<std::size_t>(i)]);
  });
  return a;
}

double Quantized::error_bound() const {
  double sum = 0;
  for (std::int64_t j = 0; j < cols; ++j) sum += std::pow(scales.at(j) / 2, 2);
  return std::sqrt(static_cast<double>(rows) * sum);
}

}  // namespace lowtide
