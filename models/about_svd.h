// What decompositions of weights are called elsewhere.
#pragma once
#include <lowtide/models/mlp_xt.h>

#include <string>

namespace lowtide {

// Of weights asked for as U S VT, a line: which singular values are kept, what that is called in the summary
// and in the code of ANN-SVD (Kurniati et al.), which do not agree, and how many numbers it takes. Else
// nothing.
std::string about_svd(const MlpXt& model);

}  // namespace lowtide
