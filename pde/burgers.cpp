#include <lowtide/pde/burgers.h>
#include <lowtide/pde/law_kernels.h>

namespace lowtide::pde {

LOWTIDE_LAW(burgers_1d, Burgers<1>)
LOWTIDE_LAW(burgers_2d, Burgers<2>)

}  // namespace lowtide::pde
