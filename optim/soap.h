// SOAP (Vyas et al., SOAP: improving and stabilizing Shampoo using Adam, 2024): Adam in the basis of
// eigenvectors of Shampoo's preconditioners. Only sides that are small get one; a factor (r,M) of a network
// of width M is thus rotated along its rank, and tensors without a small side are left to Adam.
#pragma once
#include <lowtide/linalg/tensor.h>

namespace lowtide {

struct Soap {
  double lr = 3e-3;
  double beta1 = .95, beta2 = .95, epsilon = 1e-8;
  double weight_decay = 0;         // decoupled
  double decay = .95;              // of the averages of G GT and GT G
  std::int64_t largest_side = 64;  // that gets a basis; sides of 1 need none
  std::int64_t every = 10;         // steps between two power steps on the bases
  bool vectors = false;            // gets a vector a basis as well?

  // The state; made at the first call, which finds the bases and takes no step. The moments m and v live in
  // the bases. Averages are f64; what a tensor does not need is (0,0).
  std::int64_t steps = 0;
  Tensors m{}, v{};
  Tensors left{}, right{};              // averages of G GT, GT G
  Tensors left_basis{}, right_basis{};  // one vector a column

  void step(Tensors& theta, const Tensors& gradient);

  template <class Visitor>
  void visit(Visitor&& see) {  // see optimizer.h
    see("lr", lr);
    see("steps", steps);
    see("m", m);
    see("v", v);
    see("left", left);
    see("right", right);
    see("left_basis", left_basis);
    see("right_basis", right_basis);
  }
};

}  // namespace lowtide
