// Fields on uniform grids for ParaView and VTK: ImageData in XML (.vti), and a collection of times (.pvd).
// https://docs.vtk.org/en/latest/design_documents/VTKFileFormats.html; the numbers follow the XML, raw.
#pragma once
#include <lowtide/linalg/tensor.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lowtide {

struct ImageData {
  enum class At : std::uint8_t { cells, points };

  At at = At::cells;                // where the values are
  std::vector<std::int64_t> count;  // of cells, or of points, in each of one to three directions
  std::vector<double> low;          // the corner of the first cell, or the first point
  std::vector<double> spacing;
  std::vector<std::pair<std::string, Tensor>> fields;  // (n) or (n,k), f32 or f64; x runs fastest
  std::optional<double> time{};
};

// Names may be any text in UTF-8. Both write the whole file or nothing.
void write_vti(const ImageData& image, const std::filesystem::path& path);
// Times and the files that hold them, named relative to the folder of `path`.
void write_pvd(const std::vector<std::pair<double, std::string>>& frames, const std::filesystem::path& path);

}  // namespace lowtide
