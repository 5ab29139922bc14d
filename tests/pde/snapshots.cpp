#include <lowtide/io/file.h>
#include <lowtide/pde/snapshots.h>

#include "support.h"

#include <boost/test/unit_test.hpp>

using namespace lowtide;
using namespace lowtide::pde;

BOOST_AUTO_TEST_SUITE(snapshots)

BOOST_AUTO_TEST_CASE(of_a_line) {
  std::int64_t watched = 0;
  const Snapshots set =
      pde::snapshots(Advection<1>{{1.0}}, Grid1D{64}, [](double x) { return std::sin(2 * M_PI * x); },
                     {.end = 0.7, .frames = 8}, {.watch = [&](const Solver&) { ++watched; }});
  BOOST_TEST(set.frames() == 8);
  BOOST_TEST(set.fixed());
  BOOST_TEST(set.x.shape[0] == 64);
  BOOST_TEST(set.u.shape[0] == 8 * 64);
  BOOST_TEST(set.time(0) == 0);
  BOOST_TEST(set.time(7) == 0.7);
  BOOST_TEST(set.points(3).at(0) == 0.5 / 64);
  BOOST_TEST(set.weights(5).at(10) == 1.0 / 64);
  for (std::int64_t k = 0; k < 8; ++k)
    for (std::int64_t i = 0; i < 64; ++i)
      BOOST_TEST(std::abs(set.values(k).at(i) - std::sin(2 * M_PI * (set.points(k).at(i) - set.time(k)))) <
                 0.02);
  BOOST_TEST(watched > 50);
}

BOOST_AUTO_TEST_CASE(adaptive_frames) {
  const Snapshots set = pde::snapshots(
      Burgers<2>{}, Grid2D{{32, 32}},
      [](double x, double y) { return x > 0.2 && x < 0.6 && y > 0.2 && y < 0.6 ? 1.0 : 0.1; },
      {.end = 0.5, .frames = 5}, {.refinement = {.ratios = {2, 2}, .tolerance = 0.05, .buffer = 1}});
  BOOST_TEST(!set.fixed());
  BOOST_TEST(set.cell.shape[0] == 3);
  BOOST_TEST(set.grid.empty());
  double first = 0;
  for (std::int64_t k = 0; k < set.frames(); ++k) {
    const Tensor u = set.values(k), weight = set.weights(k);
    BOOST_TEST(u.shape[0] == set.points(k).shape[0]);
    BOOST_TEST(set.levels(k).size() == static_cast<std::size_t>(u.shape[0]));
    BOOST_TEST(u.shape[0] < 1024);
    double integral = 0;
    for (std::int64_t i = 0; i < u.size(); ++i) integral += u.at(i) * weight.at(i);
    if (k == 0) first = integral;
    BOOST_TEST(std::abs(integral - first) < 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(names_of_the_sides) {
  constexpr Boundary wall = Boundary::wall, out = Boundary::outflow;
  const Snapshots set = pde::snapshots(Acoustics<2>{}, Grid2D{{8, 6}, {0, -1}, {2, 1}, {wall, out, out, wall}},
                                       [](double, double) {
                                         return std::array{1.0, 0.0, 0.0};
                                       },
                                       {.end = 0.1, .frames = 2});
  BOOST_TEST((set.boundary == std::vector<std::string>{"wall", "outflow", "outflow", "wall"}));
  BOOST_TEST((set.grid == std::vector<std::int64_t>{8, 6}));
  BOOST_TEST((set.low == std::vector<double>{0, -1}));
  BOOST_TEST((set.high == std::vector<double>{2, 1}));
}

BOOST_AUTO_TEST_CASE(frames_kept_from_training) {
  Snapshots set =
      pde::snapshots(Advection<1>{{1.0}}, Grid1D{8}, [](double x) { return x; }, {.end = 1, .frames = 17});
  BOOST_TEST(set.training().size() == 17U);
  hold_out(set, 4);
  BOOST_TEST((set.held_out() == std::vector<std::int64_t>{2, 6, 10, 14}));
  BOOST_TEST(set.training().size() == 13U);
  hold_out(set, 1);
  BOOST_TEST(set.held_out().size() == 15U);  // the first and the last are always trained on
  hold_out(set, 0);
  BOOST_TEST(set.held_out().empty());
}

BOOST_AUTO_TEST_CASE(bad_times_are_refused) {
  const auto line = [](const Times& times) {
    return pde::snapshots(
        Advection<1>{{1.0}}, Grid1D{8}, [](double x) { return x; }, times);
  };
  BOOST_CHECK_THROW(line({.end = 1, .frames = 1}), InputError);
  BOOST_CHECK_THROW(line({.end = 0, .frames = 5}), InputError);
  BOOST_CHECK_THROW(line({.end = -1, .frames = 5}), InputError);
  BOOST_CHECK_THROW(line({.end = std::nan(""), .frames = 5}), InputError);
}

BOOST_AUTO_TEST_SUITE_END()
