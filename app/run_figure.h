// Figures of trained models: against the data, and how they got there.
#pragma once
#include <filesystem>
#include <vector>

#include "run_folder.h"

namespace lowtide::app {

// The set with the model's values, of the fields that it has learned, in place of the data; zero where only
// some frames are asked for.
Snapshots predicted(const SavedModel& model, const Snapshots& set,
                    const std::vector<std::int64_t>& frames = {});

// The data and all models at up to three times, held-out ones if there are any. In one dimension profiles, and
// below them the surroundings of the strongest jump; in two the data, each model and what they differ by, of
// about `most` numbers. False if gnuplot is not installed.
bool draw_reconstruction(const std::vector<FinishedRun>& runs, const Snapshots& set,
                         const std::filesystem::path& path, std::int64_t most = 400'000);

// In one dimension: the models at five times from a training frame to the next, near the strongest jump, with
// the data of these frames and of held-out ones between. For two such stretches of time and up to four models.
bool draw_between(const std::vector<FinishedRun>& runs, const Snapshots& set,
                  const std::filesystem::path& path);

// Errors, as the misfits to the power 1/q, over the epochs; of several runs, whose epochs differ, over the
// work. Below them the learning rate and, where there is one, the mollifier's width.
bool draw_history(const std::vector<FinishedRun>& runs, const std::filesystem::path& path);

}  // namespace lowtide::app
