// What the tests of this folder share.
#pragma once
#include <lowtide/autodiff.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/linalg/random.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <string_view>

#if defined(__SANITIZE_ADDRESS__)
#define LOWTIDE_TEST_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define LOWTIDE_TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOWTIDE_TEST_ASAN 1
#elif __has_feature(thread_sanitizer)
#define LOWTIDE_TEST_TSAN 1
#endif
#endif

namespace lowtide::test {

#ifdef LOWTIDE_TEST_ASAN
constexpr bool under_asan = true;  // where the pool is bypassed
#else
constexpr bool under_asan = false;
#endif
#ifdef LOWTIDE_TEST_TSAN
constexpr bool under_tsan = true;  // where loops run on plain threads
#else
constexpr bool under_tsan = false;
#endif

inline Tensor uniform(const Shape& shape, std::string_view name, Dtype dtype = Dtype::f64, double size = 1) {
  return Stream(5, name).uniform(shape, dtype, -size, size);
}

// Tensors of the same shapes: directions, say.
inline Tensors uniform_like(const Tensors& xs, std::string_view name) {
  Tensors result;
  for (std::size_t k = 0; k < xs.size(); ++k)
    result.push_back(Stream(6, name).child("x", k).uniform(xs[k].shape, xs[k].dtype, -1, 1));
  return result;
}

inline Vars constants(const Tensors& xs) { return Vars(xs.begin(), xs.end()); }
inline Vars leaves_on(Tape& tape, const Tensors& xs) {
  Vars leaves;
  for (const Tensor& x : xs) leaves.push_back(tape.leaf(x));
  return leaves;
}
inline Tensors values(const Vars& vars) {
  Tensors result;
  for (const Var& v : vars) result.push_back(v.peek());
  return result;
}

inline double inner(const Tensor& a, const Tensor& b) {
  const auto x = to_vector(a), y = to_vector(b);
  BOOST_REQUIRE(x.size() == y.size());
  double s = 0;
  for (std::size_t i = 0; i < x.size(); ++i) s += x[i] * y[i];
  return s;
}
inline double inner(const Tensors& a, const Tensors& b) { return inner(flatten(a), flatten(b)); }

// |a - b| / |b|; infinite if they are not comparable.
inline double gap(const Tensor& a, const Tensor& b) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (!(a.shape == b.shape)) return infinity;
  const auto x = to_vector(a), y = to_vector(b);
  double d = 0, size = 0;
  for (std::size_t i = 0; i < x.size(); ++i) d = std::hypot(d, x[i] - y[i]), size = std::hypot(size, y[i]);
  return std::isnan(d) ? infinity : d == 0 ? 0 : d / size;
}
inline double gap(const Tensors& a, const Tensors& b) { return gap(flatten(a), flatten(b)); }
inline double gap(double a, double b) { return gap(scalar(a, Dtype::f64), scalar(b, Dtype::f64)); }

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// The message of the E that f throws; what came instead, if anything.
template <class E, class F>
std::string thrown(const F& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  } catch (const std::exception& e) {
    return std::string("another type of error: ").append(e.what());
  }
  return "nothing was thrown";
}

}  // namespace lowtide::test
