// The activation at the end of a layer, fused with it: in place on the layer's result where its slope is
// known from its value, and pulled back together with the sum that the bias needs. For the op files of layers.
#pragma once
#include <lowtide/autodiff/elementwise.h>
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/function_ref.h>

#include <algorithm>
#include <array>

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
    dispatch(seed.dtype, [&](auto zero) {
      using T = decltype(zero);
      if (activation != Activation::none) scale_by_slope(y.data<T>(), seed.mutable_data<T>(), 0, seed.size());
    });
    return seed;
  }

  // The cotangent of what went in, (n,w), and its sums over the n points, (w), or over each of F runs of n / F
  // points, (F,w): a few rows at a time, while they are in cache.
  template <class T>
  Tensor pull(const PullRule& rule, Tensor& sums) const {
    static constexpr auto ones = [] {
      std::array<T, 64> all{};
      all.fill(T{1});
      return all;
    }();
    const std::int64_t w = rule.y.shape()[1], runs = sums.shape.rank() == 1 ? 1 : sums.shape[0],
                       n = runs == 0 ? 0 : rule.y.shape()[0] / runs,
                       most =
                           std::clamp<std::int64_t>(4096 / std::max<std::int64_t>(w, 1), 1, std::ssize(ones));
    const T* value = rule.y.peek().data<T>();
    T* total = sums.mutable_data<T>();
    if (n == 0) std::fill_n(total, sums.size(), T{0});
    Tensor ybar = rule.take_ybar();
    T* own = activation == Activation::none ? nullptr : ybar.mutable_data<T>();
    const T* bar = ybar.data<T>();
    for (std::int64_t run = 0; run < runs; ++run, total += w)
      for (std::int64_t done = 0, rows; done < n; done += rows) {
        rows = std::min(most, n - done);
        const std::int64_t at = (run * n + done) * w;
        if (own) scale_by_slope(value, own, at, rows * w);
        blas::gemv(Trans::yes, rows, w, T{1}, bar + at, w, ones.data(), done == 0 ? T{0} : T{1}, total);
      }
    return ybar;
  }

  // seed sigma' as an expression, of sigma's value y and of what went in, which is computed again if needed.
  Var recorded_slope_times(const Var& seed, const Var& y, FunctionRef<Var()> went_in) const {
    switch (activation) {
      case Activation::tanh:
        return (1.0 - square(y)) * seed;
      case Activation::relu:
        return step(y) * seed;
      case Activation::sin:
        return cos(went_in()) * seed;
      case Activation::silu: {
        const Var s = sigmoid(went_in());
        return (s + y * (1.0 - s)) * seed;
      }
      case Activation::none:
        break;
    }
    return seed;
  }

 private:
  template <class T>
  void scale_by_slope(const T* value, T* bar, std::int64_t offset, std::int64_t n) const {
    const T* in = before ? before.data<T>() : value;
    const void* operands[] = {bar + offset, in + offset, value + offset};
    constexpr std::int64_t step[] = {1, 1, 1};
    kernels().scaled[0][static_cast<std::size_t>(dtype_of<T>)](bar + offset, operands, step, n);
  }

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
