#include <fmt/format.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/point_model.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowtide {
namespace {

struct Sample {  // all points at all times: row k times + i is point k at time i
  Tensor x, s;
  std::vector<LayerState> full;
};

Sample sample(const LowRankWeights& net, const CoefficientsAt& coefficients, const Tensor& points,
              const Tensor& times) {
  const std::int64_t k = points.shape[0], n = times.size(), d = points.shape[1];
  const Tensor at_times = coefficients(times);
  Tensor x({k * n, d}, Dtype::f64), s({k * n, at_times.shape[1]}, Dtype::f64);
  for (std::int64_t p = 0; p < k; ++p) {
    for (std::int64_t i = 0; i < n; ++i)
      std::copy_n(points.data<double>() + p * d, d, x.mutable_data<double>() + (p * n + i) * d);
    std::copy_n(at_times.data<double>(), at_times.size(), s.mutable_data<double>() + p * at_times.size());
  }
  Sample out{x, s, {}};
  out.full = pass(net, x, s);
  return out;
}

// The times that bases come from, ends included, and those in the middles between them.
Tensor sampled_times(const Piece& piece) { return linspace(piece.begin, piece.end, piece.samples, Dtype::f64); }
Tensor validation_times(const Piece& piece) {
  const double half = (piece.end - piece.begin) / static_cast<double>(piece.samples - 1) / 2;
  return linspace(piece.begin + half, piece.end - half, piece.samples - 1, Dtype::f64);
}

std::vector<std::int64_t> uniform_ranks(const HiddenBases& bases, std::int64_t rank) {
  std::vector<std::int64_t> ranks;
  for (const Tensor& s : bases.singular_values) {
    std::int64_t independent = 0;  // directions beyond roundoff say nothing
    while (independent < s.size() && s.at(independent) > 1e-14 * s.at(0)) ++independent;
    ranks.push_back(std::max<std::int64_t>(1, std::min(rank, independent)));
  }
  return ranks;
}

// Where the sums of a FastLRNR overflow, there is no telling: as large as can be.
double known(double x) { return std::isnan(x) ? std::numeric_limits<double>::infinity() : x; }

void measure_error(Piece& piece, const Sample& between, double size) {
  const Tensor fast = values(piece.fast.net, between.x, between.s);
  piece.error = known(largest_row_difference(fast, between.full.back().z) / size);
}

// Takes far longer than the error.
void measure_bound(Piece& piece, const LowRankWeights& net, const Sample& between, double size) {
  piece.bound = max_abs(error_bounds(net, piece.fast, between.full, between.s)) / size;
}

struct Builder {
  PointModel& model;
  const PieceOptions& options;

  void build(double begin, double end, int halvings) {
    Piece piece{.begin = begin, .end = end, .samples = options.samples};
    const Sample at = sample(model.net, model.coefficients, model.x, sampled_times(piece));
    const Sample between = sample(model.net, model.coefficients, model.x, validation_times(piece));
    piece.bases = hidden_bases(at.full);
    const auto reduce_to = [&](const std::vector<std::int64_t>& ranks) {
      piece.fast = fast_lrnr(model.net, piece.bases, ranks, options.fast);
      measure_error(piece, between, model.size);
      piece.holds = piece.error <= options.tolerance;
      if (!piece.holds || options.ranks != Ranks::bound) return;  // no bound lies below the error
      measure_bound(piece, model.net, between, model.size);
      piece.holds = piece.bound <= options.tolerance;
    };
    if (options.ranks == Ranks::equal) {
      reduce_to(uniform_ranks(piece.bases, options.rank));
    } else {  // ranks_for counts each layer by itself: what they do together may take more, and for the error
              // less
      double target = options.tolerance * model.size * (options.ranks == Ranks::error ? 10 : 1);
      for (int tries = 0; tries < 8 && !(tries > 0 && piece.holds); ++tries, target /= 10) {
        const auto ranks =
            ranks_for(model.net, piece.bases, between.full, between.s, target, options.rank, options.fast);
        reduce_to(ranks);
        if (std::all_of(ranks.begin(), ranks.end(), [&](std::int64_t r) { return r >= options.rank; })) break;
      }
    }
    if (piece.holds || halvings == 0) {
      if (options.ranks != Ranks::bound || piece.error > options.tolerance)
        measure_bound(piece, model.net, between, model.size);
      model.pieces.push_back(std::move(piece));
      return;
    }
    const double middle = (begin + end) / 2;
    build(begin, middle, halvings - 1);
    build(middle, end, halvings - 1);
  }
};

PointModel begun(const LowRankWeights& net, const CoefficientsAt& coefficients, const Tensor& x) {
  if (x.shape.rank() != 2 || x.shape[0] < 1 || x.shape[1] != net.in())
    fail<ShapeError>("point_model",
                     fmt::format("points (k,{}) expected, got {}", net.in(), to_string(x.shape)));
  PointModel model{.net = net, .coefficients = coefficients, .x = x};
  const Tensor u = sample(net, coefficients, x, linspace(-1, 1, 257, Dtype::f64)).full.back().z;
  require_finite("point_model", u);
  model.size = norm(u) / std::sqrt(static_cast<double>(u.shape[0]));
  if (!(model.size > 0)) model.size = 1;  // nothing but zeros
  return model;
}

}  // namespace

