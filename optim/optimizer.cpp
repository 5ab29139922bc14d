#include <fmt/format.h>
#include <lowtide/optim/optimizer.h>

#include <algorithm>
#include <cmath>

namespace lowtide {

void require_gradient(const char* op, const Tensors& theta, const Tensors& gradient) {
  if (theta.size() != gradient.size())
    fail<ShapeError>(op, fmt::format("{} gradients for {} parameters", gradient.size(), theta.size()));
  for (std::size_t k = 0; k < theta.size(); ++k)
    if (!(theta[k].shape == gradient[k].shape) || theta[k].dtype != gradient[k].dtype)
      fail<ShapeError>(
          op, fmt::format("parameter {} is {} {}, its gradient {} {}", k, to_string(theta[k].shape),
                          name_of(theta[k].dtype), to_string(gradient[k].shape), name_of(gradient[k].dtype)));
  for (std::size_t k = 0; k < theta.size(); ++k)
    if (!all_finite(gradient[k])) {
      const std::vector<double> g = to_vector(gradient[k]);
      const auto bad = std::find_if(g.begin(), g.end(), [](double x) { return !std::isfinite(x); });
      fail<NonFiniteError>(op, fmt::format("element {} of gradient {} {} is {}", bad - g.begin(), k,
                                           to_string(gradient[k].shape), *bad));
    }
}

void prepare_state(const char* op, Tensors& state, const Tensors& theta) {
  if (state.empty()) {
    for (const Tensor& p : theta) state.push_back(zeros(p.shape, p.dtype));
    return;
  }
  if (state.size() != theta.size())
    fail<ShapeError>(op, fmt::format("state of {} parameters, now {}", state.size(), theta.size()));
  for (std::size_t k = 0; k < theta.size(); ++k)
    if (!(state[k].shape == theta[k].shape) || state[k].dtype != theta[k].dtype)
      fail<ShapeError>(
          op, fmt::format("parameter {} is {} {}, its state {} {}", k, to_string(theta[k].shape),
                          name_of(theta[k].dtype), to_string(state[k].shape), name_of(state[k].dtype)));
}

}  // namespace lowtide
