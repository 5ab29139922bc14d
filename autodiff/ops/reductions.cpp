#include <lowtide/autodiff/composite.h>
#include <lowtide/autodiff/linear_pair.h>
#include <lowtide/autodiff/nondifferentiable.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/broadcast.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowtide {
namespace {

// Summing over stretched axes and broadcasting are each other's transposes.
struct SumTo {
  static constexpr const char* name = "sum_to";
  static constexpr const char* transposed_name = "broadcast_to";
  struct Attr {
    Shape large, small;
  };
  static Tensor forward(const Tensor& x, const Attr& a) { return sum_to_shape(x, a.small); }
  static Tensor transposed(const Tensor& y, const Attr& a) { return broadcast_to_shape(y, a.large); }
  static std::vector<LinearSample<Attr>> samples() {
    const auto sample = [](const char* label, Shape large, Shape small) {
      return LinearSample<Attr>{label, large, {large, small}};
    };
    return {sample("scalar", {}, {}),
            sample("empty", {0, 3}, {1, 3}),
            sample("all", {7, 2}, {}),
            sample("1x1", {1, 1}, {1, 1}),
            sample("rows", {70, 3}, {3}),
            sample("columns", {5, 40}, {5, 1}),
            sample("middle", {2, 4, 3}, {2, 1, 3}),
            sample("ends", {2, 4, 3, 2}, {4, 1, 1}),
            sample("a long sum", {5000}, {1})};
  }
};
LOWTIDE_REGISTER(LinearPair<SumTo>)

// x seen as (outer, n, inner) around an axis.
struct AxisView {
  std::int64_t outer = 1, n = 1, inner = 1;
  AxisView(const Shape& shape, int axis) : n(shape[axis]) {
    for (int a = 0; a < axis; ++a) outer *= shape[a];
    for (int a = axis + 1; a < shape.rank(); ++a) inner *= shape[a];
  }
};

// f(first, y, n, inner) for each line along the axis: elements first[0], first[inner], ...
template <class T, class F>
void for_lines(const Tensor& x, int axis, Tensor& y, bool reduces, F f) {
  const AxisView view(x.shape, axis);
  const T* from = x.data<T>();
  T* to = y.mutable_data<T>();
  for (std::int64_t o = 0; o < view.outer; ++o)
    for (std::int64_t i = 0; i < view.inner; ++i)
      f(from + o * view.n * view.inner + i, to + o * (reduces ? 1 : view.n) * view.inner + i, view.n,
        view.inner);
}

struct CumulativeSum {
  static constexpr const char* name = "cumulative_sum";
  static constexpr const char* transposed_name = "reverse_cumulative_sum";
  struct Attr {
    int axis;
  };
  // From the first element of a line on, or from the last one back.
  static Tensor running(const Tensor& x, const Attr& a, bool back) {
    Tensor y(x.shape, x.dtype);
    dispatch(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      for_lines<T>(x, a.axis, y, false, [back](const T* from, T* to, std::int64_t n, std::int64_t step) {
        T sum{0};
        for (std::int64_t k = 0; k < n; ++k) {
          const std::int64_t at = (back ? n - 1 - k : k) * step;
          to[at] = sum += from[at];
        }
      });
    });
    return y;
  }
  static Tensor forward(const Tensor& x, const Attr& a) { return running(x, a, false); }
  static Tensor transposed(const Tensor& y, const Attr& a) { return running(y, a, true); }
  static std::vector<LinearSample<Attr>> samples() {
    return {{"vector", {9}, {0}},  {"empty", {0, 2}, {0}}, {"1x1", {1, 1}, {1}},
            {"tall", {7, 2}, {0}}, {"wide", {2, 19}, {1}}, {"middle", {2, 4, 3}, {1}}};
  }
};
LOWTIDE_REGISTER(LinearPair<CumulativeSum>)

struct Along {
  static constexpr int everything = -1;
  int axis;  // or everything

