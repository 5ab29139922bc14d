#include <fmt/format.h>
#include <lowtide/autodiff/composite.h>
#include <lowtide/autodiff/linear_pair.h>
#include <lowtide/autodiff/nondifferentiable.h>
#include <lowtide/autodiff/ops.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace lowtide {
namespace {

struct Identity {
  static constexpr const char* name = "identity";
  static constexpr const char* transposed_name = "identity_transposed";
  struct Attr {};
  static Tensor forward(const Tensor& x, const Attr&) { return x; }
  static Tensor transposed(const Tensor& y, const Attr&) { return y; }
  static std::vector<LinearSample<Attr>> samples() { return {{"scalar", {}, {}}, {"tall", {7, 2}, {}}}; }
};
LOWTIDE_REGISTER(LinearPair<Identity>)

struct Reshape {
  static constexpr const char* name = "reshape";
  static constexpr const char* transposed_name = "reshape_back";
  struct Attr {
    Shape from, to;
  };
  static Tensor forward(const Tensor& x, const Attr& a) { return x.reshaped(a.to); }
  static Tensor transposed(const Tensor& y, const Attr& a) { return y.reshaped(a.from); }
  static std::vector<LinearSample<Attr>> samples() {
    const auto sample = [](const char* label, Shape from, Shape to) {
      return LinearSample<Attr>{label, from, {from, to}};
    };
    return {sample("flatten", {3, 4}, {12}), sample("fold", {12}, {2, 3, 2}), sample("empty", {0, 3}, {3, 0}),
            sample("scalar to 1x1", {}, {1, 1})};
  }
};
LOWTIDE_REGISTER(LinearPair<Reshape>)

using Axes = std::array<int, Shape::max_rank>;

Tensor permuted(const Tensor& x, const Axes& axes) {
  const int rank = x.shape.rank();
  Shape shape = x.shape;
  std::array<std::int64_t, Shape::max_rank> step{}, extent{1, 1, 1, 1}, stride{};
  std::int64_t s = 1;
  for (int a = rank - 1; a >= 0; --a) step[static_cast<std::size_t>(a)] = s, s *= x.shape[a];
  const int pad = Shape::max_rank - rank;  // leading axes of extent 1
  for (int a = 0; a < rank; ++a) {
    const auto source = static_cast<std::size_t>(axes[static_cast<std::size_t>(a)]);
    shape = shape.with(a, x.shape[static_cast<int>(source)]);
    extent[static_cast<std::size_t>(a + pad)] = shape[a];
    stride[static_cast<std::size_t>(a + pad)] = step[source];
  }
  Tensor y(shape, x.dtype);
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* from = x.data<T>();
    T* to = y.mutable_data<T>();
    for (std::int64_t i = 0; i < extent[0]; ++i)
      for (std::int64_t j = 0; j < extent[1]; ++j)
        for (std::int64_t k = 0; k < extent[2]; ++k)
          for (std::int64_t l = 0; l < extent[3]; ++l)
            *to++ = from[i * stride[0] + j * stride[1] + k * stride[2] + l * stride[3]];
  });
  return y;
}

struct Permute {
  static constexpr const char* name = "permute";
  static constexpr const char* transposed_name = "permute_back";
  struct Attr {
    Axes axes, inverse;
  };
  static Attr attr(std::span<const int> axes) {
    Attr a{};
    for (std::size_t k = 0; k < axes.size(); ++k) {
      a.axes[k] = axes[k];
      a.inverse[static_cast<std::size_t>(axes[k])] = static_cast<int>(k);
    }
    return a;
  }
  static Tensor forward(const Tensor& x, const Attr& a) { return permuted(x, a.axes); }
  static Tensor transposed(const Tensor& y, const Attr& a) { return permuted(y, a.inverse); }
  static std::vector<LinearSample<Attr>> samples() {
    const auto sample = [](const char* label, Shape shape, std::initializer_list<int> axes) {
      return LinearSample<Attr>{label, shape, attr({axes.begin(), axes.size()})};
    };
    return {sample("1x1", {1, 1}, {1, 0}),         sample("tall", {7, 2}, {1, 0}),
            sample("wide", {2, 19}, {1, 0}),       sample("cycle", {2, 3, 4}, {1, 2, 0}),
            sample("empty", {2, 0, 3}, {2, 0, 1}), sample("rank 4", {2, 3, 4, 5}, {3, 1, 0, 2})};
  }
};
LOWTIDE_REGISTER(LinearPair<Permute>)

// Copies a window between a tensor and its part along one axis.
struct Window {
  Shape whole;
  int axis;
  std::int64_t begin, end;

