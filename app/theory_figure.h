// The picture of a theory study: errors against the width, a panel for each number of dimensions.
#pragma once
#include <lowtide/experiments/theory_study.h>

#include <filesystem>

namespace lowtide::app {

// In H1 for the wave equation, in L2 for advection, as the theorems have them. False without gnuplot.
bool draw_theory(const TheoryStudy& study, const TheoryOptions& options, const std::filesystem::path& svg);

}  // namespace lowtide::app
