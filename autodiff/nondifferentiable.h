// Definer: an op whose derivative is zero everywhere (or is meant to be).
//
//   struct Rounded {
//     static constexpr const char* name = "rounded";
//     struct Attr {};
//     static Tensor forward(std::span<const Var> xs, const Attr&);
//     static std::vector<Sample> samples();
//   };
//   LOWTIDE_REGISTER(Nondifferentiable<Rounded>)
//   Var rounded(const Var& x) { return nondifferentiable<Rounded>({x}); }
#pragma once
#include <lowtide/autodiff/op.h>

namespace lowtide {

template <class N>
struct Nondifferentiable {
  using Attr = typename N::Attr;

  static const Op& registered() {
    static const RegisteredOp registered({N::name, &forward, &push, &pull, &samples});
    return registered.op;
  }
  static Tensor forward(const Call& call) { return N::forward(call.xs, call.attr<Attr>()); }
  static Var push(const PushRule&) { return Var(); }
  static void pull(const PullRule&) {}
  static std::vector<Sample> samples() {
    auto result = N::samples();
    for (Sample& sample : result) sample.frozen = true;
    return result;
  }
};

template <class N>
Var nondifferentiable(std::initializer_list<Var> xs, typename N::Attr attr = {}) {
  return record(Nondifferentiable<N>::registered(), xs, make_attributes(std::move(attr)));
}

}  // namespace lowtide
