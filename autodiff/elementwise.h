// Definer: elementwise ops of one, two or three inputs, with broadcasting.
//
//   struct Gaussian {
//     static constexpr const char* name = "gaussian";
//     static constexpr Interval domain{-2, 2};                       // of the samples that tests use
//     static auto f(const auto& x) { return exp(-(x * x)); }
//     static auto df(const auto& x, const auto& y) { return -2.0 * x * y; }
//   };
//   LOWTIDE_ELEMENTWISE_1(gaussian, Gaussian)                        // defines Var gaussian(const Var&)
//
// f and df are generic: with packs they become the kernels of the value and of ydot = df xdot, with
// Vars they give every higher order. With two or three inputs write df0, df1, df2 of (x0, .., y).
// An op with constant slopes gives `slopes` instead of derivatives; one with a kink says where
// (`kink`), or that it lies where two inputs are equal (`separated`), so that samples keep away from it.
#pragma once
#include <lowtide/autodiff/op.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/broadcast.h>
#include <lowtide/linalg/simd.h>

namespace lowtide {

struct Interval {
  double low, high;
};

constexpr int max_arity = 3;

// Inner loops by dtype: of the value, and of seed * df_i(xs.., y).
struct ElementwiseKernels {
  InnerLoop value[2] = {};
  InnerLoop scaled[max_arity][2] = {};
};

// ---- compiled for every instruction set: packs and pointers only ----

template <class E, int I, class... Args>
auto derivative(const Args&... args) {
  if constexpr (I == 0 && requires { E::df(args...); })
    return E::df(args...);
  else if constexpr (I == 0)
    return E::df0(args...);
  else if constexpr (I == 1)
    return E::df1(args...);
  else
    return E::df2(args...);
}

template <class E, int I, class... Args>
concept HasDerivative = (I == 0 && requires(const Args&... a) { E::df(a...); }) ||
                        (I == 0 && requires(const Args&... a) { E::df0(a...); }) ||
                        (I == 1 && requires(const Args&... a) { E::df1(a...); }) ||
                        (I == 2 && requires(const Args&... a) { E::df2(a...); });

namespace LOWTIDE_SIMD_NAMESPACE {

template <class E>
struct ValueOf {
  template <class... P>
  static auto at(const P&... x) {
    return E::f(x...);
  }
};
template <class E, int I>
struct ScaledSlope {
  template <class P, class... Ps>
  static auto at(const P& seed, const Ps&... x) {
    return seed * derivative<E, I>(x...);
  }
};

// One loop over n elements; the tail is padded with its first element, which lies in the domain.
template <class T, class F, std::size_t... K>
void pack_loop(void* out, const void* const* in, const std::int64_t* step, std::int64_t n) {
  using P = Pack<T>;
  constexpr std::int64_t width = P::size;
  T* to = static_cast<T*>(out);
  const T* from[] = {static_cast<const T*>(in[K])...};
  std::int64_t i = 0;
  if ((... && (step[K] == 1))) {
    for (; i + width <= n; i += width) F::at(P::load(from[K] + i)...).store(to + i);
  } else {
    const P fixed[] = {(step[K] ? P() : P(static_cast<double>(*from[K])))...};
    for (; i + width <= n; i += width) F::at((step[K] ? P::load(from[K] + i) : fixed[K])...).store(to + i);
  }
  if (i == n) return;
  T padded[sizeof...(K)][width];
  for (std::size_t k = 0; k < sizeof...(K); ++k)
    for (std::int64_t j = 0; j < width; ++j) padded[k][j] = from[k][(i + j < n ? i + j : i) * step[k]];
  T last[width];
  F::at(P::load(padded[K])...).store(last);
  for (std::int64_t j = 0; i + j < n; ++j) to[i + j] = last[j];
}

template <class F, std::size_t... K>
void fill(InnerLoop (&loops)[2], std::index_sequence<K...>) {
  loops[0] = &pack_loop<float, F, K...>;
  loops[1] = &pack_loop<double, F, K...>;
}

template <class E, int I, std::size_t... K>
void fill_scaled(ElementwiseKernels& kernels, std::index_sequence<K...>) {
  // operands: the seed, the inputs, and the value
  if constexpr (HasDerivative<E, I, decltype((void)K, Pack<float>())..., Pack<float>>)
    fill<ScaledSlope<E, I>>(kernels.scaled[I], std::make_index_sequence<sizeof...(K) + 2>{});
}

template <class E, int Arity>
ElementwiseKernels make_kernels() {
  ElementwiseKernels kernels;
  constexpr auto inputs = std::make_index_sequence<Arity>{};
  fill<ValueOf<E>>(kernels.value, inputs);
  fill_scaled<E, 0>(kernels, inputs);
  if constexpr (Arity > 1) fill_scaled<E, 1>(kernels, inputs);
  if constexpr (Arity > 2) fill_scaled<E, 2>(kernels, inputs);
  return kernels;
}

}  // namespace LOWTIDE_SIMD_NAMESPACE

// ---- compiled once ----

struct ElementwiseBody {
  int arity = 1;
  ElementwiseKernels kernels;
  // df_i in Vars; null where the slope is constant.
  Var (*slope[max_arity])(std::span<const Var> xs, const Var& y) = {};
  double constant_slope[max_arity] = {};
  Interval domain{-2, 2};
  double kink = 0;
  bool has_kink = false, separated = false;
};

// The rules that all elementwise ops share; in elementwise.cpp.
namespace elementwise {
Tensor forward(const Call& call);
Var push(const PushRule& rule);
void pull(const PullRule& rule);
std::vector<Sample> samples(const char* name, const ElementwiseBody& body, Var (*apply)(const Vars&));
}  // namespace elementwise

// Neither a slope nor a derivative: the op does not depend on that input (a mask, say).
template <class E, int I, std::size_t... K>
void fill_slope(ElementwiseBody& body, std::index_sequence<K...>) {
  if constexpr (requires { E::slopes; }) {
    body.constant_slope[I] = E::slopes[I];
  } else if constexpr (HasDerivative<E, I, decltype((void)K, Var())..., Var>) {
    body.slope[I] = [](std::span<const Var> xs, const Var& y) -> Var { return derivative<E, I>(xs[K]..., y); };
  }
}

template <class E, int Arity>
ElementwiseBody make_body(const ElementwiseKernels& kernels) {
  ElementwiseBody body;
  body.arity = Arity;
  body.kernels = kernels;
  [&]<std::size_t... I>(std::index_sequence<I...> inputs) {
    (fill_slope<E, static_cast<int>(I)>(body, inputs), ...);
  }(std::make_index_sequence<Arity>{});
  if constexpr (requires { E::domain; }) body.domain = E::domain;
  if constexpr (requires { E::kink; }) body.kink = E::kink, body.has_kink = true;
  if constexpr (requires { E::separated; }) body.separated = E::separated;
  return body;
}

template <class E, Var (*Apply)(const Vars&)>
Op elementwise_op(const ElementwiseBody& body) {
  static const ElementwiseBody* const kept = &body;
  return Op{E::name,
            &elementwise::forward,
            &elementwise::push,
            &elementwise::pull,
            [] {
              if constexpr (requires { E::samples(); })
                return E::samples();
              else
                return elementwise::samples(E::name, *kept, Apply);
            },
            &body};
}

}  // namespace lowtide

