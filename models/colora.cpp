#include <lowtide/linalg/error.h>
#include <lowtide/models/colora.h>

#include <cmath>

namespace lowtide {

std::int64_t Colora::parameter_count() const {
  const Mlp net = dense_part();
  std::int64_t count = net.parameter_count() + hyper().parameter_count();
  for (std::size_t l = 0; l < net.layers(); ++l) count += rank * (net.widths[l] + net.widths[l + 1]);
  return count;
}

double Colora::flops(double points) const {
  const Mlp net = dense_part();
  double total = net.flops(points);
  for (std::size_t l = 0; l < net.layers(); ++l)
    total += (l == 0 ? 4 : 6) * points * static_cast<double>(rank * (net.widths[l] + net.widths[l + 1]));
  return total;
}

Tensors Colora::init(const Stream& stream, Dtype dtype) const {
  if (rank < 1) fail<ShapeError>("colora", "rank must be at least 1");
  const Mlp net = dense_part();
  const Tensors dense_start = net.init(stream, dtype);
  Tensors parameters;
  for (std::size_t l = 0; l < net.layers(); ++l) {
    const double fan = 1 / std::sqrt(static_cast<double>(net.widths[l]));
    parameters.push_back(dense_start[2 * l]);
    parameters.push_back(dense_start[2 * l + 1]);
    parameters.push_back(zeros({rank, net.widths[l + 1]}, dtype));
    parameters.push_back(stream.child("V", l).normal({rank, net.widths[l]}, dtype, 0, fan));
  }
  Tensors outer = torch_init(hyper(), stream.child("hyper"), dtype);
  outer.back() = ones(outer.back().shape, dtype);
  for (Tensor& p : outer) parameters.push_back(std::move(p));
  return parameters;
}

Var Colora::coefficients_at_times(std::span<const Var> parameters, const Var& t) const {
  return hyper()(parameters.subspan(static_cast<std::size_t>(4 * depth)), t);
}

Var Colora::coefficients_at(std::span<const Var> parameters, const Var& t) const {
  return reshape(coefficients_at_times(parameters, t), {coefficients()});
}

Var Colora::operator()(std::span<const Var> parameters, const Var& x, const Var& s) const {
  if (parameters.size() < static_cast<std::size_t>(4 * depth) || s.shape() != Shape({coefficients()}))
    fail<ShapeError>("colora", "parameters or coefficients are not the model's");
  Var z = x;
  for (std::int64_t l = 0; l < depth; ++l) {
    const Var* p = &parameters[static_cast<std::size_t>(4 * l)];
    const Var alpha = slice(s, 0, l * alphas(), (l + 1) * alphas());
    const Var y = affine(z, p[0], p[1]) + matmul(matmul(z, p[3], Trans::no, Trans::yes) * alpha, p[2]);
    z = l + 1 < depth ? activate(activation, y) : y;
  }
  return z;
}

}  // namespace lowtide
