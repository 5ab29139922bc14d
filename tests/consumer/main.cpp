// A program outside the tree: tensors, BLAS, threads, and an op of its own, checked as lowtide's are.
#include <lowtide/autodiff.h>
#include <lowtide/linalg.h>

#include <cstdio>
#include <string_view>

lowtide::Var gaussian(const lowtide::Var& x);  // gaussian.cpp

using namespace lowtide;

namespace {

bool product_is_right() {
  const Tensor a = from({2, 2}, {1, 2, 3, 4});
  Tensor product = zeros({2, 2}, Dtype::f64);
  blas::gemm<double>(blas::Trans::no, blas::Trans::yes, 2, 2, 2, 1.0, a.data<double>(), 2, a.data<double>(), 2,
                     0.0, product.mutable_data<double>(), 2);
  const double sum = tree_reduce(
      4, [&](std::int64_t i) { return product.at(i); }, [](double& left, double right) { left += right; });
  return sum == 52.0;
}

bool op_is_in_the_table() {
  for (const Op* op : op_table()) {
    if (std::string_view(op->name) != "gaussian") continue;
    const CheckReport report = check(*op);
    std::fputs(report.text().c_str(), stdout);
    return report.ok();
  }
  return false;
}

bool gradient_is_right() {
  const Tensor x = from({3}, {0.0, 0.0, 0.0});
  const auto [value, slope] = value_and_grad([](const Var& v) { return sum(gaussian(v)); }, x);
  return value == 3.0 && max_abs(slope) == 0.0;
}

}  // namespace

int main() {
  const bool ok[] = {product_is_right(), op_is_in_the_table(), gradient_is_right()};
  std::printf("product %d, op %d, gradient %d\n", ok[0], ok[1], ok[2]);
  return ok[0] && ok[1] && ok[2] ? 0 : 1;
}
