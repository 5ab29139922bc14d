// A network as the solution of an initial-value problem: its values, the rate that the equation asks for, and
// where both are looked at. Everything is parallel over tiles of points.
#pragma once
#include <lowtide/models/embedded.h>
#include <lowtide/physics/initial_value.h>
#include <lowtide/physics/tiled_jacobian.h>

namespace lowtide {

struct MovingField {
  MovingField(InitialValueProblem problem, const Embedded& net, Dtype dtype = Dtype::f32,
              std::int64_t per_tile = 250);

  InitialValueProblem problem;
  Embedded net;
  Dtype dtype;  // of the network; parameters and points are given in f64
  std::int64_t per_tile;
  ParametricField field;

  TiledJacobian jacobian(const Tensor& theta, const Tensor& x) const;
  Tensor values(const Tensor& theta, const Tensor& x) const;          // (n,c)
  Tensor rate(const Tensor& theta, const Tensor& x, double t) const;  // f(u), (n,c)
  // |f(u) - J theta'| of each point, (n); of f(u) alone without theta'.
  Tensor misfits(const Tensor& theta, const Tensor& theta_dot, const Tensor& x, double t) const;

  // The problem's own points, or a shifted Sobol sequence on the box: (n,d), f64.
  Tensor points(const Stream& stream, std::int64_t n, double t) const;
  // `share` of them drawn from `over` times as many candidates by their misfit, which is a function of them.
  Tensor points(const Stream& stream, std::int64_t n, double t, double share, double over,
                FunctionRef<Tensor(const Tensor& x)> misfit) const;
};

// |row| of each row, (n,c) -> (n), f64.
Tensor row_norms(const Tensor& rows);

}  // namespace lowtide
