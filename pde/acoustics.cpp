#include <lowtide/pde/acoustics.h>
#include <lowtide/pde/law_kernels.h>

namespace lowtide::pde {

LOWTIDE_LAW(acoustics_1d, Acoustics<1>)
LOWTIDE_LAW(acoustics_2d, Acoustics<2>)

}  // namespace lowtide::pde
