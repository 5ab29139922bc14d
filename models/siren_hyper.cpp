#include <lowtide/models/siren_hyper.h>

#include <cmath>

namespace lowtide {

// Hidden layers after He et al. 2015. The last bias is a SIREN's start, and the last weights let it vary in
// t by a fraction of itself. (The authors' code divides He's weights by 100 instead. At width 512 that is
// seven times what a SIREN's weights may be, and the layers' inputs leave the few periods of the sine
// that they should lie in.)
Tensors SirenHyper::init(const Stream& stream, Dtype dtype) const {
  const Mlp net = siren(), outer = hyper();
  Tensors parameters = torch_init(outer, stream, Dtype::f64);
  for (std::size_t l = 0; l + 1 < outer.layers(); ++l)
    parameters[2 * l] = stream.child("W", l).normal(parameters[2 * l].shape, Dtype::f64, 0,
                                                    std::sqrt(2 / static_cast<double>(outer.widths[l])));

  const Tensors start = net.init(stream.child("siren"), Dtype::f64);
  Tensor& w = parameters[parameters.size() - 2];
  Tensor& b = parameters.back();
  w = stream.child("head").normal(w.shape, dtype, 0, variation / std::sqrt(static_cast<double>(hyper_width)));
  b = Tensor(b.shape, Dtype::f64);
  const std::int64_t n = coefficients();
  std::int64_t column = 0;
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = w.mutable_data<T>();
    double* bias = b.mutable_data<double>();
    for (const Tensor& p : start) {
      double square = 0;
      for (const double x : p.view<double>()) square += x * x;
      const T size = static_cast<T>(std::sqrt(square / static_cast<double>(p.size())));
      for (std::int64_t i = 0; i < hyper_width; ++i)
        for (std::int64_t j = column; j < column + p.size(); ++j) to[i * n + j] *= size;
      for (const double x : p.view<double>()) bias[column++] = x;
    }
  });
  for (Tensor& p : parameters) p = p.cast(dtype);
  return parameters;
}

}  // namespace lowtide
