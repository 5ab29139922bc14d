// The state of a training loop, as parts that a checkpoint holds: tensors, numbers, and whatever shows its
// state by visit(see), as the optimizers do (optim/optimizer.h).
#pragma once
#include <lowtide/io/safetensors.h>
#include <lowtide/linalg/tensor.h>

#include <concepts>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace lowtide {

struct StateVisitor {
  virtual ~StateVisitor() = default;
  virtual void operator()(std::string_view name, double& x) = 0;
  virtual void operator()(std::string_view name, std::int64_t& x) = 0;
  virtual void operator()(std::string_view name, Tensors& x) = 0;
};

// A borrowed part: it must live as long as the loop.
class StatePart {
 public:
  template <class Part>
    requires(!std::same_as<Part, StatePart>)
  StatePart(Part& part)
      : visit_([&part](StateVisitor& see) {
          if constexpr (std::invocable<StateVisitor&, std::string_view, Part&>)
            see(std::string_view(), part);
          else
            part.visit(see);
        }) {}

  void visit(StateVisitor& see) const { visit_(see); }

 private:
  std::function<void(StateVisitor&)> visit_;
};

// Adds the parts to `file`: tensor k of "m" of the second part is "1.m.k", numbers and how many tensors there
// are is metadata. A part that is tensors or a number has no name of its own: "0.k", "0".
void save_state(std::span<const StatePart> parts, TensorFile& file);

// The other way, to the same bits. InputError that names file and part, before anything is changed, if
// something is missing or left over, or tensors that are there already have other shapes: a state of something
// else.
void restore_state(std::span<const StatePart> parts, const TensorFile& file);

}  // namespace lowtide
