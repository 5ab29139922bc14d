// Definer: a linear op of one input and its transpose, each of which is the other's rule.
//
//   struct Reverse {
//     static constexpr const char* name = "reverse";
//     static constexpr const char* transposed_name = "reverse_transposed";
//     struct Attr { ... };                                             // an axis, a shape, ...
//     static Tensor forward(const Tensor& x, const Attr&);             // A x
//     static Tensor transposed(const Tensor& y, const Attr&);          // AT y
//     static std::vector<LinearSample<Attr>> samples();                // shapes of x, and attributes (or
//     Samples)
//   };
//   LOWTIDE_REGISTER(LinearPair<Reverse>)
//   Var reverse(const Var& x) { return linear<Reverse>(x, {...}); }
#pragma once
#include <lowtide/autodiff/op.h>
#include <lowtide/linalg/random.h>

namespace lowtide {

template <class Attr>
struct LinearSample {
  std::string label;
  Shape x;
  Attr attr;
};

template <class L>
struct LinearPair {
  RegisteredOp op, transposed;

  static const LinearPair& both() {
    static const LinearPair pair;
    return pair;
  }
  static const Op& registered() { return both().op.op; }

  template <bool Transposed>
  static Tensor forward(const Call& call) {
    const auto& attr = call.attr<typename L::Attr>();
    return Transposed ? L::transposed(call.x(0), attr) : L::forward(call.x(0), attr);
  }
  static Var push(const PushRule& rule) { return record(rule.op, rule.xdots.first(1), rule.attributes); }
  static void pull(const PullRule& rule) {
    if (rule.wants(0)) rule.add(0, record(*rule.op.partner, {rule.ybar}, rule.attributes));
  }

  template <bool Transposed>
  static std::vector<Sample> samples() {
    if constexpr (std::is_same_v<decltype(L::samples()), std::vector<Sample>>)
      return L::samples();
    else
      return samples_of<Transposed>(L::samples());
  }

 private:
  template <bool Transposed>
  static std::vector<Sample> samples_of(const std::vector<LinearSample<typename L::Attr>>& shapes) {
    std::vector<Sample> result;
    for (const auto& sample : shapes) {
      const Attributes attributes = make_attributes(sample.attr);
      Stream stream = Stream(1, L::name).child(sample.label, Transposed);
      Tensor x = stream.uniform(sample.x, Dtype::f64, -1, 1);
      if (Transposed) x = stream.child("y", 0).uniform(L::forward(x, sample.attr).shape, Dtype::f64, -1, 1);
      const Op& applied = Transposed ? both().transposed.op : both().op.op;
      result.push_back({sample.label, {x}, [&applied, attributes](const Vars& xs) {
                          return record(applied, xs, attributes);
                        }});
    }
    return result;
  }

  LinearPair()
      : op({L::name, &forward<false>, &push, &pull, &samples<false>}),
        transposed({L::transposed_name, &forward<true>, &push, &pull, &samples<true>}) {
    op.op.partner = &transposed.op;
    transposed.op.partner = &op.op;
  }
};

template <class L>
Var linear(const Var& x, typename L::Attr attr) {
  return record(LinearPair<L>::registered(), {x}, make_attributes(std::move(attr)));
}
template <class L>
Var linear_transposed(const Var& y, typename L::Attr attr) {
  return record(LinearPair<L>::both().transposed.op, {y}, make_attributes(std::move(attr)));
}

}  // namespace lowtide
