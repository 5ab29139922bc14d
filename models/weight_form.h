// What stands for the weight W (in,out) of a dense layer: W itself, or fewer numbers.
#pragma once
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/random.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lowtide {

struct WeightForm {
  enum class Kind : std::uint8_t {
    dense,
    svd,     // W = U S VT, U (in,rank) and VT (rank,out)
    blocks,  // a hierarchical matrix, its factors one vector
    sparse,  // some entries of W, the others zero
    int8     // W, rounded to eight bits an entry whenever it is used; trained straight through
  };
  enum class Middle : std::uint8_t { none, diagonal, full };  // S: within U, (rank), or (rank,rank)

  Kind kind = Kind::dense;
  std::int64_t rank = 0;
  Middle middle = Middle::none;
  Blocks blocks{};
  std::shared_ptr<const std::vector<std::int64_t>> places{};  // of the entries that are kept, row by row

  std::size_t tensors() const { return kind != Kind::svd ? 1 : middle == Middle::none ? 2 : 3; }  // parameters
  PoolVector<Shape> shapes(std::int64_t in, std::int64_t out) const;
  std::vector<const char*> names() const;  // "U", "S", "V"
  std::int64_t entries(std::int64_t in, std::int64_t out) const;
  // As a file holds them in f32, with what says where they belong: the text of blocks, a bit for each place,
  // the scale of each column in eight bits.
  std::int64_t bytes(std::int64_t in, std::int64_t out) const;
  double products(std::int64_t in, std::int64_t out) const;  // multiplications a point
};

// "dense", "svd 12 diagonal", "blocks sdr3r3d", "int8", and back. Places are not in the text of "sparse".
// Throws ShapeError if it is none, or not one for a matrix (in,out).
std::string text_of(const WeightForm& form);
WeightForm weight_form(std::string_view text, std::int64_t in, std::int64_t out);

// A bit a place, the first of a byte the lowest: as files hold them.
std::vector<std::uint8_t> bits_of(const std::vector<std::int64_t>& places, std::int64_t size);
std::vector<std::int64_t> places_of(const std::vector<std::uint8_t>& bits, std::int64_t size);  // ShapeError

// The places of a weight's entries, row by row, the largest entry first.
std::vector<std::int64_t> places_by_size(const Tensor& w);

// The parameters whose weight is nearest to W: truncated singular value decompositions, entries as they are.
Tensors parameters_for(const WeightForm& form, const Tensor& w, const Stream& stream);
// z W for the rows z of (n,in).
Var times_weight(const Var& z, const WeightForm& form, std::span<const Var> parameters, std::int64_t out);
// W.
Tensor weight_of(const WeightForm& form, std::span<const Tensor> parameters, std::int64_t in, std::int64_t out);

// What a user asks for, by the weight that a layer starts with:
//   dense
//   thin, rank:K, tol:T   U S VT of all singular values, the K largest, or those of T and more
//   hmatrix:K             blocks of rank K off the diagonal, dense ones of 32 on it
//   prune:P               the share P of the entries, the largest ones
//   int8
// ShapeError if it is none of these.
WeightForm form_asked(std::string_view request, const Tensor& w, WeightForm::Middle middle);

}  // namespace lowtide
