#include <lowtide/experiments/reduction_study.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/reduction/folded.h>
#include <lowtide/reduction/one_point.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace lowtide {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Nanoseconds of one of `calls` calls of f(i): the best of some rounds.
template <class F>
double nanoseconds(std::int64_t calls, const F& f) {
  double best = 1e300;
  for (int round = 0; round < 7; ++round) {
    const double begin = now();
    for (std::int64_t i = 0; i < calls; ++i) f(i);
    best = std::min(best, now() - begin);
  }
  return best / static_cast<double>(calls) * 1e9;
}

Tensor joined(const Tensor& a, const Tensor& b) {
  Tensor out({a.shape[0] + b.shape[0], a.shape[1]}, Dtype::f64);
  std::copy_n(b.data<double>(), b.size(), std::copy_n(a.data<double>(), a.size(), out.mutable_data<double>()));
  return out;
}

double square_of_difference(const Tensor& a, const Tensor& b) {
  double square = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) square += (a.at(i) - b.at(i)) * (a.at(i) - b.at(i));
  return square;
}

// Of nothing but zeros, errors are absolute.
double relative(double square, double square_of_truth) {
  return std::sqrt(square / (square_of_truth > 0 ? square_of_truth : 1));
}

double rel_l2(const Tensor& a, const Tensor& truth) {
  return relative(square_of_difference(a, truth), std::pow(norm(truth), 2));
}

template <class T>
T median(std::vector<T> all) {
  std::nth_element(all.begin(), all.begin() + std::ssize(all) / 2, all.end());
  return all[all.size() / 2];
}

// Half of the points where the field jumps most between neighbouring times, as where a shock passes; half
// anywhere.
Tensor test_points(const LowRankModel& model, const StudyOptions& options) {
  const std::int64_t d = model.weights.in(), half = options.points / 2, candidates = 16 * options.points;
  Stream stream(options.seed, "points of the study");
  const Tensor all = stream.uniform({candidates, d}, Dtype::f64, -1, 1);
  const Tensor s = model.coefficients(linspace(-1, 1, 129, Dtype::f64));
  std::vector<std::pair<double, std::int64_t>> jumps;
  for (std::int64_t k = 0; k < candidates; ++k) {
    const Tensor u = values(model.weights, all.rows(k, k + 1), s);
    jumps.emplace_back(-largest_row_difference(u.rows(0, 128), u.rows(1, 129)), k);
  }
  std::sort(jumps.begin(), jumps.end());
  std::vector<std::int64_t> which;
  for (std::int64_t k = 0; k < half; ++k) which.push_back(jumps[static_cast<std::size_t>(k)].second);
  const Tensor steep = rows_of(all, which);
  return joined(steep, stream.uniform({options.points - half, d}, Dtype::f64, -1, 1));
}

// Over pieces and layers.
double mean_rank(const PointModel& fast) {
  std::int64_t sum = 0, count = 0;
  for (const Piece& piece : fast.pieces)
    for (const std::int64_t rank : piece.fast.ranks) {
      sum += rank;
      ++count;
    }
  return static_cast<double>(sum) / static_cast<double>(std::max<std::int64_t>(1, count));
}

// What belongs to a point: its values at the unseen times.
struct Point {
  Tensor x, u;
};

struct Measured {
  double rel_l2, max, bound, effectivity, mean_rank, pieces, ns = 0, bytes = 0, folded = 0;
};

struct Study {
  const LowRankModel& model;  // that FastLRNRs are made of
  const StudyOptions& options;
  Tensor unseen, s_unseen;
  std::vector<Point> points;

  Measured measure(const PointModel& fast, std::size_t k) const {
    const Point& point = points[k];
    const Tensor u = fast.values(0, unseen);
    Measured out{.rel_l2 = rel_l2(u, point.u),
                 .max = largest_row_difference(u, point.u) / fast.size,
                 .bound = fast.bound(),
                 .effectivity = 0,
                 .mean_rank = mean_rank(fast),
                 .pieces = static_cast<double>(fast.pieces.size())};
    out.effectivity = out.max > 0 ? out.bound / out.max : 0;
    return out;
  }

  // What it costs. Timings want the machine for themselves: not in a parallel loop.
  void time(const Folded& fold, Measured& to) const {
    std::vector<float> scratch, u(static_cast<std::size_t>(fold.out));
    const std::vector<double> t = to_vector(unseen);
    to.ns = nanoseconds(std::ssize(t), [&](std::int64_t i) {
      fold.evaluate(t[static_cast<std::size_t>(i)], u.data(), scratch);
    });
    to.bytes = static_cast<double>(fold.bytes());
    to.folded = fold.error;
  }

