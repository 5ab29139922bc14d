#include <fmt/format.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/autodiff/sweep.h>
#include <lowtide/autodiff/tape_core.h>
#include <lowtide/linalg/blas.h>

#include <algorithm>
#include <limits>

namespace lowtide {
namespace {

// The part of the tape that a sweep visits, and which of its nodes depend on xs.
struct Range {
  static constexpr std::uint8_t depends = 1, target = 2;
  TapeCore* core = nullptr;
  std::int32_t first = 0, last = -1;
};

Range range_of(const char* what, const Vars& ys, const Vars& xs, SideTable& table) {
  Range range;
  std::int32_t first = std::numeric_limits<std::int32_t>::max(), last = -1;
  for (const Var& x : xs) {
    TapeCore* core = TapeCore::of(x, what);
    if (!core) fail<TapeError>(what, "a derivative with respect to a constant: make it a leaf of the tape");
    if (range.core && core != range.core) fail<TapeError>(what, "variables of two tapes");
    range.core = core;
    first = std::min(first, TapeCore::id_of(x));
  }
  if (!range.core) fail<TapeError>(what, "no variables to differentiate with respect to");
  for (const Var& y : ys) {
    TapeCore* core = TapeCore::of(y, what);
    if (core && core != range.core) fail<TapeError>(what, "a result of another tape than its variables");
    if (core) last = std::max(last, TapeCore::id_of(y));
  }
  range.core->check_open(what);
  range.first = first;
  range.last = std::max(last, first);
  for (const Var& x : xs) range.last = std::max(range.last, TapeCore::id_of(x));

  TapeCore& core = *range.core;
  const auto length = static_cast<std::size_t>(range.last - first + 1);
  table.flags.assign(length, 0);
  for (const Var& x : xs)
    table.flags[static_cast<std::size_t>(TapeCore::id_of(x) - first)] = Range::depends | Range::target;
  for (std::int32_t id = first; id <= range.last; ++id) {
    const Node& node = core[id];
    std::uint8_t& flag = table.flags[static_cast<std::size_t>(id - first)];
    const std::int32_t* input = core.inputs.data() + node.first_input;
    for (std::int32_t k = 0; k < node.input_count && !flag; ++k)
      if (input[k] >= first && table.flags[static_cast<std::size_t>(input[k] - first)]) flag = Range::depends;
  }
  table.slots.resize(length);
  return range;
}

void check_like(const char* what, const Var& given, const Var& wanted) {
  if (!given || !(given.shape() == wanted.shape()))
    fail<ShapeError>(what,
                     fmt::format("a derivative of shape {} for a value of shape {}",
                                 given ? to_string(given.shape()) : "(nothing)", to_string(wanted.shape())));
  if (given.dtype() != wanted.dtype())
    fail<DtypeError>(what, fmt::format("a derivative in {} for a value in {}", name_of(given.dtype()),
                                       name_of(wanted.dtype())));
}

void check_count(const char* what, std::size_t given, std::size_t wanted) {
  if (given != wanted) fail<ShapeError>(what, fmt::format("{} derivatives for {} values", given, wanted));
}

void inputs_as_vars(TapeCore& core, const Node& node, bool keep, Vars& xs) {
  xs.clear();
  for (std::int32_t k = 0; k < node.input_count; ++k) {
    const std::int32_t id = core.inputs[static_cast<std::size_t>(node.first_input + k)];
    xs.push_back(keep ? core.tracked_var(id) : core.constant_var(id));
  }
}

// What a sweep starts from: a recorded one may go on differentiating it, the others take its value.
Var seed(const Var& given, Graph graph) { return graph == Graph::keep ? given : Var(given.peek()); }

Var zeros_like(const Var& x) { return Var(zeros(x.shape(), x.dtype())); }

void pull_through(const Range& range, SideTable& table, Graph graph) {
  TapeCore& core = *range.core;
  const bool keep = graph == Graph::keep;
  for (std::int32_t id = range.last; id >= range.first; --id) {
    const auto k = static_cast<std::size_t>(id - range.first);
    const std::uint8_t flag = table.flags[k];
    if (table.slots[k] && (flag & Range::depends) && core[id].op) {
      Node& node = core[id];  // stays where it is when a rule appends
      const Var y = keep ? core.tracked_var(id) : Var(node.value);
      Var ybar = flag & Range::target ? table.slots[k] : std::move(table.slots[k]);
      inputs_as_vars(core, node, keep, table.xs);
      table.bars.clear();
      for (std::int32_t i = 0; i < node.input_count; ++i) {
        const std::int32_t input = core.inputs[static_cast<std::size_t>(node.first_input + i)];
        const bool wanted = input >= range.first && table.flags[static_cast<std::size_t>(input - range.first)];
        table.bars.push_back(wanted ? &table.slots[static_cast<std::size_t>(input - range.first)] : nullptr);
      }
      node.op->pull(PullRule{{*node.op, table.xs, node.attributes}, y, ybar, table.bars});
      if (core.finite_only)
        for (Var* bar : table.bars)
          if (bar && *bar && !all_finite(bar->peek()))
            fail<NonFiniteError>(node.op->name,
                                 fmt::format("its cotangents are the first that are not finite, at "
                                             "node {} of the tape",
                                             id));
      if (graph == Graph::consume) {
        node.value = Tensor();
        node.attributes.reset();
      }
    }
    if (!(flag & Range::target)) table.slots[k] = Var();
  }
}

// The tangent of a node out of those of its inputs, which `slot` finds; none if none of them moves.
template <class Slot>
Var pushed_through(TapeCore& core, std::int32_t id, std::int32_t first, bool keep, SideTable& table,
                   const Slot& slot) {
  const Node& node = core[id];
  table.dots.clear();
  bool moves = false;
  for (std::int32_t k = 0; k < node.input_count; ++k) {
    const std::int32_t input = core.inputs[static_cast<std::size_t>(node.first_input + k)];
    table.dots.push_back(input >= first ? slot(input) : Var());
    moves = moves || table.dots.back();
  }
  if (!moves) return {};
  inputs_as_vars(core, node, keep, table.xs);
  const Var y = keep ? core.tracked_var(id) : Var(node.value);
  Var ydot = node.op->push(PushRule{{*node.op, table.xs, node.attributes}, y, table.dots});
  if (ydot && !(ydot.shape() == node.value.shape)) ydot = broadcast_to(ydot, node.value.shape);
  return ydot;
}

}  // namespace

bool PushRule::eager() const { return !any_tracked(xs) && !any_tracked(xdots); }
bool PullRule::eager() const { return !ybar.tracked() && !any_tracked(xs); }

Tensor PullRule::take_ybar() const { return std::move(ybar.value_); }

// Here cotangents of inputs that were stretched are summed back, once for all rules.
void PullRule::add(std::size_t i, Var g) const {
  if (!(g.shape() == xs[i].shape())) g = sum_to(g, xs[i].shape());
  Var& sum = *xbars[i];
  if (!sum) {
    sum = std::move(g);
  } else if (sum.tracked() || g.tracked()) {
    sum = sum + g;
  } else {
    dispatch(g.dtype(), [&](auto zero) {
      using T = decltype(zero);
      T* to = sum.value_.mutable_data<T>();
      blas::axpy(g.size(), T{1}, g.peek().data<T>(), to);
    });
  }
}

PullRule::Target PullRule::target(std::size_t i) const {
  Var& sum = *xbars[i];
  const bool fresh = !sum;
  if (fresh) sum = Var(Tensor(xs[i].shape(), xs[i].dtype()));
  return {sum.value_, fresh};
}

Vars push(const Vars& ys, const Vars& xs, const Vars& xdots, Graph graph) {
  check_count("push", xdots.size(), xs.size());
  for (std::size_t i = 0; i < xs.size(); ++i) check_like("push", xdots[i], xs[i]);
  if (xs.empty()) fail<TapeError>("push", "no variables to differentiate with respect to");
  TapeCore* first_core = TapeCore::of(xs[0], "push");
  if (!first_core)
    fail<TapeError>("push", "a derivative with respect to a constant: make it a leaf of the tape");
  BorrowedTable table(*first_core);
  const Range range = range_of("push", ys, xs, *table.operator->());
  TapeCore& core = *range.core;
  const bool keep = graph == Graph::keep;
  const auto slot = [&](std::int32_t id) -> Var& {
    return table->slots[static_cast<std::size_t>(id - range.first)];
  };

  for (std::size_t i = 0; i < xs.size(); ++i) {
    Var& dot = slot(TapeCore::id_of(xs[i]));
    dot = dot ? dot + seed(xdots[i], graph) : seed(xdots[i], graph);
  }
  for (std::int32_t id = range.first; id <= range.last; ++id) {
    const std::uint8_t flag = table->flags[static_cast<std::size_t>(id - range.first)];
    if (!(flag & Range::depends) || !core[id].op) continue;
    Var ydot = pushed_through(core, id, range.first, keep, *table.operator->(), slot);
    if (!ydot) continue;
    Var& dot = slot(id);
    dot = dot ? dot + ydot : std::move(ydot);
  }
  Vars result;
  for (const Var& y : ys) {
    const bool inside = y.tracked() && TapeCore::id_of(y) >= range.first;
    const Var* dot = inside ? &slot(TapeCore::id_of(y)) : nullptr;
    result.push_back(dot && *dot ? *dot : zeros_like(y));
  }
  return result;
}

DirectedPush::DirectedPush(Var x, Var xdot) : x_(std::move(x)) {
  check_like("push", xdot, x_);
  if (!TapeCore::of(x_, "push"))
    fail<TapeError>("push", "a derivative with respect to a constant: make it a leaf of the tape");
  tangents_.push_back(std::move(xdot));
  states_.push_back(State::known);
}

Var DirectedPush::operator()(const Var& y) {
  TapeCore& core = *TapeCore::of(x_, "push");
  TapeCore* given = TapeCore::of(y, "push");
  if (given && given != &core) fail<TapeError>("push", "a result of another tape than its variables");
  const std::int32_t first = TapeCore::id_of(x_), last = TapeCore::id_of(y);
  if (!given || last < first) return zeros_like(y);
  core.check_open("push");
  const auto at = [first](std::int32_t id) { return static_cast<std::size_t>(id - first); };
  if (at(last) >= states_.size()) {
    states_.resize(at(last) + 1, State::unknown);
    tangents_.resize(at(last) + 1);
  }
  if (states_[at(last)] == State::unknown) states_[at(last)] = State::wanted;
  for (std::int32_t id = last; id > first; --id) {
    if (states_[at(id)] != State::wanted) continue;
    const Node& node = core[id];
    for (std::int32_t k = 0; k < node.input_count; ++k) {
      const std::int32_t input = core.inputs[static_cast<std::size_t>(node.first_input + k)];
      if (input >= first && states_[at(input)] == State::unknown) states_[at(input)] = State::wanted;
    }
  }
  const BorrowedTable table(core);
  for (std::int32_t id = first + 1; id <= last; ++id) {
    if (states_[at(id)] != State::wanted) continue;
    states_[at(id)] = State::known;
    if (core[id].op)
      tangents_[at(id)] = pushed_through(core, id, first, true, *table.operator->(),
                                         [&](std::int32_t input) { return tangents_[at(input)]; });
  }
  return tangents_[at(last)] ? tangents_[at(last)] : zeros_like(y);
}

Vars pull(const Vars& ys, const Vars& ybars, const Vars& xs, Graph graph) {
  check_count("pull", ybars.size(), ys.size());
  for (std::size_t i = 0; i < ys.size(); ++i) check_like("pull", ybars[i], ys[i]);
  if (xs.empty()) fail<TapeError>("pull", "no variables to differentiate with respect to");
  TapeCore* first_core = TapeCore::of(xs[0], "pull");
  if (!first_core)
    fail<TapeError>("pull", "a derivative with respect to a constant: make it a leaf of the tape");
  BorrowedTable table(*first_core);
  const Range range = range_of("pull", ys, xs, *table.operator->());
  for (std::size_t i = 0; i < ys.size(); ++i) {
    if (!ys[i].tracked() || TapeCore::id_of(ys[i]) < range.first) continue;
    Var& bar = table->slots[static_cast<std::size_t>(TapeCore::id_of(ys[i]) - range.first)];
    bar = bar ? bar + seed(ybars[i], graph) : seed(ybars[i], graph);
  }
  if (graph == Graph::consume) range.core->consumed = true;
  pull_through(range, *table.operator->(), graph);
  Vars result;
  for (const Var& x : xs) {
    const Var& bar = table->slots[static_cast<std::size_t>(TapeCore::id_of(x) - range.first)];
    result.push_back(bar ? bar : zeros_like(x));
  }
  return result;
}

void accumulate_gradient(const Var& y, const Vars& xs, std::span<Tensor> sums) {
  if (y.size() != 1) fail<ShapeError>("gradient", "of a Var that is not one number: " + to_string(y.shape()));
  TapeCore* core = TapeCore::of(xs.at(0), "gradient");
  if (y.tracked()) {
    BorrowedTable table(*core);
    const Range range = range_of("gradient", {y}, xs, *table.operator->());
    const auto slot = [&](const Var& x) -> Var& {
      return table->slots[static_cast<std::size_t>(TapeCore::id_of(x) - range.first)];
    };
    for (std::size_t i = 0; i < xs.size(); ++i)
      if (sums[i]) slot(xs[i]) = Var(std::move(sums[i]));
    Var& ybar = slot(y);
    const Var one(ones(y.shape(), y.dtype()));
    ybar = ybar ? ybar + one : one;
    range.core->consumed = true;
    pull_through(range, *table.operator->(), Graph::consume);
    for (std::size_t i = 0; i < xs.size(); ++i) {
      Var bar = std::move(slot(xs[i]));
      sums[i] = bar ? bar.peek() : Tensor();
    }
  }
  for (std::size_t i = 0; i < xs.size(); ++i)
    if (!sums[i]) sums[i] = zeros(xs[i].shape(), xs[i].dtype());
}

Var push(const Var& y, const Vars& xs, const Vars& xdots, Graph graph) {
  return push(Vars{y}, xs, xdots, graph)[0];
}
Var push(const Var& y, const Var& x, const Var& xdot, Graph graph) {
  return push(Vars{y}, Vars{x}, Vars{xdot}, graph)[0];
}
Vars pull(const Var& y, const Var& ybar, const Vars& xs, Graph graph) {
  return pull(Vars{y}, Vars{ybar}, xs, graph);
}
Var pull(const Var& y, const Var& ybar, const Var& x, Graph graph) {
  return pull(Vars{y}, Vars{ybar}, Vars{x}, graph)[0];
}

Vars gradient(const Var& y, const Vars& xs, Graph graph) {
  if (y.size() != 1) fail<ShapeError>("gradient", "of a Var that is not one number: " + to_string(y.shape()));
  return pull(y, Var(ones(y.shape(), y.dtype())), xs, graph);
}

}  // namespace lowtide
