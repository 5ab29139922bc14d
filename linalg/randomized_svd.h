// The leading singular triplets of a large matrix from products with it: Halko, Martinsson and Tropp,
// Finding structure with randomness, 2011, algorithms 4.4 and 5.1.
#pragma once
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/linop.h>
#include <lowtide/linalg/random.h>

namespace lowtide {

struct SketchOptions {
  std::int64_t oversample = 10;  // columns of the sketch beyond the rank
  int power_iterations = 2;      // each divides the share of the tail by (s_1 / s_tail)^2
};

// U (m,rank), s (rank), Vt (rank,n). Draws from the stream.
Svd randomized_svd(const LinOp& A, std::int64_t rank, Stream& rng, const SketchOptions& options = {});
Svd randomized_svd(const Tensor& a, std::int64_t rank, Stream& rng, const SketchOptions& options = {});

}  // namespace lowtide
