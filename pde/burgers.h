// Burgers' equation without viscosity, u_t + (u^2/2)_x + (u^2/2)_y = 0.
#pragma once
#include <lowtide/pde/law.h>

namespace lowtide::pde {

template <int D>
struct Burgers {
  static constexpr const char* name = "burgers";
  static constexpr int dims = D, equations = 1;
  static constexpr const char* fields[] = {"u"};

  template <class V>
  State<V, 1> flux(int, const State<V, 1>& u) const {
    return {0.5 * u[0] * u[0]};
  }
  template <class V>
  State<V, 1> rate(int, const State<V, 1>& u, const State<V, 1>& s) const {
    return {u[0] * s[0]};
  }
  // Godunov's flux: the exact solution, through sonic rarefactions too.
  template <class V>
  State<V, 1> riemann(int, const State<V, 1>& l, const State<V, 1>& r) const {
    const V from_left = maximum(l[0], V(0.0)), from_right = minimum(r[0], V(0.0));
    return {0.5 * maximum(from_left * from_left, from_right * from_right)};
  }
  template <class V>
  V speed(int, const State<V, 1>& u) const {
    return abs(u[0]);
  }
};

LOWTIDE_DECLARE_LAW(Burgers<1>);
LOWTIDE_DECLARE_LAW(Burgers<2>);

}  // namespace lowtide::pde
