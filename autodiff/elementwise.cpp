#include <lowtide/autodiff/elementwise.h>
#include <lowtide/linalg/random.h>

#include <cmath>

namespace lowtide::elementwise {
namespace {

const ElementwiseBody& body_of(const Op& op) { return *static_cast<const ElementwiseBody*>(op.body); }

bool moves_or_is_constant(const ElementwiseBody& body, std::size_t i) {
  return body.slope[i] || body.constant_slope[i] != 0;
}

// seed * df_i: one kernel for constants, Vars where the sweep is recorded.
Var scaled(const Call& call, std::size_t i, const Var& seed, const Var& y, bool eager) {
  const ElementwiseBody& body = body_of(call.op);
  if (!body.slope[i]) {
    const double c = body.constant_slope[i];
    return c == 1 ? seed : c == -1 ? -seed : c * seed;
  }
  const InnerLoop loop = body.kernels.scaled[i][static_cast<std::size_t>(y.dtype())];
  if (!eager) return body.slope[i](call.xs, y) * seed;
  const Tensor* operands[max_operands] = {&seed.peek()};
  std::size_t n = 1;
  for (const Var& x : call.xs) operands[n++] = &x.peek();
  operands[n++] = &y.peek();
  Tensor out(y.shape(), y.dtype());
  broadcast_loop(out, {operands, n}, loop);
  return Var(std::move(out));
}

}  // namespace

Tensor forward(const Call& call) {
  const ElementwiseBody& body = body_of(call.op);
  const Tensor* operands[max_operands];
  std::size_t n = 0;
  for (const Var& x : call.xs) operands[n++] = &x.peek();
  Tensor out(broadcast_shape(call.op.name.data(), {operands, n}), operands[0]->dtype);
  broadcast_loop(out, {operands, n}, body.kernels.value[static_cast<std::size_t>(out.dtype)]);
  return out;
}

Var push(const PushRule& rule) {
  const bool eager = rule.eager();
  Var sum;
  for (std::size_t i = 0; i < rule.xs.size(); ++i) {
    if (!rule.xdots[i] || !moves_or_is_constant(body_of(rule.op), i)) continue;
    Var term = scaled(rule, i, rule.xdots[i], rule.y, eager);
    sum = sum ? sum + term : std::move(term);
  }
  return sum;
}

void pull(const PullRule& rule) {
  const bool eager = rule.eager();
  for (std::size_t i = 0; i < rule.xs.size(); ++i)
    if (rule.wants(i) && moves_or_is_constant(body_of(rule.op), i))
      rule.add(i, scaled(rule, i, rule.ybar, rule.y, eager));
}

// Shapes that every elementwise op must cope with, filled from its domain and away from its kink.
std::vector<Sample> samples(const char* name, const ElementwiseBody& body, Var (*apply)(const Vars&)) {
  struct Case {
    const char* label;
    Shape shapes[max_arity];
  };
  const Shape none{}, one{1, 1}, tall{7, 2}, wide{2, 19}, empty{0, 3};
  const Case unary[] = {{"scalar", {none}}, {"empty", {empty}}, {"1x1", {one}},
                        {"tall", {tall}},   {"wide", {wide}},   {"rank 4", {Shape{2, 1, 3, 2}}}};
  const Case several[] = {{"scalar", {none, none, none}},
                          {"empty", {empty, Shape{3}, Shape{1, 1}}},
                          {"1x1", {one, one, one}},
                          {"tall", {tall, tall, tall}},
                          {"wide", {wide, wide, wide}},
                          {"broadcast a row", {wide, Shape{19}, Shape{1, 19}}},
                          {"broadcast a column", {Shape{7, 1}, tall, none}},
                          {"broadcast both ways", {Shape{5, 1}, Shape{3}, Shape{5, 3}}},
                          {"broadcast a scalar", {none, wide, wide}},
                          {"broadcast the middle", {Shape{2, 1, 3}, Shape{2, 4, 3}, Shape{4, 1}}}};
  std::vector<Sample> result;
  const auto add = [&](const Case& c) {
    Sample sample{c.label, {}, apply};
    for (int i = 0; i < body.arity; ++i) {
      Stream stream = Stream(1, name).child(c.label, static_cast<std::uint64_t>(i));
      Tensor x = stream.uniform(c.shapes[i], Dtype::f64, body.domain.low, body.domain.high);
      if (body.has_kink)
        for (double& v : x.mutable_view<double>())
          if (std::abs(v - body.kink) < 0.1) v += v < body.kink ? -0.1 : 0.1;
      if (body.separated)  // on lattices without a common point
        for (double& v : x.mutable_view<double>()) v = 0.3 * std::round(v / 0.3) + 0.1 * i;
      sample.xs.push_back(std::move(x));
    }
    result.push_back(std::move(sample));
  };
  if (body.arity == 1)
    for (const Case& c : unary) add(c);
  else
    for (const Case& c : several) add(c);
  return result;
}

}  // namespace lowtide::elementwise
