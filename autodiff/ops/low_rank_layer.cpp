// The layer of a low-rank neural representation, y = U (s1 o VT z) + B s2 for the rows z of a tile
// (LRNR, equations 2.8 to 2.10), in the cheaper order of multiplication:
//   factored   p = z V, q = p o s1, y = q UT          2 n r (m + w) flops
//   assembled  A = V diag(s1) UT (m,w), y = z A       2 m r w + 2 n m w flops
// Assembled wins where the layer's input or output is thin, as in the first and the last layer.
#include <fmt/format.h>
#include <lowtide/autodiff/composite.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/broadcast.h>
#include <lowtide/linalg/random.h>

#include <algorithm>

namespace lowtide {
namespace {

enum Input { Z, U, V, B, S1, S2 };

struct Extents {
  std::int64_t n, m, w, r, q;  // points, input width, output width, rank of the weight, rank of the bias

  explicit Extents(std::span<const Var> xs)
      : n(xs[Z].shape()[0]), m(xs[V].shape()[0]), w(xs[U].shape()[0]), r(xs[S1].size()), q(xs[S2].size()) {}
  bool assembled() const { return m * r * w + n * m * w < n * r * (m + w); }
};

void check_shapes(std::span<const Var> xs) {
  const Shape &z = xs[Z].shape(), &u = xs[U].shape(), &v = xs[V].shape(), &b = xs[B].shape(),
              &s1 = xs[S1].shape(), &s2 = xs[S2].shape();
  const bool ranks =
      z.rank() == 2 && u.rank() == 2 && v.rank() == 2 && b.rank() == 2 && s1.rank() == 1 && s2.rank() == 1;
  if (!ranks || z[1] != v[0] || u[1] != s1[0] || v[1] != s1[0] || b[0] != u[0] || b[1] != s2[0])
    fail<ShapeError>(
        "low_rank_layer",
        fmt::format("z {}, U {}, V {}, B {}, s1 {}, s2 {} do not make (n,m), (w,r), (m,r), (w,q), (r), (q)",
                    to_string(z), to_string(u), to_string(v), to_string(b), to_string(s1), to_string(s2)));
}

// A diag(s) for A (rows, r)
template <class T>
void scale_columns(const T* a, const T* s, T* to, std::int64_t rows, std::int64_t r) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < r; ++j) to[i * r + j] = a[i * r + j] * s[j];
}

