#include <lowtide/linalg/parallel.h>
#include <lowtide/optim/curriculum.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <set>

using namespace lowtide;

namespace {

bool same(const std::vector<FrameBatch>& a, const std::vector<FrameBatch>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const FrameBatch& x, const FrameBatch& y) {
    return x.frames == y.frames && x.offset == y.offset && x.stride == y.stride;
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_misfit_switches_once_and_starts_the_rate_again) {
  MisfitSwitch change;
  ReduceLROnPlateau plateau = paper_plateau();
  double lr = 3e-4;
  plateau.step(1e-4, lr);
  plateau.step(1e-3, lr);
  for (const double misfit : {.1, 5e-4, std::nan("")}) {  // at tau is not below it
    BOOST_TEST(!change.update(misfit, 7, lr, &plateau));
    BOOST_TEST(change.q() == 2);
    BOOST_TEST(lr == 3e-4);
    BOOST_TEST(plateau.best == 1e-4);
    BOOST_TEST(plateau.bad_epochs == 1);
  }
  BOOST_TEST(change.update(4.9e-4, 8, lr, &plateau));
  BOOST_TEST(change.q() == 1);
  BOOST_TEST(change.switched_after == 8);
  BOOST_TEST(lr == 1e-3);
  BOOST_TEST(std::isinf(plateau.best));
  BOOST_TEST(plateau.bad_epochs == 0);
  lr = 5e-4;
  BOOST_TEST(!change.update(1e-5, 9, lr, &plateau));
  BOOST_TEST(!change.update(1, 10, lr));
  BOOST_TEST(lr == 5e-4);
  BOOST_TEST(change.q() == 1);
  BOOST_TEST(change.switched_after == 8);
}

BOOST_AUTO_TEST_CASE(an_epoch_sees_every_point_of_every_frame_once) {
  const std::int64_t frames = 81, points = 23;
  for (const char* text : {"81:5", "27:5", "27:1", "16", "16:3", "200:4", "1:1", "81:30"}) {
    const FrameBatches batches = FrameBatches::parse(text);
    const auto epoch = batches.epoch(Stream(1, "batches"), 3, frames);
    BOOST_TEST(std::ssize(epoch) == batches.count(frames));
    std::map<std::pair<std::int64_t, std::int64_t>, int> seen;
    for (const FrameBatch& b : epoch) {
      BOOST_TEST(std::ssize(b.frames) <= batches.frames);
      BOOST_TEST(std::is_sorted(b.frames.begin(), b.frames.end()));
      BOOST_TEST(std::ssize(b.rows(points)) == b.points(points));
      for (const std::int64_t f : b.frames)
        for (const std::int64_t i : b.rows(points)) {
          BOOST_TEST(i % batches.stride == b.offset);
          ++seen[{f, i}];
        }
    }
    BOOST_TEST(std::ssize(seen) == frames * points, text);
    for (const auto& [where, times] : seen) BOOST_TEST(times == 1);
    BOOST_TEST((seen.begin()->first.first == 0 && seen.rbegin()->first.second == points - 1));
  }
  BOOST_TEST(FrameBatches::parse("27:5").count(81) == 15);
  BOOST_TEST(FrameBatches::parse("81:5").count(81) == 5);
  BOOST_TEST(FrameBatches::parse("16").count(81) == 6);
  BOOST_TEST(FrameBatches::parse("16").epoch(Stream(1, "none"), 0, 0).empty());
}

BOOST_AUTO_TEST_CASE(epochs_differ_and_come_again) {
  const FrameBatches batches{27, 5};
  const Stream stream(4, "batches");
  std::set<std::vector<std::int64_t>> hands;
  std::set<std::int64_t> first_offsets;
  for (std::int64_t e = 0; e < 40; ++e) {
    const auto epoch = batches.epoch(stream, e, 81);
    const ThreadLimit limit(e % 2 == 0 ? 1 : 4);
    BOOST_TEST(same(epoch, batches.epoch(stream, e, 81)));
    BOOST_TEST(!same(epoch, batches.epoch(Stream(5, "batches"), e, 81)));
    hands.insert(epoch[0].frames);
    first_offsets.insert(epoch[0].offset);
  }
  BOOST_TEST(hands.size() == 40);         // other frames together in every epoch
  BOOST_TEST(first_offsets.size() == 5);  // and any offset may come first
  // Batches of one hand do not come one after the other.
  const auto epoch = batches.epoch(stream, 0, 81);
  int repeats = 0;
  for (std::size_t k = 1; k < epoch.size(); ++k) repeats += epoch[k].frames == epoch[k - 1].frames;
  BOOST_TEST(repeats < 12);
}

BOOST_AUTO_TEST_CASE(batches_that_cannot_be_are_refused) {
  for (const char* text :
       {"", ":", "5:", ":5", "0", "-3", "5:0", "5:-1", "5:2x", "5 2", "x", "99999999999999999999"})
    BOOST_CHECK_THROW(FrameBatches::parse(text), Error);
  BOOST_CHECK_THROW((FrameBatches{0, 1}.count(5)), ShapeError);
  BOOST_CHECK_THROW((FrameBatches{1, 0}.epoch(Stream(1, "x"), 0, 5)), ShapeError);
}
