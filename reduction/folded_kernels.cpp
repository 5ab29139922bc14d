#include <lowtide/linalg/simd.h>
#include <lowtide/reduction/folded_kernels.h>

namespace lowtide {
namespace LOWTIDE_SIMD_NAMESPACE {

using V = Pack<float>;

// P packs of rows, and for each as many sums, of every S-th column, that no addition has to wait for the one
// before.
template <int P, int S>
void add_rows(const float* a, std::int64_t stride, std::int64_t columns, const float* x, float* y) {
  V sums[S][P];
  for (int k = 0; k < S; ++k)
    for (int p = 0; p < P; ++p) sums[k][p] = k == 0 ? V::load(y + p * V::size) : V(0.0);
  std::int64_t column = 0;
  for (; column + S <= columns; column += S)
    for (int k = 0; k < S; ++k, a += stride) {
      const V factor{V::Batch(x[column + k])};
      for (int p = 0; p < P; ++p) sums[k][p] = fma(V::load(a + p * V::size), factor, sums[k][p]);
    }
  for (; column < columns; ++column, a += stride) {
    const V factor{V::Batch(x[column])};
    for (int p = 0; p < P; ++p) sums[0][p] = fma(V::load(a + p * V::size), factor, sums[0][p]);
  }
  for (int p = 0; p < P; ++p) {
    for (int k = 1; k < S; ++k) sums[0][p] = sums[0][p] + sums[k][p];
    sums[0][p].store(y + p * V::size);
  }
}

void add_product(const float* a, std::int64_t stride, std::int64_t columns, const float* x, float* y) {
  std::int64_t row = 0;
  for (; row + 4 * V::size <= stride; row += 4 * V::size) add_rows<4, 2>(a + row, stride, columns, x, y + row);
  for (; row + 2 * V::size <= stride; row += 2 * V::size) add_rows<2, 4>(a + row, stride, columns, x, y + row);
  for (; row < stride; row += V::size) add_rows<1, 8>(a + row, stride, columns, x, y + row);
}

void multiply(float* a, const float* b, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += V::size) (V::load(a + i) * V::load(b + i)).store(a + i);
}

struct None {
  static V of(const V& y) { return y; }
};
struct Tanh {
  static V of(const V& y) { return tanh(y); }
};
struct Relu {
  static V of(const V& y) { return maximum(y, V(0.0)); }
};
struct Silu {
  static V of(const V& y) { return y / (V(1.0) + exp(-y)); }
};
struct Sin {
  static V of(const V& y) { return sin(y); }
};
template <class F>
void activate(float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += V::size) F::of(V::load(y + i)).store(y + i);
}

}  // namespace LOWTIDE_SIMD_NAMESPACE

LOWTIDE_KERNELS(point, FoldedKernels,
                {&LOWTIDE_SIMD_NAMESPACE::add_product,
                 &LOWTIDE_SIMD_NAMESPACE::multiply,
                 {&LOWTIDE_SIMD_NAMESPACE::activate<LOWTIDE_SIMD_NAMESPACE::None>,
                  &LOWTIDE_SIMD_NAMESPACE::activate<LOWTIDE_SIMD_NAMESPACE::Tanh>,
                  &LOWTIDE_SIMD_NAMESPACE::activate<LOWTIDE_SIMD_NAMESPACE::Relu>,
                  &LOWTIDE_SIMD_NAMESPACE::activate<LOWTIDE_SIMD_NAMESPACE::Silu>,
                  &LOWTIDE_SIMD_NAMESPACE::activate<LOWTIDE_SIMD_NAMESPACE::Sin>}})

#ifndef LOWTIDE_SIMD_VARIANT
const FoldedKernels& folded_kernels() {
  static const FoldedKernels best = point_kernels();
  return best;
}
#endif

}  // namespace lowtide
