#include <fmt/format.h>
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/error.h>
#include <lowtide/physics/embedded_rk.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

// y + h sum w_i k_i
Tensor combined(const Tensor& y, double h, const std::vector<double>& w, const std::vector<Tensor>& k) {
  Tensor result = y.clone();
  double* to = result.mutable_data<double>();
  for (std::size_t i = 0; i < k.size() && i < w.size(); ++i)
    if (w[i] != 0) blas::axpy(y.size(), h * w[i], k[i].data<double>(), to);
  return result;
}

}  // namespace

const Tableau& bogacki_shampine() {
  static const Tableau method{"rk23",
                              3,
                              {0, 1. / 2, 3. / 4, 1},
                              {2. / 9, 1. / 3, 4. / 9, 0},
                              {2. / 9 - 7. / 24, 1. / 3 - 1. / 4, 4. / 9 - 1. / 3, -1. / 8},
                              {{}, {1. / 2}, {0, 3. / 4}, {2. / 9, 1. / 3, 4. / 9}}};
  return method;
}

const Tableau& dormand_prince() {
  static const Tableau method{"rk45",
                              5,
                              {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1},
                              {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0},
                              {71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40},
                              {{},
                               {1. / 5},
                               {3. / 40, 9. / 40},
                               {44. / 45, -56. / 15, 32. / 9},
                               {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
                               {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
                               {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}}};
  return method;
}

const Tableau& tableau_named(const std::string& name) {
  for (const Tableau* method : {&bogacki_shampine(), &dormand_prince()})
    if (name == method->name) return *method;
  fail<Error>("rk", fmt::format("no method is called '{}'; there are rk23, rk45", name));
}

RkStep rk_step(const Tableau& method, RateFunction f, double t, const Tensor& y, double h,
               const Tensor& first) {
  std::vector<Tensor> k{first};
  Tensor at = y;
  for (std::size_t i = 1; i < method.c.size(); ++i) {
    at = combined(y, h, method.a[i], k);
    k.push_back(f(t + method.c[i] * h, at));
    if (!(k.back().shape == y.shape))
      fail<ShapeError>("rk",
                       fmt::format("a rate {} for a state {}", to_string(k.back().shape), to_string(y.shape)));
  }
  // b is the last row of a, so that the last stage was at the new point.
  return {at, combined(zeros(y.shape, Dtype::f64), h, method.e, k), k.back()};
}

double StepControl::factor(double ratio, int order) const {
  if (!std::isfinite(ratio)) return least;
  if (ratio <= 0) return most;
  return std::clamp(safety * std::pow(ratio, -1.0 / order), least, most);
}

}  // namespace lowtide