  Shape reduced(const Shape& x) const { return axis == everything ? Shape{} : x.without(axis); }
  Shape kept(const Shape& x) const { return axis == everything ? Shape{} : x.with(axis, 1); }
};

// One number a line: f(first, n, step) for its elements first[0], first[step], ...
template <class F>
Tensor reduce_lines(const Tensor& x, const Along& a, F f) {
  const bool everything = a.axis == Along::everything;
  const Tensor lines = everything ? x.reshaped({x.size()}) : x;
  Tensor y(a.reduced(x.shape), x.dtype);
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    for_lines<T>(lines, everything ? 0 : a.axis, y, true,
                 [&](const T* from, T* to, std::int64_t n, std::int64_t step) { *to = f(from, n, step); });
  });
  return y;
}

template <class T>
T largest_of(const T* from, std::int64_t n, std::int64_t step) {
  T largest = -std::numeric_limits<T>::infinity();
  for (std::int64_t k = 0; k < n; ++k) largest = std::max(largest, from[k * step]);
  return largest;
}

// Used by the rules of logsumexp to stay in range; its own derivative is not wanted.
struct MaxAlong {
  static constexpr const char* name = "max_along";
  using Attr = Along;
  static Tensor forward(std::span<const Var> xs, const Attr& a) {
    return reduce_lines(xs[0].peek(), a, [](const auto* from, std::int64_t n, std::int64_t step) {
      return largest_of(from, n, step);
    });
  }
  static std::vector<Sample> samples() {
    Stream stream(1, name);
    return {{"tall", {stream.uniform({7, 2}, Dtype::f64, -1, 1)}, [](const Vars& xs) {
               return nondifferentiable<MaxAlong>({xs[0]}, Along{0});
             }}};
  }
};
LOWTIDE_REGISTER(Nondifferentiable<MaxAlong>)

std::vector<Sample> samples_along(const char* name, Var (*f)(const Var&, int), Var (*of_all)(const Var&)) {
  std::vector<Sample> result;
  const Stream root(1, name);
  const auto add = [&](const char* label, const Shape& shape, std::function<Var(const Vars&)> apply) {
    result.push_back({label, {root.child(label).uniform(shape, Dtype::f64, -1, 1)}, std::move(apply)});
  };
  add("vector", {9}, [=](const Vars& xs) { return f(xs[0], 0); });
  add("tall", {7, 2}, [=](const Vars& xs) { return f(xs[0], 0); });
  add("wide", {2, 19}, [=](const Vars& xs) { return f(xs[0], -1); });
  add("middle", {2, 4, 3}, [=](const Vars& xs) { return f(xs[0], 1); });
  add("no lines", {4, 0}, [=](const Vars& xs) { return f(xs[0], 0); });
  if (!of_all) return result;
  add("all", {3, 5}, [=](const Vars& xs) { return of_all(xs[0]); });
  add("scalar", {}, [=](const Vars& xs) { return of_all(xs[0]); });
  add("1x1", {1, 1}, [=](const Vars& xs) { return of_all(xs[0]); });
  return result;
}

// Euclidean norm; its derivative at 0 is taken as 0.
struct Norm {
  static constexpr const char* name = "norm";
  using Attr = Along;
  static Tensor forward(std::span<const Var> xs, const Attr& a) {
    return reduce_lines(xs[0].peek(), a, []<class T>(const T* from, std::int64_t n, std::int64_t step) {
      T largest{0};
      for (std::int64_t k = 0; k < n; ++k) {
        const T v = std::abs(from[k * step]);
        if (!(v <= largest)) largest = v;  // a NaN stays
      }
      if (largest == 0 || !std::isfinite(largest)) return largest;
      T sum{0};
      for (std::int64_t k = 0; k < n; ++k) sum += (from[k * step] / largest) * (from[k * step] / largest);
      return largest * std::sqrt(sum);
    });
  }
  static Var reference(const Vars& xs, const Attr& a) {
    const Var squares = sum_to(square(xs[0]), a.kept(xs[0].shape()));
    const Var positive = step(squares);
    return reshape(positive * sqrt(squares + (1.0 - positive)), a.reduced(xs[0].shape()));
  }
  static void pull(const PullRule& rule, const Attr& a) {
    if (!rule.wants(0)) return;
    const Shape kept = a.kept(rule.xs[0].shape());
    const Var y = reshape(rule.y, kept);
    rule.add(0, rule.xs[0] * (reshape(rule.ybar, kept) / (y + (1.0 - step(y)))));
  }
  static std::vector<Sample> samples() {
    return samples_along(
        name, [](const Var& x, int axis) { return norm(x, axis); }, [](const Var& x) { return norm(x); });
  }
};
LOWTIDE_REGISTER(Composite<Norm>)

