// The formulas of each law agree with each other.
#include <lowtide/linalg/random.h>
#include <lowtide/linalg/simd.h>
#include <lowtide/pde/exact_riemann.h>

#include "support.h"

#include <boost/test/unit_test.hpp>

using namespace lowtide;
using namespace lowtide::pde;

namespace {

using V = LOWTIDE_SIMD_NAMESPACE::Pack<double>;

double first(const V& v) {
  double lanes[V::size];
  v.store(lanes);
  return lanes[0];
}

template <int N>
State<double, N> numbers(const State<V, N>& s) {
  State<double, N> out;
  for (int c = 0; c < N; ++c) out[c] = first(s[c]);
  return out;
}

template <int N>
State<V, N> packs(const State<double, N>& s) {
  State<V, N> out;
  for (int c = 0; c < N; ++c) out[c] = V(s[c]);
  return out;
}

template <int N>
State<double, N> random_state(const Stream& stream, std::int64_t k, bool positive_ends) {
  State<double, N> s;
  for (int c = 0; c < N; ++c) {
    s[c] = stream.child("state", k * N + c).uniform({1}, Dtype::f64, -1, 1).item();
    if (positive_ends && (c == 0 || c == N - 1)) s[c] = std::exp(s[c]);
  }
  return s;
}

template <class L>
State<V, L::equations> conserved(const L& law, const State<V, L::equations>& w) {
  if constexpr (requires { law.conserved(w); })
    return law.conserved(w);
  else
    return w;
}

// The flux between equal states is the flux of the state; rate is the derivative of the flux, carried over to
// the interpolated variables; speed is the largest of the speeds that the flux shows.
template <class L>
void check_law(const L& law, bool positive_ends) {
  constexpr int N = L::equations;
  const Stream stream(7, L::name);
  for (std::int64_t k = 0; k < 50; ++k) {
    const State<double, N> w = random_state<N>(stream, 2 * k, positive_ends);
    const State<double, N> s = random_state<N>(stream, 2 * k + 1, false);
    for (int axis = 0; axis < L::dims; ++axis) {
      const auto flux = numbers<N>(law.flux(axis, packs<N>(w)));
      const auto numerical = numbers<N>(law.riemann(axis, packs<N>(w), packs<N>(w)));
      for (int c = 0; c < N; ++c)
        BOOST_TEST(std::abs(flux[c] - numerical[c]) < 1e-13 * (1 + std::abs(flux[c])));

      // q_t = -f_x: with w_t = -rate(w, w_x), both sides along s.
      const double h = 1e-6;
      const auto rate = numbers<N>(law.rate(axis, packs<N>(w), packs<N>(s)));
      State<double, N> up = w, down = w, later = w, earlier = w;
      for (int c = 0; c < N; ++c) {
        up[c] += h * s[c], down[c] -= h * s[c];
        later[c] += h * rate[c], earlier[c] -= h * rate[c];
      }
      const auto f_up = numbers<N>(law.flux(axis, packs<N>(up))),
                 f_down = numbers<N>(law.flux(axis, packs<N>(down)));
      const auto q_later = numbers<N>(conserved(law, packs<N>(later))),
                 q_earlier = numbers<N>(conserved(law, packs<N>(earlier)));
      for (int c = 0; c < N; ++c)
        BOOST_TEST(std::abs((f_up[c] - f_down[c]) - (q_later[c] - q_earlier[c])) <
                   1e-12 * (1 + std::abs(f_up[c])));
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(laws)

BOOST_AUTO_TEST_CASE(formulas_agree) {
  check_law(Burgers<1>{}, false);
  check_law(Burgers<2>{}, false);
  check_law(Acoustics<1>{2, 3}, false);
  check_law(Acoustics<2>{2, 3}, false);
  check_law(Euler<1>{}, true);
  check_law(Euler<2>{.gamma = 5.0 / 3}, true);
}

BOOST_AUTO_TEST_CASE(primitive_variables_come_back) {
  const Euler<2> gas;
  for (std::int64_t k = 0; k < 20; ++k) {
    const auto w = random_state<4>(Stream(3, "back"), k, true);
    const auto back = gas.primitive(gas.conserved(w));
    for (int c = 0; c < 4; ++c) BOOST_TEST(std::abs(back[c] - w[c]) < 1e-14 * (1 + std::abs(w[c])));
  }
}

// A contact at rest stands still in HLLC; a supersonic wind takes the flux of the side it comes from.
BOOST_AUTO_TEST_CASE(hllc_on_known_faces) {
  const Euler<1> gas;
  const auto contact = numbers<3>(gas.riemann(0, packs<3>({{1, 0, 1}}), packs<3>({{5, 0, 1}})));
  BOOST_TEST(contact[0] == 0);
  BOOST_TEST(contact[1] == 1);
  BOOST_TEST(contact[2] == 0);
  const State<double, 3> l{{1, 3, 1}}, r{{0.7, 3.1, 0.8}};
  const auto wind = numbers<3>(gas.riemann(0, packs<3>(l), packs<3>(r))),
             flux = numbers<3>(gas.flux(0, packs<3>(l)));
  for (int c = 0; c < 3; ++c) BOOST_TEST(std::abs(wind[c] - flux[c]) < 1e-14 * std::abs(flux[c]));
}

// Where a state at a face would have no positive density the cell goes without slopes.
BOOST_AUTO_TEST_CASE(half_steps_are_admissible) {
  const Euler<1> gas;
  const auto half_step = [&](double slope) {
    std::vector<double> w[3], s[3], h[3];
    LawKernels::Predict p{.rx = 0.5, .n = 1};
    for (int c = 0; c < 3; ++c) {
      w[c].assign(1 + pack_slack, c == 1 ? 0.2 : 1);
      s[c].assign(1 + pack_slack, c == 0 ? slope : 0);
      h[c].assign(1 + pack_slack, 0);
      p.w.of[c] = w[c].data(), p.sx.of[c] = s[c].data(), p.h.of[c] = h[c].data();
    }
    law_info(gas).kernels.predict(&gas, p);
    return std::array{h[0][0], s[0][0]};
  };
  BOOST_TEST((half_step(0.5) == std::array{1 - 0.5 * 0.5 * 2 * 0.2 * 0.5, 0.5}));
  BOOST_TEST((half_step(1.5) == std::array{1.0, 0.0}));
  BOOST_TEST((half_step(-1.5) == std::array{1.0, 0.0}));
}

// Density and pressure both negative: a sound speed that looks healthy, of a state that is not.
BOOST_AUTO_TEST_CASE(updates_tell_inadmissible_states) {
  const Euler<1> gas;
  const auto rate = [&](double sign) {
    std::vector<double> q[3], next[3], w[3], none(2 + 2 * pack_slack, 0.0);
    LawKernels::Update u{.inverse_dx = 1, .n = 1};
    for (int c = 0; c < 3; ++c) {
      q[c].assign(1 + pack_slack, c == 1 ? 0 : sign);
      next[c] = w[c] = q[c];
      u.q.of[c] = q[c].data(), u.q_new.of[c] = next[c].data(), u.w_new.of[c] = w[c].data();
      u.fx.of[c] = none.data();
    }
    return law_info(gas).kernels.update(&gas, u);
  };
  BOOST_TEST(std::abs(rate(1) - std::sqrt(1.4 * 0.4)) < 1e-15);
  BOOST_TEST(std::isnan(rate(-1)));
}

// A contact carries what runs along it: the velocity of the side that the gas comes from.
BOOST_AUTO_TEST_CASE(hllc_carries_shear) {
  const Euler<2> gas;
  for (const double u : {0.3, -0.3}) {
    const State<double, 4> l{{1, u, 2, 1}}, r{{3, u, -1, 1}};
    const auto x = numbers<4>(gas.riemann(0, packs<4>(l), packs<4>(r)));
    const auto from = numbers<4>(gas.flux(0, packs<4>(u > 0 ? l : r)));
    for (int c = 0; c < 4; ++c) BOOST_TEST(std::abs(x[c] - from[c]) < 1e-14);
  }
}

// Gases that fly apart: the mean of the fan between Einfeldt's wave speeds must have positive pressure.
BOOST_AUTO_TEST_CASE(hllc_stays_positive) {
  for (const double gamma : {1.1, 1.4, 3.0, 8.0})
    for (const double speed : {1.0, 5.0, 30.0}) {
      const Euler<1> gas{.gamma = gamma};
      const State<double, 3> l{{1, -speed, 0.4}}, r{{1, speed, 0.4}};
      const double c = std::sqrt(gamma * 0.4), fastest = speed + c;
      const auto f = numbers<3>(gas.riemann(0, packs<3>(l), packs<3>(r))),
                 fl = numbers<3>(gas.flux(0, packs<3>(l)));
      State<double, 3> cell;  // left of the face, after half the longest step
      for (int k = 0; k < 3; ++k) cell[k] = gas.conserved(l)[k] - 0.5 / fastest * (f[k] - fl[k]);
      BOOST_TEST(gas.primitive(cell)[0] > 0);
      BOOST_TEST(gas.primitive(cell)[2] > 0, "gamma " << gamma << ", speed " << speed);
    }
}

// Gases that collide: Einfeldt's wave speeds are not slower than the shocks, so that the pressure between them
// is no less than the exact one.
BOOST_AUTO_TEST_CASE(hllc_encloses_the_shocks) {
  const Euler<1> gas;
  for (const double speed : {0.5, 3.0, 30.0}) {
    const auto f = numbers<3>(gas.riemann(0, packs<3>({{1, speed, 0.4}}), packs<3>({{1, -speed, 0.4}})));
    const RiemannProblem exact({1, speed, 0.4}, {1, -speed, 0.4});
    BOOST_TEST(f[1] >= exact.star_pressure());
    BOOST_TEST(f[1] < 2 * exact.star_pressure());
  }
}

BOOST_AUTO_TEST_SUITE_END()
