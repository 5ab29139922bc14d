#include <lowtide/io/file.h>
#include <lowtide/linalg/random.h>
#include <lowtide/pde/law.h>

#include "support.h"

#include <boost/test/unit_test.hpp>

using namespace lowtide;
using namespace lowtide::pde;

namespace {

// Half the limited difference for differences a and b on both sides.
double half(Limiter limiter, double a, double b) {
  const std::vector<double> m(1 + pack_slack, 1 - a), w(1 + pack_slack, 1), p(1 + pack_slack, 1 + b);
  std::vector<double> out(1 + pack_slack);
  half_slopes(limiter)(m.data(), w.data(), p.data(), out.data(), 1);
  return out[0];
}

const Limiter limited[] = {Limiter::minmod, Limiter::mc, Limiter::van_leer, Limiter::superbee};

}  // namespace

BOOST_AUTO_TEST_SUITE(slopes)

BOOST_AUTO_TEST_CASE(known_values) {
  BOOST_TEST(half(Limiter::zero, 1, 3) == 0);
  BOOST_TEST(half(Limiter::none, 1, 3) == 1);
  BOOST_TEST(half(Limiter::minmod, 1, 3) == 0.5);
  BOOST_TEST(half(Limiter::mc, 1, 3) == 1);
  BOOST_TEST(half(Limiter::mc, 1, 9) == 1);
  BOOST_TEST(half(Limiter::van_leer, 1, 3) == 0.75);
  BOOST_TEST(half(Limiter::superbee, 1, 3) == 1);
  BOOST_TEST(half(Limiter::superbee, 2, 3) == 1.5);
  BOOST_TEST(half(Limiter::superbee, 3, 2) == 1.5);
}

// Exact on straight lines, odd, symmetric, zero at extrema, and the values at the faces lie between the
// neighbours.
BOOST_AUTO_TEST_CASE(laws_of_limiters) {
  const Stream stream(5, "slopes");
  for (const Limiter limiter : limited)
    for (std::int64_t k = 0; k < 200; ++k) {
      const double a = stream.child("a", k).uniform({1}, Dtype::f64, -1, 1).item(),
                   b = stream.child("b", k).uniform({1}, Dtype::f64, -1, 1).item();
      const double s = half(limiter, a, b), tiny = 1e-15;
      BOOST_TEST(std::abs(half(limiter, a, a) - a / 2) < tiny);
      BOOST_TEST(std::abs(half(limiter, -a, -b) + s) < tiny);
      BOOST_TEST(std::abs(half(limiter, b, a) - s) < tiny);
      if (a * b <= 0)
        BOOST_TEST(s == 0);
      else
        BOOST_TEST((s / a >= 0 && std::abs(s) <= std::min(std::abs(a), std::abs(b)) * (1 + 1e-14)));
    }
}

BOOST_AUTO_TEST_CASE(names) {
  for (const Limiter limiter :
       {Limiter::zero, Limiter::none, Limiter::minmod, Limiter::mc, Limiter::van_leer, Limiter::superbee})
    BOOST_TEST((limiter_named(name_of(limiter)) == limiter));
  BOOST_CHECK_THROW(limiter_named("MC"), InputError);
}

// Total variation does not grow under advection.
BOOST_AUTO_TEST_CASE(no_new_extrema) {
  for (const Limiter limiter : limited) {
    const std::int64_t n = 100;
    Solver solver(Advection<1>{{1.0}}, Grid1D{n},
                  [](double x) { return (x > 0.2 && x < 0.5) + std::exp(-200 * (x - 0.75) * (x - 0.75)); },
                  {.limiter = limiter});
    const auto variation = [&] {
      const Tensor u = solver.values();
      double sum = 0;
      for (std::int64_t i = 0; i < n; ++i) sum += std::abs(u.at((i + 1) % n) - u.at(i));
      return sum;
    };
    double before = variation();
    for (int k = 1; k <= 20; ++k) {
      solver.advance(0.05 * k);
      const double now = variation();
      BOOST_TEST(now <= before * (1 + 1e-13));
      before = now;
    }
    BOOST_TEST(before > 2);  // and the solution is still there
  }
}

BOOST_AUTO_TEST_SUITE_END()
