#include <lowtide/pde/advection.h>
#include <lowtide/pde/law_kernels.h>

namespace lowtide::pde {

LOWTIDE_LAW(advection_1d, Advection<1>)
LOWTIDE_LAW(advection_2d, Advection<2>)
LOWTIDE_LAW(stream_advection, StreamAdvection)

#ifndef LOWTIDE_SIMD_VARIANT
double StreamAdvection::face_velocity(int axis, const Point& a, const Point& b) const {
  const double rise = psi(b[0], b[1]) - psi(a[0], a[1]);
  return axis == 0 ? -rise / (b[1] - a[1]) : rise / (b[0] - a[0]);
}

double StreamAdvection::factor(double t) const { return g ? g(t) : 1; }
#endif

}  // namespace lowtide::pde
