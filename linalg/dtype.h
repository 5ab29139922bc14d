// Element types. They are chosen at run time and never promoted silently.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace lowtide {

enum class Dtype : std::uint8_t { f32, f64 };

constexpr std::size_t size_of(Dtype d) { return d == Dtype::f32 ? sizeof(float) : sizeof(double); }
constexpr std::string_view name_of(Dtype d) { return d == Dtype::f32 ? "f32" : "f64"; }

template <class T>
constexpr Dtype dtype_of = sizeof(T) == sizeof(float) ? Dtype::f32 : Dtype::f64;

// dispatch(dtype, [&](auto zero) { using T = decltype(zero); ... }) runs the lambda for the element type.
template <class F>
decltype(auto) dispatch(Dtype d, F&& f) {
  return d == Dtype::f32 ? std::forward<F>(f)(float{}) : std::forward<F>(f)(double{});
}

// The float or the double one of two things: the routines of BLAS and LAPACK come in pairs.
template <class T>
constexpr auto pick(auto single, auto twice) {
  if constexpr (std::is_same_v<T, float>)
    return single;
  else
    return twice;
}

}  // namespace lowtide
