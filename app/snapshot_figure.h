// The picture of a set of snapshots: in one dimension a field over space and time, with profiles; in two, some
// frames with the borders of the levels of refinement, or as points where they have no cells.
#pragma once
#include <lowtide/io/snapshots.h>

#include <filesystem>

namespace lowtide::app {

// Writes the SVG, and its data and script beside it. Panels have at most `pixels` a side, in one dimension 2.5
// times as many along x. False without gnuplot.
bool draw_snapshots(const Snapshots& set, std::int64_t field, const std::filesystem::path& svg,
                    std::int64_t pixels = 400);

}  // namespace lowtide::app
