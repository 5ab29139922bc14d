// Advection, q_t + (a q)_x + (b q)_y = 0.
#pragma once
#include <lowtide/pde/law.h>

#include <functional>

namespace lowtide::pde {

// At constant velocity.
template <int D>
struct Advection {
  static constexpr const char* name = "advection";
  static constexpr int dims = D, equations = 1;
  static constexpr const char* fields[] = {"q"};

  double velocity[D] = {};

  template <class V>
  State<V, 1> flux(int axis, const State<V, 1>& q) const {
    return {velocity[axis] * q[0]};
  }
  template <class V>
  State<V, 1> riemann(int axis, const State<V, 1>& l, const State<V, 1>& r) const {
    const double a = velocity[axis];
    return {a * (a > 0 ? l[0] : r[0])};
  }
  template <class V>
  V speed(int axis, const State<V, 1>&) const {
    const double a = velocity[axis];
    return V(a < 0 ? -a : a);
  }
};

// In the divergence-free field (-psi_y, psi_x) g(t) of a stream function. The means of the velocity over the
// faces are differences of psi, so that the field is free of divergence on the grid too: a constant stays
// constant, and nothing is lost.
struct StreamAdvection {
  static constexpr const char* name = "stream advection";
  static constexpr int dims = 2, equations = 1;
  static constexpr const char* fields[] = {"q"};

  std::function<double(double x, double y)> psi;
  std::function<double(double t)> g;  // |g| <= 1; none: 1

  double face_velocity(int axis, const Point& a, const Point& b) const;
  double factor(double t) const;

  template <class V>
  State<V, 1> flux(int, const State<V, 1>& q, const V& a) const {
    return {a * q[0]};
  }
  template <class V>
  State<V, 1> riemann(int, const State<V, 1>& l, const State<V, 1>& r, const V& a) const {
    return {maximum(a, V(0.0)) * l[0] + minimum(a, V(0.0)) * r[0]};
  }
  template <class V>
  State<V, 1> rate(int, const State<V, 1>&, const State<V, 1>& s, const V& a) const {
    return {a * s[0]};
  }
  template <class V>
  V speed(int, const State<V, 1>&, const V& a) const {
    return abs(a);
  }
};

LOWTIDE_DECLARE_LAW(Advection<1>);
LOWTIDE_DECLARE_LAW(Advection<2>);
LOWTIDE_DECLARE_LAW(StreamAdvection);

}  // namespace lowtide::pde
