// Conservation laws q_t + f(q)_x + g(q)_y = 0, each one small struct of pointwise formulas:
//
//   struct InviscidBurgers {
//     static constexpr const char* name = "burgers";
//     static constexpr int dims = 1, equations = 1;
//     static constexpr const char* fields[] = {"u"};
//
//     template <class V> State<V, 1> flux(int axis, const State<V, 1>& q) const { return {0.5 * q[0] * q[0]}; }
//     template <class V> V speed(int axis, const State<V, 1>& q) const { return abs(q[0]); }
//   };
//   LOWTIDE_LAW(inviscid_burgers, InviscidBurgers)          // after including pde/law_kernels.h
//
// The formulas are written for a pack of numbers V (linalg/simd.h): no branches, but select, minimum,
// maximum. A law may say more:
//
//   riemann(axis, wl, wr)     the numerical flux between two states; without it, local Lax-Friedrichs
//   primitive(q), conserved(w)   variables w that are interpolated in place of q; flux, riemann and speed then
//                             take w
//   rate(axis, w, s)          A(w) s in w_t + A(w) w_x = 0; without it, from differences of the flux, which a
//                             law with primitive variables cannot do
//   admissible(w)             1 where the state is physical, else 0
//   normal[dims]              which component is the velocity along an axis, turned round by a wall
//   face_velocity(axis, a, b), factor(t)   a velocity field: its mean over the face from point a to point b,
//                             and a factor in time of at most 1; flux, riemann, rate and speed then take the
//                             velocity along the axis as a last argument
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lowtide::pde {

constexpr int max_equations = 8;

template <class V, int N>
struct State {
  V at[N];
  V& operator[](int i) { return at[i]; }
  const V& operator[](int i) const { return at[i]; }
};

using Point = std::array<double, 2>;

// One pointer an equation: a piece of a row of cells or faces.
struct Row {
  double* of[max_equations] = {};
};

// The loops of a law over pieces of rows, for one instruction set. Input and scratch may be read, and scratch
// written, up to `pack_slack` numbers beyond n.
constexpr std::int64_t pack_slack = 8;

struct LawKernels {
  // w, half differences (sx, sy) -> w a half step later in h. Where a state at a face would not be
  // admissible: the cell's own w, and differences of 0.
  struct Predict {
    Row w{}, sx{}, sy{}, h{};
    const double *ax = nullptr, *ay_low = nullptr, *ay_high = nullptr;  // face velocities, if the law has them
    double factor = 1;                                                  // of the velocities
    double rx = 0, ry = 0;                                              // dt / dx, dt / dy
    std::int64_t n = 0;
  };
  // The numerical flux between l + ls and r - rs.
  struct Flux {
    Row l{}, ls{}, r{}, rs{}, f{};
    const double* a = nullptr;
    double factor = 1;
    std::int64_t n = 0;
  };
  // q -> q_new and its w_new; the result is the largest sum of speed / size over the axes, NaN if a
  // state is not admissible or not a number.
  struct Update {
    Row q{}, fx{}, fy_low{}, fy_high{}, q_new{}, w_new{};
    const double *ax = nullptr, *ay_low = nullptr, *ay_high = nullptr;
    double rx = 0, ry = 0, inverse_dx = 0, inverse_dy = 0;
    std::int64_t n = 0;
  };
  void (*predict)(const void* law, const Predict&) = nullptr;
  void (*flux_x)(const void* law, const Flux&) = nullptr;
  void (*flux_y)(const void* law, const Flux&) = nullptr;
  double (*update)(const void* law, const Update&) = nullptr;
};

// A law without its type.
struct LawInfo {
  const char* name = "";
  int dims = 1, equations = 1;
  std::vector<std::string> fields{};
  int normal[2] = {-1, -1};
  bool has_primitive = false, has_velocity = false;
  LawKernels kernels{};
  double (*face_velocity)(const void* law, int axis, const Point& a, const Point& b) = nullptr;
  double (*factor)(const void* law, double t) = nullptr;
};

struct Law {
  const LawInfo* info;
  std::shared_ptr<const void> self;

  // law_info(l) is declared by LOWTIDE_DECLARE_LAW or defined by LOWTIDE_LAW.
  template <class L>
    requires requires(const L& l) { law_info(l); }
  Law(const L& l) : info(&law_info(l)), self(std::make_shared<const L>(l)) {}
};

}  // namespace lowtide::pde

#define LOWTIDE_DECLARE_LAW(Type) const ::lowtide::pde::LawInfo& law_info(const Type&)
