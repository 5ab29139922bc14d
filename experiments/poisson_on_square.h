// The problem of networks with singular value decompositions (Kurniati et al., ANN-SVD): what the cases of it
// share.
//
//   u_xx + u_yy = 10 (x - 1) cos 5y - 25 (x - 1)(y - 1) sin 5y on [0,1]^2,  u = (1-x)(1-y) sin 5y.
#pragma once
#include <lowtide/experiments/case.h>

namespace lowtide {

// With the sides as terms of the loss; or built in by a lift, which here is the solution itself.
Pinn poisson_on_square(bool lift);
// The solution on 100 x 100 cells.
Snapshots poisson_on_square_solution(CaseRun& run, const Pinn& pinn);

}  // namespace lowtide
