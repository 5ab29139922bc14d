#include <lowtide/optim/adam.h>
#include <lowtide/optim/optimizer.h>

#include <cmath>

namespace lowtide {

void Adam::step(Tensors& theta, const Tensors& gradient) {
  require_gradient("adam", theta, gradient);
  prepare_state("adam", m, theta);
  prepare_state("adam", v, theta);
  ++steps;
  const double scale1 = 1 / (1 - std::pow(beta1, static_cast<double>(steps)));
  const double scale2 = 1 / (1 - std::pow(beta2, static_cast<double>(steps)));
  for (std::size_t k = 0; k < theta.size(); ++k)
    dispatch(theta[k].dtype, [&](auto zero) {
      using T = decltype(zero);
      T *p = theta[k].mutable_data<T>(), *mk = m[k].mutable_data<T>(), *vk = v[k].mutable_data<T>();
      const T* g = gradient[k].data<T>();
      const T b1 = static_cast<T>(beta1), b2 = static_cast<T>(beta2), rate = static_cast<T>(lr * scale1),
              root = static_cast<T>(scale2), small = static_cast<T>(epsilon),
              keep = static_cast<T>(1 - lr * weight_decay);
      for (std::int64_t i = 0; i < theta[k].size(); ++i) {
        mk[i] = b1 * mk[i] + (T{1} - b1) * g[i];
        vk[i] = b2 * vk[i] + (T{1} - b2) * g[i] * g[i];
        p[i] = keep * p[i] - rate * mk[i] / (std::sqrt(root * vk[i]) + small);
      }
    });
}

}  // namespace lowtide
