// The pictures of an evolution: errors against time, and the fields at its end.
#pragma once
#include <lowtide/experiments/evolution_study.h>

#include <filesystem>

namespace lowtide::app {

// Writes errors.svg and fields.svg, each with its numbers and script. False without gnuplot.
bool draw_evolution(const EvolutionStudy& study, const std::filesystem::path& folder);

}  // namespace lowtide::app
