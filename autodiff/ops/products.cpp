#include <fmt/format.h>
#include <lowtide/autodiff/bilinear.h>
#include <lowtide/linalg/blas.h>

namespace lowtide {
namespace {

Trans flipped(Trans t) { return t == Trans::yes ? Trans::no : Trans::yes; }

struct Flags {
  Trans a = Trans::no, b = Trans::no;
};

// op(A) op(B) for matrices, and for stacks of matrices if `lead` is 1.
template <int Lead>
struct Product {
  static constexpr const char* name = Lead ? "batched_matmul" : "matmul";
  using Attr = Flags;

  static Tensor forward(const Tensor& a, const Tensor& b, const Flags& f) {
    const bool ranks = a.shape.rank() == Lead + 2 && b.shape.rank() == Lead + 2;
    const bool at = f.a == Trans::yes, bt = f.b == Trans::yes;
    if (!ranks || a.shape[Lead + !at] != b.shape[Lead + bt] || (Lead && a.shape[0] != b.shape[0]))
      fail<ShapeError>(name, fmt::format("inner dimensions differ or a rank is not {}: a {}{}, b {}{}",
                                         Lead + 2, to_string(a.shape), at ? " transposed" : "",
                                         to_string(b.shape), bt ? " transposed" : ""));
    const std::int64_t m = a.shape[Lead + at], n = b.shape[Lead + !bt], k = a.shape[Lead + !at];
    Tensor c(Lead ? Shape{a.shape[0], m, n} : Shape{m, n}, a.dtype);
    dispatch(a.dtype, [&](auto zero) {
      using T = decltype(zero);
      const T *from_a = a.data<T>(), *from_b = b.data<T>();
      T* to = c.mutable_data<T>();
      for (std::int64_t batch = Lead ? a.shape[0] : 1; batch > 0;
           --batch, from_a += m * k, from_b += k * n, to += m * n)
        blas::gemm(f.a, f.b, m, n, k, T{1}, from_a, a.shape[Lead + 1], from_b, b.shape[Lead + 1], T{0}, to, n);
    });
    return c;
  }
  static Var product(const Var& a, const Var& b, Trans ta, Trans tb) {
    return bilinear<Product>(a, b, {ta, tb});
  }
  static Var left(const Var& ybar, const Var& b, const Flags& f) {
    return f.a == Trans::no ? product(ybar, b, Trans::no, flipped(f.b)) : product(b, ybar, f.b, Trans::yes);
  }
  static Var right(const Var& a, const Var& ybar, const Flags& f) {
    return f.b == Trans::no ? product(a, ybar, flipped(f.a), Trans::no) : product(ybar, a, Trans::yes, f.a);
  }
  static std::vector<BilinearSample<Flags>> samples() {
    constexpr Trans no = Trans::no, yes = Trans::yes;
    const auto shape = [](std::int64_t m, std::int64_t n) { return Lead ? Shape{3, m, n} : Shape{m, n}; };
    return {{"plain", shape(4, 3), shape(3, 5), {no, no}},
            {"a transposed", shape(3, 4), shape(3, 5), {yes, no}},
            {"b transposed", shape(4, 3), shape(5, 3), {no, yes}},
            {"both", shape(3, 4), shape(5, 3), {yes, yes}},
            {"1x1", shape(1, 1), shape(1, 1), {no, no}},
            {"empty", shape(0, 3), shape(3, 2), {no, no}},
            {"empty inside", shape(2, 0), shape(0, 2), {no, no}},
            {"row by column", shape(1, 9), shape(9, 1), {no, no}},
            {"square", shape(3, 3), shape(3, 3), {no, yes}}};
  }
};
LOWTIDE_REGISTER(Bilinear<Product<0>>)
LOWTIDE_REGISTER(Bilinear<Product<1>>)

void require_row_pair(const char* op, const Tensor& a, const Tensor& b, bool same_width) {
  if (a.shape.rank() != 2 || b.shape.rank() != 2 || a.shape[0] != b.shape[0] ||
      (same_width && a.shape[1] != b.shape[1]))
    fail<ShapeError>(
        op, fmt::format("{} and {} do not go together row by row", to_string(a.shape), to_string(b.shape)));
}

struct RowDot {
  static constexpr const char* name = "row_dot";
  struct Attr {};
  static Tensor forward(const Tensor& a, const Tensor& b, const Attr&) {
    require_row_pair(name, a, b, true);
    const std::int64_t n = a.shape[0], m = a.shape[1];
    Tensor y({n}, a.dtype);
    dispatch(a.dtype, [&](auto zero) {
      using T = decltype(zero);
      T* to = y.mutable_data<T>();
      for (std::int64_t i = 0; i < n; ++i) to[i] = blas::dot(m, a.data<T>() + i * m, b.data<T>() + i * m);
    });
    return y;
  }
  static Var column(const Var& ybar) { return reshape(ybar, {ybar.size(), 1}); }
  static Var left(const Var& ybar, const Var& b, const Attr&) { return column(ybar) * b; }
  static Var right(const Var& a, const Var& ybar, const Attr&) { return a * column(ybar); }
  static std::vector<BilinearSample<Attr>> samples() {
    return {{"tall", {7, 2}, {7, 2}, {}},
            {"wide", {2, 19}, {2, 19}, {}},
            {"1x1", {1, 1}, {1, 1}, {}},
            {"empty", {0, 3}, {0, 3}, {}},
            {"no width", {3, 0}, {3, 0}, {}}};
  }
};
LOWTIDE_REGISTER(Bilinear<RowDot>)

struct RowOuter {
  static constexpr const char* name = "row_outer";
  struct Attr {};
  static Tensor forward(const Tensor& a, const Tensor& b, const Attr&) {
    require_row_pair(name, a, b, false);
    const std::int64_t n = a.shape[0], p = a.shape[1], q = b.shape[1];
    Tensor y({n, p, q}, a.dtype);
    dispatch(a.dtype, [&](auto zero) {
      using T = decltype(zero);
      T* to = y.mutable_data<T>();
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = 0; j < p; ++j)
          for (std::int64_t k = 0; k < q; ++k) *to++ = a.data<T>()[i * p + j] * b.data<T>()[i * q + k];
    });
    return y;
  }
  static Var left(const Var& ybar, const Var& b, const Attr&) {
    const Shape s = ybar.shape();
    return reshape(batched_matmul(ybar, reshape(b, {s[0], s[2], 1})), {s[0], s[1]});
  }
  static Var right(const Var& a, const Var& ybar, const Attr&) {
    const Shape s = ybar.shape();
    return reshape(batched_matmul(ybar, reshape(a, {s[0], s[1], 1}), Trans::yes), {s[0], s[2]});
  }
  static std::vector<BilinearSample<Attr>> samples() {
    return {{"tall", {7, 2}, {7, 3}, {}},
            {"1x1", {1, 1}, {1, 1}, {}},
            {"wide", {2, 9}, {2, 1}, {}},
            {"empty", {0, 3}, {0, 2}, {}},
            {"equal", {3, 2}, {3, 2}, {}}};
  }
};
LOWTIDE_REGISTER(Bilinear<RowOuter>)

}  // namespace

Var matmul(const Var& a, const Var& b, Trans ta, Trans tb) { return bilinear<Product<0>>(a, b, {ta, tb}); }
Var batched_matmul(const Var& a, const Var& b, Trans ta, Trans tb) {
  return bilinear<Product<1>>(a, b, {ta, tb});
}
Var row_dot(const Var& a, const Var& b) { return bilinear<RowDot>(a, b); }
Var row_outer(const Var& a, const Var& b) { return bilinear<RowOuter>(a, b); }

Var outer(const Var& a, const Var& b) {
  if (a.shape().rank() != 1 || b.shape().rank() != 1)
    fail<ShapeError>("outer",
                     fmt::format("{} and {} are not two vectors", to_string(a.shape()), to_string(b.shape())));
  return matmul(reshape(a, {a.size(), 1}), reshape(b, {1, b.size()}));
}

Var dot(const Var& a, const Var& b) {
  if (!(a.shape() == b.shape()))
    fail<ShapeError>("dot", fmt::format("{} and {} differ", to_string(a.shape()), to_string(b.shape())));
  return reshape(matmul(reshape(a, {1, a.size()}), reshape(b, {a.size(), 1})), {});
}

}  // namespace lowtide
