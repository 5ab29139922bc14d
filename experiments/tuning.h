// A low-rank network that has learned an equation for some values of its parameters, tuned to another value:
// factors stay, only the coefficients s move (Cho, Lee, Rim and Park, Hypernetwork-based meta-learning for
// low-rank physics-informed neural networks, 2023), by the network's residuals or by those of a FastLRNR at few
// points (reduced_equation.h).
#pragma once
#include <lowtide/physics/pinn.h>
#include <lowtide/reduction/low_rank_field.h>

#include <memory>
#include <string>
#include <vector>

namespace lowtide {

// The loss of one value of the parameters as a function of s: all in f64.
struct EquationAt {
  std::shared_ptr<const Pinn> pinn;
  std::vector<double> mu{};
  LowRankWeights net{};                        // the whole network, or a reduced one
  std::vector<LocalNets> local{};              // or one for each cluster of each piece of points
  std::shared_ptr<const PinnPoints> points{};  // drawn for one value; which is not looked at
};

// u at physical points x (n,d): inputs scaled, the network, the trial function.
Var field_of(const Pinn& pinn, const LowRankWeights& net, const Var& x, const Var& s);
Var field_of(const Pinn& pinn, const LocalNets& nets, const Var& x, const Var& s);
Tensor field_at(const EquationAt& equation, const Tensor& x, const Tensor& s);  // (n,d), (k) -> (n,c)

// `n` points of the equation, others by their share, for one value of the parameters.
std::shared_ptr<const PinnPoints> tuning_points(const Pinn& pinn, std::int64_t n, const Stream& stream);

Var loss(const EquationAt& equation, const Var& s);
ValueAndSlope loss_and_gradient(const EquationAt& equation, const Tensor& s);  // a step's backpropagation

// All residuals times the roots of their weights, so that the loss is |r|^2, and their derivatives by c in
// s + directions c (k,m).
struct Residuals {
  Tensor r{};         // (N)
  Tensor jacobian{};  // (N,m)
};
Residuals linearized(const EquationAt& equation, const Tensor& s, const Tensor& directions);

enum class TuneBy : std::uint8_t {
  gauss_newton,  // Levenberg and Marquardt: the smallest steps in s that help
  lbfgs,
  adam,  // as in the literature, with a constant rate
};
const char* name_of(TuneBy by);
TuneBy tune_by_named(const std::string& name);  // InputError

struct TuneOptions {
  TuneBy by = TuneBy::gauss_newton;
  std::int64_t steps = 20;
  double lr = 1e-3;         // of adam
  double tolerance = 1e-6;  // relative decrease of the loss in a step of Gauss-Newton that is the last
  Tensor directions{};      // (k,m) that s may move in, longer ones with more ease; none: all
};
struct Tuned {
  Tensor s{};  // (k)
  double loss_before = 0, loss = 0;
  std::int64_t steps = 0;
  double seconds = 0;  // of all steps
};
// From s (k). NonFiniteError if the loss is not finite there.
Tuned tune(const EquationAt& equation, const Tensor& s, const TuneOptions& options);

}  // namespace lowtide
