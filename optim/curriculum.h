// In what order a training sees its data, and when it turns from squares to absolute values.
#pragma once
#include <lowtide/linalg/random.h>
#include <lowtide/optim/schedule.h>

#include <string_view>
#include <vector>

namespace lowtide {

// From q = 2 to q = 1 after the first epoch whose mean misfit is below tau; then the learning rate starts
// again, and the plateau, whose best value belonged to q = 2 (LRNR paper, 4.13).
struct MisfitSwitch {
  double tau = 5e-4;  // 5e-3 in two dimensions
  double lr = 1e-3;   // to go on with

  // The state.
  std::int64_t switched_after = -1;  // this epoch, or not yet

  int q() const { return switched_after < 0 ? 2 : 1; }
  // To be called after an epoch, before plateau.step. True if this epoch brought the switch.
  bool update(double mean_misfit, std::int64_t epoch, double& rate, ReduceLROnPlateau* plateau = nullptr);

  template <class Visitor>
  void visit(Visitor&& see) {
    see("switched_after", switched_after);
  }
};

// The points offset, offset + stride, ... of these frames (ascending).
struct FrameBatch {
  std::vector<std::int64_t> frames;
  std::int64_t offset = 0, stride = 1;
  std::int64_t points(std::int64_t of) const { return offset < of ? (of - offset + stride - 1) / stride : 0; }
  std::vector<std::int64_t> rows(std::int64_t of) const;  // of a frame with so many points
};

// "f:p": f frames a batch, every p-th point of each. An epoch sees every point of every frame once: frames are
// shuffled and dealt, the last batches may be smaller, and each hand of frames comes p times, once for every
// offset, all in random order. f:1 are plain batches of frames.
struct FrameBatches {
  std::int64_t frames = 16, stride = 1;

  static FrameBatches parse(std::string_view text);  // "81:5", or "16" for 16:1

  std::int64_t count(std::int64_t all_frames) const;  // of batches in an epoch
  // Of this epoch: a function of the stream's key and the epoch, so that there is no state to save.
  std::vector<FrameBatch> epoch(const Stream& stream, std::int64_t epoch, std::int64_t all_frames) const;
};

}  // namespace lowtide
