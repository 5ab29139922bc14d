#include <lowtide/models/mlp_xt.h>

namespace lowtide {

Mlp MlpXt::net() const { return dense(in + 1 + mu, width, depth, out, activation, frequency); }

Var MlpXt::operator()(std::span<const Var> parameters, const Var& x, const Var& s) const {
  const Var everywhere = broadcast_to(s, {x.shape()[0], coefficients()});
  return net()(parameters, concatenate({x, everywhere}, 1));
}

}  // namespace lowtide
