#include <lowtide/autodiff/tiles.h>
#include <lowtide/experiments/batch_loss.h>
#include <lowtide/io/file.h>

#include <algorithm>

namespace lowtide {
namespace {

// The least for which products run at full speed, as far as there are so many.
constexpr std::int64_t tile_rows = 250;

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

// Rows of all, one after the other; none if the first has none.
Tensor stacked(std::span<const TrainingData::Piece> pieces, Tensor TrainingData::Piece::*part) {
  const Tensor& first = pieces[0].*part;
  if (pieces.size() == 1 || !first) return first;
  std::int64_t rows = 0;
  for (const auto& piece : pieces) rows += (piece.*part).shape[0];
  Tensor all(first.shape.with(0, rows), Dtype::f32);
  float* to = all.mutable_data<float>();
  for (const auto& piece : pieces) to = std::copy_n((piece.*part).data<float>(), (piece.*part).size(), to);
  return all;
}

}  // namespace

// Rows of one time, or equally many of each of several times.
struct BatchLoss::TileData {
  std::int64_t first, times;  // rows of times_
  Tensor x, y, weights;
};

BatchLoss::BatchLoss(const Recipe& recipe, const Network& net, const TrainingData& data, const Misfit& kind,
                     const std::vector<TrainingData::Piece>& pieces)
    : recipe_(recipe), net_(net), kind_(kind), scales_(scales_of(kind, pieces)) {
  std::vector<float> times;
  std::vector<std::int64_t> row;  // of each piece's time
  for (const auto& piece : pieces) {
    points_ += static_cast<double>(piece.x.shape[0]);
    if (row.empty() || piece.frame != pieces[row.size() - 1].frame) {
      const Tensor t = data.times().rows(piece.frame, piece.frame + 1);
      times.insert(times.end(), t.data<float>(), t.data<float>() + t.size());
      row.push_back(row.empty() ? 0 : row.back() + 1);
    } else {
      row.push_back(row.back());
    }
  }
  times_ = Tensor({row.back() + 1, data.times().shape[1]}, Dtype::f32);
  std::copy(times.begin(), times.end(), times_.mutable_data<float>());

  // Runs of pieces that may share tiles are cut evenly.
  auto tiles = std::make_shared<std::vector<TileData>>();
  for (std::size_t begin = 0, end; begin < pieces.size(); begin = end) {
    const std::int64_t points = std::max<std::int64_t>(1, pieces[begin].x.shape[0]);
    end = begin + 1;
    while (takes_several_times(net) && end < pieces.size() && row[end] == row[end - 1] + 1 &&
           pieces[end].x.shape[0] == pieces[begin].x.shape[0])
      ++end;
    const auto length = static_cast<std::int64_t>(end - begin);
    const std::int64_t together = std::max<std::int64_t>(1, (tile_rows + points - 1) / points),
                       count = std::max<std::int64_t>(1, (length + together / 2) / together);
    for (std::int64_t k = 0; k < count; ++k) {
      const std::int64_t from = k * length / count, to = (k + 1) * length / count;
      const auto own = std::span(pieces).subspan(begin + static_cast<std::size_t>(from),
                                                 static_cast<std::size_t>(to - from));
      tiles->push_back({row[begin] + from, to - from, stacked(own, &TrainingData::Piece::x),
                        stacked(own, &TrainingData::Piece::y), stacked(own, &TrainingData::Piece::weights)});
    }
  }
  tiles_ = std::move(tiles);
}

struct BatchLoss::TileLoss {
  const Network net;
  const Misfit kind;
  const std::shared_ptr<const std::vector<TileData>> tiles;
  const Tensor scales;

  const bool by_row;

  // The network's own tensors, then the coefficients: of this tile's time, or of all times.
  Var operator()(const Vars& arguments, const Tile& tile) const {
    const TileData& own = (*tiles)[static_cast<std::size_t>(tile.index)];
    Var s = arguments.back();
    if (!by_row) s = slice(s, 0, own.first, own.first + own.times);
    if (own.times == 1) s = reshape(s, {s.shape()[1]});
    const Var prediction = field(net, std::span(arguments).first(arguments.size() - 1), Var(own.x), s);
    return kind.numerator(prediction, Var(own.y), own.weights ? Var(own.weights) : Var(), Var(scales));
  }
};

// Coefficients are computed for all times of the batch at once, outside of the tiles.
Var BatchLoss::operator()(const Vars& theta, Parts& parts) const {
  const Var s = coefficients_at_times(net_, theta, Var(times_));
  Vars arguments(theta.begin(), theta.begin() + static_cast<std::ptrdiff_t>(field_tensors(net_)));
  // Networks whose coefficients are all their weights have many of them: tiles of one time get that row alone.
  std::vector<std::int64_t> rows;
  for (const TileData& tile : *tiles_)
    if (tile.times == 1) rows.push_back(tile.first);
  const bool by_row = rows.size() == tiles_->size();
  arguments.push_back(!by_row || std::ssize(rows) == times_.shape[0] ? s : gather(s, rows));
  Var loss = sum_over_tiles(Tiles{std::ssize(*tiles_), 1}, arguments,
                            TileLoss{net_, kind_, tiles_, scales_, by_row}, by_row ? 1 : 0);
  parts.misfit = loss.peek().item();
  const auto factors = low_rank(net_);
  if (factors && recipe_.sparse > 0) {
    std::vector<std::int64_t> blocks;
    for (std::int64_t l = 0; l < factors->depth; ++l) {
      blocks.push_back(factors->weight_rank(l));
      if (factors->bias_rank(l) > 0) blocks.push_back(factors->bias_rank(l));
    }
    const Var penalty = (factors->ranks.alike() ? sparsity_penalty(s, factors->rank, recipe_.gamma)
                                                : sparsity_penalty(s, blocks, recipe_.gamma)) *
                        (1 / static_cast<double>(times_.shape[0]));
    parts.sparse = penalty.peek().item();
    loss = loss + recipe_.sparse * penalty;
  }
  if (factors && recipe_.ortho > 0) {
    Vars present;  // biases of rank zero have no factor
    for (const Var& factor : std::span(theta).first(factors->parameter_tensors()))
      if (factor.size() > 0) present.push_back(factor);
    const Var penalty = orthogonality_penalty(present, recipe_.gram);
    parts.ortho = penalty.peek().item();
    loss = loss + recipe_.ortho * penalty;
  }
  if (recipe_.compression.penalty > 0)
    loss = loss + recipe_.compression.penalty * rank_penalty(recipe_.compression, net_, theta);
  return loss;
}

double BatchLoss::flops(const Tensors& theta) const {
  double hyper = 0;
  for (std::size_t k = field_tensors(net_); k < theta.size(); ++k)
    hyper += static_cast<double>(theta[k].size());
  const auto frames = static_cast<double>(times_.shape[0]);
  return frames * (lowtide::flops(net_, points_ / frames) + 6 * hyper);
}

}  // namespace lowtide
