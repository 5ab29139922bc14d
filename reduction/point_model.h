// The field at one point, or at a few points close to each other, over time: FastLRNRs on pieces of time, cut
// until they hold a tolerance (hp empirical interpolation: Eftang and Stamm 2012).
#pragma once
#include <lowtide/reduction/fast_lrnr.h>
#include <lowtide/reduction/hypermodes.h>

namespace lowtide {

enum class Ranks : std::uint8_t {
  equal,  // the same for every hidden layer
  error,  // of each layer as ranks_for says, as small as keep the error at the validation times
  bound,  // ... as keep the bound there: safer, and larger
};

struct PieceOptions {
  double tolerance = 1e-4;    // of the largest error over the root mean square of u over time
  std::int64_t rank = 24;     // of each hidden layer at most
  int halvings = 10;          // of the time range at most; 0: one basis for all times, as in the paper
  std::int64_t samples = 65;  // times a piece that its bases come from; as many lie between, for validation
  Ranks ranks = Ranks::equal;
  FastOptions fast{};
};

struct Piece {
  double begin = -1, end = 1;  // scaled times
  std::int64_t samples = 0;
  HiddenBases bases{};
  FastLrnr fast{};
  double error = 0;   // the largest |u - fast u| at the validation times, over the root mean square of u
  double bound = 0;   // the largest error_bounds there, over the same: an estimate for the times between
  bool holds = true;  // error, with Ranks::bound the bound, <= tolerance; where not, values() asks the network
};

struct PointModel {
  LowRankWeights net{};
  CoefficientsAt coefficients{};
  Tensor x{};                   // (k,d), scaled
  double size = 1;              // the root mean square of |u| over the points and times
  std::vector<Piece> pieces{};  // from the first time to the last

  // At point k and scaled times t (n): (n,c). Outside of all pieces, or where a piece does not hold, from the
  // full network; `full` counts those times.
  Tensor values(std::int64_t k, const Tensor& t, std::int64_t* full = nullptr) const;
  bool holds() const;    // all pieces do
  double error() const;  // the largest of the pieces
  double bound() const;
};

PointModel point_model(const LowRankWeights& net, const CoefficientsAt& coefficients, const Tensor& x,
                       const PieceOptions& options = {});
// The same cuts with other ranks, at most those of the bases.
PointModel with_rank(const PointModel& model, std::int64_t rank, double tolerance,
                     const FastOptions& options = {});

}  // namespace lowtide
