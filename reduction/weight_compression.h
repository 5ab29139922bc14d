// One weight in fewer bytes, by any of four methods, with an error that is known beforehand.
#pragma once
#include <lowtide/linalg/block_spectra.h>
#include <lowtide/models/weight_form.h>

#include <string>
#include <vector>

namespace lowtide {

enum class CompressBy : std::uint8_t {
  hmatrix,  // blocks, dense or of low rank (linalg/block_spectra.h)
  svd,      // one block
  prune,    // the largest entries, with a bit for each place
  int8      // eight bits an entry, a scale a column
};
const char* name_of(CompressBy by);
CompressBy compress_by_named(const std::string& name);  // ShapeError

struct CompressOptions {
  CompressBy by = CompressBy::hmatrix;
  std::int64_t leaf = 16;   // of blocks
  bool data_aware = false;  // errors of blocks weighted by what comes into the layer: of hmatrix and svd
  bool reorder = true;      // neurons that are alike side by side: of hmatrix
};

// What can be chosen for W (in,out), which is f32. With a gram G = zT z, see SpectraOptions, all errors are
// |G^1/2 (W - H)|_F = |z (W - H)|_F.
struct WeightCandidates {
  CompressBy by = CompressBy::hmatrix;
  Tensor w, gram;
  double size = 0;                      // |W|_F, or |z W|_F
  BlockSpectra spectra{};               // of hmatrix and svd
  std::vector<std::int64_t> by_size{};  // of prune: places, the largest entry first
  std::vector<double> rest{};           // and the sum of squares of all but the first k
};
WeightCandidates weight_candidates(const Tensor& w, const CompressOptions& options, const Tensor& gram = {});

// Of hmatrix, what svd could choose.
WeightCandidates one_block(const WeightCandidates& candidates);

struct CompressedWeight {
  WeightForm form{};
  Tensors parameters{};
  double error = 0;  // of the numbers as they are stored
  double bound = 0;  // what was promised of it before; error <= bound
  std::int64_t bytes = 0;
};
// error <= tolerance in as few bytes as the method needs, W itself if it cannot do that. int8, which has no
// choice, promises half a step of its scales.
CompressedWeight compress_to_error(const WeightCandidates& candidates, double tolerance);
// The least error^2 + rate bytes. With a gram, the error of blocks as if they were apart.
CompressedWeight compress_at_rate(const WeightCandidates& candidates, double rate);

// The least error in so many bytes, or in as many as the method cannot do without.
CompressedWeight compress_to_bytes(const WeightCandidates& candidates, std::int64_t bytes);

// The proximal step of a nuclear norm, in parameters whose VT have orthonormal rows, as compressed ones have:
// singular values of blocks of low rank less `part` of the largest among them, or zero.
void shrink_singular_values(const WeightForm& form, std::span<Tensor> parameters, double part);

// Of a difference.
double weighted_norm(const Tensor& d, const Tensor& gram);

}  // namespace lowtide
