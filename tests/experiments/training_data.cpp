// Snapshots as training sees them: complete, in the right order, smoothed as asked.
#include <lowtide/experiments/training_data.h>
#include <lowtide/io/file.h>

#include <algorithm>
#include <map>

#include "../run/support.h"
#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

// Each value says which row it stands in.
Snapshots numbered(Snapshots set) {
  for (std::int64_t i = 0; i < set.u.size(); ++i) set.u.mutable_data<double>()[i] = static_cast<double>(i + 1);
  return set;
}

// An epoch brings every row of these frames once, with its own point, weight and time.
void check_epoch(const Snapshots& set, const std::vector<std::int64_t>& which, const char* batches,
                 bool weighted) {
  const FrameBatches dealer = FrameBatches::parse(batches);
  const Scaling scaling = scaling_of(set, "");
  const TrainingData data(set, scaling, which, dealer.stride, weighted);
  BOOST_TEST(data.frames() == std::ssize(which));
  std::map<std::int64_t, int> seen;
  std::int64_t rows = 0;
  for (const FrameBatch& batch : dealer.epoch(Stream(1, "epoch"), 3, data.frames()))
    for (const TrainingData::Piece& piece : data.tiles(batch, 4)) {
      const std::int64_t n = piece.y.shape[0], frame = which[static_cast<std::size_t>(piece.frame)];
      const Tensor x = scaling.points(set.points(frame));
      BOOST_TEST((n >= 1 && n <= 4 && piece.x.shape[0] == n));
      BOOST_TEST(bool(piece.weights) == weighted);
      BOOST_TEST(same_bits(data.times().rows(piece.frame, piece.frame + 1), scaling.time(set.time(frame))));
      for (std::int64_t i = 0; i < n; ++i, ++rows) {
        const std::int64_t row = std::lround(piece.y.at(i) * scaling.size[0]) - 1,
                           inside = row - set.offsets[static_cast<std::size_t>(frame)];
        BOOST_REQUIRE((inside >= 0 && row < set.offsets[static_cast<std::size_t>(frame) + 1]));
        ++seen[row];
        BOOST_TEST(same_bits(piece.x.rows(i, i + 1), x.rows(inside, inside + 1)));
        if (weighted) BOOST_TEST(piece.weights.at(i) == static_cast<float>(set.weights(frame).at(inside)));
      }
    }
  BOOST_TEST(rows == data.all_points());
  std::int64_t all = 0;
  for (const std::int64_t k : which) all += set.values(k).shape[0];
  BOOST_TEST(rows == all);
  BOOST_TEST(std::ssize(seen) == all);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(training_data_suite)

BOOST_AUTO_TEST_CASE(an_epoch_sees_every_point_of_every_frame_once) {
  for (const char* batches : {"1", "3", "100", "2:3", "5:5", "4:7", "1:10"})
    for (const bool weighted : {false, true}) {
      BOOST_TEST_CONTEXT(batches) {
        check_epoch(numbered(waves(5, 17)), {0, 1, 3, 4}, batches, weighted);
        check_epoch(numbered(scattered(5)), {0, 2, 3, 4}, batches, weighted);
      }
    }
}

BOOST_AUTO_TEST_CASE(columns_are_those_of_the_fields) {
  const Snapshots set = waves(3, 6, 3);
  const Scaling scaling = scaling_of(set, "energy,density");
  const TrainingData data(set, scaling, {1}, 1, false);
  const Tensor y = data.whole(0).y;
  for (std::int64_t i = 0; i < 6; ++i) {
    BOOST_TEST(y.at(2 * i) == static_cast<float>(set.values(1).at(3 * i + 2) / scaling.size[0]));
    BOOST_TEST(y.at(2 * i + 1) == static_cast<float>(set.values(1).at(3 * i) / scaling.size[1]));
  }
}

BOOST_AUTO_TEST_CASE(a_stride_longer_than_a_frame_is_refused) {
  const Snapshots set = scattered(3);  // 10, 13 and 16 points
  const Scaling scaling = scaling_of(set, "");
  BOOST_TEST(contains(refusal([&] {
                        TrainingData(set, scaling, {0, 1, 2}, 11, false);
                      }),
                      "11th point, but frame 0 has 10"));
  BOOST_TEST(refusal([&] { TrainingData(set, scaling, {1, 2}, 11, false); }).empty());
}

// Smoothed values stand where those of the data stood: density is even at a wall, momentum odd.
BOOST_AUTO_TEST_CASE(mollified_as_on_the_grid) {
  const std::int64_t cells = 23;
  const Snapshots set = waves(4, cells, 2);
  const Scaling scaling = scaling_of(set, "");
  TrainingData data(set, scaling, {0, 2, 3}, 5, false);
  const TrainingData before = data;
  const Edge edges[] = {Edge::even, Edge::odd};
  for (const double w : {.11, .04, 0.0}) {
    data.mollify(w);
    for (std::int64_t f = 0; f < 3; ++f) {
      const Tensor y = scaling.values(set.values(f == 0 ? 0 : f + 1)).cast(Dtype::f64),
                   wanted = mollified(y, w, 1, edges);
      const TrainingData::Piece piece = data.whole(f);
      double moved = 0;
      for (std::int64_t i = 0; i < cells; ++i) {
        const auto cell = std::lround((piece.x.at(i) + 1) / 2 * static_cast<double>(cells) - .5);
        for (std::int64_t c = 0; c < 2; ++c) {
          BOOST_TEST(near(piece.y.at(2 * i + c), wanted.at(2 * cell + c), 1e-6));
          moved = std::max(moved, std::abs(piece.y.at(2 * i + c) - y.at(2 * cell + c)));
        }
      }
      if (w > 0) BOOST_TEST(moved > .01);
      if (w == 0) BOOST_TEST(same_bits(piece.y, before.whole(f).y));
      BOOST_TEST(same_bits(piece.x, before.whole(f).x));
    }
  }
  TrainingData adaptive(scattered(3), scaling_of(scattered(3), ""), {0, 1}, 2, false);
  adaptive.mollify(0);
  BOOST_TEST(contains(refusal([&] { adaptive.mollify(.1); }), "loss.mollifier"));
}

BOOST_AUTO_TEST_SUITE_END()
