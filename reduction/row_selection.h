// Rows of a basis at which its coefficients can be read off well: interpolation points of hidden states.
#pragma once
#include <lowtide/linalg/tensor.h>

#include <string>
#include <vector>

namespace lowtide {

enum class Selector : std::uint8_t {
  eim,    // magic points: each the largest entry of what the rows before do not interpolate (Barrault et al.
          // 2004; as DEIM, Chaturantabut and Sorensen 2010)
  qdeim,  // the pivots of a QR factorization of the transposed basis (Drmac and Gugercin 2016)
  s_opt,  // each row makes the volume of the rows most of what the lengths of their columns allow (Lauzon et
          // al. 2022)
};
const char* name_of(Selector selector);
Selector selector_named(const std::string& name);  // InputError

// `rows` of the rows of a basis (m,k), k <= rows <= m; 0: k of them. The selector chooses k, more are added as
// s_opt does. ShapeError if there are too few; Error if the basis has no k independent rows.
std::vector<std::int64_t> select_rows(const Tensor& basis, Selector selector, std::int64_t rows = 0);

// What s_opt makes large, of a matrix of chosen rows: log(det(AT A)) / 2 - sum_j log |column j|, at most 0.
double log_volume(const Tensor& rows);

}  // namespace lowtide
