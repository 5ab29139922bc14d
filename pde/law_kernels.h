// From a law's formulas (law.h) to loops over rows: included where a law is defined, by files that
// lowtide_add_ops compiles for each instruction set.
#pragma once
#include <lowtide/linalg/simd.h>
#include <lowtide/pde/law.h>

#include <iterator>
#include <limits>

namespace lowtide::pde {

template <class L>
concept HasPrimitive = requires(const L& l, const State<double, L::equations>& q) { l.primitive(q); };
template <class L>
concept HasVelocity = requires(const L& l, const Point& p) { l.face_velocity(0, p, p); };
template <class L>
concept HasNormal = requires { L::normal[0]; };

// ---- compiled for every instruction set: packs and pointers only ----

namespace LOWTIDE_SIMD_NAMESPACE {

using V = ::lowtide::LOWTIDE_SIMD_NAMESPACE::Pack<double>;
static_assert(V::size <= pack_slack);

template <class L>
struct Loops {
  static constexpr int N = L::equations;
  using S = State<V, N>;

  static S load(const Row& row, std::int64_t i) {
    S s;
    for (int c = 0; c < N; ++c) s[c] = V::load(row.of[c] + i);
    return s;
  }
  static void store(const Row& row, std::int64_t i, const S& s) {
    for (int c = 0; c < N; ++c) s[c].store(row.of[c] + i);
  }
  static S plus(const S& a, const S& b) {
    S sum;
    for (int c = 0; c < N; ++c) sum[c] = a[c] + b[c];
    return sum;
  }
  static S minus(const S& a, const S& b) {
    S difference;
    for (int c = 0; c < N; ++c) difference[c] = a[c] - b[c];
    return difference;
  }

  // The formulas, with the velocity for laws that have one.
  static S flux(const L& law, int axis, const S& w, const V& a) {
    if constexpr (HasVelocity<L>)
      return law.flux(axis, w, a);
    else
      return law.flux(axis, w);
  }
  static V speed(const L& law, int axis, const S& w, const V& a) {
    if constexpr (HasVelocity<L>)
      return law.speed(axis, w, a);
    else
      return law.speed(axis, w);
  }
  // NaN instead of the rate where w is not a number, not finite or not admissible.
  static V checked(const L& law, V rate, const S& w) {
    for (int c = 0; c < N; ++c) rate = rate + 0.0 * w[c];
    if constexpr (requires { law.admissible(w); })
      rate = select(law.admissible(w), rate, V(std::numeric_limits<double>::quiet_NaN()));
    return rate;
  }
  static S conserved(const L& law, const S& w) {
    if constexpr (HasPrimitive<L>)
      return law.conserved(w);
    else
      return w;
  }
  static S riemann(const L& law, int axis, const S& l, const S& r, const V& a) {
    if constexpr (requires { law.riemann(axis, l, r, a); }) {
      return law.riemann(axis, l, r, a);
    } else if constexpr (requires { law.riemann(axis, l, r); }) {
      return law.riemann(axis, l, r);
    } else {  // local Lax-Friedrichs
      const S fl = flux(law, axis, l, a), fr = flux(law, axis, r, a);
      const S jump = minus(conserved(law, r), conserved(law, l));
      const V fastest = maximum(speed(law, axis, l, a), speed(law, axis, r, a));
      S f;
      for (int c = 0; c < N; ++c) f[c] = 0.5 * (fl[c] + fr[c] - fastest * jump[c]);
      return f;
    }
  }
  // A(w) 2s: what the half differences s on both sides of w add to -w_t dx.
  static S rate(const L& law, int axis, const S& w, const S& s, const V& a) {
    S twice;
    if constexpr (requires { law.rate(axis, w, s, a); }) {
      twice = law.rate(axis, w, s, a);
    } else if constexpr (requires { law.rate(axis, w, s); }) {
      twice = law.rate(axis, w, s);
    } else {
      static_assert(!HasPrimitive<L>, "a law of primitive variables needs rate(axis, w, s)");
      return minus(flux(law, axis, plus(w, s), a), flux(law, axis, minus(w, s), a));
    }
    for (int c = 0; c < N; ++c) twice[c] = 2.0 * twice[c];
    return twice;
  }

  static void predict(const void* self, const LawKernels::Predict& p) {
    const L& law = *static_cast<const L*>(self);
    const V rx(0.5 * p.rx), ry(0.5 * p.ry), half_factor(0.5 * p.factor);
    for (std::int64_t i = 0; i < p.n; i += V::size) {
      const S w = load(p.w, i);
      S sx = load(p.sx, i), sy{};
      V ax(0.0), ay(0.0);
      if constexpr (HasVelocity<L>) ax = half_factor * (V::load(p.ax + i) + V::load(p.ax + i + 1));
      S h = rate(law, 0, w, sx, ax);
      for (int c = 0; c < N; ++c) h[c] = w[c] - rx * h[c];
      if constexpr (L::dims == 2) {
        sy = load(p.sy, i);
        if constexpr (HasVelocity<L>) ay = half_factor * (V::load(p.ay_low + i) + V::load(p.ay_high + i));
        const S k = rate(law, 1, w, sy, ay);
        for (int c = 0; c < N; ++c) h[c] = h[c] - ry * k[c];
      }
      if constexpr (requires { law.admissible(w); }) {
        V good = law.admissible(plus(h, sx)) * law.admissible(minus(h, sx));
        if constexpr (L::dims == 2) good = good * law.admissible(plus(h, sy)) * law.admissible(minus(h, sy));
        for (int c = 0; c < N; ++c) {
          h[c] = select(good, h[c], w[c]);
          select(good, sx[c], V(0.0)).store(p.sx.of[c] + i);
          if constexpr (L::dims == 2) select(good, sy[c], V(0.0)).store(p.sy.of[c] + i);
        }
      }
      store(p.h, i, h);
    }
  }

