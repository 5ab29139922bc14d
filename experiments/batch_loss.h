// The loss of one batch (4.10): the misfits of its fields, and the penalties.
#pragma once
#include <lowtide/experiments/recipe.h>
#include <lowtide/experiments/training_data.h>

#include <memory>
#include <vector>

namespace lowtide {

class BatchLoss {
 public:
  // The pieces are tiles, short ones of several frames together if the network takes that; those of one frame
  // stand together.
  BatchLoss(const Recipe& recipe, const Network& net, const TrainingData& data, const Misfit& kind,
            const std::vector<TrainingData::Piece>& pieces);

  struct Parts {  // without their weights
    double misfit = 0, sparse = 0, ortho = 0;
  };
  Var operator()(const Vars& theta, Parts& parts) const;

  double points() const { return points_; }
  double flops(const Tensors& theta) const;  // forward and backward, at the least

 private:
  struct TileData;
  struct TileLoss;
  const Recipe& recipe_;
  const Network& net_;
  Misfit kind_;
  Tensor scales_;
  Tensor times_;                                        // of the frames in the batch (k,1+p)
  std::shared_ptr<const std::vector<TileData>> tiles_;  // a tile each
  double points_ = 0;
};

}  // namespace lowtide