// sbar_j += sum_i a_ij b_ij
template <class T>
void add_column_dots(const T* a, const T* b, T* sbar, std::int64_t rows, std::int64_t r) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < r; ++j) sbar[j] += a[i * r + j] * b[i * r + j];
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
    Tensor p, q;       // factored: kept for the pull
    Tensor scaled, a;  // assembled: V diag(s1), A
  };

  static Tensor forward(std::span<const Var> xs, Attr& keep) {
    check_shapes(xs);
    const Extents e(xs);
    const Dtype dtype = xs[Z].dtype();
    Tensor y({e.n, e.w}, dtype);
    dispatch(dtype, [&](auto zero) {
      using T = decltype(zero);
      const auto in = [&](Input i) { return xs[i].peek().data<T>(); };
      T* to = y.mutable_data<T>();
      if (e.n == 0) return;
      // Bias first, product added to it.
      blas::gemv(Trans::no, e.w, e.q, T{1}, in(B), e.q, in(S2), T{0}, to);
      for (std::int64_t i = 1; i < e.n; ++i) std::copy_n(to, e.w, to + i * e.w);
      if (e.assembled()) {
        keep.scaled = Tensor({e.m, e.r}, dtype);
        keep.a = Tensor({e.m, e.w}, dtype);
        T *scaled = keep.scaled.mutable_data<T>(), *a = keep.a.mutable_data<T>();
        scale_columns(in(V), in(S1), scaled, e.m, e.r);
        blas::gemm(Trans::no, Trans::yes, e.m, e.w, e.r, T{1}, scaled, e.r, in(U), e.r, T{0}, a, e.w);
        blas::gemm(Trans::no, Trans::no, e.n, e.w, e.m, T{1}, in(Z), e.m, a, e.w, T{1}, to, e.w);
      } else {
        keep.p = Tensor({e.n, e.r}, dtype);
        keep.q = Tensor({e.n, e.r}, dtype);
        T *p = keep.p.mutable_data<T>(), *q = keep.q.mutable_data<T>();
        blas::gemm(Trans::no, Trans::no, e.n, e.r, e.m, T{1}, in(Z), e.m, in(V), e.r, T{0}, p, e.r);
        scale_columns(p, in(S1), q, e.n, e.r);
        blas::gemm(Trans::no, Trans::yes, e.n, e.w, e.r, T{1}, q, e.r, in(U), e.r, T{1}, to, e.w);
      }
    });
    return y;
  }

  static Var reference(const Vars& xs, const Attr&) {
    const Var bias = matmul(xs[B], reshape(xs[S2], {xs[S2].size(), 1}));
    return matmul(matmul(xs[Z], xs[V]) * xs[S1], xs[U], Trans::no, Trans::yes) + reshape(bias, {bias.size()});
  }

  static void pull(const PullRule& rule, const Attr& keep) {
    const Extents e(rule.xs);
    if (e.n == 0) return;
    dispatch(rule.y.dtype(), [&](auto zero) {
      using T = decltype(zero);
      pull_bias<T>(rule, e);
      if (e.assembled())
        pull_assembled<T>(rule, e, keep);
      else
        pull_factored<T>(rule, e, keep);
    });
  }

  template <class T>
  static void pull_bias(const PullRule& rule, const Extents& e) {
    if (!rule.wants(B) && !rule.wants(S2)) return;
    const Tensor sum = sum_to_shape(rule.ybar.peek(), {e.w});
    if (rule.wants(B))
      blas::ger(e.w, e.q, T{1}, sum.data<T>(), rule.x(S2).data<T>(), clear_if_fresh<T>(rule.target(B)), e.q);
    if (rule.wants(S2)) {
      const auto bar = rule.target(S2);
      blas::gemv(Trans::yes, e.w, e.q, T{1}, rule.x(B).data<T>(), e.q, sum.data<T>(),
                 static_cast<T>(bar.beta()), bar.value.mutable_data<T>());
    }
  }

  template <class T>
  static void pull_factored(const PullRule& rule, const Extents& e, const Attr& keep) {
    const auto in = [&](Input i) { return rule.x(i).data<T>(); };
    const T* ybar = rule.ybar.peek().data<T>();
    if (rule.wants(U)) {
      const auto bar = rule.target(U);
      blas::gemm(Trans::yes, Trans::no, e.w, e.r, e.n, T{1}, ybar, e.w, keep.q.data<T>(), e.r,
                 static_cast<T>(bar.beta()), bar.value.mutable_data<T>(), e.r);
    }
    if (!rule.wants(Z) && !rule.wants(V) && !rule.wants(S1)) return;
    Tensor qbar({e.n, e.r}, rule.y.dtype());
    T* qb = qbar.mutable_data<T>();
    blas::gemm(Trans::no, Trans::no, e.n, e.r, e.w, T{1}, ybar, e.w, in(U), e.r, T{0}, qb, e.r);
    if (rule.wants(S1)) add_column_dots(qb, keep.p.data<T>(), clear_if_fresh<T>(rule.target(S1)), e.n, e.r);
    scale_columns(qb, in(S1), qb, e.n, e.r);  // now pbar
    if (rule.wants(Z)) {
      const auto bar = rule.target(Z);
      blas::gemm(Trans::no, Trans::yes, e.n, e.m, e.r, T{1}, qb, e.r, in(V), e.r, static_cast<T>(bar.beta()),
                 bar.value.mutable_data<T>(), e.m);
    }
    if (rule.wants(V)) {
      const auto bar = rule.target(V);
      blas::gemm(Trans::yes, Trans::no, e.m, e.r, e.n, T{1}, in(Z), e.m, qb, e.r, static_cast<T>(bar.beta()),
                 bar.value.mutable_data<T>(), e.r);
    }
  }

  template <class T>
  static void pull_assembled(const PullRule& rule, const Extents& e, const Attr& keep) {
    const auto in = [&](Input i) { return rule.x(i).data<T>(); };
    const T* ybar = rule.ybar.peek().data<T>();
    if (rule.wants(Z)) {
      const auto bar = rule.target(Z);
      blas::gemm(Trans::no, Trans::yes, e.n, e.m, e.w, T{1}, ybar, e.w, keep.a.data<T>(), e.w,
                 static_cast<T>(bar.beta()), bar.value.mutable_data<T>(), e.m);
    }
    if (!rule.wants(U) && !rule.wants(V) && !rule.wants(S1)) return;
    Tensor abar({e.m, e.w}, rule.y.dtype());
    T* ab = abar.mutable_data<T>();
    blas::gemm(Trans::yes, Trans::no, e.m, e.w, e.n, T{1}, in(Z), e.m, ybar, e.w, T{0}, ab, e.w);
    if (rule.wants(U)) {
      const auto bar = rule.target(U);
      blas::gemm(Trans::yes, Trans::no, e.w, e.r, e.m, T{1}, ab, e.w, keep.scaled.data<T>(), e.r,
                 static_cast<T>(bar.beta()), bar.value.mutable_data<T>(), e.r);
    }
    if (!rule.wants(V) && !rule.wants(S1)) return;
    Tensor product({e.m, e.r}, rule.y.dtype());  // Abar U
    T* au = product.mutable_data<T>();
    blas::gemm(Trans::no, Trans::no, e.m, e.r, e.w, T{1}, ab, e.w, in(U), e.r, T{0}, au, e.r);
    if (rule.wants(S1)) add_column_dots(in(V), au, clear_if_fresh<T>(rule.target(S1)), e.m, e.r);
    if (rule.wants(V)) {
      scale_columns(au, in(S1), au, e.m, e.r);
      rule.add(V, Var(std::move(product)));
    }
  }

  static std::vector<Sample> samples() {
    std::vector<Sample> result;
    const auto add = [&](const char* label, std::int64_t n, std::int64_t m, std::int64_t w, std::int64_t r,
                         std::int64_t q) {
      const Stream root = Stream(1, name).child(label);
      Tensors xs;
      for (const Shape& shape : {Shape{n, m}, Shape{w, r}, Shape{m, r}, Shape{w, q}, Shape{r}, Shape{q}})
        xs.push_back(root.child("x", xs.size()).uniform(shape, Dtype::f64, -1, 1));
      result.push_back(
          {label, xs, [](const Vars& v) { return low_rank_layer(v[Z], v[U], v[V], v[B], v[S1], v[S2]); }});
    };
    add("factored", 5, 7, 6, 2, 3);
    add("assembled, thin input", 9, 1, 6, 4, 2);
    add("assembled, thin output", 9, 7, 1, 5, 3);
    add("square", 3, 3, 3, 3, 3);
    add("1x1", 1, 1, 1, 1, 1);
    add("no points", 0, 2, 3, 2, 1);
    add("no rank", 4, 2, 3, 0, 2);
    add("no bias", 4, 2, 3, 2, 0);
    return result;
  }
};
LOWTIDE_REGISTER(Composite<LowRankLayer>)

}  // namespace

Var low_rank_layer(const Var& z, const Var& u, const Var& v, const Var& b, const Var& s1, const Var& s2) {
  return composite<LowRankLayer>({z, u, v, b, s1, s2});
}

}  // namespace lowtide
