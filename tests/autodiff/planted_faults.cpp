// Ops with a fault in one of their rules, for every definer: none may pass the check. The same ops
// without the fault do. They are not registered, so that the op table stays clean.
#include <lowtide/autodiff/bilinear.h>
#include <lowtide/autodiff/composite.h>
#include <lowtide/autodiff/elementwise.h>
#include <lowtide/autodiff/linear_pair.h>
#include <lowtide/autodiff/nondifferentiable.h>

#include "support.h"

namespace lowtide::test {
namespace {

enum class Fault {
  none,
  sign,       // of a derivative
  slope,      // times 1.03
  single,     // times 1.03 in f32
  transpose,  // left out
  part,       // of a broadcast sum is lost
  unsummed,   // cotangent has the shape of the result
  overwrite,  // cotangent is stored, not added
  beta,       // ignored by a rule that works in place
  kernel,     // of the value
  push,       // right pull, wrong push
  curvature,  // right value and first derivatives
  throws,     // in a rule
};

template <Fault F>
constexpr double factor = F == Fault::sign    ? -1
                          : F == Fault::slope ? 1.03
                                              : 1;

// ---- the five definers, without registration ----

template <class E, int Arity, auto Pull = &elementwise::pull>
struct AsElementwise {
  static const Op& op() {
    static const ElementwiseBody body = make_body<E, Arity>(LOWTIDE_SIMD_NAMESPACE::make_kernels<E, Arity>());
    static const Op op = [] {
      Op made = elementwise_op<E, &apply>(body);
      made.pull = Pull;
      return made;
    }();
    return op;
  }
  static Var apply(const Vars& xs) { return record(op(), xs); }
};

// D has forward, push and pull of a definer, and the inputs of its samples.
template <class D, class Attr>
struct AsOp {
  static const Op& op() {
    static const Op op{D::name, &D::forward, &D::push, &D::pull, &samples};
    return op;
  }
  static std::vector<Sample> samples() {
    std::vector<Sample> result;
    for (const std::vector<Shape>& shapes : D::inputs()) {
      Tensors xs;
      for (const Shape& shape : shapes)
        xs.push_back(Stream(1, "planted").child("x", xs.size()).uniform(shape, Dtype::f64, -1, 1));
      result.push_back({to_string(shapes[0]), xs,
                        [](const Vars& vars) { return record(op(), vars, make_attributes(Attr{})); }});
    }
    return result;
  }
};

template <class L>
struct AsPair {
  struct Pair {
    Op forward{L::name, &LinearPair<L>::template forward<false>, &LinearPair<L>::push, &LinearPair<L>::pull,
               &samples<false>};
    Op transposed{L::name, &LinearPair<L>::template forward<true>, &LinearPair<L>::push, &LinearPair<L>::pull,
                  &samples<true>};
    Pair() { forward.partner = &transposed, transposed.partner = &forward; }
  };
  static const Pair& pair() {
    static const Pair pair;
    return pair;
  }
  static const Op& op() { return pair().forward; }
  static const Op& transposed() { return pair().transposed; }
  template <bool Transposed>
  static std::vector<Sample> samples() {
    return {{"square", {uniform({5, 5}, "planted")}, [](const Vars& xs) {
               return record(Transposed ? transposed() : op(), xs, make_attributes(typename L::Attr{}));
             }}};
  }
};

Var half_of_rows(const Var& x) { return slice(x, 0, 0, (x.shape()[0] + 1) / 2); }

// ---- elementwise ----

template <Fault F>
struct Cube {
  static constexpr const char* name = "planted_cube";
  static auto f(const auto& x) { return x * x * x; }
  static auto df(const auto& x, const auto&) {
    using X = std::remove_cvref_t<decltype(x)>;
    constexpr bool in_f32 = std::is_same_v<X, LOWTIDE_SIMD_NAMESPACE::Pack<float>>;
    if constexpr (F == Fault::curvature && std::is_same_v<X, Var>)
      return 3.0 * stop_gradient(x) * x;
    else
      return (F == Fault::single && in_f32 ? 3.09 : 3.0 * factor<F>)*(x * x);
  }
};

template <Fault F>
struct Ratio {  // the fault is in its second input
  static constexpr const char* name = "planted_ratio";
  static constexpr Interval domain{0.5, 2};
  static auto f(const auto& a, const auto& b) { return a / b; }
  static auto df0(const auto&, const auto& b, const auto&) { return 1.0 / b; }
  static auto df1(const auto&, const auto& b, const auto& y) { return -factor<F> * (y / b); }
};

struct Difference {
  static constexpr const char* name = "planted_difference";
  static constexpr double slopes[] = {1, -1.03};
  static auto f(const auto& a, const auto& b) { return a - b; }
};

struct Product {
  static constexpr const char* name = "planted_product";
  static auto f(const auto& a, const auto& b) { return a * b; }
  static auto df0(const auto&, const auto& b, const auto&) { return b; }
  static auto df1(const auto& a, const auto&, const auto&) { return a; }
};

// Also the pull of the raw op below.
template <Fault F>
void pull_product(const PullRule& rule) {
  for (std::size_t i = 0; i < 2; ++i) {
    if (!rule.wants(i)) continue;
    if (F == Fault::throws) fail<ShapeError>("planted", "a rule that throws");
    const Var &x = F == Fault::curvature ? stop_gradient(rule.xs[1 - i]) : rule.xs[1 - i],
              g = factor<F> * rule.ybar * x;
    const Shape& shape = rule.xs[i].shape();
    Var& bar = *rule.xbars[i];
    if (F == Fault::unsummed)
      bar = bar ? bar + g : g;
    else if (F == Fault::overwrite)
      bar = sum_to(g, shape);
    else if (F == Fault::part && g.shape().rank() > shape.rank() && g.size() > 0)
      rule.add(i, half_of_rows(g));
    else
      rule.add(i, g);
  }
}

// ---- raw ----

template <Fault F>
struct RawProduct {
  static constexpr const char* name = "planted_raw";
  static Tensor forward(const Call& call) { return mul(Var(call.x(0)), Var(call.x(1))).peek(); }
  static Var push(const PushRule& rule) {
    Var ydot;
    for (std::size_t i = 0; i < 2; ++i) {
      if (!rule.xdots[i]) continue;
      Var term = (F == Fault::push ? 1.03 : 1.0) * rule.xdots[i] * rule.xs[1 - i];
      ydot = ydot ? ydot + term : std::move(term);
    }
    return ydot;
  }
  static void pull(const PullRule& rule) { pull_product<F>(rule); }
  static std::vector<std::vector<Shape>> inputs() { return {{{3, 4}, {4}}, {{2, 3}, {2, 3}}}; }
};

// ---- linear pairs ----

// Differences of neighbours along the first axis, with a zero before the first.
template <Fault F>
struct Neighbours {
  static constexpr const char* name = "planted_pair";
  struct Attr {};
  static Tensor apply(const Tensor& x, bool transposed) {
    const std::int64_t n = x.shape.rows(), width = x.shape.row_size();
    Tensor y = x.clone();
    dispatch(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      for (std::int64_t i = 1; i < n; ++i)
        for (std::int64_t j = 0; j < width; ++j)
          y.mutable_data<T>()[(transposed ? i - 1 : i) * width + j] -=
              x.data<T>()[(transposed ? i : i - 1) * width + j];
    });
    return y;
  }
  static Tensor forward(const Tensor& x, const Attr&) { return apply(x, false); }
  static Tensor transposed(const Tensor& y, const Attr&) {
    const Var x = apply(y, F != Fault::transpose);
    return (factor<F> * (F == Fault::part ? concatenate({half_of_rows(x), 0.0 * slice(x, 0, 3, 5)}, 0) : x))
        .peek();
  }
};

// ---- bilinear ----

template <Fault F>
struct MatrixProduct {
  static constexpr const char* name = "planted_matmul";
  struct Attr {};
  static Tensor forward(const Tensor& a, const Tensor& b, const Attr&) { return matmul(Var(a), Var(b)).peek(); }
  static Var left(const Var& ybar, const Var& b, const Attr&) {
    return factor<F> * matmul(ybar, F == Fault::curvature ? stop_gradient(b) : b, Trans::no,
                              F == Fault::transpose ? Trans::no : Trans::yes);
  }
  static Var right(const Var& a, const Var& ybar, const Attr&) {
    return matmul(a, ybar, Trans::yes, Trans::no);
  }
};

// The same with the fault in the other partial transpose.
template <Fault F>
struct MatrixProductRight : MatrixProduct<F> {
  static Var left(const Var& ybar, const Var& b, const auto&) { return matmul(ybar, b, Trans::no, Trans::yes); }
  static Var right(const Var& a, const Var& ybar, const auto&) {
    return factor<F> * matmul(a, ybar, F == Fault::transpose ? Trans::no : Trans::yes, Trans::no);
  }
};

template <Fault F>
struct ScaleColumns {  // (n,m) by (m)
  static constexpr const char* name = "planted_scale";
  struct Attr {};
  static Tensor forward(const Tensor& a, const Tensor& b, const Attr&) { return mul(Var(a), Var(b)).peek(); }
  static Var left(const Var& ybar, const Var& b, const Attr&) { return ybar * b; }
  static Var right(const Var& a, const Var& ybar, const Attr&) {
    const Var all = a * ybar;
    return F == Fault::part ? half_of_rows(all) : all;
  }
};

template <class B, bool Square>
struct OfBilinear : Bilinear<B> {
  static constexpr const char* name = B::name;
  static std::vector<std::vector<Shape>> inputs() {
    if (Square) return {{{3, 3}, {3, 3}}};
    return {{{4, 3}, {3}}};
  }
};
template <class B, bool Square = true>
using AsBilinear = AsOp<OfBilinear<B, Square>, typename B::Attr>;

// ---- composites: tanh(x W + b) ----

template <Fault F>
struct Layer {
  static constexpr const char* name = "planted_layer";
  struct Attr {};
  static Tensor forward(std::span<const Var> xs, const Attr&) {
    const Var y = tanh(affine(Var(xs[0].peek()), Var(xs[1].peek()), Var(xs[2].peek())));
    return F == Fault::kernel ? (1.0001 * y).peek() : y.peek();
  }
  static Var reference(const Vars& xs, const Attr&) {
    const Var y = tanh(matmul(xs[0], xs[1]) + xs[2]);
    if (F != Fault::curvature) return y;
    return y + 0.1 * square(xs[2] - stop_gradient(xs[2]));  // adds nothing to value and slope
  }
  static Var push(const PushRule& rule, const Attr&) {
    Var sum = zeros(rule.y.shape(), rule.y.dtype());
    if (rule.xdots[0]) sum = sum + matmul(rule.xdots[0], rule.xs[1]);
    if (rule.xdots[1]) sum = sum + matmul(rule.xs[0], rule.xdots[1]);
    if (rule.xdots[2]) sum = sum + rule.xdots[2];
    return (F == Fault::push ? 1.03 : 1.0) * sum * (1.0 - square(rule.y));
  }
  static void pull(const PullRule& rule, const Attr&) {
    const Var g = factor<F> * rule.ybar * (1.0 - square(rule.y));
    const Trans right = F == Fault::transpose ? Trans::no : Trans::yes;
    const auto give = [&](std::size_t i, const Var& bar) {
      if (F == Fault::overwrite) {
        *rule.xbars[i] = bar;
      } else if (F == Fault::beta) {
        const auto target = rule.target(i);
        target.value = bar.peek();
      } else {
        rule.add(i, bar);
      }
    };
    if (rule.wants(0)) give(0, matmul(g, rule.xs[1], Trans::no, right));
    if (rule.wants(1)) give(1, matmul(rule.xs[0], g, Trans::yes, Trans::no));
    if (rule.wants(2)) give(2, sum(F == Fault::part ? half_of_rows(g) : g, 0));
  }
};

template <Fault F>
struct OfLayer : Composite<Layer<F>> {
  static constexpr const char* name = Layer<F>::name;
  // No two inputs have the same shape unless a transpose is to be left out.
  static std::vector<std::vector<Shape>> inputs() {
    if (F == Fault::transpose) return {{{4, 3}, {3, 3}, {3}}};
    return {{{4, 2}, {2, 3}, {3}}};
  }
};
template <Fault F>
using AsLayer = AsOp<OfLayer<F>, typename Layer<F>::Attr>;

// ---- not differentiable ----

template <Fault F, bool Says = true>
struct Frozen {
  static const Op& op() {
    static const Op op{"planted_frozen", &forward, &push, &pull, &samples};
    return op;
  }
  static Tensor forward(const Call& call) { return call.x(0); }
  static Var push(const PushRule& rule) { return F == Fault::push ? rule.xdots[0] : Var(); }
  static void pull(const PullRule& rule) {
    if (F == Fault::slope && rule.wants(0)) rule.add(0, rule.ybar);
  }
  static std::vector<Sample> samples() {
    return {{"tall", {uniform({7, 2}, "planted")}, [](const Vars& xs) { return record(op(), xs); }, Says}};
  }
};

struct Planted {
  const char* what;
  const Op& op;
  const char* caught_by;  // one of the failures contains it; null: no fault
};

std::vector<Planted> all_planted() {
  using enum Fault;
  const char *by_push = "push against differences", *by_pull = "pull against differences";
  const char *adjoint = "adjoint identity", *f32 = "in f32", *twice = "pull of f + f",
             *shape = "shape of cotangent";
  return {
      {"elementwise", AsElementwise<Cube<none>, 1>::op(), nullptr},
      {"elementwise, sign", AsElementwise<Cube<sign>, 1>::op(), by_pull},
      {"elementwise, slope", AsElementwise<Cube<slope>, 1>::op(), by_push},
      {"elementwise, slope in f32", AsElementwise<Cube<single>, 1>::op(), f32},
      {"elementwise, curvature", AsElementwise<Cube<curvature>, 1>::op(), "push of push"},
      {"elementwise of two", AsElementwise<Ratio<none>, 2>::op(), nullptr},
      {"elementwise of two, sign", AsElementwise<Ratio<sign>, 2>::op(), by_pull},
      {"elementwise of two, slope", AsElementwise<Ratio<slope>, 2>::op(), by_pull},
      {"elementwise with slopes", AsElementwise<Difference, 2>::op(), by_pull},
      {"elementwise product", AsElementwise<Product, 2, &pull_product<none>>::op(), nullptr},
      {"elementwise product, part", AsElementwise<Product, 2, &pull_product<part>>::op(), adjoint},
      {"elementwise product, unsummed", AsElementwise<Product, 2, &pull_product<unsummed>>::op(), shape},
      {"elementwise product, overwrite", AsElementwise<Product, 2, &pull_product<overwrite>>::op(), twice},
      {"elementwise product, throws", AsElementwise<Product, 2, &pull_product<throws>>::op(),
       "a rule that throws"},

      {"raw", AsOp<RawProduct<none>, int>::op(), nullptr},
      {"raw, sign", AsOp<RawProduct<sign>, int>::op(), by_pull},
      {"raw, slope", AsOp<RawProduct<slope>, int>::op(), by_pull},
      {"raw, part", AsOp<RawProduct<part>, int>::op(), by_pull},
      {"raw, unsummed", AsOp<RawProduct<unsummed>, int>::op(), shape},
      {"raw, overwrite", AsOp<RawProduct<overwrite>, int>::op(), "inputs 0 and 1 the same"},
      {"raw, push", AsOp<RawProduct<push>, int>::op(), adjoint},
      {"raw, curvature", AsOp<RawProduct<curvature>, int>::op(), "pull of pull"},

      {"linear pair", AsPair<Neighbours<none>>::op(), nullptr},
      {"linear pair, sign", AsPair<Neighbours<sign>>::op(), by_pull},
      {"linear pair, slope", AsPair<Neighbours<slope>>::op(), adjoint},
      {"linear pair, no transpose", AsPair<Neighbours<transpose>>::op(), adjoint},
      {"linear pair, part", AsPair<Neighbours<part>>::op(), adjoint},
      {"transposed", AsPair<Neighbours<none>>::transposed(), nullptr},
      {"transposed, no transpose", AsPair<Neighbours<transpose>>::transposed(), adjoint},
      {"transposed, part", AsPair<Neighbours<part>>::transposed(), adjoint},

      {"bilinear", AsBilinear<MatrixProduct<none>>::op(), nullptr},
      {"bilinear, sign", AsBilinear<MatrixProduct<sign>>::op(), by_pull},
      {"bilinear, slope", AsBilinear<MatrixProduct<slope>>::op(), adjoint},
      {"bilinear, transpose", AsBilinear<MatrixProduct<transpose>>::op(), adjoint},
      {"bilinear, curvature", AsBilinear<MatrixProduct<curvature>>::op(), "pull of pull"},
      {"bilinear right, sign", AsBilinear<MatrixProductRight<sign>>::op(), by_pull},
      {"bilinear right, slope", AsBilinear<MatrixProductRight<slope>>::op(), adjoint},
      {"bilinear right, transpose", AsBilinear<MatrixProductRight<transpose>>::op(), adjoint},
      {"bilinear with broadcast", AsBilinear<ScaleColumns<none>, false>::op(), nullptr},
      {"bilinear with broadcast, part", AsBilinear<ScaleColumns<part>, false>::op(), adjoint},

      {"composite", AsLayer<none>::op(), nullptr},
      {"composite, kernel", AsLayer<kernel>::op(), by_push},
      {"composite, sign", AsLayer<sign>::op(), by_pull},
      {"composite, slope", AsLayer<slope>::op(), adjoint},
      {"composite, transpose", AsLayer<transpose>::op(), adjoint},
      {"composite, part", AsLayer<part>::op(), adjoint},
      {"composite, push", AsLayer<push>::op(), by_push},
      {"composite, curvature", AsLayer<curvature>::op(), "push of push"},
      {"composite, overwrite", AsLayer<overwrite>::op(), twice},
      {"composite, beta", AsLayer<beta>::op(), twice},

      {"frozen", Frozen<none>::op(), nullptr},
      {"frozen, push", Frozen<push>::op(), "zero tangent"},
      {"frozen, pull", Frozen<slope>::op(), "zero cotangent"},
      {"no derivative", Frozen<none, false>::op(), by_push},
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(planted_faults)

BOOST_AUTO_TEST_CASE(all_are_caught) {
  int faults = 0, controls = 0;
  for (const auto& [what, op, caught_by] : all_planted()) {
    const CheckReport report = check(op);
    ++(caught_by ? faults : controls);
    if (caught_by)
      BOOST_TEST(contains(report.text(), caught_by), what << ": " << report.text());
    else
      BOOST_TEST(report.ok(), what << ": " << report.text());
    BOOST_TEST(report.ok() == !caught_by, what);
  }
  BOOST_TEST_MESSAGE(faults << " faults and " << controls << " ops without one");
}

// Not through an op: a function that drops a derivative, and one that is not what it says.
BOOST_AUTO_TEST_CASE(functions_are_checked_too) {
  const Tensors xs{uniform({3}, "x"), uniform({3}, "y")};
  const auto report = [&](Function f) { return check(f, xs); };
  BOOST_TEST(report([](const Vars& v) { return sin(v[0]) * v[1]; }).ok());
  BOOST_TEST(!report([](const Vars& v) { return sin(stop_gradient(v[0])) * v[1]; }).ok());
  BOOST_TEST(!report([](const Vars& v) { return sin(Var(v[0].peek())) * v[1]; }).ok());
  BOOST_TEST(!report([](const Vars& v) { return sin(v[0]) * v[1] + 0.03 * stop_gradient(v[1]); }).ok());
  BOOST_TEST(!report([](const Vars& v) { return Var(v[0].peek()); }).ok());
}

BOOST_AUTO_TEST_CASE(the_op_table_holds_none_of_these) {
  for (const Op* op : op_table()) BOOST_TEST(!contains(op->name, "planted"), op->name);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