struct LogSumExp {
  static constexpr const char* name = "logsumexp";
  using Attr = Along;
  static Tensor forward(std::span<const Var> xs, const Attr& a) {
    return reduce_lines(xs[0].peek(), a, []<class T>(const T* from, std::int64_t n, std::int64_t step) {
      const T largest = largest_of(from, n, step), shift = std::isfinite(largest) ? largest : T{0};
      T sum{0};
      for (std::int64_t k = 0; k < n; ++k) sum += std::exp(from[k * step] - shift);
      return shift + std::log(sum);
    });
  }
  static Var reference(const Vars& xs, const Attr& a) {
    const Shape kept = a.kept(xs[0].shape());
    const Var largest = reshape(nondifferentiable<MaxAlong>({xs[0]}, a), kept);
    return reshape(log(sum_to(exp(xs[0] - largest), kept)) + largest, a.reduced(xs[0].shape()));
  }
  static void pull(const PullRule& rule, const Attr& a) {
    if (!rule.wants(0)) return;
    const Shape kept = a.kept(rule.xs[0].shape());
    rule.add(0, exp(rule.xs[0] - reshape(rule.y, kept)) * reshape(rule.ybar, kept));
  }
  static std::vector<Sample> samples() { return samples_along(name, &logsumexp, nullptr); }
};
LOWTIDE_REGISTER(Composite<LogSumExp>)

}  // namespace

Var sum_to(const Var& x, const Shape& shape) { return linear<SumTo>(x, {x.shape(), shape}); }
Var broadcast_to(const Var& x, const Shape& shape) { return linear_transposed<SumTo>(x, {shape, x.shape()}); }

Var sum(const Var& x) { return sum_to(x, {}); }
Var sum(const Var& x, int axis) {
  const int a = checked_axis("sum", x.shape(), axis);
  return reshape(sum_to(x, x.shape().with(a, 1)), x.shape().without(a));
}

Var mean(const Var& x) {
  if (x.size() == 0) fail<ShapeError>("mean", "of no elements");
  return sum(x) * (1.0 / static_cast<double>(x.size()));
}
Var mean(const Var& x, int axis) {
  const int a = checked_axis("mean", x.shape(), axis);
  if (x.shape()[a] == 0) fail<ShapeError>("mean", "of no elements");
  return sum(x, a) * (1.0 / static_cast<double>(x.shape()[a]));
}

Var cumulative_sum(const Var& x, int axis) {
  return linear<CumulativeSum>(x, {checked_axis("cumulative_sum", x.shape(), axis)});
}

Var norm(const Var& x) { return composite<Norm>({x}, {Along::everything}); }
Var norm(const Var& x, int axis) { return composite<Norm>({x}, {checked_axis("norm", x.shape(), axis)}); }

Var logsumexp(const Var& x, int axis) {
  const int a = checked_axis("logsumexp", x.shape(), axis);
  if (x.shape()[a] == 0) fail<ShapeError>("logsumexp", "over an axis of no elements");
  return composite<LogSumExp>({x}, {a});
}
Var softmax(const Var& x, int axis) {
  const int a = checked_axis("softmax", x.shape(), axis);
  return exp(x - reshape(logsumexp(x, a), x.shape().with(a, 1)));
}

}  // namespace lowtide
