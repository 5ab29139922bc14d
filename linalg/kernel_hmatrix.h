// The hierarchical matrix of a kernel at points, made without the matrix: time and memory grow as n log n for
// kernels that are smooth away from the diagonal. Blocks of clusters that are far from each other are
// approximated by adaptive cross approximation (Bebendorf, Approximation of boundary element matrices, 2000;
// Bebendorf and Rjasanow 2003), whose verdict is not believed: it sees the rows and columns it has chosen
// itself, and can be fooled. The residual at random rows and columns decides, and where it is too large the
// approximation goes on, and at last gives up and the block is cut. Then QR and SVD bring the rank down to what
// the tolerance needs.
#pragma once
#include <lowtide/linalg/hmatrix.h>

#include <functional>

namespace lowtide {

// out (m,n): the kernel at all pairs of a point of x (m,d) and one of y (n,d). Called from many threads at
// once.
using Kernel =
    std::function<void(const double* x, std::int64_t m, const double* y, std::int64_t n, double* out)>;

struct KernelOptions {
  double tolerance = 1e-6;  // on |A - H|_F / |A|_F
  // Clusters are far from each other if the smaller diameter of their boxes is at most eta times the distance
  // of the boxes.
  double eta = 1;
  std::int64_t leaf = 64;    // blocks are cut while both sides are longer
  std::int64_t probes = 4;   // random rows, and as many random columns, at which a residual is measured
  Dtype dtype = Dtype::f64;  // of H
  std::uint64_t seed = 1;
};

struct KernelHMatrix {
  HMatrix matrix;
  // |A|_F, estimated from all blocks near the diagonal and some entries of the others.
  double norm = 0;
  // |A - H|_F, estimated from the residuals at the probes, and from what was left out last, which is known.
  // What is in few rows and few columns of a block far from the diagonal only can escape them.
  double error = 0;
  std::int64_t evaluations = 0;  // entries of the kernel that were computed
  std::int64_t fooled = 0;       // verdicts of the cross approximation that the probes have refuted
  std::int64_t cut = 0;          // blocks that were thought to be of low rank and are not
};
// Rows at the points x (m,d), columns at y (n,d).
KernelHMatrix kernel_hmatrix(const Tensor& x, const Tensor& y, const Kernel& kernel,
                             const KernelOptions& options = {});

}  // namespace lowtide