  Shape part() const { return whole.with(axis, end - begin); }
  template <class Move>  // move(offset in the whole, offset in the part, bytes)
  void for_runs(std::size_t width, Move move) const {
    std::size_t outer = 1, inner = width;
    for (int a = 0; a < axis; ++a) outer *= static_cast<std::size_t>(whole[a]);
    for (int a = axis + 1; a < whole.rank(); ++a) inner *= static_cast<std::size_t>(whole[a]);
    const std::size_t run = static_cast<std::size_t>(end - begin) * inner;
    if (run == 0) return;
    for (std::size_t o = 0; o < outer; ++o)
      move((o * static_cast<std::size_t>(whole[axis]) + static_cast<std::size_t>(begin)) * inner, o * run, run);
  }
};

const std::byte* bytes_of(const Tensor& x) { return x.buffer.bytes() + x.offset * size_of(x.dtype); }
std::byte* writable_bytes(Tensor& x) {
  return dispatch(x.dtype,
                  [&](auto zero) { return reinterpret_cast<std::byte*>(x.mutable_data<decltype(zero)>()); });
}

// Slicing, and padding with zeros.
struct Slice {
  static constexpr const char* name = "slice";
  static constexpr const char* transposed_name = "pad";
  using Attr = Window;
  static Tensor forward(const Tensor& x, const Attr& a) {
    if (a.axis == 0) return x.rows(a.begin, a.end);
    Tensor y(a.part(), x.dtype);
    std::byte* to = writable_bytes(y);
    a.for_runs(size_of(x.dtype), [&](std::size_t whole, std::size_t part, std::size_t n) {
      std::memcpy(to + part, bytes_of(x) + whole, n);
    });
    return y;
  }
  static Tensor transposed(const Tensor& y, const Attr& a) {
    Tensor x = zeros(a.whole, y.dtype);
    std::byte* to = writable_bytes(x);
    a.for_runs(size_of(y.dtype), [&](std::size_t whole, std::size_t part, std::size_t n) {
      std::memcpy(to + whole, bytes_of(y) + part, n);
    });
    return x;
  }
  static std::vector<LinearSample<Attr>> samples() {
    const auto sample = [](const char* label, Shape shape, int axis, std::int64_t begin, std::int64_t end) {
      return LinearSample<Attr>{label, shape, {shape, axis, begin, end}};
    };
    return {sample("vector", {9}, 0, 2, 7),      sample("nothing", {9}, 0, 4, 4),
            sample("1x1", {1, 1}, 1, 0, 1),      sample("rows", {7, 2}, 0, 3, 6),
            sample("columns", {2, 19}, 1, 5, 8), sample("middle", {2, 4, 3}, 1, 1, 3)};
  }
};
LOWTIDE_REGISTER(LinearPair<Slice>)

struct Concatenate {
  static constexpr const char* name = "concatenate";
  struct Attr {
    int axis;
  };
  // Where each piece goes.
  static std::vector<Window> windows(std::span<const Var> xs, int axis) {
    std::vector<Window> result;
    std::int64_t end = 0;
    for (const Var& x : xs) end += x.shape()[axis];
    const Shape whole = xs[0].shape().with(axis, end);
    end = 0;
    for (const Var& x : xs) {
      result.push_back({whole, axis, end, end + x.shape()[axis]});
      end += x.shape()[axis];
    }
    return result;
  }
  static Tensor forward(std::span<const Var> xs, const Attr& a) {
    const auto pieces = windows(xs, a.axis);
    Tensor y(pieces[0].whole, xs[0].dtype());
    std::byte* to = writable_bytes(y);
    for (std::size_t k = 0; k < xs.size(); ++k)
      pieces[k].for_runs(size_of(y.dtype), [&](std::size_t whole, std::size_t part, std::size_t n) {
        std::memcpy(to + whole, bytes_of(xs[k].peek()) + part, n);
      });
    return y;
  }
  static Var reference(const Vars& xs, const Attr& a) {
    const auto pieces = windows(xs, a.axis);
    Var sum;
    for (std::size_t k = 0; k < xs.size(); ++k) {
      Var padded = linear_transposed<Slice>(xs[k], pieces[k]);
      sum = sum ? sum + padded : std::move(padded);
    }
    return sum;
  }
  static void pull(const PullRule& rule, const Attr& a) {
    const auto pieces = windows(rule.xs, a.axis);
    for (std::size_t k = 0; k < rule.xs.size(); ++k)
      if (rule.wants(k)) rule.add(k, linear<Slice>(rule.ybar, pieces[k]));
  }
  static std::vector<Sample> samples() {
    std::vector<Sample> result;
    const Stream root(1, name);
    const auto add = [&](const char* label, std::initializer_list<Shape> shapes, int axis) {
      Tensors xs;
      for (const Shape& shape : shapes)
        xs.push_back(root.child(label, xs.size()).uniform(shape, Dtype::f64, -1, 1));
      result.push_back({label, xs, [axis](const Vars& vars) { return concatenate(vars, axis); }});
    };
    add("one", {{3}}, 0);
    add("vectors", {{3}, {1}, {4}}, 0);
    add("an empty piece", {{2, 3}, {0, 3}}, 0);
    add("columns", {{2, 3}, {2, 1}}, 1);
    add("middle", {{2, 1, 3}, {2, 2, 3}}, -2);
    add("equal shapes", {{2, 2}, {2, 2}}, 1);
    return result;
  }
};
LOWTIDE_REGISTER(Composite<Concatenate>)

