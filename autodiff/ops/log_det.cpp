// The logarithm of the determinant of a positive definite matrix, and the inverse that its derivative is. Both
// take the symmetric part S = (A + AT) / 2 of what they are given.
#include <fmt/format.h>
#include <lowtide/autodiff/op.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/random.h>

#include <cmath>

namespace lowtide {
namespace {

Var symmetric_part(const Var& a) { return (a + transpose(a)) * 0.5; }

Tensor factor_of(const char* op, const Tensor& a) {
  if (a.shape.rank() != 2 || a.shape[0] != a.shape[1])
    fail<ShapeError>(op, fmt::format("a square matrix expected, not {}", to_string(a.shape)));
  return cholesky(symmetric_part(Var(a)).value());
}

// I + B BT: well conditioned, whatever B.
std::vector<Sample> samples_of(const char* name, Var (*f)(const Var&)) {
  std::vector<Sample> result;
  for (const std::int64_t n : {1, 2, 5}) {
    const Tensor b =
        Stream(1, name).child("b", static_cast<std::uint64_t>(n)).uniform({n, n}, Dtype::f64, -1, 1);
    const Tensor a = (Var(multiply(b, b, Trans::no, Trans::yes)) + Var(eye(n, Dtype::f64))).value();
    result.push_back({fmt::format("{0}x{0}", n), {a}, [f](const Vars& xs) { return f(xs[0]); }});
  }
  return result;
}

// Y = S^-1: Ydot = -Y Sdot Y, Abar = -Y sym(Ybar) Y.
struct Inverse {
  static constexpr const char* name = "spd_inverse";
  static Tensor forward(const Call& call) {
    const Tensor l = factor_of(name, call.x(0));
    return solve_cholesky(l, eye(l.shape[0], l.dtype));
  }
  static Var push(const PushRule& rule) {
    return -matmul(matmul(rule.y, symmetric_part(rule.xdots[0])), rule.y);
  }
  static void pull(const PullRule& rule) {
    if (rule.wants(0)) rule.add(0, -matmul(matmul(rule.y, symmetric_part(rule.ybar)), rule.y));
  }
  static std::vector<Sample> samples() { return samples_of(name, &spd_inverse); }
};
const RegisteredOp inverse_op({Inverse::name, &Inverse::forward, &Inverse::push, &Inverse::pull,
                               &Inverse::samples});

// y = log det S: ydot = tr(S^-1 Adot), Abar = ybar S^-1.
struct LogDet {
  static constexpr const char* name = "log_det";
  static Tensor forward(const Call& call) {
    const Tensor l = factor_of(name, call.x(0));
    const std::int64_t n = l.shape[0];
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += 2 * std::log(l.at(i * (n + 1)));
    return scalar(sum, l.dtype);
  }
  static Var push(const PushRule& rule) { return sum(spd_inverse(rule.xs[0]) * rule.xdots[0]); }
  static void pull(const PullRule& rule) {
    if (rule.wants(0)) rule.add(0, rule.ybar * spd_inverse(rule.xs[0]));
  }
  static std::vector<Sample> samples() { return samples_of(name, &log_det); }
};
const RegisteredOp log_det_op({LogDet::name, &LogDet::forward, &LogDet::push, &LogDet::pull, &LogDet::samples});

}  // namespace

Var spd_inverse(const Var& a) { return record(inverse_op.op, {a}); }
Var log_det(const Var& a) { return record(log_det_op.op, {a}); }

}  // namespace lowtide
