// A frame of snapshots as a picture of equal pixels.
#pragma once
#include <lowtide/io/snapshots.h>

#include <array>
#include <vector>

namespace lowtide::app {

struct Frame2D {  // what a picture shows: a rectangle and its pixels
  std::array<double, 2> low{}, high{};
  std::array<std::int64_t, 2> pixels{1, 1};
};

// Whether the points are cells of known extent: of levels of refinement, or of a grid.
bool has_cells(const Snapshots& set);

// The domain, or the box of all points, in pixels as fine as the finest cells, but not more than `most` a side.
Frame2D frame_of(const Snapshots& set, std::int64_t most);

struct Raster {
  Frame2D frame;
  std::vector<double> values;       // row by row from below; NaN where no cell lies
  std::vector<std::int32_t> level;  // of refinement, 0 where no cell lies
};

// Of points without cells each pixel takes the nearest.
Raster rasterize(const Snapshots& set, std::int64_t k, std::int64_t field, const Frame2D& frame);

// The points of a frame in one dimension, from low to high, each with the value of the field.
std::vector<std::array<double, 2>> sorted_points(const Snapshots& set, std::int64_t k, std::int64_t field);

// The lines between levels, as pairs of points.
std::vector<std::array<double, 4>> level_borders(const Raster& raster);

}  // namespace lowtide::app
