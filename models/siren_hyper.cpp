#include <lowtide/linalg/error.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/models/siren_hyper.h>

#include <algorithm>
#include <cmath>

namespace lowtide {

// Hidden layers after He et al. 2015. The last bias is a SIREN's start, and the last weights let it vary in
// t by a fraction of itself. (The authors' code divides He's weights by 100 instead. At width 512 that is
// seven times what a SIREN's weights may be, and the layers' inputs leave the few periods of the sine
// that they should lie in.)
Tensors SirenHyper::init(const Stream& stream, Dtype dtype) const {
  if (hyper_depth < 2) fail<ShapeError>("siren_hyper", "depth of the hypernetwork must be at least 2");
  const Mlp net = siren();
  Mlp trunk = hyper();  // without its last layer, which may be huge
  trunk.widths.pop_back();
  Tensors parameters = torch_init(trunk, stream, dtype);
  for (std::size_t l = 0; l < trunk.layers(); ++l)
    parameters[2 * l] = stream.child("W", l).normal({trunk.widths[l], trunk.widths[l + 1]}, dtype, 0,
                                                    std::sqrt(2 / static_cast<double>(trunk.widths[l])));

  const std::int64_t rows = trunk.widths.back(), n = coefficients();
  Tensor w = stream.child("head").normal({rows, n}, dtype, 0, variation / std::sqrt(static_cast<double>(rows))),
         b({n}, dtype);
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    T *weight = w.mutable_data<T>(), *bias = b.mutable_data<T>();
    std::int64_t column = 0;
    for (const Tensor& p : net.init(stream.child("siren"), dtype)) {
      const T size = static_cast<T>(norm(p) / std::sqrt(static_cast<double>(p.size())));
      for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t j = 0; j < p.size(); ++j) weight[i * n + column + j] *= size;
      std::copy_n(p.data<T>(), p.size(), bias + column);
      column += p.size();
    }
  });
  parameters.push_back(std::move(w));
  parameters.push_back(std::move(b));
  return parameters;
}

}  // namespace lowtide
