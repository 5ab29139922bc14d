#include <fmt/format.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/randomized_svd.h>

#include <algorithm>

namespace lowtide {

Svd randomized_svd(const LinOp& A, std::int64_t rank, Stream& rng, const SketchOptions& options) {
  const std::int64_t most = std::min(A.rows, A.cols);
  if (rank < 0 || rank > most || options.oversample < 0 || options.power_iterations < 0)
    fail<ShapeError>("randomized_svd",
                     fmt::format("rank {}, oversampling {}, {} power iterations for an operator ({},{})", rank,
                                 options.oversample, options.power_iterations, A.rows, A.cols));
  const std::int64_t width = rank + std::min(options.oversample, most - rank);
  Tensor q = qr(times(A, rng.normal({A.cols, width}, A.dtype))).q;
  for (int i = 0; i < options.power_iterations; ++i) {
    q = qr(times_transposed(A, q)).q;  // else rounding would leave nothing but the first vector
    q = qr(times(A, q)).q;
  }
  // Q^T A = (Q^T A Q') Q'^T, so that the values to be found are those of a small matrix.
  const Svd t = svd(times_transposed(A, q));  // of (n,width): V S W^T
  return {multiply(q, transposed(t.vt.rows(0, rank))), t.s.rows(0, rank), transposed(t.u).rows(0, rank).clone(),
          "randomized"};
}

Svd randomized_svd(const Tensor& a, std::int64_t rank, Stream& rng, const SketchOptions& options) {
  require_matrix("randomized_svd", a);
  require_finite("randomized_svd", a);
  const Scaled scaled = scaled_to_one(a);
  Svd f = randomized_svd(matrix_op(scaled.value), rank, rng, options);
  f.s = rescaled("randomized_svd", f.s, scaled.exponent);
  return f;
}

}  // namespace lowtide
