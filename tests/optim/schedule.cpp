#include <lowtide/linalg/error.h>
#include <lowtide/optim/schedule.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

using namespace lowtide;
using boost::test_tools::tolerance;

BOOST_AUTO_TEST_CASE(schedules_are_their_formulas) {
  using Kind = Schedule::Kind;
  const double lr = 1.5e-3, E = 150;
  const Schedule constant{.lr = lr}, linear{.kind = Kind::linear, .lr = lr, .epochs = E, .warmup = 5},
      to_floor{.kind = Kind::linear, .lr = lr, .epochs = E, .floor = .02},
      cosine{.kind = Kind::cosine, .lr = lr, .epochs = E, .warmup = 5, .floor = .02},
      step{.kind = Kind::step, .lr = lr, .floor = .01, .every = 30, .factor = .5};
  for (const double e : {0.0, 0.1, 1.0, 4.9, 5.0, 29.9, 30.0, 77.7, 149.0, 150.0}) {
    BOOST_TEST(constant.at(e) == lr);
    BOOST_TEST(linear.at(e) == lr * std::min(1.0, e / 5) * (1 - e / E), tolerance(1e-14));
    BOOST_TEST(to_floor.at(e) == lr * (1 - .98 * e / E), tolerance(1e-13));
    BOOST_TEST(cosine.at(e) == lr * std::min(1.0, e / 5) * (.02 + .98 * (.5 + .5 * std::cos(M_PI * e / E))),
               tolerance(1e-13));
    BOOST_TEST(step.at(e) == lr * std::pow(.5, static_cast<int>(e / 30)), tolerance(1e-14));
  }
  for (const double e : {151.0, 1000.0}) {  // beyond the end
    BOOST_TEST(linear.at(e) == 0);
    BOOST_TEST(to_floor.at(e) == .02 * lr, tolerance(1e-14));
    BOOST_TEST(cosine.at(e) == .02 * lr, tolerance(1e-14));
  }
  BOOST_TEST(step.at(3000) == .01 * lr, tolerance(1e-14));
  const Schedule rising{.lr = lr, .warmup = 4};
  BOOST_TEST(rising.at(1) == lr / 4, tolerance(1e-14));
  BOOST_CHECK_THROW(linear.at(-1), Error);
  BOOST_CHECK_THROW(linear.at(std::nan("")), Error);
  BOOST_CHECK_THROW((Schedule{.kind = Kind::linear, .epochs = 0}.at(0)), Error);
}

// What PyTorch's own ReduceLROnPlateau does with these metrics, printed by plateau.py beside this file: the
// epochs of reductions, and what is left.
BOOST_AUTO_TEST_CASE(plateau_does_what_pytorch_does) {
  const double tenths[] = {10,   9,     9.5,  9,    8.95, 9.2, 8.999,        8.0, 8.1, 8.2,
                           8.3,  8.05,  7.95, 7.9,  7.99, 8.4, std::nan(""), 8,   8,   8,
                           3,    2.95,  2.9,  2.85, 3.1,  3.2, 3.3,          3.4, -1,  -1.02,
                           -1.1, -1.05, -1.2, -1,   -1,   -1,  -1,           -1,  -1,  -1};
  struct Trace {
    ReduceLROnPlateau plateau;
    std::vector<std::int64_t> reductions;
    double lr, best;
    std::int64_t bad, cooldown;
  };
  using Mode = ReduceLROnPlateau::Mode;
  const std::vector<Trace> traces = {
      {{.factor = 0.5, .patience = 2, .threshold = 0.01}, {4, 10, 16, 19, 26, 35, 38}, 0.0078125, -0.12, 1, 0},
      {{.factor = 0.5, .patience = 1, .threshold = 0.06, .threshold_mode = Mode::abs},
       {3, 5, 9, 11, 13, 15, 17, 19, 22, 24, 26, 30, 32, 34, 36, 38},
       1.52587890625e-05,
       -0.1,
       1,
       0},
      {{.factor = 0.5, .patience = 1, .threshold = 0.01, .cooldown = 3, .min_lr = 0.1},
       {3, 9, 15, 25},
       0.1,
       -0.12,
       0,
       3},
      {{.factor = 0.1, .patience = 0, .threshold = 0.001, .eps = 0.0001},
       {2, 3, 5, 6},
       0.00010000000000000003,
       -0.12,
       0,
       0},
  };
  for (Trace t : traces) {
    double lr = 1;
    std::vector<std::int64_t> reductions;
    for (std::int64_t e = 0; e < std::ssize(tenths); ++e)
      if (t.plateau.step(.1 * tenths[e], lr)) reductions.push_back(e);
    BOOST_TEST(reductions == t.reductions, boost::test_tools::per_element());
    BOOST_TEST(lr == t.lr);
    BOOST_TEST(t.plateau.best == t.best, tolerance(1e-15));
    BOOST_TEST(t.plateau.bad_epochs == t.bad);
    BOOST_TEST(t.plateau.cooldown_left == t.cooldown);
    t.plateau.reset();
    BOOST_TEST((std::isinf(t.plateau.best) && t.plateau.bad_epochs == 0 && t.plateau.cooldown_left == 0));
  }
}

// Section 4: the eleventh bad epoch lowers the rate by two percent.
BOOST_AUTO_TEST_CASE(plateau_of_the_paper_counts_to_eleven) {
  ReduceLROnPlateau plateau = paper_plateau();
  double lr = 1e-3;
  plateau.step(1, lr);
  for (int bad = 1; bad <= 10; ++bad) BOOST_TEST(!plateau.step(.9995, lr));
  BOOST_TEST(plateau.step(.9995, lr));
  BOOST_TEST(lr == .98e-3, tolerance(1e-15));
  BOOST_TEST(!plateau.step(.9985, lr));
  BOOST_TEST(plateau.best == .9985);
}
