// The layer of a low-rank neural representation, sigma(U (s1 o VT z) + B s2) for the rows z of a tile
// (LRNR, equations 2.1 and 2.8 to 2.10), in the cheaper order of multiplication:
//   factored   pT = v zT, qT = s1 o pT, y = q u       2 n r (m + w) flops
//   assembled  A = vT diag(s1) u (m,w), y = z A       2 m r w + 2 n m w flops
// Assembled wins where the layer's input or output is thin, as in the first and the last layer.
// p and q are kept transposed, so that all products run along rows.
#include "layer_activation.h"

#include <fmt/format.h>
#include <lowtide/autodiff/composite.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/random.h>

#include <algorithm>

namespace lowtide {
namespace {

enum Input { Z, U, V, B, S1, S2 };

struct Extents {
  std::int64_t n, m, w, r, q;  // points, input width, output width, rank of the weight, rank of the bias

  explicit Extents(std::span<const Var> xs)
      : n(xs[Z].shape()[0]), m(xs[V].shape()[1]), w(xs[U].shape()[1]), r(xs[S1].size()), q(xs[S2].size()) {}
  bool assembled() const { return m * r * w + n * m * w < n * r * (m + w); }
};

void check_shapes(std::span<const Var> xs) {
  const Shape &z = xs[Z].shape(), &u = xs[U].shape(), &v = xs[V].shape(), &b = xs[B].shape(),
              &s1 = xs[S1].shape(), &s2 = xs[S2].shape();
  const bool ranks =
      z.rank() == 2 && u.rank() == 2 && v.rank() == 2 && b.rank() == 2 && s1.rank() == 1 && s2.rank() == 1;
  if (!ranks || z[1] != v[1] || u[0] != s1[0] || v[0] != s1[0] || b[1] != u[1] || b[0] != s2[0])
    fail<ShapeError>(
        "low_rank_layer",
        fmt::format("z {}, u {}, v {}, b {}, s1 {}, s2 {} do not make (n,m), (r,w), (r,m), (q,w), (r), (q)",
                    to_string(z), to_string(u), to_string(v), to_string(b), to_string(s1), to_string(s2)));
}

// diag(s) A for A (r,n)
template <class T>
void scale_rows(const T* a, const T* s, T* to, std::int64_t r, std::int64_t n) {
  for (std::int64_t i = 0; i < r; ++i)
    for (std::int64_t j = 0; j < n; ++j) to[i * n + j] = s[i] * a[i * n + j];
}

// sbar_i += a_i . b_i, row by row
template <class T>
void add_row_dots(const T* a, const T* b, T* sbar, std::int64_t r, std::int64_t n) {
  for (std::int64_t i = 0; i < r; ++i) sbar[i] += blas::dot(n, a + i * n, b + i * n);
}

template <class T>
T* clear_if_fresh(const PullRule::Target& target) {
  T* to = target.value.mutable_data<T>();
  if (target.fresh) std::fill_n(to, target.value.size(), T{0});
  return to;
}

struct LowRankLayer {
  static constexpr const char* name = "low_rank_layer";
  struct Attr {
    LayerActivation activation;
    Tensor p{}, q{};       // factored: pT, qT
    Tensor scaled{}, a{};  // assembled: diag(s1) v, A
  };

  static Tensor forward(std::span<const Var> xs, Attr& keep) {
    check_shapes(xs);
    const Extents e(xs);
    Tensor y({e.n, e.w}, xs[Z].dtype());
    if (e.n == 0) return y;
    dispatch(y.dtype, [&](auto zero) {
      using T = decltype(zero);
      T* to = y.mutable_data<T>();
      // Bias first, product added to it.
      blas::gemv(Trans::yes, e.q, e.w, T{1}, xs[B].peek().data<T>(), e.w, xs[S2].peek().data<T>(), T{0}, to);
      for (std::int64_t i = 1; i < e.n; ++i) std::copy_n(to, e.w, to + i * e.w);
      e.assembled() ? add_assembled(xs, e, keep, to) : add_factored(xs, e, keep, to);
    });
    return keep.activation.apply(std::move(y));
  }

