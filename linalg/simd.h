// Packs: as many floats or doubles as one instruction takes, with the mathematics that elementwise
// kernels are written in. A file of kernels is compiled once for each instruction set (see
// cmake/LowtideOps.cmake); each copy lives in a namespace of its own, so that the linker can never
// take an AVX-512 copy of a function for a processor that lacks it.
//
// A pack has no comparison operators: `x > 0 ? a : b` does not compile. Masks are packs of 0 and 1,
// made by greater() and step() and used by select(), exactly as with Var.
#pragma once
#include <lowtide/linalg/cpu.h>

#include <cstdint>
#include <xsimd/xsimd.hpp>

#ifdef LOWTIDE_SIMD_LEVEL
#define LOWTIDE_SIMD_VARIANT  // this copy of the file gives kernels for one instruction set, nothing else
#else
#define LOWTIDE_SIMD_LEVEL base
#endif
#define LOWTIDE_CONCAT_(a, b) a##b
#define LOWTIDE_CONCAT(a, b) LOWTIDE_CONCAT_(a, b)
#define LOWTIDE_SIMD_NAMESPACE LOWTIDE_CONCAT(simd_, LOWTIDE_SIMD_LEVEL)

namespace lowtide::LOWTIDE_SIMD_NAMESPACE {

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__)
using Arch = xsimd::avx512bw;
#elif defined(__AVX2__) && defined(__FMA__)
using Arch = xsimd::fma3<xsimd::avx2>;
#else
using Arch = xsimd::default_arch;
#endif

// x P(x^2) / Q(x^2), fitted to tanh on |x| <= 9.1 with relative error 2.3e-8; beyond, tanh is 1 in float.
// Without branches, and with one correction of an approximate reciprocal in place of the slow division, it
// takes half the time of exponentials; the error is 4e-7 at most, from rounding.
inline xsimd::batch<float, Arch> rational_tanh(const xsimd::batch<float, Arch>& a) {
  using Batch = xsimd::batch<float, Arch>;
  const Batch x = xsimd::max(xsimd::min(a, Batch(9.1f)), Batch(-9.1f)), u = x * x;
  Batch p = xsimd::fma(u, Batch(1.31775305e-08f), Batch(2.04811935e-05f));
  p = xsimd::fma(u, p, Batch(0.00348781148f));
  p = xsimd::fma(u, p, Batch(0.133744756f));
  p = x * xsimd::fma(u, p, Batch(0.999999977f));
  Batch q = xsimd::fma(u, Batch(7.70404973e-07f), Batch(0.000327292088f));
  q = xsimd::fma(u, q, Batch(0.0258473902f));
  q = xsimd::fma(u, q, Batch(0.467077893f));
  q = xsimd::fma(u, q, Batch(1.f));
  Batch inverse = xsimd::reciprocal(q);
  inverse = inverse * xsimd::fnma(q, inverse, Batch(2.f));
  Batch y = p * inverse;
  y = xsimd::fma(xsimd::fnma(q, y, p), inverse, y);
  y = xsimd::max(xsimd::min(y, Batch(1.f)), Batch(-1.f));
  return xsimd::select(xsimd::isnan(a), a, y);
}

template <class T>
struct Pack {
  using Batch = xsimd::batch<T, Arch>;
  static constexpr std::int64_t size = static_cast<std::int64_t>(Batch::size);

  Batch v;
  Pack() = default;
  Pack(Batch b) : v(b) {}
  Pack(double x) : v(static_cast<T>(x)) {}  // a constant takes the pack's precision

  static Pack load(const T* p) { return Batch::load_unaligned(p); }
  void store(T* p) const { v.store_unaligned(p); }

  friend Pack operator+(const Pack& a, const Pack& b) { return a.v + b.v; }
  friend Pack operator-(const Pack& a, const Pack& b) { return a.v - b.v; }
  friend Pack operator*(const Pack& a, const Pack& b) { return a.v * b.v; }
  friend Pack operator/(const Pack& a, const Pack& b) { return a.v / b.v; }
  friend Pack operator-(const Pack& a) { return -a.v; }
  friend Pack fma(const Pack& a, const Pack& b, const Pack& c) { return xsimd::fma(a.v, b.v, c.v); }