  FastRow row(std::int64_t rank, const std::vector<PointModel>& models, bool timed) const {
    const auto n = static_cast<std::int64_t>(points.size());
    std::vector<Measured> all(points.size());
    std::vector<Folded> folds(points.size());
    parallel_for(n, [&](std::int64_t i) {
      const auto k = static_cast<std::size_t>(i);
      all[k] = measure(models[k], k);
      if (timed) folds[k] = folded(models[k], 0, options.tolerance / 5);
    });
    FastRow out{.rank = rank, .effectivity_low = 1e300};
    std::vector<double> errors;
    for (std::size_t k = 0; k < points.size(); ++k) {
      if (timed) time(folds[k], all[k]);
      const Measured& m = all[k];
      const double share = 1 / static_cast<double>(n);
      errors.push_back(m.rel_l2);
      out.mean_rank += m.mean_rank * share;
      out.pieces += m.pieces * share;
      out.rel_l2 = std::max(out.rel_l2, m.rel_l2);
      out.max = std::max(out.max, m.max);
      out.bound = std::max(out.bound, m.bound);
      out.effectivity_low = std::min(out.effectivity_low, m.effectivity);
      out.effectivity_high = std::max(out.effectivity_high, m.effectivity);
      out.ns_per_point += m.ns * share;
      out.kilobytes += m.bytes * share / 1000;
      out.folded = std::max(out.folded, m.folded);
    }
    out.median = median(errors);
    return out;
  }

  std::vector<PointModel> models(const PieceOptions& pieces) const {
    std::vector<PointModel> all(points.size());
    parallel_for(std::ssize(points), [&](std::int64_t k) {
      const auto at = static_cast<std::size_t>(k);
      all[at] = point_model(model.weights, model.coefficients, points[at].x, pieces);
    });
    return all;
  }

  // The same pieces at several ranks. All pieces count as good enough: the table shows how good they are.
  std::vector<FastRow> table(const std::vector<PointModel>& base,
                             const std::vector<std::int64_t>& ranks) const {
    std::vector<FastRow> rows;
    for (const std::int64_t rank : ranks) {
      std::vector<PointModel> of_rank(base.size());
      parallel_for(std::ssize(base), [&](std::int64_t k) {
        of_rank[static_cast<std::size_t>(k)] = with_rank(base[static_cast<std::size_t>(k)], rank,
                                                         std::numeric_limits<double>::max(), options.fast);
      });
      rows.push_back(row(rank, of_rank, options.timings));
    }
    return rows;
  }

  ChosenRanks chosen(const PieceOptions& pieces) const {
    const std::vector<PointModel> all = models(pieces);
    ChosenRanks out;
    for (const PointModel& each : all) out.holds = out.holds && each.holds();
    out.row = row(0, all, options.timings && out.holds);
    return out;
  }
};

// Of a network over all points and unseen times.
double rel_l2(const LowRankWeights& net, const Tensor& s_unseen, const Study& points) {
  double square = 0, size = 0;
  for (const Point& point : points.points) {
    square += square_of_difference(values(net, point.x, s_unseen), point.u);
    size += std::pow(norm(point.u), 2);
  }
  return relative(square, size);
}

void study_truncation(const LowRankModel& model, const StudyOptions& options, const Study& points,
                      const Tensor& s, ReductionStudy& out) {
  for (const Relative relative : {Relative::global, Relative::block, Relative::terms}) {
    TruncationRow row{.relative = relative, .kept = truncation(model.weights, s, options.threshold, relative)};
    const LowRankWeights fewer = truncated(model.weights, row.kept);
    row.rel_l2 = rel_l2(fewer, truncated(model.weights, points.s_unseen, row.kept), points);
    out.truncation.push_back(std::move(row));
  }
}

void study_modes(const LowRankModel& model, const StudyOptions& options, const Study& points,
                 ReductionStudy& out) {
  out.significant = std::max<std::int64_t>(1, out.modes.significant(options.threshold));
  const Tensor phi = out.modes.first(out.significant);
  const Series series =
      series_of([&](const Tensor& t) { return coordinates(phi, model.coefficients(t)); }, -1, 1, 200);
  out.degrees = degrees(series, 1e-6);
  out.degrees_to_roundoff = degrees(series, 1e-12);
  const std::int64_t most = std::min<std::int64_t>(out.significant + 4, out.modes.modes.shape[1]);
  for (std::int64_t r = 1; r <= most; ++r) {
    const Tensor some = out.modes.first(r), s = from_coordinates(some, coordinates(some, points.s_unseen));
    out.projection.push_back({r, rel_l2(model.weights, s, points)});
  }
}

