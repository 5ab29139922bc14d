// Small networks for the tests.
#pragma once
#include "support.h"

namespace lowtide::test {

// Weights and biases of layers with these widths, one after the other.
inline Tensors dense(std::initializer_list<std::int64_t> widths, Dtype dtype = Dtype::f64, double size = 0.8) {
  Tensors params;
  for (auto to = widths.begin() + 1; to != widths.end(); ++to)
    for (const Shape& shape : {Shape{to[-1], *to}, Shape{*to}})
      params.push_back(Stream(7, "dense").child("layer", params.size()).uniform(shape, dtype, -size, size));
  return params;
}

// The network of params[first] and on, with sigma between its layers.
inline Var run(const Vars& params, const Var& x, Var (*sigma)(const Var&), std::size_t first = 0) {
  Var y = affine(x, params[first], params[first + 1]);
  for (std::size_t k = first + 2; k + 1 < params.size(); k += 2) y = affine(sigma(y), params[k], params[k + 1]);
  return y;
}

inline Var ones_like(const Var& x) { return Var(ones(x.shape(), x.dtype())); }

// Sum of squared residuals of Burgers' equation u_t + u u_x = nu u_xx at points (x,t), for u = net(x,t).
inline Var burgers(const Vars& params, const Tensor& points) {
  const Var all(points.cast(params[0].dtype()));
  const Var x = variable(slice(all, 1, 0, 1).peek()), t = variable(slice(all, 1, 1, 2).peek());
  const Var one = ones_like(x), u = run(params, concatenate({x, t}, 1), tanh);
  const Var u_x = push(u, x, one, Graph::keep), u_t = push(u, t, one, Graph::keep);
  const Var u_xx = push(u_x, x, one, Graph::keep);
  return sum(square(u_t + u * u_x - 0.1 * u_xx));
}

// A layer of sines and one of low rank with tanh: 2 -> width -> width -> 1.
inline Tensors mixed(std::int64_t width, std::int64_t rank, Dtype dtype) {
  Tensors params = dense({2, width}, dtype, 1);
  for (const Shape& shape : {Shape{rank, width}, Shape{rank, width}, Shape{2, width}, Shape{rank}, Shape{2}})
    params.push_back(Stream(8, "mixed").child("low rank", params.size()).uniform(shape, dtype, -0.5, 0.5));
  for (Tensor& p : dense({width, 1}, dtype, 0.5)) params.push_back(p);
  return params;
}
inline Var run_mixed(const Vars& p, const Var& x) {
  const Var z =
      low_rank_layer(sin(3.0 * affine(x, p[0], p[1])), p[2], p[3], p[4], p[5], p[6], Activation::tanh);
  return affine(z, p[7], p[8]);
}
// Its squared misfit to sin(3 x) y, tile by tile.
inline Var mixed_misfit(const Vars& params, const Tensor& points, std::int64_t per_tile) {
  return sum_over_tiles(Tiles{points.shape.rows(), per_tile}, params,
                        [points](const Vars& p, const Tile& tile) {
                          const Var x(tile.rows(points));
                          const Var wanted = sin(3.0 * slice(x, 1, 0, 1)) * slice(x, 1, 1, 2);
                          return sum(square(run_mixed(p, x) - wanted));
                        });
}

}  // namespace lowtide::test
