#include <lowtide/linalg/error.h>
#include <lowtide/models/lrnr.h>

#include <algorithm>
#include <cmath>

namespace lowtide {

Mlp Lrnr::hyper() const {
  Mlp net;
  net.widths.assign(static_cast<std::size_t>(hyper_depth + 1), hyper_width);
  net.widths.front() = 1;
  net.widths.back() = coefficients();
  return net;
}

Tensors Lrnr::init(const Stream& stream, Dtype dtype) const {
  if (depth < 2 || rank < 1 || width < 1 || hyper_depth < 2)
    fail<ShapeError>("lrnr", "depth and hypernetwork depth must be at least 2, width and rank at least 1");
  Tensors parameters;
  for (std::int64_t l = 0; l < depth; ++l) {
    const auto index = static_cast<std::uint64_t>(l);
    const double fan = 1 / std::sqrt(static_cast<double>(layer_in(l))),
                 spread = 1 / std::sqrt(static_cast<double>(rank));
    parameters.push_back(stream.child("U", index).normal({rank, layer_out(l)}, dtype, 0, spread));
    parameters.push_back(stream.child("V", index).normal({rank, layer_in(l)}, dtype, 0, fan));
    parameters.push_back(stream.child("B", index).normal({rank, layer_out(l)}, dtype, 0, spread));
  }
  Tensors net = hyper().init(stream.child("hyper"), dtype);
  net.back() = ones(net.back().shape, dtype);  // coefficients start near 1
  for (Tensor& p : net) parameters.push_back(std::move(p));
  return parameters;
}

Var Lrnr::coefficients_at(std::span<const Var> parameters, const Var& t) const {
  const Var s = hyper()(parameters.subspan(static_cast<std::size_t>(3 * depth)), t);
  return reshape(s, {coefficients()});
}

Var Lrnr::operator()(std::span<const Var> parameters, const Var& x, const Var& s) const {
  Var z = x;
  for (std::int64_t l = 0; l < depth; ++l) {
    const Var* factors = &parameters[static_cast<std::size_t>(3 * l)];
    const Var s1 = slice(s, 0, 2 * l * rank, (2 * l + 1) * rank),
              s2 = slice(s, 0, (2 * l + 1) * rank, (2 * l + 2) * rank);
    z = low_rank_layer(z, factors[0], factors[1], factors[2], s1, s2,
                       l + 1 < depth ? activation : Activation::none);
  }
  return z;
}

double Lrnr::flops(double points) const {
  double total = 0;
  for (std::int64_t l = 0; l < depth; ++l) {
    const auto m = static_cast<double>(layer_in(l)), w = static_cast<double>(layer_out(l)),
               r = static_cast<double>(rank);
    const double sweeps = l == 0 ? 2 : 3;  // the first layer's input needs no cotangent
    const double factored = sweeps * 2 * points * r * (m + w);
    const double assembled = 6 * m * r * w + sweeps * 2 * points * m * w;
    total += std::min(factored, assembled) + 6 * w * r;  // and the bias
  }
  return total;
}

}  // namespace lowtide
