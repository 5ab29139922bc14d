// Hypermodes: the principal directions of the coefficients over time, across all layers (LRNR, 5.1 to 5.8).
#pragma once
#include <lowtide/reduction/low_rank_weights.h>
#include <lowtide/reduction/truncation.h>

namespace lowtide {

struct Hypermodes {          // s(t_i) = sum_j phi_j sigma_j psi_j(t_i), k = min(N,n) of them
  Tensor times{};            // (N), scaled
  Tensor modes{};            // Phi (n,k), a mode a column
  Tensor singular_values{};  // (k), falling
  Tensor temporal{};         // Psi (N,k)

  // r-bar: how many singular values are at least `tolerance` of the first.
  std::int64_t significant(double tolerance = paper_threshold) const;
  Tensor first(std::int64_t r) const;  // the leading modes (n,r)
};

// Of the coefficients s (N,n) at times (N). At least two snapshots.
Hypermodes hypermodes(const Tensor& times, const Tensor& s);

// c = PhiT s and s = Phi c, a row a time: (N,n) <-> (N,r). The second after the first is the projection 5.6.
Tensor coordinates(const Tensor& modes, const Tensor& s);
Tensor from_coordinates(const Tensor& modes, const Tensor& c);

// A series of Chebyshev polynomials for each column of a function of t in [-1,1].
struct Series {
  Tensor terms{};  // (degree + 1, r)
  std::int64_t degree() const { return terms.shape[0] - 1; }
  Tensor at(const Tensor& t) const;             // (k) -> (k,r)
  Tensor derivative_at(const Tensor& t) const;  // by t
};
// Interpolates in degree + 1 Chebyshev points of [begin,end]; the series' own t is -1 at begin and 1 at end.
Series series_of(const CoefficientsAt& f, double begin, double end, std::int64_t degree);
// The lowest degree of each column that leaves out no more than `tolerance` of its largest modulus: the sum of
// the moduli of the terms beyond, which bounds what a shorter series misses.
std::vector<std::int64_t> degrees(const Series& series, double tolerance);

// How the network answers to a step along hypermode i from s (1,n): the coefficients of
//   tangent 5.7, eta << 1:        s + eta phi_i
//   along the motion 5.8, eta ~ 1: s + eta c'_i(t) phi_i
// (printed there with Phi c added once more, and with phi_i c'_i as if c' were a vector).
Tensor moved(const Tensor& s, const Tensor& modes, std::int64_t i, double eta);

// The low-rank tensor 5.3: weights and biases as linear functions of the hypermode coordinates,
//   W_l(c) = sum_j c_j sum_i phi1_ij u_i (x) v_i,  b_l(c) = sum_j c_j sum_i phi2_ij b_i.
struct HypermodeTensor {
  struct Layer {
    Tensor weight{};  // (r,w,m)
    Tensor bias{};    // (r,w)
  };
  Activation activation = Activation::tanh;
  std::vector<Layer> layers{};
};
HypermodeTensor hypermode_tensor(const LowRankWeights& net, const Tensor& modes);
Tensor values(const HypermodeTensor& net, const Tensor& x, const Tensor& c);  // x (n,d), c (r) -> (n,out)

}  // namespace lowtide
