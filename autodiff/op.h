// An op: a kernel on tensors and two rules written in Vars, so that a sweep can itself be recorded
// and differentiated again. Nobody fills in an Op by hand: the definers (elementwise.h,
// linear_pair.h, bilinear.h, composite.h, nondifferentiable.h) derive both rules from one
// description, so that they cannot drift apart.
#pragma once
#include <lowtide/autodiff/var.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lowtide {

struct Op;

// What an op needs besides its inputs (an axis, a shape, ...), and what its kernel keeps for its
// rules. Made from the pool; the type is known to the op alone.
using Attributes = std::shared_ptr<void>;

template <class A>
Attributes make_attributes(A&& a) {
  using Plain = std::remove_cvref_t<A>;
  return std::allocate_shared<Plain>(PoolAllocator<Plain>{}, std::forward<A>(a));
}

// What kernels and rules see: the op, its inputs, and its attributes.
struct Call {
  const Op& op;
  std::span<const Var> xs;
  const Attributes& attributes;

  const Tensor& x(std::size_t i) const { return xs[i].peek(); }
  template <class A>
  A& attr() const {
    return *static_cast<A*>(attributes.get());
  }
};

// ydot = J xdot. An input that does not move has an empty tangent.
struct PushRule : Call {
  const Var& y;
  std::span<const Var> xdots;

  bool eager() const;  // nothing here is tracked: plain kernels will do
};

// xbar_i += J_iT ybar. A cotangent wider than its input is summed back; see unbroadcasting in sweep.cpp.
struct PullRule : Call {
  const Var& y;
  Var& ybar;
  std::span<Var* const> xbars;  // null where no cotangent is wanted

  bool eager() const;
  Tensor take_ybar() const;  // ybar's value, to be overwritten: the rule's own where nobody else holds it
  bool wants(std::size_t i) const { return xbars[i] != nullptr; }
  void add(std::size_t i, Var cotangent) const;

  // For eager rules that add in place: xbar_i as a tensor, and whether it is still unwritten (beta = 0).
  struct Target {
    Tensor& value;
    bool fresh;
    double beta() const { return fresh ? 0.0 : 1.0; }
  };
  Target target(std::size_t i) const;
};

// One way to call an op: inputs inside its domain and away from kinks, for tests.
struct Sample {
  std::string label;
  Tensors xs;  // f64; also run in f32
  std::function<Var(const Vars&)> f;
  bool frozen = false;  // the derivative is zero because the op says so, not because f is constant
  double noise = 0;     // relative roundoff of f beyond that of its dtype (a cast to f32, say)
};

struct Op {
  std::string_view name;
  Tensor (*forward)(const Call&) = nullptr;
  Var (*push)(const PushRule&) = nullptr;
  void (*pull)(const PullRule&) = nullptr;
  std::vector<Sample> (*samples)() = nullptr;
  const void* body = nullptr;   // the definer's own
  const Op* partner = nullptr;  // of a linear pair
};

// All ops that exist in this program, by name.
const std::vector<const Op*>& op_table();

const Op& op_named(std::string_view name);  // throws if there is none

struct RegisteredOp {  // an op with a place in the table
  Op op;
  explicit RegisteredOp(const Op& definition);
  RegisteredOp(const RegisteredOp&) = delete;
};

// Puts the op of a definer (LinearPair<L>, Bilinear<B>, ...) into the table when the program is loaded.
#define LOWTIDE_REGISTER(...)                                                                    \
  [[maybe_unused]] static const ::lowtide::Op& LOWTIDE_REGISTER_NAME(registered_op_, __LINE__) = \
      __VA_ARGS__::registered();
#define LOWTIDE_REGISTER_NAME(a, b) LOWTIDE_REGISTER_PASTE(a, b)
#define LOWTIDE_REGISTER_PASTE(a, b) a##b

// Applies an op, and writes it on the tape of its tracked inputs.
Var record(const Op& op, std::span<const Var> xs, const Attributes& attributes = {});
inline Var record(const Op& op, std::initializer_list<Var> xs, const Attributes& attributes = {}) {
  return record(op, std::span<const Var>(xs.begin(), xs.size()), attributes);
}

bool any_tracked(std::span<const Var> xs);

}  // namespace lowtide
