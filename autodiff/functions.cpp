#include <fmt/format.h>
#include <lowtide/autodiff/functions.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

Vars leaves_on(Tape& tape, const Tensors& xs) {
  Vars leaves;
  leaves.reserve(xs.size());
  for (const Tensor& x : xs) leaves.push_back(tape.leaf(x));
  return leaves;
}

Vars constants(const Tensors& xs) { return Vars(xs.begin(), xs.end()); }

Tensors values(const Vars& vars) {
  Tensors result;
  result.reserve(vars.size());
  for (const Var& v : vars) result.push_back(v.peek());
  return result;
}

Var evaluate(Function f, Tape& tape, const Vars& leaves) {
  const GuardedValues guard(tape);
  return f(leaves);
}

void require_number(const char* what, const Var& y) {
  if (!y || y.size() != 1)
    fail<ShapeError>(what, "the function gives " + (y ? to_string(y.shape()) : "nothing") + ", not one number");
}

// Runs again with every value and cotangent checked, so that the op at fault is named.
[[noreturn]] void explain_non_finite(Function f, const Tensors& xs) {
  for (std::size_t k = 0; k < xs.size(); ++k)
    if (!all_finite(xs[k])) fail<NonFiniteError>("value_and_grad", fmt::format("argument {} is not finite", k));
  Tape tape;
  tape.check_finite(true);
  const Vars leaves = leaves_on(tape, xs);
  gradient(evaluate(f, tape, leaves), leaves, Graph::consume);
  fail<NonFiniteError>("value_and_grad", "a value or gradient is not finite, but not when computed again");
}

}  // namespace

Tensor value(Function f, const Tensors& xs) {
  const Tape tape;
  return f(constants(xs)).peek();
}

ValueAndGradient value_and_grad(Function f, const Tensors& xs) {
  ValueAndGradient result{0, {}};
  {
    Tape tape;
    const Vars leaves = leaves_on(tape, xs);
    const Var y = evaluate(f, tape, leaves);
    require_number("value_and_grad", y);
    result.value = y.item();
    if (std::isfinite(result.value)) result.gradient = values(gradient(y, leaves, Graph::consume));
  }
  if (!std::isfinite(result.value) || !std::all_of(result.gradient.begin(), result.gradient.end(),
                                                   [](const Tensor& g) { return all_finite(g); }))
    explain_non_finite(f, xs);
  return result;
}

ValueAndSlope value_and_grad(UnaryFunction f, const Tensor& x) {
  auto [value, gradient] = value_and_grad([&](const Vars& xs) { return f(xs[0]); }, Tensors{x});
  return {value, std::move(gradient[0])};
}

ValueAndTangent jacobian_vector(Function f, const Tensors& xs, const Tensors& xdots) {
  Tape tape;
  const Vars leaves = leaves_on(tape, xs);
  const Var y = evaluate(f, tape, leaves);
  return {y.peek(), push(y, leaves, constants(xdots)).peek()};
}

ValueAndCotangents vector_jacobian(Function f, const Tensors& xs, const Tensor& ybar) {
  Tape tape;
  const Vars leaves = leaves_on(tape, xs);
  const Var y = evaluate(f, tape, leaves);
  return {y.peek(), values(pull(y, Var(ybar), leaves, Graph::consume))};
}

HessianVector hvp(Function f, const Tensors& xs, const Tensors& vs) {
  Tape tape;
  const Vars leaves = leaves_on(tape, xs);
  const Var y = evaluate(f, tape, leaves);
  require_number("hvp", y);
  const Vars slope = gradient(y, leaves, Graph::keep);
  return {y.item(), values(slope), values(push(slope, leaves, constants(vs)))};
}

Linearization::Linearization(Function f, const Tensors& xs) : xs_(leaves_on(tape_, xs)) {
  y_ = evaluate(f, tape_, xs_);
  tape_.step_aside();  // or it would take up variables of functions that are none of its own
}
Tensor Linearization::push(const Tensors& xdots) const {
  tape_.move_here();
  return lowtide::push(y_, xs_, constants(xdots)).peek();
}
Tensors Linearization::pull(const Tensor& ybar) const {
  tape_.move_here();
  return values(lowtide::pull(y_, Var(ybar), xs_));
}

LinOp Linearization::op() const {
  const Tensors like = values(xs_);
  LinOp J;
  J.rows = y_.size();
  for (const Tensor& x : like) J.cols += x.size();
  J.dtype = y_.dtype();
  J.apply = [this, like](const Tensor& v) { return push(unflatten(v, like)).reshaped({y_.size()}); };
  J.apply_transposed = [this](const Tensor& w) { return flatten(pull(w.reshaped(y_.shape()))); };
  return J;
}

Tensor flatten(const Tensors& xs) {
  if (xs.empty()) return Tensor({0}, Dtype::f64);
  std::int64_t n = 0;
  for (const Tensor& x : xs) {
    n += x.size();
    if (x.dtype != xs[0].dtype) fail<DtypeError>("flatten", "tensors of f32 and f64");
  }
  Tensor flat({n}, xs[0].dtype);
  dispatch(flat.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = flat.mutable_data<T>();
    for (const Tensor& x : xs) to = std::copy_n(x.data<T>(), x.size(), to);
  });
  return flat;
}

Tensors unflatten(const Tensor& flat, const Tensors& like) {
  Tensors result;
  std::int64_t n = 0;
  for (const Tensor& x : like) n += x.size();
  if (flat.shape.rank() != 1 || flat.size() != n)
    fail<ShapeError>("unflatten", fmt::format("{} for {} elements", to_string(flat.shape), n));
  n = 0;
  for (const Tensor& x : like) {
    result.push_back(flat.rows(n, n + x.size()).reshaped(x.shape));
    n += x.size();
  }
  return result;
}

}  // namespace lowtide