  template <int Axis>
  static void flux(const void* self, const LawKernels::Flux& p) {
    const L& law = *static_cast<const L*>(self);
    for (std::int64_t i = 0; i < p.n; i += V::size) {
      V a(0.0);
      if constexpr (HasVelocity<L>) a = V(p.factor) * V::load(p.a + i);
      store(p.f, i,
            riemann(law, Axis, plus(load(p.l, i), load(p.ls, i)), minus(load(p.r, i), load(p.rs, i)), a));
    }
  }

  static double update(const void* self, const LawKernels::Update& p) {
    const L& law = *static_cast<const L*>(self);
    V largest(0.0);
    for (std::int64_t i = 0; i < p.n; i += V::size) {
      S q = load(p.q, i);
      const S right = load(p.fx, i + 1), left = load(p.fx, i);
      for (int c = 0; c < N; ++c) q[c] = q[c] - V(p.rx) * (right[c] - left[c]);
      if constexpr (L::dims == 2) {
        const S above = load(p.fy_high, i), below = load(p.fy_low, i);
        for (int c = 0; c < N; ++c) q[c] = q[c] - V(p.ry) * (above[c] - below[c]);
      }
      S w = q;
      if constexpr (HasPrimitive<L>) w = law.primitive(q);
      V ax(0.0), ay(0.0);
      if constexpr (HasVelocity<L>) ax = maximum(abs(V::load(p.ax + i)), abs(V::load(p.ax + i + 1)));
      V rate = V(p.inverse_dx) * speed(law, 0, w, ax);
      if constexpr (L::dims == 2) {
        if constexpr (HasVelocity<L>) ay = maximum(abs(V::load(p.ay_low + i)), abs(V::load(p.ay_high + i)));
        rate = rate + V(p.inverse_dy) * speed(law, 1, w, ay);
      }
      rate = checked(law, rate, w);
      if (i + V::size <= p.n) {
        store(p.q_new, i, q);
        if constexpr (HasPrimitive<L>) store(p.w_new, i, w);
      } else {
        store_some(p.q_new, i, q, p.n - i);
        if constexpr (HasPrimitive<L>) store_some(p.w_new, i, w, p.n - i);
        return largest_of(rate, p.n - i, largest_of(largest, V::size, 0));
      }
      largest = maximum(largest, rate);
    }
    return largest_of(largest, V::size, 0);
  }

  static void store_some(const Row& row, std::int64_t i, const S& s, std::int64_t lanes) {
    double whole[V::size];
    for (int c = 0; c < N; ++c) {
      s[c].store(whole);
      for (std::int64_t j = 0; j < lanes; ++j) row.of[c][i + j] = whole[j];
    }
  }
  static double largest_of(const V& v, std::int64_t lanes, double result) {
    double whole[V::size];
    v.store(whole);
    for (std::int64_t j = 0; j < lanes; ++j)
      if (whole[j] > result || whole[j] != whole[j]) result = whole[j];  // once NaN, it stays
    return result;
  }
};

template <class L>
LawKernels law_kernels() {
  LawKernels kernels;
  kernels.predict = &Loops<L>::predict;
  kernels.flux_x = &Loops<L>::template flux<0>;
  if constexpr (L::dims == 2) kernels.flux_y = &Loops<L>::template flux<1>;
  kernels.update = &Loops<L>::update;
  return kernels;
}

}  // namespace LOWTIDE_SIMD_NAMESPACE

// ---- compiled once ----

template <class L>
LawInfo make_law_info(const LawKernels& kernels) {
  static_assert(L::dims == 1 || L::dims == 2, "laws have one or two dimensions");
  static_assert(L::equations >= 1 && L::equations <= max_equations, "laws have up to max_equations (law.h)");
  static_assert(std::size(L::fields) == L::equations, "fields: a name for each equation");
  if constexpr (HasNormal<L>)
    static_assert(std::size(L::normal) >= L::dims, "normal: a component for each axis");
  LawInfo info{.name = L::name, .dims = L::dims, .equations = L::equations};
  info.fields.assign(std::begin(L::fields), std::end(L::fields));
  info.has_primitive = HasPrimitive<L>;
  info.kernels = kernels;
  if constexpr (HasNormal<L>)
    for (int axis = 0; axis < L::dims; ++axis) info.normal[axis] = L::normal[axis];
  if constexpr (HasVelocity<L>) {
    info.has_velocity = true;
    info.face_velocity = [](const void* law, int axis, const Point& a, const Point& b) {
      return static_cast<const L*>(law)->face_velocity(axis, a, b);
    };
    info.factor = [](const void* law, double t) { return static_cast<const L*>(law)->factor(t); };
  }
  return info;
}

}  // namespace lowtide::pde

// In the namespace of the law.
#ifdef LOWTIDE_SIMD_VARIANT
#define LOWTIDE_LAW_INFO(fn, Type)
#else
#define LOWTIDE_LAW_INFO(fn, Type)                                                                   \
  const ::lowtide::pde::LawInfo& law_info(const Type&) {                                             \
    static const ::lowtide::pde::LawInfo info = ::lowtide::pde::make_law_info<Type>(fn##_kernels()); \
    return info;                                                                                     \
  }
#endif
#define LOWTIDE_LAW(fn, Type)                                                                                  \
  LOWTIDE_KERNELS(fn, ::lowtide::pde::LawKernels, ::lowtide::pde::LOWTIDE_SIMD_NAMESPACE::law_kernels<Type>()) \
  LOWTIDE_LAW_INFO(fn, Type)
