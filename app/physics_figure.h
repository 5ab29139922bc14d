// Figures of models that have solved an equation: against the reference, and how they got there.
#pragma once
#include <filesystem>
#include <vector>

#include "run_folder.h"

namespace lowtide::app {

bool solves_an_equation(const SavedModel& model);

// Relative l2 errors of the frames over time; one panel for each value of the parameters beside it, four at
// most.
bool draw_errors(const std::vector<FinishedRun>& runs, const Snapshots& set, const std::filesystem::path& path);

// Where no picture of space is possible: values of the model over those of the reference, at three times.
bool draw_agreement(const std::vector<FinishedRun>& runs, const Snapshots& set,
                    const std::filesystem::path& path);

// What the runs have noted on their way, a panel each: losses over the steps, or the solver's work over time.
bool draw_progress(const std::vector<FinishedRun>& runs, const std::filesystem::path& path);

}  // namespace lowtide::app
