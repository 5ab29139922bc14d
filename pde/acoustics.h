// Linear acoustics, p_t + K div u = 0, rho u_t + grad p = 0.
#pragma once
#include <lowtide/pde/law.h>

#include <cmath>

namespace lowtide::pde {

template <int D>
struct Acoustics {
  static constexpr const char* name = "acoustics";
  static constexpr int dims = D, equations = D + 1;
  static constexpr std::array<const char*, D + 1> fields = [] {
    constexpr std::array all{"pressure", "x velocity", "y velocity"};
    std::array<const char*, D + 1> named{};
    for (unsigned c = 0; c <= D; ++c) named[c] = all[c];
    return named;
  }();
  static constexpr std::array normal{1, 2};

  double density = 1, bulk_modulus = 4;

  template <class V>
  State<V, D + 1> flux(int axis, const State<V, D + 1>& q) const {
    State<V, D + 1> f{};
    for (V& v : f.at) v = V(0.0);
    f[0] = bulk_modulus * q[1 + axis];
    f[1 + axis] = q[0] * (1 / density);
    return f;
  }
  template <class V>
  State<V, D + 1> rate(int axis, const State<V, D + 1>&, const State<V, D + 1>& s) const {
    return flux(axis, s);
  }
  // Exact: the state between the two sound waves.
  template <class V>
  State<V, D + 1> riemann(int axis, const State<V, D + 1>& l, const State<V, D + 1>& r) const {
    const double impedance = std::sqrt(density * bulk_modulus);
    const V &ul = l[1 + axis], &ur = r[1 + axis];
    State<V, D + 1> middle{};
    middle[0] = 0.5 * (l[0] + r[0]) - (0.5 * impedance) * (ur - ul);
    middle[1 + axis] = 0.5 * (ul + ur) - (0.5 / impedance) * (r[0] - l[0]);
    return flux(axis, middle);
  }
  template <class V>
  V speed(int, const State<V, D + 1>&) const {
    return V(std::sqrt(bulk_modulus / density));
  }
};

LOWTIDE_DECLARE_LAW(Acoustics<1>);
LOWTIDE_DECLARE_LAW(Acoustics<2>);

}  // namespace lowtide::pde
