#include "layer_activation.h"

#include <fmt/format.h>
#include <lowtide/autodiff/composite.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/random.h>

#include <algorithm>

namespace lowtide {
namespace {

// sigma(f (x W + b)): the bias is written first and the product added to it, which saves a pass over y;
// the frequency f goes into the factors of the products.
struct Affine {
  static constexpr const char* name = "affine";
  struct Attr {
    LayerActivation activation;
    double frequency = 1;
  };

  static Tensor forward(std::span<const Var> xs, Attr& keep) {
    const Tensor &x = xs[0].peek(), &w = xs[1].peek(), &b = xs[2].peek();
    if (x.shape.rank() != 2 || w.shape.rank() != 2 || b.shape.rank() != 1 || x.shape[1] != w.shape[0] ||
        w.shape[1] != b.shape[0])
      fail<ShapeError>(name, fmt::format("x {}, w {} and b {} do not make (n,p) (p,q) + (q)",
                                         to_string(x.shape), to_string(w.shape), to_string(b.shape)));
    const std::int64_t n = x.shape[0], p = w.shape[0], q = w.shape[1];
    Tensor y({n, q}, x.dtype);
    dispatch(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      T* to = y.mutable_data<T>();
      const T f = static_cast<T>(keep.frequency);
      if (n > 0)
        for (std::int64_t j = 0; j < q; ++j) to[j] = f * b.data<T>()[j];
      for (std::int64_t i = 1; i < n; ++i) std::copy_n(to, q, to + i * q);
      blas::gemm(Trans::no, Trans::no, n, q, p, f, x.data<T>(), p, w.data<T>(), q, T{1}, to, q);
    });
    return keep.activation.apply(std::move(y));
  }
  static Var reference(const Vars& xs, const Attr& keep) {
    const Var y = matmul(xs[0], xs[1]) + xs[2];
    return activate(keep.activation.activation, keep.frequency == 1 ? y : y * keep.frequency);
  }

  // f (xdot W + x Wdot + bdot), before the activation.
  static Var push_linear(const PushRule& rule, const Attr& keep) {
    Var ydot;
    const auto add = [&](Var term) { ydot = ydot ? ydot + term : std::move(term); };
    if (rule.xdots[0]) add(matmul(rule.xdots[0], rule.xs[1]));
    if (rule.xdots[1]) add(matmul(rule.xs[0], rule.xdots[1]));
    if (rule.xdots[2]) add(rule.xdots[2]);
    if (!(ydot.shape() == rule.y.shape())) ydot = broadcast_to(ydot, rule.y.shape());
    return keep.frequency == 1 ? ydot : ydot * keep.frequency;
  }
  static Var push(const PushRule& rule, const Attr& keep) {
    return Var(keep.activation.slope_times(push_linear(rule, keep).peek(), rule.y.peek()));
  }
  static Var recorded_push(const PushRule& rule, const Attr& keep) {
    return slope_times(push_linear(rule, keep), rule, rule.y, keep);
  }
  static void recorded_pull(const PullRule& rule, const Attr& keep) {
    Var bar = slope_times(rule.ybar, rule, rule.y, keep);
    if (keep.frequency != 1) bar = bar * keep.frequency;
    if (rule.wants(0)) rule.add(0, matmul(bar, rule.xs[1], Trans::no, Trans::yes));
    if (rule.wants(1)) rule.add(1, matmul(rule.xs[0], bar, Trans::yes));
    if (rule.wants(2)) rule.add(2, sum(bar, 0));
  }
  static Var slope_times(const Var& seed, const Call& call, const Var& y, const Attr& keep) {
    return keep.activation.recorded_slope_times(
        seed, y, [&] { return affine(call.xs[0], call.xs[1], call.xs[2], Activation::none, keep.frequency); });
  }
  static void pull(const PullRule& rule, const Attr& keep) {
    const Tensor &x = rule.x(0), &w = rule.x(1);
    const std::int64_t n = x.shape[0], p = w.shape[0], q = w.shape[1];
    dispatch(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      const T f = static_cast<T>(keep.frequency);
      Tensor sum({q}, x.dtype);
      const Tensor ybar = keep.activation.template pull<T>(rule, sum);
      if (rule.wants(0)) {
        const auto xbar = rule.target(0);
        blas::gemm(Trans::no, Trans::yes, n, p, q, f, ybar.data<T>(), q, w.data<T>(), q,
                   static_cast<T>(xbar.beta()), xbar.value.mutable_data<T>(), p);
      }
      if (rule.wants(1)) {
        const auto wbar = rule.target(1);
        blas::gemm(Trans::yes, Trans::no, p, q, n, f, x.data<T>(), p, ybar.data<T>(), q,
                   static_cast<T>(wbar.beta()), wbar.value.mutable_data<T>(), q);
      }
      if (!rule.wants(2)) return;
      blas::scal(q, f, sum.mutable_data<T>());
      rule.add(2, Var(std::move(sum)));
    });
  }
  static std::vector<Sample> samples() {
    std::vector<Sample> result;
    const auto add = [&](const char* label, std::int64_t n, std::int64_t p, std::int64_t q,
                         Activation activation = Activation::none, double frequency = 1) {
      const Stream root = Stream(1, name).child(label);
      Tensors xs;
      for (const Shape& shape : {Shape{n, p}, Shape{p, q}, Shape{q}})
        xs.push_back(root.child("x", xs.size()).uniform(shape, Dtype::f64, -1, 1));
      result.push_back(
          {label, xs, [=](const Vars& v) { return affine(v[0], v[1], v[2], activation, frequency); }});
    };
    add("tall", 9, 2, 3);
    add("wide", 2, 7, 5);
    add("square", 3, 3, 3);
    add("tanh", 4, 3, 2, Activation::tanh);
    add("silu", 4, 3, 2, Activation::silu);
    add("sin of thrice", 5, 2, 4, Activation::sin, 3);
    add("1x1", 1, 1, 1);
    add("empty", 0, 2, 3);
    add("no input", 2, 0, 3);
    return result;
  }
};
LOWTIDE_REGISTER(Composite<Affine>)

}  // namespace

Var affine(const Var& x, const Var& w, const Var& b, Activation activation, double frequency) {
  return composite<Affine>({x, w, b}, {{activation}, frequency});
}

}  // namespace lowtide
