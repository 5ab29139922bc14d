// Definer: an op that is linear in each of two inputs. Push follows by the product rule; pull is
// made of the two partial transposes, which are ops themselves, so that every order follows.
//
//   struct RowDot {
//     static constexpr const char* name = "row_dot";
//     struct Attr {};
//     static Tensor forward(const Tensor& a, const Tensor& b, const Attr&);
//     static Var left(const Var& ybar, const Var& b, const Attr&);     // cotangent of a
//     static Var right(const Var& a, const Var& ybar, const Attr&);    // cotangent of b
//     static std::vector<BilinearSample<Attr>> samples();              // shapes, and attributes
//   };
//   LOWTIDE_REGISTER(Bilinear<RowDot>)
//   Var row_dot(const Var& a, const Var& b) { return bilinear<RowDot>(a, b); }
#pragma once
#include <lowtide/autodiff/op.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/random.h>

namespace lowtide {

template <class Attr>
struct BilinearSample {
  std::string label;
  Shape a, b;
  Attr attr;
};

template <class B>
struct Bilinear {
  using Attr = typename B::Attr;

  static const Op& registered() {
    static const RegisteredOp registered({B::name, &forward, &push, &pull, &samples});
    return registered.op;
  }
  static Tensor forward(const Call& call) { return B::forward(call.x(0), call.x(1), call.attr<Attr>()); }
  static Var push(const PushRule& rule) {
    Var sum;
    if (rule.xdots[0]) sum = record(rule.op, {rule.xdots[0], rule.xs[1]}, rule.attributes);
    if (rule.xdots[1]) {
      Var term = record(rule.op, {rule.xs[0], rule.xdots[1]}, rule.attributes);
      sum = sum ? sum + term : std::move(term);
    }
    return sum;
  }
  static void pull(const PullRule& rule) {
    if (rule.wants(0)) rule.add(0, B::left(rule.ybar, rule.xs[1], rule.attr<Attr>()));
    if (rule.wants(1)) rule.add(1, B::right(rule.xs[0], rule.ybar, rule.attr<Attr>()));
  }
  static std::vector<Sample> samples() {
    std::vector<Sample> result;
    for (const auto& sample : B::samples()) {
      const Attributes attributes = make_attributes(sample.attr);
      const Stream stream = Stream(1, B::name).child(sample.label, 0);
      result.push_back({sample.label,
                        {stream.child("a", 0).uniform(sample.a, Dtype::f64, -1, 1),
                         stream.child("b", 0).uniform(sample.b, Dtype::f64, -1, 1)},
                        [attributes](const Vars& xs) { return record(registered(), xs, attributes); }});
    }
    return result;
  }
};

template <class B>
Var bilinear(const Var& a, const Var& b, typename B::Attr attr = {}) {
  return record(Bilinear<B>::registered(), {a, b}, make_attributes(std::move(attr)));
}

}  // namespace lowtide
