#include <lowtide/pde/euler.h>
#include <lowtide/pde/law_kernels.h>

namespace lowtide::pde {

LOWTIDE_LAW(euler_1d, Euler<1>)
LOWTIDE_LAW(euler_2d, Euler<2>)

}  // namespace lowtide::pde
