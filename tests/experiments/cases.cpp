// The cases solve what they say: against Clawpack on the same grids, and in what must stay the same.
#define BOOST_TEST_MODULE experiments
#include <fmt/format.h>
#include <lowtide/experiments/case.h>
#include <lowtide/io/clawpack.h>
#include <lowtide/io/file.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace lowtide;

namespace {

Snapshots solve(const std::string& name, const std::vector<std::string>& settings,
                Preset preset = Preset::demo) {
  CaseRun run(name, preset, Settings(settings));
  run.quiet();
  return case_named(name).make(run);
}

// Relative L1 difference to Clawpack's last frame, of the first component.
double difference(const std::string& name, std::int64_t cells) {
  const Snapshots theirs = import_clawpack(fmt::format("{}/clawpack/{}-{}", DATA, name, cells));
  const Snapshots ours = solve(name, {fmt::format("cells={}", cells), "ratios=", "frames=2", "heldout=0"});
  const Tensor a = ours.values(1), b = theirs.values(0);
  BOOST_TEST_REQUIRE(std::abs(ours.time(1) - theirs.time(0)) < 1e-7);
  BOOST_TEST_REQUIRE((a.shape == b.shape));
  for (std::int64_t i = 0; i < ours.x.size(); ++i)
    BOOST_TEST_REQUIRE(std::abs(ours.x.at(i) - theirs.x.at(i)) < 1e-9);
  double sum = 0, size = 0;
  for (std::int64_t i = 0; i < a.shape[0]; ++i) {
    sum += std::abs(a.at(i * a.shape[1]) - b.at(i * a.shape[1]));
    size += std::abs(b.at(i * a.shape[1]));
  }
  return sum / size;
}

double integral(const Snapshots& set, std::int64_t k) {
  const Tensor u = set.values(k), weight = set.weights(k);
  double sum = 0;
  for (std::int64_t i = 0; i < weight.size(); ++i) sum += u.at(i * u.shape[1]) * weight.at(i);
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_CASE(agreement_with_clawpack) {
  const struct {
    const char* name;
    std::int64_t cells[2];
    double most, falls_by;
  } table[] = {{"euler1d", {500, 1000}, 0.015, 1.5},
               {"acoustics2d", {50, 100}, 0.08, 3},
               {"burgers2d", {50, 100}, 0.016, 1.6},
               {"advection2d", {40, 80}, 0.002, 1.4}};
  for (const auto& row : table) {
    const double coarse = difference(row.name, row.cells[0]), fine = difference(row.name, row.cells[1]);
    BOOST_TEST_MESSAGE(fmt::format("{}: {:.4f} at {} cells a side, {:.4f} at {}", row.name, coarse,
                                   row.cells[0], fine, row.cells[1]));
    BOOST_TEST(fine < row.most, row.name);
    BOOST_TEST(coarse / fine > row.falls_by, row.name);
  }
}

BOOST_AUTO_TEST_CASE(adaptive_samples_keep_the_integral) {
  for (const char* name : {"acoustics2d", "burgers2d", "advection2d"}) {
    const Snapshots set = solve(name, {"cells=64", "frames=9"});
    BOOST_TEST(set.frames() == 9);
    BOOST_TEST(!set.level.empty());
    for (std::int64_t k = 1; k < 9; ++k)
      BOOST_TEST(std::abs(integral(set, k) - integral(set, 0)) < 1e-13, name << " frame " << k);
    BOOST_TEST(set.settings.at("cells") == "64");
  }
}

// A quarter of the ring between walls is a quarter of the ring between periodic sides.
BOOST_AUTO_TEST_CASE(a_quarter_of_the_ring) {
  const Snapshots whole = solve("acoustics2d", {"cells=64", "ratios=", "frames=2"});
  const Snapshots quarter = solve("acoustics2d", {"cells=32", "ratios=", "frames=2", "quarter=true"});
  for (std::int64_t j = 0; j < 32; ++j)
    for (std::int64_t i = 0; i < 32; ++i)
      BOOST_TEST(std::abs(whole.values(1).at(((j + 32) * 64 + i + 32) * 3) -
                          quarter.values(1).at((j * 32 + i) * 3)) < 1e-12);
}

BOOST_AUTO_TEST_CASE(frames_of_the_paper) {
  const Snapshots set = solve("euler1d", {"cells=100"}, Preset::paper);
  BOOST_TEST(set.frames() == 81);
  BOOST_TEST(set.time(80) == 0.038);
  BOOST_TEST(std::abs(set.time(60) - 0.0285) < 1e-15);
  BOOST_TEST(set.held_out().size() == 10U);
}

BOOST_AUTO_TEST_CASE(bad_settings_are_refused) {
  const auto message = [](const std::string& name, const std::vector<std::string>& settings) {
    try {
      solve(name, settings);
    } catch (const InputError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  const struct {
    const char *name, *setting, *words;
  } table[] = {{"euler1d", "cels=100", "did you mean cells"},
               {"euler1d", "zzzzzz=100", "there are"},
               {"euler1d", "cells", "name=value"},
               {"euler1d", "cells=1e3", "whole number"},
               {"euler1d", "cells=-4", "from 4"},
               {"euler1d", "t_end=0", "final time"},
               {"euler1d", "t_end=inf", "number"},
               {"euler1d", "frames=1", "from 2"},
               {"euler1d", "limiter=MC", "limiter"},
               {"euler1d", "boundary=periodic,wall", "periodic"},
               {"euler1d", "boundary=wall,wall,wall", "expected"},
               {"euler1d", "cfl=2", "cfl"},
               {"burgers2d", "boundary=wall", "wall"},
               {"burgers2d", "cells=99", "coarsened"},
               {"burgers2d", "ratios=2,x", "whole numbers"},
               {"burgers2d", "tolerance=-1", "tolerance"},
               {"burgers2d", "inside=nan", "number"},
               {"advection2d", "cells=2000000", "cells"},
               {"acoustics2d", "quarter=maybe", "true or false"}};
  for (const auto& row : table) {
    const std::string found = message(row.name, {row.setting});
    BOOST_TEST(found.find(row.words) != std::string::npos, row.setting << " -> " << found);
    BOOST_TEST(found.find('\n') == std::string::npos);
  }
  BOOST_TEST(message("euler1d", {"cells=10", "cells=20"}).find("twice") != std::string::npos);
  BOOST_TEST(message("eular1d", {}).find("did you mean euler1d") != std::string::npos);
  BOOST_TEST(message("something", {}).find("there are") != std::string::npos);
}