  template <class T>
  static void add_factored(std::span<const Var> xs, const Extents& e, Attr& keep, T* y) {
    const auto in = [&](Input i) { return xs[i].peek().data<T>(); };
    keep.p = Tensor({e.r, e.n}, dtype_of<T>);
    keep.q = Tensor({e.r, e.n}, dtype_of<T>);
    T *p = keep.p.mutable_data<T>(), *q = keep.q.mutable_data<T>();
    blas::gemm(Trans::no, Trans::yes, e.r, e.n, e.m, T{1}, in(V), e.m, in(Z), e.m, T{0}, p, e.n);
    scale_rows(p, in(S1), q, e.r, e.n);
    blas::gemm(Trans::yes, Trans::no, e.n, e.w, e.r, T{1}, q, e.n, in(U), e.w, T{1}, y, e.w);
  }

  template <class T>
  static void add_assembled(std::span<const Var> xs, const Extents& e, Attr& keep, T* y) {
    const auto in = [&](Input i) { return xs[i].peek().data<T>(); };
    keep.scaled = Tensor({e.r, e.m}, dtype_of<T>);
    keep.a = Tensor({e.m, e.w}, dtype_of<T>);
    T *scaled = keep.scaled.mutable_data<T>(), *a = keep.a.mutable_data<T>();
    scale_rows(in(V), in(S1), scaled, e.r, e.m);
    blas::gemm(Trans::yes, Trans::no, e.m, e.w, e.r, T{1}, scaled, e.m, in(U), e.w, T{0}, a, e.w);
    blas::gemm(Trans::no, Trans::no, e.n, e.w, e.m, T{1}, in(Z), e.m, a, e.w, T{1}, y, e.w);
  }

  static Var reference(const Vars& xs, const Attr& keep) {
    const Var bias = matmul(reshape(xs[S2], {1, xs[S2].size()}), xs[B]);
    const Var y =
        matmul(matmul(xs[Z], xs[V], Trans::no, Trans::yes) * xs[S1], xs[U]) + reshape(bias, {bias.size()});
    return activate(keep.activation.activation, y);
  }

  static void pull(const PullRule& rule, const Attr& keep) {
    const Extents e(rule.xs);
    if (e.n == 0 || e.w == 0) return;
    dispatch(rule.y.dtype(), [&](auto zero) {
      using T = decltype(zero);
      Tensor bias;
      const Tensor ybar = keep.activation.template pull<T>(rule, bias);
      if (rule.wants(B))
        blas::ger(e.q, e.w, T{1}, rule.x(S2).data<T>(), bias.data<T>(), clear_if_fresh<T>(rule.target(B)), e.w);
      if (rule.wants(S2)) {
        const auto bar = rule.target(S2);
        blas::gemv(Trans::no, e.q, e.w, T{1}, rule.x(B).data<T>(), e.w, bias.data<T>(),
                   static_cast<T>(bar.beta()), bar.value.mutable_data<T>());
      }
      e.assembled() ? pull_assembled<T>(rule, e, keep, ybar.data<T>())
                    : pull_factored<T>(rule, e, keep, ybar.data<T>());
    });
  }

  template <class T>
  static void pull_factored(const PullRule& rule, const Extents& e, const Attr& keep, const T* ybar) {
    const auto in = [&](Input i) { return rule.x(i).data<T>(); };
    if (rule.wants(U)) {
      const auto bar = rule.target(U);
      blas::gemm(Trans::no, Trans::no, e.r, e.w, e.n, T{1}, keep.q.data<T>(), e.n, ybar, e.w,
                 static_cast<T>(bar.beta()), bar.value.mutable_data<T>(), e.w);
    }
    if (!rule.wants(Z) && !rule.wants(V) && !rule.wants(S1)) return;
    Tensor qbar({e.r, e.n}, dtype_of<T>);
    T* bar_t = qbar.mutable_data<T>();
    blas::gemm(Trans::no, Trans::yes, e.r, e.n, e.w, T{1}, in(U), e.w, ybar, e.w, T{0}, bar_t, e.n);
    if (rule.wants(S1)) add_row_dots(bar_t, keep.p.data<T>(), clear_if_fresh<T>(rule.target(S1)), e.r, e.n);
    scale_rows(bar_t, in(S1), bar_t, e.r, e.n);  // now of p
    if (rule.wants(Z)) {
      const auto bar = rule.target(Z);
      blas::gemm(Trans::yes, Trans::no, e.n, e.m, e.r, T{1}, bar_t, e.n, in(V), e.m, static_cast<T>(bar.beta()),
                 bar.value.mutable_data<T>(), e.m);
    }
    if (rule.wants(V)) {
      const auto bar = rule.target(V);
      blas::gemm(Trans::no, Trans::no, e.r, e.m, e.n, T{1}, bar_t, e.n, in(Z), e.m, static_cast<T>(bar.beta()),
                 bar.value.mutable_data<T>(), e.m);
    }
  }

