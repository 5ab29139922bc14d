#include <fmt/format.h>
#include <lowtide/linalg/error.h>
#include <lowtide/models/lrnr_cheb.h>

namespace lowtide {

Var chebyshev(const Var& t, std::int64_t terms) {
  if (t.shape().rank() != 2 || t.shape()[1] != 1)
    fail<ShapeError>("chebyshev", fmt::format("times must be a column: {}", to_string(t.shape())));
  Vars values;
  values.push_back(Var(ones(t.shape(), t.dtype())));
  if (terms > 1) values.push_back(t);
  while (static_cast<std::int64_t>(values.size()) < terms)
    values.push_back(2.0 * t * values.back() - values[values.size() - 2]);
  return concatenate(values, 1);
}

Tensors LrnrCheb::init(const Stream& stream, Dtype dtype) const {
  if (terms < 1) fail<ShapeError>("lrnr_cheb", "needs one term at least");
  Tensors parameters = factors().init(stream, dtype);
  // Like s of a fresh hypernetwork: 1 and a smooth function of t of size 0.3 or so.
  Tensor c = stream.child("chebyshev").normal({terms, coefficients()}, Dtype::f64, 0, 0.3);
  double* to = c.mutable_data<double>();
  for (std::int64_t i = 0; i < c.size(); ++i) {
    const std::int64_t k = i / coefficients();
    to[i] = k == 0 ? 1 : to[i] / static_cast<double>(k * k);
  }
  parameters.push_back(c.cast(dtype));
  return parameters;
}

Var LrnrCheb::coefficients_at_times(std::span<const Var> parameters, const Var& t) const {
  return matmul(chebyshev(t, terms), parameters[factors().parameter_tensors()]);
}

Var LrnrCheb::coefficients_at(std::span<const Var> parameters, const Var& t) const {
  return reshape(coefficients_at_times(parameters, t), {coefficients()});
}

}  // namespace lowtide
