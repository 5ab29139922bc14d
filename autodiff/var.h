// A Var is a tensor that may stand on a tape. Without a tape it is a constant.
#pragma once
#include <lowtide/linalg/tensor.h>

namespace lowtide {

struct TapeCore;

class Var {
 public:
  Var() = default;  // nothing; false
  Var(Tensor constant) : value_(std::move(constant)) {}

  const Shape& shape() const { return value_.shape; }
  Dtype dtype() const { return value_.dtype; }
  std::int64_t size() const { return value_.size(); }
  explicit operator bool() const { return static_cast<bool>(value_); }

  bool tracked() const { return tape_ != nullptr; }

  // The value. Throws for a tracked Var inside a function that is being differentiated, where it
  // would drop a derivative silently: say stop_gradient(x), or peek() to look without using.
  const Tensor& value() const {
    if (tape_) check_readable();
    return value_;
  }
  const Tensor& peek() const { return value_; }
  double item() const { return value().item(); }

 private:
  friend struct TapeCore;
  friend class Tape;
  friend struct PullRule;
  void check_readable() const;

  Tensor value_;
  TapeCore* tape_ = nullptr;
  std::int32_t id_ = -1;
  std::uint32_t epoch_ = 0;
};

using Vars = PoolVector<Var>;

}  // namespace lowtide
