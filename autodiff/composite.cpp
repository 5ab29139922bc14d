#include <lowtide/autodiff/composite.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/autodiff/sweep.h>

namespace lowtide {
namespace {

// The inputs as fresh leaves: on the sweep's own tape if it is recorded, else on `scratch`.
Vars leaves_for(const Call& call, bool eager, Tape* scratch) {
  Vars leaves;
  for (const Var& x : call.xs)
    leaves.push_back(eager ? scratch->leaf(x.peek()) : x.tracked() ? identity(x) : x);
  return leaves;
}

}  // namespace

Var push_through_reference(const PushRule& rule, FunctionRef<Var(const Vars&)> reference) {
  const auto push_on = [&](const Vars& leaves, Graph graph) {
    const Var y = reference(leaves);
    Vars moving, dots;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      if (!rule.xdots[i]) continue;
      moving.push_back(leaves[i]);
      dots.push_back(rule.xdots[i]);
    }
    return push(y, moving, dots, graph);
  };
  if (!rule.eager()) return push_on(leaves_for(rule, false, nullptr), Graph::keep);
  Tape scratch;
  return push_on(leaves_for(rule, true, &scratch), Graph::drop);
}

void pull_through_reference(const PullRule& rule, FunctionRef<Var(const Vars&)> reference) {
  const auto pull_on = [&](const Vars& leaves, Graph graph) {
    const Var y = reference(leaves);
    Vars wanted;
    for (std::size_t i = 0; i < leaves.size(); ++i)
      if (rule.wants(i)) wanted.push_back(leaves[i]);
    Vars bars = pull(y, rule.ybar, wanted, graph);
    for (std::size_t i = 0, k = 0; i < leaves.size(); ++i)
      if (rule.wants(i)) rule.add(i, std::move(bars[k++]));
  };
  if (!rule.eager()) return pull_on(leaves_for(rule, false, nullptr), Graph::keep);
  Tape scratch;
  pull_on(leaves_for(rule, true, &scratch), Graph::consume);
}

}  // namespace lowtide