  friend Pack exp(const Pack& a) { return xsimd::exp(a.v); }
  friend Pack expm1(const Pack& a) { return xsimd::expm1(a.v); }
  friend Pack log(const Pack& a) {
    if constexpr (sizeof(T) == sizeof(float)) return xsimd::log(a.v);
    const auto small = a.v < Batch(0x1p-1022);  // where xsimd is wrong in double
    return xsimd::log(xsimd::select(small, a.v * T{0x1p54}, a.v)) -
           xsimd::select(small, Batch(37.42994775023704658), Batch(T{0}));
  }
  friend Pack log1p(const Pack& a) { return xsimd::log1p(a.v); }
  friend Pack sin(const Pack& a) { return xsimd::sin(a.v); }
  friend Pack cos(const Pack& a) { return xsimd::cos(a.v); }
  friend Pack tanh(const Pack& a) {
    if constexpr (sizeof(T) == sizeof(float))
      return rational_tanh(a.v);
    else
      return xsimd::tanh(a.v);
  }
  friend Pack erf(const Pack& a) {  // xsimd gives NaN for large numbers
    return xsimd::erf(minimum(maximum(a, Pack(-30.0)), Pack(30.0)).v);
  }
  // By exp rather than tanh: the left tail keeps its relative precision, and is 0 where exp overflows.
  friend Pack sigmoid(const Pack& a) { return 1.0 / (1.0 + exp(-a)); }
  friend Pack sqrt(const Pack& a) { return xsimd::sqrt(a.v); }
  friend Pack abs(const Pack& a) { return xsimd::abs(a.v); }
  friend Pack pow(const Pack& a, const Pack& b) {  // xsimd gives 0 for every power of 0, NaN for 1^Inf
    const Batch zero(T{0}), one(T{1});
    const Batch of_zero = xsimd::select(b.v > zero, zero, xsimd::select(b.v < zero, one / zero, b.v));
    const Batch power = xsimd::select(a.v == zero, of_zero, xsimd::pow(a.v, b.v));
    return xsimd::select(a.v == one, one, xsimd::select(b.v == zero, one, power));
  }

  // A NaN in either argument comes out, unlike with the bare instructions.
  friend Pack maximum(const Pack& a, const Pack& b) {
    return xsimd::select(xsimd::isnan(a.v), a.v, xsimd::select(a.v > b.v, a.v, b.v));
  }
  friend Pack minimum(const Pack& a, const Pack& b) {
    return xsimd::select(xsimd::isnan(a.v), a.v, xsimd::select(a.v < b.v, a.v, b.v));
  }
  friend Pack greater(const Pack& a, const Pack& b) {
    return xsimd::select(a.v > b.v, Batch(T{1}), Batch(T{0}));
  }
  friend Pack equal(const Pack& a, const Pack& b) {
    return xsimd::select(a.v == b.v, Batch(T{1}), Batch(T{0}));
  }
  friend Pack step(const Pack& a) { return greater(a, Pack(0.0)); }
  friend Pack sign(const Pack& a) { return step(a) - step(-a); }
  friend Pack select(const Pack& mask, const Pack& a, const Pack& b) {
    return xsimd::select(mask.v != Batch(T{0}), a.v, b.v);
  }
};

}  // namespace lowtide::LOWTIDE_SIMD_NAMESPACE

// LOWTIDE_KERNELS(fn, Table, table): fn_kernels() gives `table`, an expression of type Table that names
// kernels of packs, from the copy of this file that suits the processor. Only that copy is asked: the
// others are compiled for processors that this may not be.
#define LOWTIDE_KERNELS_NAME(fn) LOWTIDE_CONCAT(LOWTIDE_CONCAT(fn, _kernels_), LOWTIDE_SIMD_LEVEL)
#define LOWTIDE_KERNELS_COPY(fn, Table, ...) \
  Table LOWTIDE_KERNELS_NAME(fn)();          \
  Table LOWTIDE_KERNELS_NAME(fn)() { return __VA_ARGS__; }
#ifdef LOWTIDE_SIMD_VARIANT
#define LOWTIDE_KERNELS(fn, Table, ...) LOWTIDE_KERNELS_COPY(fn, Table, __VA_ARGS__)
#elif defined(LOWTIDE_SIMD_VARIANTS)
#define LOWTIDE_KERNELS(fn, Table, ...)                                                           \
  LOWTIDE_KERNELS_COPY(fn, Table, __VA_ARGS__)                                                    \
  Table fn##_kernels_v3();                                                                        \
  Table fn##_kernels_v4();                                                                        \
  static Table fn##_kernels() {                                                                   \
    return ::lowtide::best_copy(&LOWTIDE_KERNELS_NAME(fn), &fn##_kernels_v3, &fn##_kernels_v4)(); \
  }
#else
#define LOWTIDE_KERNELS(fn, Table, ...)        \
  LOWTIDE_KERNELS_COPY(fn, Table, __VA_ARGS__) \
  static Table fn##_kernels() { return LOWTIDE_KERNELS_NAME(fn)(); }
#endif
