// Snapshots as training wants them: scaled, in f32, and laid out so that every part of a frame that a batch
// asks for is a run of rows.
#pragma once
#include <lowtide/experiments/scaling.h>
#include <lowtide/optim/curriculum.h>
#include <lowtide/optim/mollifier.h>

#include <span>
#include <vector>

namespace lowtide {

class TrainingData {
 public:
  // These frames of the set, for batches of every `stride`-th point; with weights, or all alike.
  TrainingData(const Snapshots& set, const Scaling& scaling, const std::vector<std::int64_t>& which,
               std::int64_t stride, bool weighted);

  std::int64_t frames() const { return std::ssize(frames_); }
  std::int64_t all_points() const;
  const Tensor& times() const { return times_; }  // (T,1+p), scaled

  // Rows of one frame.
  struct Piece {
    std::int64_t frame;    // by its number here
    Tensor x, y, weights;  // (n,d), (n,c), (n) or none
  };
  // The tiles of a batch, in a fixed order, none longer than `most` rows.
  std::vector<Piece> tiles(const FrameBatch& batch, std::int64_t most) const;
  Piece whole(std::int64_t frame) const;

  // From now on the values are averages over [x - w, x + w], w a part of the domain; 0: the data themselves.
  // InputError unless the points are a uniform grid in one dimension.
  void mollify(double w);

 private:
  struct Frame {
    Tensor x, y, weights;
    std::vector<std::int64_t> begin;  // of the rows of each offset, and the end
  };
  void lay_out(std::int64_t frame, const Tensor& y);

  std::int64_t stride_;
  std::vector<Frame> frames_;
  Tensor times_;
  // For the mollifier.
  Tensor smooth_;  // (T,n,c) in the order of the grid
  std::vector<Edge> edges_;
  double width_ = 0;
  std::string refusal_;
};

}  // namespace lowtide
