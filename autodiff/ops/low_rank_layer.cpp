// The layer of a low-rank neural representation, sigma(U (s1 o VT z) + B s2) for the rows z of a tile
// (LRNR, equations 2.1 and 2.8 to 2.10), in the cheaper order of multiplication:
//   factored   p = z vT, q = s1 o p, y = q u          2 n r (m + w) flops
//   assembled  A = vT diag(s1) u (m,w), y = z A       2 m r w + 2 p m w flops a frame of p points
// Assembled wins where the layer's input or output is thin, as in the first and the last layer.
// A tile may hold several frames with coefficients of their own; what does not depend on them is multiplied
// for all frames at once.
#include "layer_activation.h"

#include <fmt/format.h>
#include <lowtide/autodiff/composite.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/random.h>

#include <algorithm>
#include <cstdlib>

namespace lowtide {
namespace {

enum Input { Z, U, V, B, S1, S2 };

struct Extents {
  std::int64_t frames, n, p;  // points in all, points of a frame
  std::int64_t m, w, r, q;    // input width, output width, rank of the weight, rank of the bias

  explicit Extents(std::span<const Var> xs)
      : frames(xs[S1].shape().rank() == 2 ? xs[S1].shape()[0] : 1),
        n(xs[Z].shape()[0]),
        p(frames == 0 ? 0 : n / frames),
        m(xs[V].shape()[1]),
        w(xs[U].shape()[1]),
        r(xs[U].shape()[0]),
        q(xs[B].shape()[0]) {}
  bool assembled() const { return m * r * w + p * m * w < p * r * (m + w); }

  // Of the two factors of a weight, the thinner one takes the scaling where they are assembled.
  bool thin_input() const { return m <= w; }
  Input thin_factor() const { return thin_input() ? V : U; }
  Input wide_factor() const { return thin_input() ? U : V; }
  std::int64_t thin() const { return std::min(m, w); }
  std::int64_t wide() const { return std::max(m, w); }
};

void check_shapes(std::span<const Var> xs) {
  const Shape &z = xs[Z].shape(), &u = xs[U].shape(), &v = xs[V].shape(), &b = xs[B].shape(),
              &s1 = xs[S1].shape(), &s2 = xs[S2].shape();
  const bool several = s1.rank() == 2, matrices = z.rank() == 2 && u.rank() == 2 && v.rank() == 2 &&
                                                  b.rank() == 2 && (several || s1.rank() == 1) &&
                                                  s2.rank() == s1.rank();
  if (!matrices || z[1] != v[1] || u[0] != s1[several] || v[0] != s1[several] || b[1] != u[1] ||
      b[0] != s2[several] || (several && s1[0] != s2[0]))
    fail<ShapeError>(
        "low_rank_layer",
        fmt::format("z {}, u {}, v {}, b {}, s1 {}, s2 {} do not make (n,m), (r,w), (r,m), (q,w), {}",
                    to_string(z), to_string(u), to_string(v), to_string(b), to_string(s1), to_string(s2),
                    several ? "(F,r), (F,q)" : "(r), (q)"));
  if (several && (s1[0] == 0 ? z[0] != 0 : z[0] % s1[0] != 0))
    fail<ShapeError>("low_rank_layer",
                     fmt::format("the rows of z {} are not equally many for each of the frames of s1 {}",
                                 to_string(z), to_string(s1)));
}

// a bT for a (n,k) and b (w,k). A transposed copy of a small factor makes the product faster, and is worth
// its cost for some rows of a.
template <class T>
void times_transposed(std::int64_t n, std::int64_t w, std::int64_t k, const T* a, const T* b, T* to) {
  constexpr std::int64_t some = 128, small = 1 << 15;
  if (n < some || k * w > small)
    return blas::gemm(Trans::no, Trans::yes, n, w, k, T{1}, a, k, b, k, T{0}, to, w);
  Tensor copy({k, w}, dtype_of<T>);
  T* bt = copy.mutable_data<T>();
  std::int64_t j = 0;
  for (; j + 4 <= w; j += 4) {  // four rows of b at a time
    const T* row = b + j * k;
    for (std::int64_t i = 0; i < k; ++i)
      for (std::int64_t l = 0; l < 4; ++l) bt[i * w + j + l] = row[l * k + i];
  }
  for (; j < w; ++j)
    for (std::int64_t i = 0; i < k; ++i) bt[i * w + j] = b[j * k + i];
  blas::gemm(Trans::no, Trans::no, n, w, k, T{1}, a, k, bt, w, T{0}, to, w);
}

// a diag(s)
template <class T>
void scale_columns(const T* __restrict a, const T* __restrict s, T* __restrict to, std::int64_t n,
                   std::int64_t r) {
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < r; ++j) to[i * r + j] = s[j] * a[i * r + j];
}
template <class T>
void scale_columns(T* __restrict a, const T* __restrict s, std::int64_t n, std::int64_t r) {
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < r; ++j) a[i * r + j] *= s[j];
}

