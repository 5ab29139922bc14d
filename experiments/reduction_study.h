// What a trained low-rank model can be reduced to, and at what price: the numbers of `lowtide reduce` and of
// the report.
#pragma once
#include <lowtide/experiments/low_rank_model.h>
#include <lowtide/reduction/hypermodes.h>
#include <lowtide/reduction/point_model.h>
#include <lowtide/reduction/truncation.h>

namespace lowtide {

struct StudyOptions {
  double threshold = paper_threshold;  // of truncation and of significant hypermodes
  double tolerance = 1e-4;             // of FastLRNRs, relative
  std::int64_t rank = 0;               // of the FastLRNRs whose pieces the table keeps; 0: that of the weights
  // Half of them where the field changes most abruptly in time. 0: 16, and 4 of networks with a million
  // parameters, each of which takes minutes.
  std::int64_t points = 0;
  std::int64_t times = 401;    // snapshots of the coefficients
  std::int64_t unseen = 1000;  // random times that errors are measured at
  FastOptions fast{};
  bool timings = true;
  std::uint64_t seed = 0;
};

struct TruncationRow {  // of table 2
  Relative relative = Relative::global;
  Truncation kept{};
  double rel_l2 = 0;  // of the truncated network against the whole, over points and times
};

struct ModesRow {
  std::int64_t modes = 0;
  double rel_l2 = 0;  // of u with coefficients projected onto so many hypermodes (5.6)
};

struct FastRow {
  std::int64_t rank = 0;
  double mean_rank = 0;  // in use, over layers, pieces and points: less where there are no more directions
  double pieces = 0;     // mean over the points
  double rel_l2 = 0;     // relative error over the unseen times: the largest over the points
  double median = 0;     // ... and the middle one
  double max = 0;        // the largest error at any point and time, over the root mean square of u there
  double bound = 0;      // the largest error_bounds at validation times, over the same: an estimate elsewhere
  double effectivity_low = 0, effectivity_high = 0;  // bound over largest error, point by point
  double ns_per_point = 0, kilobytes = 0;            // means over the points; folded, from the time on
  double folded = 0;  // the largest error of what was timed, in f32, at validation times, over the same as max
};

struct ChosenRanks {  // a layer and a piece each, so that the tolerance holds
  FastRow row{};      // of no rank, but for the mean one
  bool holds = true;  // everywhere; else the network itself is asked for some times
};

struct ReductionStudy {
  std::vector<TruncationRow> truncation{};  // global, block, terms
  Hypermodes modes{};
  std::int64_t significant = 0;                     // r-bar
  std::vector<std::int64_t> degrees{};              // of the significant temporal modes, to 1e-6 of their size
  std::vector<std::int64_t> degrees_to_roundoff{};  // to 1e-12
  std::vector<ModesRow> projection{};
  Tensor points{};                   // (k,d), scaled
  std::vector<FastRow> one_basis{};  // one basis for all times, as in the paper (figure 17)
  std::vector<FastRow> fast{};       // on pieces of time
  std::int64_t smallest_rank = 0;    // with rel_l2 below the tolerance, on pieces; 0: none
  ChosenRanks by_error{}, by_bound{};
  // The network, and the truncated one (global), at one point and time, see OnePoint; and what its coefficients
  // take beside that, as a short series along hypermodes.
  double full_ns = 0, truncated_ns = 0, coefficients_ns = 0;
  // The honest rival: values of the point stored over time, as many as reach the same tolerance.
  std::int64_t series_times = 0;
  double series_ns = 0, series_kilobytes = 0, series_rel_l2 = 0;
};

ReductionStudy study(const LowRankModel& model, const StudyOptions& options = {});

}  // namespace lowtide
