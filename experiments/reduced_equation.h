// The equation of a low-rank network at few points, by a network that computes only some of its hidden units:
// what backpropagation costs then depends on ranks, not on the width (Cho, Lee, Park, Rim and Welper, FastLRNR
// and sparse physics informed backpropagation, 2025).
#pragma once
#include <lowtide/experiments/tuning.h>

#include <functional>

namespace lowtide {

// s for values of the parameters in physical units, (k,p) -> (k,n), f64.
using CoefficientsOf = std::function<Tensor(const Tensor& mu)>;

struct ReducedOptions {
  std::int64_t rank = 32;         // of hidden states, or the width of a layer
  std::int64_t points = 32;       // of the equation; others by their share
  std::int64_t candidates = 400;  // that they are chosen from
  std::int64_t samples = 33;      // values of the parameters
  // Points that share a basis and a network, neighbours of one term; 0: all of them, as in the literature.
  std::int64_t cluster = 1;
  // Hidden states are looked at for s = hyper(mu) at the samples, and for `around` more s beside each:
  std::int64_t around = 2;
  double spread = 0;                    // normal noise in all directions, relative to how far hyper(mu) moves,
  Tensor directions{};                  // and along these (n,m), in multiples of their lengths
  Selector selector = Selector::s_opt;  // of points and units
  std::int64_t oversample = 0;          // units beyond the rank
};

struct ReducedEquation {
  FastLrnr fast{};                 // for all points, or
  std::vector<LocalNets> local{};  // for each cluster of points of each piece
  std::shared_ptr<const PinnPoints> points{};
  double seconds = 0;  // that it took to make
  EquationAt at(const std::shared_ptr<const Pinn>& pinn, std::vector<double> mu) const {
    return {pinn, std::move(mu), fast.net, local, points};
  }
};
// For all values in the box of parameters. Points are those at which residuals of the samples, and what moving
// s beside them or to the next sample makes of them, are told apart best; units those at which hidden states
// and the derivatives that the equation asks for are.
ReducedEquation reduced_equation(const std::shared_ptr<const Pinn>& pinn, const LowRankWeights& net,
                                 const CoefficientsOf& coefficients, const ReducedOptions& options,
                                 const Stream& stream);

// Directions in which s moves over the box of parameters: `count` singular vectors of s at the samples.
Tensor tuning_directions(const Pinn& pinn, const CoefficientsOf& coefficients, std::int64_t count,
                         std::int64_t samples = 33);  // (n,count)

// Directions in which tuning has moved s (k,n) from hyper(mu) (k,p): `count` singular vectors, or as many as
// there are, each as long as it moved along them in the root mean square.
Tensor learned_directions(const CoefficientsOf& coefficients, const Tensor& mu, const Tensor& s,
                          std::int64_t count);  // (n,count)

// Evenly spaced in one dimension, a Sobol sequence in more: (k,p).
Tensor parameter_samples(const Box& box, std::int64_t count);

}  // namespace lowtide