struct Cast {
  static constexpr const char* name = "cast";
  static constexpr const char* transposed_name = "cast_back";
  struct Attr {
    Dtype from, to;
  };
  static Tensor forward(const Tensor& x, const Attr& a) { return x.cast(a.to); }
  static Tensor transposed(const Tensor& y, const Attr& a) { return y.cast(a.from); }
  // There and back again, since tests compare in one dtype.
  static std::vector<Sample> samples() {
    const auto round_trip = [](const Vars& xs) {
      const Dtype own = xs[0].dtype(), other = own == Dtype::f64 ? Dtype::f32 : Dtype::f64;
      return linear_transposed<Cast>(cast(xs[0], other), {own, other});
    };
    Stream stream(1, name);
    std::vector<Sample> result;
    for (const Shape& shape : {Shape{7, 2}, Shape{}, Shape{0}})
      result.push_back({to_string(shape), {stream.uniform(shape, Dtype::f64, -1, 1)}, round_trip, false, 6e-8});
    return result;
  }
};

LOWTIDE_REGISTER(LinearPair<Cast>)

struct StopGradient {
  static constexpr const char* name = "stop_gradient";
  struct Attr {};
  static Tensor forward(std::span<const Var> xs, const Attr&) { return xs[0].peek(); }
  static std::vector<Sample> samples() {
    Stream stream(1, name);
    return {{"tall", {stream.uniform({7, 2}, Dtype::f64, -1, 1)}, [](const Vars& xs) {
               return stop_gradient(xs[0]);
             }}};
  }
};
LOWTIDE_REGISTER(Nondifferentiable<StopGradient>)

}  // namespace

Var identity(const Var& x) { return linear<Identity>(x, {}); }
Var stop_gradient(const Var& x) { return Var(nondifferentiable<StopGradient>({x}).peek()); }
Var reshape(const Var& x, const Shape& shape) { return linear<Reshape>(x, {x.shape(), shape}); }
Var cast(const Var& x, Dtype dtype) { return linear<Cast>(x, {x.dtype(), dtype}); }

Var permute(const Var& x, std::vector<int> axes) {
  std::vector<int> sorted = axes;
  for (int& axis : axes) axis = checked_axis("permute", x.shape(), axis);
  sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  if (static_cast<int>(axes.size()) != x.shape().rank() ||
      std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    fail<ShapeError>("permute", fmt::format("the axes ({}) do not name each axis of {} once",
                                            fmt::join(axes, ","), to_string(x.shape())));
  return linear<Permute>(x, Permute::attr(axes));
}

Var transpose(const Var& x) {
  if (x.shape().rank() != 2) fail<ShapeError>("transpose", to_string(x.shape()) + " is not a matrix");
  return permute(x, {1, 0});
}

Var slice(const Var& x, int axis, std::int64_t begin, std::int64_t end) {
  const int a = checked_axis("slice", x.shape(), axis);
  if (begin < 0 || end < begin || end > x.shape()[a])
    fail<ShapeError>("slice", fmt::format("{} to {} along axis {} of {}", begin, end, a, to_string(x.shape())));
  return linear<Slice>(x, {x.shape(), a, begin, end});
}

Var concatenate(const Vars& xs, int axis) {
  if (xs.empty()) fail<ShapeError>("concatenate", "of nothing");
  const int a = checked_axis("concatenate", xs[0].shape(), axis);
  for (const Var& x : xs)
    if (x.shape().rank() != xs[0].shape().rank() || !(x.shape().with(a, 0) == xs[0].shape().with(a, 0)))
      fail<ShapeError>("concatenate", fmt::format("{} and {} differ beside axis {}", to_string(xs[0].shape()),
                                                  to_string(x.shape()), a));
  return composite<Concatenate>(xs, {a});
}

}  // namespace lowtide