// sbar_j += a_j . b_j, column by column, and then a diag(s): one pass.
template <class T>
void add_dots_and_scale(T* __restrict a, const T* __restrict b, const T* __restrict s, T* __restrict sbar,
                        std::int64_t n, std::int64_t r) {
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < r; ++j) {
      sbar[j] += a[i * r + j] * b[i * r + j];
      a[i * r + j] *= s[j];
    }
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
    Tensor p{}, q{};       // factored
    Tensor scaled{}, a{};  // assembled: s1 o the thin factor, (F,thin,r); A or its transpose, (F,thin,wide)
  };

  static Tensor forward(std::span<const Var> xs, Attr& keep) {
    check_shapes(xs);
    const Extents e(xs);
    Tensor y({e.n, e.w}, xs[Z].dtype());
    if (e.n == 0) return y;
    dispatch(y.dtype, [&](auto zero) {
      using T = decltype(zero);
      T* to = y.mutable_data<T>();
      // Bias first, product added to it: (F,q) x (q,w) into the first row of each frame, from there to all.
      blas::gemm(Trans::no, Trans::no, e.frames, e.w, e.q, T{1}, xs[S2].peek().data<T>(), e.q,
                 xs[B].peek().data<T>(), e.w, T{0}, to, e.p * e.w);
      for (std::int64_t i = 0; i < e.n; i += e.p)
        for (std::int64_t j = 1; j < e.p; ++j) std::copy_n(to + i * e.w, e.w, to + (i + j) * e.w);
      e.assembled() ? add_assembled(xs, e, keep, to) : add_factored(xs, e, keep, to);
    });
    return keep.activation.apply(std::move(y));
  }

  template <class T>
  static void add_factored(std::span<const Var> xs, const Extents& e, Attr& keep, T* y) {
    const auto in = [&](Input i) { return xs[i].peek().data<T>(); };
    keep.p = Tensor({e.n, e.r}, dtype_of<T>);
    keep.q = Tensor({e.n, e.r}, dtype_of<T>);
    T *p = keep.p.mutable_data<T>(), *q = keep.q.mutable_data<T>();
    times_transposed(e.n, e.r, e.m, in(Z), in(V), p);
    for (std::int64_t f = 0; f < e.frames; ++f)
      scale_columns(p + f * e.p * e.r, in(S1) + f * e.r, q + f * e.p * e.r, e.p, e.r);
    blas::gemm(Trans::no, Trans::no, e.n, e.w, e.r, T{1}, q, e.r, in(U), e.w, T{1}, y, e.w);
  }

  template <class T>
  static void add_assembled(std::span<const Var> xs, const Extents& e, Attr& keep, T* y) {
    const auto in = [&](Input i) { return xs[i].peek().data<T>(); };
    const std::int64_t rows = e.frames * e.thin();
    keep.scaled = Tensor({rows, e.r}, dtype_of<T>);
    keep.a = Tensor({rows, e.wide()}, dtype_of<T>);
    T *scaled = keep.scaled.mutable_data<T>(), *a = keep.a.mutable_data<T>();
    const T *thin = in(e.thin_factor()), *s1 = in(S1);
    for (std::int64_t k = 0; k < rows; ++k)
      for (std::int64_t i = 0; i < e.r; ++i)
        scaled[k * e.r + i] = s1[k / e.thin() * e.r + i] * thin[i * e.thin() + k % e.thin()];
    blas::gemm(Trans::no, Trans::no, rows, e.wide(), e.r, T{1}, scaled, e.r, in(e.wide_factor()), e.wide(),
               T{0}, a, e.wide());
    const T* z = in(Z);
    for (std::int64_t f = 0; f < e.frames; ++f, z += e.p * e.m, y += e.p * e.w, a += e.m * e.w)
      blas::gemm(Trans::no, e.thin_input() ? Trans::no : Trans::yes, e.p, e.w, e.m, T{1}, z, e.m, a, e.wide(),
                 T{1}, y, e.w);
  }

  static Var reference(const Vars& xs, const Attr& keep) {
    const Extents e(xs);
    const Var s1 = reshape(xs[S1], {e.frames, 1, e.r}), s2 = reshape(xs[S2], {e.frames, e.q});
    const Var p = matmul(xs[Z], xs[V], Trans::no, Trans::yes);
    const Var q = reshape(reshape(p, {e.frames, e.p, e.r}) * s1, {e.n, e.r});
    const Var bias = reshape(matmul(s2, xs[B]), {e.frames, 1, e.w});
    const Var y = reshape(reshape(matmul(q, xs[U]), {e.frames, e.p, e.w}) + bias, {e.n, e.w});
    return activate(keep.activation.activation, y);
  }

  static void pull(const PullRule& rule, const Attr& keep) {
    const Extents e(rule.xs);
    if (e.n == 0 || e.w == 0) return;
    dispatch(rule.y.dtype(), [&](auto zero) {
      using T = decltype(zero);
      Tensor bias({e.frames, e.w}, dtype_of<T>);
      const Tensor ybar = keep.activation.template pull<T>(rule, bias);
      if (rule.wants(B)) {
        const auto bar = rule.target(B);
        blas::gemm(Trans::yes, Trans::no, e.q, e.w, e.frames, T{1}, rule.x(S2).data<T>(), e.q, bias.data<T>(),
                   e.w, static_cast<T>(bar.beta()), bar.value.mutable_data<T>(), e.w);
      }
      if (rule.wants(S2)) {
        const auto bar = rule.target(S2);
        blas::gemm(Trans::no, Trans::yes, e.frames, e.q, e.w, T{1}, bias.data<T>(), e.w, rule.x(B).data<T>(),
                   e.w, static_cast<T>(bar.beta()), bar.value.mutable_data<T>(), e.q);
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
      blas::gemm(Trans::yes, Trans::no, e.r, e.w, e.n, T{1}, keep.q.data<T>(), e.r, ybar, e.w,
                 static_cast<T>(bar.beta()), bar.value.mutable_data<T>(), e.w);
    }
    if (!rule.wants(Z) && !rule.wants(V) && !rule.wants(S1)) return;
    Tensor qbar({e.n, e.r}, dtype_of<T>);
    T* own = qbar.mutable_data<T>();
    times_transposed(e.n, e.r, e.w, ybar, in(U), own);
    T* sbar = rule.wants(S1) ? clear_if_fresh<T>(rule.target(S1)) : nullptr;
    for (std::int64_t f = 0; f < e.frames; ++f) {
      T* of_frame = own + f * e.p * e.r;
      const T* s1 = in(S1) + f * e.r;
      if (sbar)
        add_dots_and_scale(of_frame, keep.p.data<T>() + f * e.p * e.r, s1, sbar + f * e.r, e.p, e.r);
      else
        scale_columns(of_frame, s1, e.p, e.r);  // now of p
    }
    if (rule.wants(Z)) {
      const auto bar = rule.target(Z);
      blas::gemm(Trans::no, Trans::no, e.n, e.m, e.r, T{1}, own, e.r, in(V), e.m, static_cast<T>(bar.beta()),
                 bar.value.mutable_data<T>(), e.m);
    }
    if (rule.wants(V)) {
      const auto bar = rule.target(V);
      blas::gemm(Trans::yes, Trans::no, e.r, e.m, e.n, T{1}, own, e.r, in(Z), e.m, static_cast<T>(bar.beta()),
                 bar.value.mutable_data<T>(), e.m);
    }
  }

  template <class T>
  static void pull_assembled(const PullRule& rule, const Extents& e, const Attr& keep, const T* ybar) {
    const auto in = [&](Input i) { return rule.x(i).data<T>(); };
    const std::int64_t rows = e.frames * e.thin();
    if (rule.wants(Z)) {
      const auto bar = rule.target(Z);
      T* zbar = bar.value.mutable_data<T>();
      for (std::int64_t f = 0; f < e.frames; ++f)
        blas::gemm(Trans::no, e.thin_input() ? Trans::yes : Trans::no, e.p, e.m, e.w, T{1},
                   ybar + f * e.p * e.w, e.w, keep.a.data<T>() + f * e.m * e.w, e.wide(),
                   static_cast<T>(bar.beta()), zbar + f * e.p * e.m, e.m);
    }
    if (!rule.wants(U) && !rule.wants(V) && !rule.wants(S1)) return;
    Tensor abar({rows, e.wide()}, dtype_of<T>);
    T* ab = abar.mutable_data<T>();
    for (std::int64_t f = 0; f < e.frames; ++f) {
      const T *z = in(Z) + f * e.p * e.m, *y = ybar + f * e.p * e.w;
      blas::gemm(Trans::yes, Trans::no, e.thin(), e.wide(), e.p, T{1}, e.thin_input() ? z : y, e.thin(),
                 e.thin_input() ? y : z, e.wide(), T{0}, ab + f * e.m * e.w, e.wide());
    }
    if (rule.wants(e.wide_factor())) {
      const auto bar = rule.target(e.wide_factor());
      blas::gemm(Trans::yes, Trans::no, e.r, e.wide(), rows, T{1}, keep.scaled.data<T>(), e.r, ab, e.wide(),
                 static_cast<T>(bar.beta()), bar.value.mutable_data<T>(), e.wide());
    }
    if (!rule.wants(e.thin_factor()) && !rule.wants(S1)) return;
    Tensor of_scaled({rows, e.r}, dtype_of<T>);
    T* bar = of_scaled.mutable_data<T>();
    blas::gemm(Trans::no, Trans::yes, rows, e.r, e.wide(), T{1}, ab, e.wide(), in(e.wide_factor()), e.wide(),
               T{0}, bar, e.r);
    if (rule.wants(S1)) {
      const T* thin = in(e.thin_factor());
      T* sbar = clear_if_fresh<T>(rule.target(S1));
      for (std::int64_t k = 0; k < rows; ++k)
        for (std::int64_t i = 0; i < e.r; ++i)
          sbar[k / e.thin() * e.r + i] += bar[k * e.r + i] * thin[i * e.thin() + k % e.thin()];
    }
    if (rule.wants(e.thin_factor())) {
      const T* s1 = in(S1);
      T* thinbar = clear_if_fresh<T>(rule.target(e.thin_factor()));
      for (std::int64_t k = 0; k < rows; ++k)
        for (std::int64_t i = 0; i < e.r; ++i)
          thinbar[i * e.thin() + k % e.thin()] += bar[k * e.r + i] * s1[k / e.thin() * e.r + i];
    }
  }

  static std::vector<Sample> samples() {
    std::vector<Sample> result;
    // Coefficients of one frame are vectors; -1 stands for one frame of matrices.
    const auto add = [&](const char* label, std::int64_t frames, std::int64_t p, std::int64_t m, std::int64_t w,
                         std::int64_t r, std::int64_t q, Activation activation = Activation::none) {
      const Stream root = Stream(1, name).child(label);
      const bool vectors = frames == 1;
      frames = std::abs(frames);
      Tensors xs;
      for (const Shape& shape : {Shape{frames * p, m}, Shape{r, w}, Shape{r, m}, Shape{q, w},
                                 vectors ? Shape{r} : Shape{frames, r}, vectors ? Shape{q} : Shape{frames, q}})
        xs.push_back(root.child("x", xs.size()).uniform(shape, Dtype::f64, -1, 1));
      result.push_back({label, xs, [activation](const Vars& v) {
                          return low_rank_layer(v[Z], v[U], v[V], v[B], v[S1], v[S2], activation);
                        }});
    };
    add("factored", 1, 5, 7, 6, 2, 3);
    add("factored, tanh", 1, 5, 7, 6, 2, 3, Activation::tanh);
    add("factored, sin", 1, 5, 7, 6, 2, 3, Activation::sin);
    add("factored, silu", 1, 5, 7, 6, 2, 3, Activation::silu);
    add("factored, relu", 1, 2, 7, 3, 1, 2, Activation::relu);
    add("factored, one frame", -1, 5, 7, 6, 2, 3, Activation::tanh);
    add("factored, three frames", 3, 4, 7, 6, 2, 3);
    add("factored, three frames, tanh", 3, 4, 7, 6, 2, 3, Activation::tanh);
    add("factored, three frames, silu", 3, 3, 7, 6, 2, 1, Activation::silu);
    add("factored, frames of a point", 3, 1, 7, 6, 2, 3, Activation::tanh);
    add("factored, many points", 2, 65, 16, 15, 5, 1, Activation::tanh);
    add("assembled, thin input", 1, 9, 1, 6, 4, 2, Activation::tanh);
    add("assembled, thin output", 1, 9, 7, 1, 5, 3);
    add("assembled, one frame", -1, 9, 2, 6, 5, 2, Activation::tanh);
    add("assembled, thin input, three frames", 3, 9, 1, 6, 4, 2, Activation::tanh);
    add("assembled, thinner input, three frames", 3, 9, 2, 6, 5, 2, Activation::sin);
    add("assembled, thin output, three frames", 3, 9, 7, 1, 5, 3);
    add("assembled, thinner output, three frames", 3, 9, 7, 2, 5, 3, Activation::tanh);
    add("assembled, frames of a point", 3, 1, 1, 1, 4, 2, Activation::tanh);
    add("square", 1, 3, 3, 3, 3, 3);
    add("square, three frames", 3, 1, 3, 3, 3, 3);
    add("1x1", 1, 1, 1, 1, 1, 1);
    add("no points", 1, 0, 2, 3, 2, 1, Activation::tanh);
    add("no points of three frames", 3, 0, 2, 3, 2, 1, Activation::tanh);
    add("no frames", 0, 3, 2, 3, 2, 1);
    add("no rank", 1, 4, 2, 3, 0, 2);
    add("no rank, three frames", 3, 4, 2, 3, 0, 2);
    add("no bias", 1, 4, 2, 3, 2, 0);
    add("no bias, three frames", 3, 4, 2, 3, 2, 0);
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