#define LOWTIDE_ELEMENTWISE_KERNELS(fn, E, arity)    \
  LOWTIDE_KERNELS(fn, ::lowtide::ElementwiseKernels, \
                  ::lowtide::LOWTIDE_SIMD_NAMESPACE::make_kernels<E, arity>())
#ifdef LOWTIDE_SIMD_VARIANT  // a copy for one instruction set: kernels only
#define LOWTIDE_DEFINE_ELEMENTWISE(fn, E, arity, parameters, arguments) \
  LOWTIDE_ELEMENTWISE_KERNELS(fn, E, arity)
#else
#define LOWTIDE_DEFINE_ELEMENTWISE(fn, E, arity, parameters, arguments)                               \
  LOWTIDE_ELEMENTWISE_KERNELS(fn, E, arity)                                                           \
  static const ::lowtide::ElementwiseBody fn##_body = ::lowtide::make_body<E, arity>(fn##_kernels()); \
  static ::lowtide::Var fn##_of(const ::lowtide::Vars& xs);                                           \
  static const ::lowtide::RegisteredOp fn##_op(::lowtide::elementwise_op<E, &fn##_of>(fn##_body));    \
  ::lowtide::Var fn parameters { return ::lowtide::record(fn##_op.op, arguments); }                   \
  static ::lowtide::Var fn##_of(const ::lowtide::Vars& xs) { return ::lowtide::record(fn##_op.op, xs); }
#endif

#define LOWTIDE_BRACED(...) \
  { __VA_ARGS__ }
#define LOWTIDE_ELEMENTWISE_1(fn, E) \
  LOWTIDE_DEFINE_ELEMENTWISE(fn, E, 1, (const ::lowtide::Var& x), LOWTIDE_BRACED(x))
#define LOWTIDE_ELEMENTWISE_2(fn, E) \
  LOWTIDE_DEFINE_ELEMENTWISE(fn, E, 2, (const ::lowtide::Var& a, const ::lowtide::Var& b), LOWTIDE_BRACED(a, b))
#define LOWTIDE_ELEMENTWISE_3(fn, E)                                                                      \
  LOWTIDE_DEFINE_ELEMENTWISE(fn, E, 3,                                                                    \
                             (const ::lowtide::Var& a, const ::lowtide::Var& b, const ::lowtide::Var& c), \
                             LOWTIDE_BRACED(a, b, c))
