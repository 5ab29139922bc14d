// The activation at the end of a layer, fused with it: in place on the layer's result where its slope is
// known from its value, and pulled back together with the sum that the bias needs. For the op files of layers.
#pragma once
#include <lowtide/autodiff/elementwise.h>
#include <lowtide/linalg/blas.h>

namespace lowtide {

struct LayerActivation {
  Activation activation = Activation::none;
  Tensor before{};  // what went in, where the slope needs it

  // sigma(y), for the result y of a layer that nobody else holds.
  Tensor apply(Tensor y) {
    if (activation == Activation::none || y.size() == 0) return y;
    // For tanh and relu the slope follows from the value.
    const bool in_place = activation == Activation::tanh || activation == Activation::relu;
    if (!in_place) before = y;
    Tensor z = in_place ? std::move(y) : Tensor(before.shape, before.dtype);
    dispatch(z.dtype, [&](auto zero) {
      using T = decltype(zero);
      T* to = z.mutable_data<T>();
      const void* from[] = {before ? before.data<T>() : to};
      const std::int64_t step[] = {1};
      kernels().value[static_cast<std::size_t>(z.dtype)](to, from, step, z.size());
    });
    return z;
  }

  // seed sigma', in place where nobody else holds the seed.
  Tensor slope_times(Tensor seed, const Tensor& y) const {
    if (activation == Activation::none) return seed;
    dispatch(seed.dtype, [&](auto zero) {
      using T = decltype(zero);
      const T* value = y.data<T>();
      T* bar = seed.mutable_data<T>();
      const void* operands[] = {bar, before ? before.data<T>() : value, value};
      constexpr std::int64_t step[] = {1, 1, 1};
      kernels().scaled[0][static_cast<std::size_t>(seed.dtype)](bar, operands, step, seed.size());
    });
    return seed;
  }

  // The cotangent of what went in, (n,w), and its sum over the n points.
  template <class T>
  Tensor pull(const PullRule& rule, Tensor& sum) const {
    const std::int64_t n = rule.y.shape()[0], w = rule.y.shape()[1];
    Tensor ybar = slope_times(rule.take_ybar(), rule.y.peek());
    const Tensor points = ones({n}, ybar.dtype);
    sum = Tensor({w}, ybar.dtype);
    blas::gemv(Trans::yes, n, w, T{1}, ybar.data<T>(), w, points.data<T>(), T{0}, sum.mutable_data<T>());
    return ybar;
  }

 private:
  const ElementwiseKernels& kernels() const {
    static const auto find = [](Activation a) {
      return &static_cast<const ElementwiseBody*>(op_named(name_of(a)).body)->kernels;
    };
    static const ElementwiseKernels* const all[] = {nullptr, find(Activation::tanh), find(Activation::relu),
                                                    find(Activation::silu), find(Activation::sin)};
    return *all[static_cast<std::size_t>(activation)];
  }
};

}  // namespace lowtide
