#include <fmt/format.h>
#include <lowtide/autodiff/linear_pair.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/blas.h>

#include <algorithm>

namespace lowtide {
namespace {

// The lower triangle of a matrix: its own transpose.
struct LowerTriangle {
  static constexpr const char* name = "lower_triangle";
  static constexpr const char* transposed_name = "lower_triangle_transposed";
  struct Attr {};
  static Tensor forward(const Tensor& x, const Attr&) {
    const std::int64_t m = x.shape[0], n = x.shape[1];
    Tensor y = zeros(x.shape, x.dtype);
    dispatch(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      T* to = y.mutable_data<T>();
      for (std::int64_t i = 0; i < m; ++i) std::copy_n(x.data<T>() + i * n, std::min(i + 1, n), to + i * n);
    });
    return y;
  }
  static Tensor transposed(const Tensor& y, const Attr& a) { return forward(y, a); }
  static std::vector<LinearSample<Attr>> samples() {
    return {{"square", {4, 4}, {}}, {"wide", {2, 9}, {}}, {"tall", {7, 2}, {}}, {"empty", {0, 0}, {}}};
  }
};
LOWTIDE_REGISTER(LinearPair<LowerTriangle>)

Var lower_triangle(const Var& x) { return linear<LowerTriangle>(x, {}); }

// x = op(L)^-1 b. It is linear in b alone, so its rules are written out:
//   op(L) xdot = bdot - op(Ldot) x,   bbar = op(L)^-T xbar,   op(L)bar = -bbar xT
struct TriangularSolve {
  static constexpr const char* name = "triangular_solve";
  struct Attr {
    Trans trans;
  };
  static Trans flipped(Trans t) { return t == Trans::yes ? Trans::no : Trans::yes; }

  static Tensor forward(const Call& call) {
    const Tensor &l = call.x(0), &b = call.x(1);
    const std::int64_t n = b.shape.rows(), m = b.shape.row_size();
    if (l.shape.rank() != 2 || b.shape.rank() != 2 || l.shape[0] != l.shape[1] || l.shape[0] != n)
      fail<ShapeError>(name, fmt::format("L {} and b {} do not make (n,n) and (n,m)", to_string(l.shape),
                                         to_string(b.shape)));
    Tensor x = b.clone();
    dispatch(b.dtype, [&](auto zero) {
      using T = decltype(zero);
      for (std::int64_t i = 0; i < n; ++i)
        if (const T d = l.data<T>()[i * n + i]; d == T{0} || !(d - d == T{0}))
          fail<SolverError>(name, fmt::format("diagonal element {} of L is {}", i, d));
      blas::solve_lower(call.attr<Attr>().trans, n, m, l.data<T>(), n, x.mutable_data<T>(), m);
    });
    return x;
  }
  static Var push(const PushRule& rule) {
    const Trans t = rule.attr<Attr>().trans;
    Var rhs = rule.xdots[1];
    if (rule.xdots[0]) {
      const Var turned = matmul(lower_triangle(rule.xdots[0]), rule.y, t);
      rhs = rhs ? rhs - turned : -turned;
    }
    return triangular_solve(rule.xs[0], rhs, t);
  }
  static void pull(const PullRule& rule) {
    const Trans t = rule.attr<Attr>().trans;
    const Var bbar = triangular_solve(rule.xs[0], rule.ybar, flipped(t));
    if (rule.wants(0))
      rule.add(0, -lower_triangle(t == Trans::no ? matmul(bbar, rule.y, Trans::no, Trans::yes)
                                                 : matmul(rule.y, bbar, Trans::no, Trans::yes)));
    if (rule.wants(1)) rule.add(1, bbar);
  }
  static std::vector<Sample> samples() {
    std::vector<Sample> result;
    const auto add = [&](const char* label, std::int64_t n, std::int64_t m, Trans t) {
      const Stream root = Stream(1, name).child(label);
      Tensor l = root.child("l").uniform({n, n}, Dtype::f64, -1, 1);
      for (std::int64_t i = 0; i < n; ++i) l.mutable_data<double>()[i * n + i] += 3;
      result.push_back({label, {l, root.child("b").uniform({n, m}, Dtype::f64, -1, 1)}, [t](const Vars& xs) {
                          return triangular_solve(xs[0], xs[1], t);
                        }});
    };
    add("column", 4, 1, Trans::no);
    add("transposed", 4, 3, Trans::yes);
    add("square", 3, 3, Trans::no);
    add("1x1", 1, 1, Trans::no);
    add("empty", 0, 2, Trans::no);
    add("no right sides", 3, 0, Trans::yes);
    return result;
  }
};
const RegisteredOp triangular_solve_op({TriangularSolve::name, &TriangularSolve::forward,
                                        &TriangularSolve::push, &TriangularSolve::pull,
                                        &TriangularSolve::samples});

}  // namespace

Var triangular_solve(const Var& l, const Var& b, Trans tl) {
  return record(triangular_solve_op.op, {l, b}, make_attributes(TriangularSolve::Attr{tl}));
}

Var cholesky_solve(const Var& l, const Var& b) {
  return triangular_solve(l, triangular_solve(l, b), Trans::yes);
}

}  // namespace lowtide
