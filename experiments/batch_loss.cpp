#include <lowtide/autodiff/tiles.h>
#include <lowtide/experiments/batch_loss.h>
#include <lowtide/io/file.h>

#include <algorithm>

namespace lowtide {
namespace {

// One over the norm of the data of each field, divided by the number of fields: the misfit is the mean over
// them.
Tensor scales_of(const Misfit& kind, const std::vector<TrainingData::Piece>& pieces) {
  const std::int64_t fields = pieces.at(0).y.shape[1];
  Tensor scales({fields}, Dtype::f32);
  for (std::int64_t f = 0; f < fields; ++f) {
    double total = 0;
    for (const auto& piece : pieces) total += kind.denominator(piece.y, piece.weights, f);
    if (!(total > 0))
      throw InputError("a batch whose data are all zero has no relative misfit; take larger batches");
    scales.mutable_data<float>()[f] = static_cast<float>(1 / (total * static_cast<double>(fields)));
  }
  return scales;
}

}  // namespace

BatchLoss::BatchLoss(const Recipe& recipe, const Network& net, const TrainingData& data, const Misfit& kind,
                     std::vector<TrainingData::Piece> pieces)
    : recipe_(recipe),
      net_(net),
      kind_(kind),
      pieces_(std::make_shared<const std::vector<TrainingData::Piece>>(std::move(pieces))),
      scales_(scales_of(kind, *pieces_)) {
  std::vector<float> times;
  std::int64_t last = -1, rows = 0;
  for (const auto& piece : *pieces_) {
    if (piece.frame != last) {
      const Tensor t = data.times().rows(piece.frame, piece.frame + 1);
      times.insert(times.end(), t.data<float>(), t.data<float>() + t.size());
      last = piece.frame;
      ++rows;
    }
    row_.push_back(rows - 1);
  }
  times_ = Tensor({rows, data.times().shape[1]}, Dtype::f32);
  std::copy(times.begin(), times.end(), times_.mutable_data<float>());
}

struct BatchLoss::TileLoss {
  const Network net;
  const Misfit kind;
  const std::shared_ptr<const std::vector<TrainingData::Piece>> pieces;
  const std::vector<std::int64_t> row;
  const Tensor scales;

  // The network's own tensors, then the coefficients of all times.
  Var operator()(const Vars& arguments, const Tile& tile) const {
    const auto index = static_cast<std::size_t>(tile.index);
    const TrainingData::Piece& piece = (*pieces)[index];
    const Var& all = arguments.back();
    const Var s = reshape(slice(all, 0, row[index], row[index] + 1), {all.shape()[1]});
    const Var prediction = field(net, std::span(arguments).first(arguments.size() - 1), Var(piece.x), s);
    return kind.numerator(prediction, Var(piece.y), piece.weights ? Var(piece.weights) : Var(), Var(scales));
  }
};

// Coefficients are computed for all times of the batch at once, outside of the tiles.
Var BatchLoss::operator()(const Vars& theta, Parts& parts) const {
  const Var s = coefficients_at_times(net_, theta, Var(times_));
  Vars arguments(theta.begin(), theta.begin() + static_cast<std::ptrdiff_t>(field_tensors(net_)));
  arguments.push_back(s);
  Var loss =
      sum_over_tiles(Tiles{std::ssize(*pieces_), 1}, arguments, TileLoss{net_, kind_, pieces_, row_, scales_});
  parts.misfit = loss.peek().item();
  const auto factors = low_rank(net_);
  if (factors && recipe_.sparse > 0) {
    const Var penalty =
        sparsity_penalty(s, factors->rank, recipe_.gamma) * (1 / static_cast<double>(times_.shape[0]));
    parts.sparse = penalty.peek().item();
    loss = loss + recipe_.sparse * penalty;
  }
  if (factors && recipe_.ortho > 0) {
    const Var penalty =
        orthogonality_penalty(std::span(theta).first(factors->parameter_tensors()), recipe_.gram);
    parts.ortho = penalty.peek().item();
    loss = loss + recipe_.ortho * penalty;
  }
  return loss;
}

double BatchLoss::points() const {
  double points = 0;
  for (const auto& piece : *pieces_) points += static_cast<double>(piece.x.shape[0]);
  return points;
}

double BatchLoss::flops(const Tensors& theta) const {
  double hyper = 0;
  for (std::size_t k = field_tensors(net_); k < theta.size(); ++k)
    hyper += static_cast<double>(theta[k].size());
  const auto frames = static_cast<double>(times_.shape[0]);
  return frames * (lowtide::flops(net_, points() / frames) + 6 * hyper);
}

}  // namespace lowtide
