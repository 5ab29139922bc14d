// Definer: a fast kernel for something that other ops could compose. Every derivative follows from
// the reference composition, which is replayed on fresh leaves, so that the inner sweep never looks
// below them. A fast pull (and a fast push) for sweeps that are not recorded may be given as well;
// tests hold kernel, pull and push against the reference.
//
//   struct Affine {
//     static constexpr const char* name = "affine";
//     struct Attr {};                                                  // and what the kernel keeps
//     static Tensor forward(std::span<const Var> xs, Attr&);
//     static Var reference(const Vars& xs, const Attr&);
//     static void pull(const PullRule&, Attr&);                        // optional: for sweeps not recorded
//     static Var push(const PushRule&, Attr&);                         // optional: likewise
//     static void recorded_pull(const PullRule&, const Attr&);         // optional: in Vars, spares the replay
//     static Var recorded_push(const PushRule&, const Attr&);          // optional: likewise
//     static std::vector<Sample> samples();
//   };
//   LOWTIDE_REGISTER(Composite<Affine>)
//   Var affine(...) { return composite<Affine>({x, w, b}); }
#pragma once
#include <lowtide/autodiff/op.h>
#include <lowtide/linalg/function_ref.h>

namespace lowtide {

// Sweeps through a replay of the reference; in composite.cpp.
Var push_through_reference(const PushRule& rule, FunctionRef<Var(const Vars&)> reference);
void pull_through_reference(const PullRule& rule, FunctionRef<Var(const Vars&)> reference);

template <class C>
struct Composite {
  using Attr = typename C::Attr;

  static const Op& registered() {
    static const RegisteredOp registered({C::name, &forward, &push, &pull, &C::samples});
    return registered.op;
  }
  static Tensor forward(const Call& call) { return C::forward(call.xs, call.attr<Attr>()); }
  static Var push(const PushRule& rule) {
    Attr& attr = rule.attr<Attr>();
    if constexpr (requires { C::push(rule, attr); })
      if (rule.eager()) return C::push(rule, attr);
    if constexpr (requires { C::recorded_push(rule, attr); })
      return C::recorded_push(rule, attr);
    else
      return push_through_reference(rule, [&](const Vars& xs) { return C::reference(xs, attr); });
  }
  static void pull(const PullRule& rule) {
    Attr& attr = rule.attr<Attr>();
    if constexpr (requires { C::pull(rule, attr); })
      if (rule.eager()) return C::pull(rule, attr);
    if constexpr (requires { C::recorded_pull(rule, attr); })
      C::recorded_pull(rule, attr);
    else
      pull_through_reference(rule, [&](const Vars& xs) { return C::reference(xs, attr); });
  }
};

template <class C>
Var composite(std::span<const Var> xs, typename C::Attr attr = {}) {
  return record(Composite<C>::registered(), xs, make_attributes(std::move(attr)));
}
template <class C>
Var composite(std::initializer_list<Var> xs, typename C::Attr attr = {}) {
  return composite<C>(std::span<const Var>(xs.begin(), xs.size()), std::move(attr));
}

}  // namespace lowtide
