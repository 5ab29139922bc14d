// The tape: what was computed from its leaves, in order. Its scope owns the memory; a Var that
// outlives it throws when used.
#pragma once
#include <lowtide/autodiff/op.h>

namespace lowtide {

class Tape {
 public:
  Tape();  // becomes the thread's current tape
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  Var leaf(Tensor value);
  std::int64_t nodes() const;
  bool holds(const Op& op) const;  // whether a node was written by it
  void clear();                    // forgets everything; Vars made before throw when used

  void step_aside();  // no longer the thread's current tape; its Vars stay usable

  void move_here() const;  // to this thread; the caller sees to it that no other one is using it

  // Checks every value written from now on; a NaN or Inf throws NonFiniteError naming its op.
  void check_finite(bool on);

  // The innermost tape that this thread is writing; throws if there is none.
  static Var leaf_on_current(Tensor value);

 private:
  friend class GuardedValues;
  TapeCore* core_;
};

// A new independent variable inside a function that is being differentiated: the coordinates of a
// physics residual, say.
inline Var variable(Tensor value) { return Tape::leaf_on_current(std::move(value)); }

// While it lives, Var::value() throws on the thread's current tape (see Var::value).
class GuardedValues {
 public:
  explicit GuardedValues(Tape& tape);
  ~GuardedValues();
  GuardedValues(const GuardedValues&) = delete;

 private:
  TapeCore* core_;
};

}  // namespace lowtide
