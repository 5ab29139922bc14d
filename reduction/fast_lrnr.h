// FastLRNR: a network whose hidden states, at given points and times, are read off at a few of their entries
// (LRNR, 6.2 to 6.9). It is a low-rank network of small width.
#pragma once
#include <lowtide/reduction/low_rank_weights.h>
#include <lowtide/reduction/row_selection.h>

namespace lowtide {

// Singular value decompositions of hidden states (6.11), which serve all ranks.
struct HiddenBases {
  std::vector<Tensor> basis{};            // Xi of each hidden layer (M,k)
  std::vector<Tensor> singular_values{};  // (k)
};
HiddenBases hidden_bases(const std::vector<LayerState>& states);

struct FastLrnr {
  LowRankWeights net{};                           // 6.8; the last hidden V also (the paper's 6.9 forgets it)
  std::vector<std::vector<std::int64_t>> rows{};  // P of each hidden layer
  std::vector<std::int64_t> ranks{};              // of Xi; there are more rows where oversampled
  std::vector<double> amplification{};            // |(PT Xi)^+|_2, the factor of the DEIM bound
};

struct FastOptions {
  Selector selector = Selector::eim;
  std::int64_t oversample = 0;  // rows beyond the rank, as far as there are any
};
// With the given rank for each hidden layer; more than a basis has is a ShapeError.
FastLrnr fast_lrnr(const LowRankWeights& net, const HiddenBases& bases, const std::vector<std::int64_t>& ranks,
                   const FastOptions& options = {});

// For the rows whose states and coefficients these are, a bound of |u - fast u|_2. Each hidden layer adds what
// its basis and its rows miss of the state, as the next layer sees it; what has gathered passes a layer with
// its spectral norm and the largest slopes of the activations within reach. It needs the states of the full
// network: at other times than these rows it is an estimate.
Tensor error_bounds(const LowRankWeights& net, const FastLrnr& fast, const std::vector<LayerState>& states,
                    const Tensor& s);

// Small ranks (no step of one less will do) for which the DEIM bound amplification |(I - Xi XiT) z|, times the
// largest Lipschitz factor from that layer to u over the rows, stays below an equal share of `tolerance` (of
// |u|, absolute) at every row; where none does, `most` or as many as the basis has.
std::vector<std::int64_t> ranks_for(const LowRankWeights& net, const HiddenBases& bases,
                                    const std::vector<LayerState>& states, const Tensor& s, double tolerance,
                                    std::int64_t most, const FastOptions& options = {});

}  // namespace lowtide
