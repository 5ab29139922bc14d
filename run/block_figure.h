// The picture of a block structure: dense blocks grey, those of low rank with their rank written in and the
// darker the more of the dense block's entries they take.
#pragma once
#include <lowtide/linalg/block_structure.h>
#include <lowtide/run/figure.h>

namespace lowtide {

// To be drawn by draw(). Ranks are written where there is room.
Figure block_figure(const BlockStructure& s, const std::filesystem::path& svg, int pixels = 700);

}  // namespace lowtide