Tensor PointModel::values(std::int64_t k, const Tensor& t, std::int64_t* full) const {
  const std::int64_t n = t.size(), c = net.out();
  const Tensor point = x.rows(k, k + 1), s = coefficients(t.reshaped({n}));
  Tensor out({n, c}, Dtype::f64);
  if (full != nullptr) *full = 0;
  std::vector<std::vector<std::int64_t>> at(pieces.size() + 1);  // the last: of the full network
  for (std::int64_t i = 0; i < n; ++i) {
    std::size_t p = 0;
    while (p < pieces.size() && !(t.at(i) >= pieces[p].begin && t.at(i) <= pieces[p].end && pieces[p].holds))
      ++p;
    at[p].push_back(i);
  }
  for (std::size_t p = 0; p < at.size(); ++p) {
    if (at[p].empty()) continue;
    if (p == pieces.size() && full != nullptr) *full = std::ssize(at[p]);
    const Tensor u = lowtide::values(p < pieces.size() ? pieces[p].fast.net : net, point, rows_of(s, at[p]));
    for (std::size_t j = 0; j < at[p].size(); ++j)
      std::copy_n(u.data<double>() + static_cast<std::int64_t>(j) * c, c,
                  out.mutable_data<double>() + at[p][j] * c);
  }
  return out;
}

bool PointModel::holds() const {
  return std::all_of(pieces.begin(), pieces.end(), [](const Piece& piece) { return piece.holds; });
}

double PointModel::error() const {
  double most = 0;
  for (const Piece& piece : pieces) most = std::max(most, piece.error);
  return most;
}

double PointModel::bound() const {
  double most = 0;
  for (const Piece& piece : pieces) most = std::max(most, piece.bound);
  return most;
}

PointModel point_model(const LowRankWeights& net, const CoefficientsAt& coefficients, const Tensor& x,
                       const PieceOptions& options) {
  if (!(options.tolerance > 0) || options.rank < 1 || options.samples < 3 || options.halvings < 0)
    fail<Error>("point_model",
                "tolerance and rank must be positive, samples at least 3, halvings not negative");
  PointModel model = begun(net, coefficients, x);
  Builder{model, options}.build(-1, 1, options.halvings);
  return model;
}

PointModel with_rank(const PointModel& model, std::int64_t rank, double tolerance, const FastOptions& options) {
  PointModel out = model;
  for (Piece& piece : out.pieces) {
    piece.fast = fast_lrnr(out.net, piece.bases, uniform_ranks(piece.bases, rank), options);
    const Sample between = sample(out.net, out.coefficients, out.x, validation_times(piece));
    measure_error(piece, between, out.size);
    measure_bound(piece, out.net, between, out.size);
    piece.holds = piece.error <= tolerance;
  }
  return out;
}

}  // namespace lowtide
