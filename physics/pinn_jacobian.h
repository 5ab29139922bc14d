// The residuals of a problem at given points as one vector whose square is the loss, and their derivatives by
// the parameters of the network: what methods of Gauss and Newton's kind need.
#pragma once
#include <lowtide/physics/pinn.h>

namespace lowtide {

// (m): of all pieces in turn, each residual times the root of its piece's factor.
Tensor pinn_residuals(const Pinn& pinn, const Network& net, const Tensors& theta, const PinnPoints& points);

struct PinnJacobian {
  Tensor residuals;  // (m)
  Tensor rows;       // (m,p), a row the gradient of a residual; parameters as flatten() has them
};
PinnJacobian pinn_jacobian(const Pinn& pinn, const Network& net, const Tensors& theta,
                           const PinnPoints& points);

}  // namespace lowtide
