// A program outside the tree: tensors, BLAS and threads of an installed lowtide.
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/linalg/tensor.h>

#include <cstdio>

int main() {
  using namespace lowtide;
  const Tensor a = from({2, 2}, {1, 2, 3, 4});
  Tensor product = zeros({2, 2}, Dtype::f64);
  blas::gemm<double>(blas::Trans::no, blas::Trans::yes, 2, 2, 2, 1.0, a.data<double>(), 2, a.data<double>(), 2,
                     0.0, product.mutable_data<double>(), 2);
  const double sum = tree_reduce(
      4, [&](std::int64_t i) { return product.at(i); }, [](double& left, double right) { left += right; });
  std::printf("sum of A A^T: %g\n", sum);
  return sum == 52.0 ? 0 : 1;
}
