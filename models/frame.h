// What the models have in common. Each is a network in x for one time, whose coefficients s are a
// function of time and parameters:
//   u(x, t, mu) = model(theta, x, s),  s = model.coefficients_at(theta, (t, mu))
// s is computed once a frame, then shared by its tiles. Inputs are scaled to [-1,1] by the caller.
#pragma once
#include <lowtide/autodiff/var.h>
#include <lowtide/linalg/random.h>

#include <concepts>
#include <span>

namespace lowtide {

template <class M>
concept FrameModel = requires(const M& model, const Stream& stream, std::span<const Var> theta, const Var& v) {
  { model.init(stream, Dtype::f64) } -> std::same_as<Tensors>;
  { model.coefficients() } -> std::same_as<std::int64_t>;          // n, the length of s
  { model.coefficients_at(theta, v) } -> std::same_as<Var>;        // (1,1+p) -> (n)
  { model.coefficients_at_times(theta, v) } -> std::same_as<Var>;  // (k,1+p) -> (k,n)
  { model(theta, v, v) } -> std::same_as<Var>;                     // x (n,d) and s -> (n,c)
  { model.field_tensors() } -> std::same_as<std::size_t>;          // the first so many parameters act on x
  { model.parameter_count() } -> std::same_as<std::int64_t>;       // the others only on s
  { model.flops(1.0) } -> std::same_as<double>;  // of a frame's points, forward and backward, without s
};

// u at the rows of x, all at the time and parameters t (1,1+p).
template <FrameModel M>
Var evaluate(const M& model, std::span<const Var> theta, const Var& x, const Var& t) {
  return model(theta, x, model.coefficients_at(theta, t));
}

}  // namespace lowtide