void study_rivals(const LowRankModel& model, const StudyOptions& options, const Study& points,
                  ReductionStudy& out) {
  const std::vector<double> t = to_vector(points.unseen);
  // The fewest stored times, doubled from 32 on, that do at every point.
  for (std::int64_t times = 32; times <= (1 << 18); times *= 2) {
    double worst = 0;
    TimeSeries last;
    for (const Point& point : points.points) {
      const TimeSeries series = time_series(model.weights, model.coefficients, point.x, times);
      Tensor u({points.unseen.size(), model.weights.out()}, Dtype::f64);
      std::vector<float> at(static_cast<std::size_t>(series.out));
      for (std::int64_t i = 0; i < u.shape[0]; ++i) {
        series.evaluate(points.unseen.at(i), at.data());
        std::copy(at.begin(), at.end(), u.mutable_data<double>() + i * series.out);
      }
      worst = std::max(worst, rel_l2(u, point.u));
      if (worst > options.tolerance) break;
      last = series;
    }
    if (worst > options.tolerance) continue;
    std::vector<float> u(static_cast<std::size_t>(last.out));
    out.series_times = times;
    out.series_rel_l2 = worst;
    out.series_kilobytes = static_cast<double>(last.bytes()) / 1000;
    if (options.timings)
      out.series_ns = nanoseconds(
          std::ssize(t), [&](std::int64_t i) { last.evaluate(t[static_cast<std::size_t>(i)], u.data()); });
    break;
  }
  if (!options.timings) return;
  const auto time_network = [&](const LowRankWeights& net, const Tensor& s) {
    OnePoint network(net);
    const Tensor x = points.points[0].x.cast(Dtype::f32), rows = s.cast(Dtype::f32);
    const float *at = x.data<float>(), *coefficients = rows.data<float>();
    const std::int64_t k = rows.shape[1];
    std::vector<float> u(static_cast<std::size_t>(net.out()));
    return nanoseconds(rows.shape[0],
                       [&](std::int64_t i) { network.evaluate(at, coefficients + i * k, u.data()); });
  };
  out.full_ns = time_network(model.weights, points.s_unseen);
  const FoldedCoefficients coefficients = folded_coefficients(model.coefficients, 1e-6);
  std::vector<float> row(static_cast<std::size_t>(coefficients.modes.stride)),
      c(static_cast<std::size_t>(coefficients.series.stride));
  out.coefficients_ns = nanoseconds(std::ssize(t), [&](std::int64_t i) {
    coefficients.evaluate(t[static_cast<std::size_t>(i)], row.data(), c.data());
  });
  const Truncation& kept = out.truncation.front().kept;
  out.truncated_ns =
      time_network(truncated(model.weights, kept), truncated(model.weights, points.s_unseen, kept));
}

}  // namespace

ReductionStudy study(const LowRankModel& model, const StudyOptions& given) {
  StudyOptions options = given;
  if (options.points == 0) options.points = model.weights.parameter_count() < 1'000'000 ? 16 : 4;
  if (options.points < 2 || options.times < 2 || options.unseen < 1 || !(options.tolerance > 0))
    fail<Error>("study", "needs at least two points, two times, one unseen time and a positive tolerance");
  ReductionStudy out;
  const Tensor times = linspace(-1, 1, options.times, Dtype::f64), s = model.coefficients(times);
  require_finite("coefficients", s);
  out.modes = hypermodes(times, s);
  out.points = test_points(model, options);

  Study points{model,
               options,
               Stream(options.seed, "unseen times").uniform({options.unseen}, Dtype::f64, -1, 1),
               {},
               {}};
  points.s_unseen = model.coefficients(points.unseen);
  for (std::int64_t k = 0; k < options.points; ++k) {
    const Tensor x = out.points.rows(k, k + 1);
    points.points.push_back({x, values(model.weights, x, points.s_unseen)});
  }
  study_truncation(model, options, points, s, out);
  study_modes(model, options, points, out);

  // The truncated network, unless what it misses would count.
  const bool as_good = out.truncation.front().rel_l2 <= options.tolerance / 5;
  const LowRankModel fewer = truncated(model, out.truncation.front().kept);
  const Study reduced{as_good ? fewer : model, options, points.unseen, points.s_unseen, points.points};
  std::int64_t r1 = 0;
  const std::int64_t width = model.weights.layer(0).out();
  for (const LowRankLayer& layer : model.weights.layers) r1 = std::max(r1, layer.weight_rank());
  const std::int64_t rank = std::min(options.rank > 0 ? options.rank : r1, width),
                     most = std::min(2 * rank, width);
  std::vector<std::int64_t> ranks;
  const std::int64_t step = std::max<std::int64_t>(1, rank / 4);
  for (std::int64_t r = step; r <= most; r += step) ranks.push_back(r);

  PieceOptions pieces{.tolerance = options.tolerance, .rank = rank, .fast = options.fast};
  pieces.samples =
      std::max(pieces.samples, most + 1);  // or bases would have fewer directions than the table says
  const auto base = reduced.models(pieces);
  out.fast = reduced.table(base, ranks);
  for (const FastRow& row : out.fast)
    if (out.smallest_rank == 0 && row.rel_l2 < options.tolerance) out.smallest_rank = row.rank;

  PieceOptions one = pieces;
  one.halvings = 0;
  one.samples = std::max<std::int64_t>(257, most + 1);
  out.one_basis = reduced.table(reduced.models(one), ranks);

  pieces.rank = most;
  for (const Ranks chosen : {Ranks::error, Ranks::bound}) {
    pieces.ranks = chosen;
    (chosen == Ranks::error ? out.by_error : out.by_bound) = reduced.chosen(pieces);
  }
  study_rivals(model, options, points, out);
  return out;
}

}  // namespace lowtide
