// The Euler equations of an ideal gas. Conserved: density, momentum, energy E = p/(gamma-1) + rho |u|^2/2;
// interpolated: density, velocity, pressure.
#pragma once
#include <lowtide/pde/law.h>

namespace lowtide::pde {

template <int D>
struct Euler {
  static constexpr const char* name = "euler";
  static constexpr int dims = D, equations = D + 2;
  static constexpr std::array<const char*, D + 2> fields = [] {
    if constexpr (D == 1)
      return std::array{"density", "momentum", "energy"};
    else
      return std::array{"density", "x momentum", "y momentum", "energy"};
  }();
  static constexpr std::array normal{1, 2};
  static constexpr int E = D + 1;  // energy and pressure come last

  double gamma = 1.4;

  template <class V>
  using U = State<V, D + 2>;

  template <class V>
  U<V> primitive(const U<V>& q) const {
    const V inverse = 1.0 / q[0];
    U<V> w;
    w[0] = q[0];
    V kinetic(0.0);
    for (int k = 1; k <= D; ++k) {
      w[k] = q[k] * inverse;
      kinetic = kinetic + q[k] * w[k];
    }
    w[E] = (gamma - 1) * (q[E] - 0.5 * kinetic);
    return w;
  }
  template <class V>
  U<V> conserved(const U<V>& w) const {
    U<V> q;
    q[0] = w[0];
    V square(0.0);
    for (int k = 1; k <= D; ++k) {
      q[k] = w[0] * w[k];
      square = square + w[k] * w[k];
    }
    q[E] = w[E] * (1 / (gamma - 1)) + 0.5 * w[0] * square;
    return q;
  }
  template <class V>
  V admissible(const U<V>& w) const {
    return greater(w[0], V(0.0)) * greater(w[E], V(0.0));
  }
  template <class V>
  U<V> flux(int axis, const U<V>& w) const {
    const V& u = w[1 + axis];
    U<V> f = conserved(w);
    const V energy = f[E];
    for (V& v : f.at) v = u * v;
    f[1 + axis] = f[1 + axis] + w[E];
    f[E] = u * (energy + w[E]);
    return f;
  }
  // rho_t + u rho_x + rho u_x, u_t + u u_x + p_x / rho, p_t + u p_x + gamma p u_x
  template <class V>
  U<V> rate(int axis, const U<V>& w, const U<V>& s) const {
    const V &u = w[1 + axis], &du = s[1 + axis];
    U<V> r;
    for (int k = 0; k <= E; ++k) r[k] = u * s[k];
    r[0] = r[0] + w[0] * du;
    r[1 + axis] = r[1 + axis] + s[E] / w[0];
    r[E] = r[E] + gamma * w[E] * du;
    return r;
  }
  template <class V>
  V speed(int axis, const U<V>& w) const {
    return abs(w[1 + axis]) + sqrt(gamma * w[E] / w[0]);
  }
  // HLLC (Toro, Spruce, Speares 1994) with Einfeldt's wave speeds, for which density and pressure stay
  // positive (Batten et al. 1997). The flux on one side and a jump to the star state of that side: the
  // side is that of the contact, away from which the wind blows.
  template <class V>
  U<V> riemann(int axis, const U<V>& l, const U<V>& r) const {
    const int n = 1 + axis;
    const V &ul = l[n], &ur = r[n], &pl = l[E], &pr = r[E];
    const V cl2 = gamma * pl / l[0], cr2 = gamma * pr / r[0], cl = sqrt(cl2), cr = sqrt(cr2);
    const V a = sqrt(l[0]), b = sqrt(r[0]), share = 1.0 / (a + b), jump = ur - ul;
    const V mean = (a * ul + b * ur) * share;
    const double eta = gamma > 2 ? 0.5 * (gamma - 1) : 0.5;  // not below Roe's
    const V c = sqrt((a * cl2 + b * cr2) * share + eta * a * b * share * share * jump * jump);
    const V sl = minimum(ul - cl, mean - c), sr = maximum(ur + cr, mean + c);

    const V ml = l[0] * (sl - ul), mr = r[0] * (sr - ur);  // mass through the waves
    const V contact = (pr - pl + ml * ul - mr * ur) / (ml - mr);
    const V leftward = greater(V(0.0), contact);
    U<V> w;
    for (int k = 0; k <= E; ++k) w[k] = select(leftward, r[k], l[k]);
    const V s = select(leftward, sr, sl), through = select(leftward, mr, ml);
    const V beyond = select(leftward, maximum(sr, V(0.0)), minimum(sl, V(0.0)));

    // q* - q, from the jump conditions across the wave of speed s
    const V u = w[n], density = through / (s - contact), q_energy = conserved(w)[E];
    U<V> star;
    star[0] = density;
    for (int k = 1; k <= D; ++k) star[k] = density * w[k];
    star[n] = density * contact;
    star[E] = density * (q_energy / w[0] + (contact - u) * (contact + w[E] / through));
    U<V> f = flux(axis, w);
    const U<V> q = conserved(w);
    for (int k = 0; k <= E; ++k) f[k] = f[k] + beyond * (star[k] - q[k]);
    return f;
  }
};

LOWTIDE_DECLARE_LAW(Euler<1>);
LOWTIDE_DECLARE_LAW(Euler<2>);

}  // namespace lowtide::pde
