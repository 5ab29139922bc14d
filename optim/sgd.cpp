#include <lowtide/optim/optimizer.h>
#include <lowtide/optim/sgd.h>

namespace lowtide {

void Sgd::step(Tensors& theta, const Tensors& gradient) {
  require_gradient("sgd", theta, gradient);
  prepare_state("sgd", m, theta);
  for (std::size_t k = 0; k < theta.size(); ++k)
    dispatch(theta[k].dtype, [&](auto zero) {
      using T = decltype(zero);
      T *p = theta[k].mutable_data<T>(), *mk = m[k].mutable_data<T>();
      const T* g = gradient[k].data<T>();
      const T mu = static_cast<T>(momentum), rate = static_cast<T>(lr),
              keep = static_cast<T>(1 - lr * weight_decay);
      for (std::int64_t i = 0; i < theta[k].size(); ++i) {
        mk[i] = mu * mk[i] + g[i];
        p[i] = keep * p[i] - rate * (nesterov ? g[i] + mu * mk[i] : mk[i]);
      }
    });
}

}  // namespace lowtide
