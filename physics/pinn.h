// A problem that a network learns from its equation and not from data (Raissi, Perdikaris and Karniadakis,
// Physics-informed neural networks, 2019).
//
//   Pinn burgers{.box = {{-1, 0}, {1, 1}}, .inputs = {"x", "t"}};
//   burgers.equation([nu](const Jet& u) { return u.d(1) + u() * u.d(0) - nu * u.d(0, 0); });
//   burgers.initial(100, [](const Jet& u) { return u() + sin(pi * u.x(0)); });
#pragma once
#include <lowtide/models/network.h>
#include <lowtide/physics/collocation.h>
#include <lowtide/physics/jet.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lowtide {

using Residual = std::function<Var(const Jet& u)>;  // (n,k), to become zero

// The loss is the sum over all terms of weight times the mean of |residual|^2.
struct PinnTerm {
  std::string name;
  double weight = 1;
  Box box;           // its points lie here
  double share = 1;  // of the number of points asked for
  Residual residual;
};

struct Pinn {
  Box box;                          // of all inputs, in physical units
  std::vector<std::string> inputs;  // names; the last is "t" if time is one of them
  std::vector<std::string> fields = {"u"};
  std::vector<std::string> parameters{};  // of the equation, beside the inputs: Jet::mu
  Box parameter_box{};
  std::vector<std::vector<double>> training{};  // values of the parameters that are trained on
  // What is built in: (x (n,d), network (n,c)) -> u (n,c). None: the network itself.
  std::function<Var(const Var& x, const Var& network)> trial{};
  std::vector<PinnTerm> terms{};

  bool in_time() const { return !inputs.empty() && inputs.back() == "t"; }

  void equation(Residual residual) { terms.push_back({"equation", 1, box, 1, std::move(residual)}); }
  // Where one input has the value that it has at this end of the box.
  enum class End { low, high };
  void side(std::string name, double weight, int axis, End end, Residual residual, double share = .125);
  void initial(double weight, Residual residual) {
    side("initial", weight, static_cast<int>(box.dims()) - 1, End::low, std::move(residual));
  }
  // The field is the same at both ends of an input. So is its slope, if there is a factor (n,1) for it, such as
  // a time that forgives a corner of the initial state.
  void periodic(double weight, int axis, Residual slope = {});
};

// Values of the parameters as the network sees them, in [-1,1]: (k,p); without parameters (1,1), 0.
Tensor pinn_parameters(const Pinn& pinn, const std::vector<std::vector<double>>& values, Dtype dtype);

// The network as a field of the physical inputs: inputs scaled to [-1,1], then the trial function.
Var pinn_field(const Pinn& pinn, const Network& net, std::span<const Var> theta, const Var& x, const Var& s);

// The residual of a term at points x (n,d), (n,k), for row k of the training parameters and the coefficients s
// that the network has for it. Records derivatives by x.
Var pinn_residual(const Pinn& pinn, const Network& net, std::span<const Var> theta, const Var& s,
                  const PinnTerm& term, const Tensor& x, std::int64_t k);

// The points of one step, of all terms and all values of the parameters.
struct PinnPoints {
  struct Piece {
    std::size_t term;
    std::int64_t parameters;  // which row of `training`
    Tensor x;                 // (n,d)
    double factor;            // weight over the number of points of the term
  };
  std::vector<Piece> pieces;
  std::int64_t count = 0;
};
// `n` points of the equation a value of the parameters, others by their share.
PinnPoints draw_points(const Pinn& pinn, std::int64_t n, Sampling sampling, const Stream& stream, Dtype dtype);
// The same, where points of the equation are drawn after its residual, out of `over` times as many.
PinnPoints draw_adaptive(const Pinn& pinn, const Network& net, const Tensors& theta, std::int64_t n,
                         double over, Sampling sampling, const Stream& stream);

// Of the loss at the points and its gradient: of products of matrices, and no more than is needed.
double pinn_flops(const Pinn& pinn, const Network& net, const Tensors& theta, const PinnPoints& points);

// The loss at the points.
Var pinn_loss(const std::shared_ptr<const Pinn>& pinn, const Network& net, const Vars& theta,
              const std::shared_ptr<const PinnPoints>& points);
// The residuals of one term at points x (n,d) for row k of the training parameters: (n,k), in the dtype of
// theta.
Tensor residual_at(const Pinn& pinn, const Network& net, const Tensors& theta, std::size_t term,
                   const Tensor& x, std::int64_t k = 0);

}  // namespace lowtide
