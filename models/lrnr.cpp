#include <lowtide/linalg/error.h>
#include <lowtide/models/lrnr.h>

#include <cmath>

namespace lowtide {

Mlp Lrnr::hyper() const { return dense(1 + mu, hyper_width, hyper_depth, coefficients()); }

Tensors Lrnr::init(const Stream& stream, Dtype dtype) const {
  if (hyper_depth < 2) fail<ShapeError>("lrnr", "depth of the hypernetwork must be at least 2");
  Tensors parameters = factors().init(stream, dtype);
  const Stream own = stream.child("hyper");
  Tensors net = start == Start::kinks ? torch_init(hyper(), own, dtype) : hyper().init(own, dtype);
  // softplus(log(e - 1)) = 1
  net.back() = full(net.back().shape, head == Head::softplus ? std::log(std::expm1(1.0)) : 1.0, dtype);
  for (Tensor& p : net) parameters.push_back(std::move(p));
  return parameters;
}

Var Lrnr::coefficients_at_times(std::span<const Var> parameters, const Var& t) const {
  const Var s = hyper()(parameters.subspan(factors().parameter_tensors()), t);
  return head == Head::linear ? s : head == Head::relu ? relu(s) : softplus(s);
}

Var Lrnr::coefficients_at(std::span<const Var> parameters, const Var& t) const {
  return reshape(coefficients_at_times(parameters, t), {coefficients()});
}

}  // namespace lowtide
