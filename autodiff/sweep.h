// The two sweeps over what a tape holds: push computes J xdot forwards, pull computes JT ybar
// backwards. With Graph::keep the sweep itself is written on the tape and can be differentiated;
// with Graph::drop its results are constants; Graph::consume frees the tape's values on the way.
#pragma once
#include <lowtide/autodiff/tape.h>

namespace lowtide {

enum class Graph { drop, keep, consume };

// Tangents of ys when xs move by xdots. Where one of xs depends on another, total derivatives are meant.
Vars push(const Vars& ys, const Vars& xs, const Vars& xdots, Graph graph = Graph::drop);
Var push(const Var& y, const Vars& xs, const Vars& xdots, Graph graph = Graph::drop);
Var push(const Var& y, const Var& x, const Var& xdot, Graph graph = Graph::drop);

// A recorded push that goes on: tangents in this direction that were found for one result serve the next, above
// all derivatives of second order, which are pushes through pushes. Visits only what a result needs.
class DirectedPush {
 public:
  DirectedPush(Var x, Var xdot);
  Var operator()(const Var& y);  // as push(y, x, xdot, Graph::keep)

 private:
  enum class State : std::uint8_t { unknown, wanted, known };
  Var x_;
  Vars tangents_;  // of the nodes from x on
  PoolVector<State> states_;
};

// Cotangents of xs for cotangents ybars of ys.
Vars pull(const Vars& ys, const Vars& ybars, const Vars& xs, Graph graph = Graph::drop);
Vars pull(const Var& y, const Var& ybar, const Vars& xs, Graph graph = Graph::drop);
Var pull(const Var& y, const Var& ybar, const Var& x, Graph graph = Graph::drop);

// The gradient of a scalar: pull with ybar = 1.
Vars gradient(const Var& y, const Vars& xs, Graph graph = Graph::drop);

// pull of a scalar with ybar = 1 that consumes the tape and adds to `sums`, which are moved through the
// sweep so that large gradients are accumulated in place. Empty sums are created.
void accumulate_gradient(const Var& y, const Vars& xs, std::span<Tensor> sums);

}  // namespace lowtide
