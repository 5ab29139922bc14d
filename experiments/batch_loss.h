// The loss of one batch (4.10): the misfits of its fields, and the penalties.
#pragma once
#include <lowtide/experiments/recipe.h>
#include <lowtide/experiments/training_data.h>

#include <memory>
#include <vector>

namespace lowtide {

class BatchLoss {
 public:
  // The pieces are tiles; those of one frame stand together.
  BatchLoss(const Recipe& recipe, const Network& net, const TrainingData& data, const Misfit& kind,
            std::vector<TrainingData::Piece> pieces);

  struct Parts {  // without their weights
    double misfit = 0, sparse = 0, ortho = 0;
  };
  Var operator()(const Vars& theta, Parts& parts) const;

  double points() const;
  double flops(const Tensors& theta) const;  // forward and backward, at the least

 private:
  struct TileLoss;
  const Recipe& recipe_;
  const Network& net_;
  Misfit kind_;
  std::shared_ptr<const std::vector<TrainingData::Piece>> pieces_;
  std::vector<std::int64_t> row_;  // of each tile's time in times_
  Tensor times_;                   // of the frames in the batch (k,1+p)
  Tensor scales_;
};

}  // namespace lowtide
