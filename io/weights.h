// Weights of points that come without any: the share of the domain that each stands for.
#pragma once
#include <lowtide/linalg/tensor.h>

#include <vector>

namespace lowtide {

// points (n,d). On a product of lines, in any order (in one dimension: always, if no point comes twice), each
// point has the stretch between the middles to its neighbours, per direction, up to the ends of the domain or,
// where none is given, to the outermost points: the trapezoid rule. Other points share the domain's volume
// equally; without a domain, each has 1/n, and sums are means.
std::vector<double> default_weights(const Tensor& points, const std::vector<double>& low,
                                    const std::vector<double>& high);

}  // namespace lowtide