  template <class T>
  static void pull_assembled(const PullRule& rule, const Extents& e, const Attr& keep, const T* ybar) {
    const auto in = [&](Input i) { return rule.x(i).data<T>(); };
    if (rule.wants(Z)) {
      const auto bar = rule.target(Z);
      blas::gemm(Trans::no, Trans::yes, e.n, e.m, e.w, T{1}, ybar, e.w, keep.a.data<T>(), e.w,
                 static_cast<T>(bar.beta()), bar.value.mutable_data<T>(), e.m);
    }
    if (!rule.wants(U) && !rule.wants(V) && !rule.wants(S1)) return;
    Tensor abar({e.m, e.w}, dtype_of<T>);
    T* ab = abar.mutable_data<T>();
    blas::gemm(Trans::yes, Trans::no, e.m, e.w, e.n, T{1}, in(Z), e.m, ybar, e.w, T{0}, ab, e.w);
    if (rule.wants(U)) {
      const auto bar = rule.target(U);
      blas::gemm(Trans::no, Trans::no, e.r, e.w, e.m, T{1}, keep.scaled.data<T>(), e.m, ab, e.w,
                 static_cast<T>(bar.beta()), bar.value.mutable_data<T>(), e.w);
    }
    if (!rule.wants(V) && !rule.wants(S1)) return;
    Tensor product({e.r, e.m}, dtype_of<T>);  // u AbarT
    T* ua = product.mutable_data<T>();
    blas::gemm(Trans::no, Trans::yes, e.r, e.m, e.w, T{1}, in(U), e.w, ab, e.w, T{0}, ua, e.m);
    if (rule.wants(S1)) add_row_dots(in(V), ua, clear_if_fresh<T>(rule.target(S1)), e.r, e.m);
    if (rule.wants(V)) {
      scale_rows(ua, in(S1), ua, e.r, e.m);
      rule.add(V, Var(std::move(product)));
    }
  }

  static std::vector<Sample> samples() {
    std::vector<Sample> result;
    const auto add = [&](const char* label, std::int64_t n, std::int64_t m, std::int64_t w, std::int64_t r,
                         std::int64_t q, Activation activation = Activation::none) {
      const Stream root = Stream(1, name).child(label);
      Tensors xs;
      for (const Shape& shape : {Shape{n, m}, Shape{r, w}, Shape{r, m}, Shape{q, w}, Shape{r}, Shape{q}})
        xs.push_back(root.child("x", xs.size()).uniform(shape, Dtype::f64, -1, 1));
      result.push_back({label, xs, [activation](const Vars& v) {
                          return low_rank_layer(v[Z], v[U], v[V], v[B], v[S1], v[S2], activation);
                        }});
    };
    add("factored", 5, 7, 6, 2, 3);
    add("factored, tanh", 5, 7, 6, 2, 3, Activation::tanh);
    add("factored, sin", 5, 7, 6, 2, 3, Activation::sin);
    add("factored, silu", 5, 7, 6, 2, 3, Activation::silu);
    add("factored, relu", 2, 7, 3, 1, 2, Activation::relu);
    add("assembled, thin input", 9, 1, 6, 4, 2, Activation::tanh);
    add("assembled, thin output", 9, 7, 1, 5, 3);
    add("square", 3, 3, 3, 3, 3);
    add("1x1", 1, 1, 1, 1, 1);
    add("no points", 0, 2, 3, 2, 1, Activation::tanh);
    add("no rank", 4, 2, 3, 0, 2);
    add("no bias", 4, 2, 3, 2, 0);
    return result;
  }
};
LOWTIDE_REGISTER(Composite<LowRankLayer>)

}  // namespace

Var low_rank_layer(const Var& z, const Var& u, const Var& v, const Var& b, const Var& s1, const Var& s2,
                   Activation activation) {
  return composite<LowRankLayer>({z, u, v, b, s1, s2}, {.activation = {activation}});
}

}  // namespace lowtide
