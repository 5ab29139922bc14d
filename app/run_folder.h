// A run folder as the verbs that look at finished runs see it.
#pragma once
#include <lowtide/experiments/job.h>

#include <filesystem>
#include <string>
#include <vector>

namespace lowtide::app {

struct FinishedRun {
  std::string name;  // of the folder, as given
  SavedModel model{};
  Settings settings{};  // of config.toml
  std::int64_t steps = 0;
  double seconds = 0, gflop = 0;

  std::string case_name() const;  // "euler1d"; "data" where it was trained on a file alone
};

// InputError if it is not a run, or not finished.
FinishedRun read_run(const std::filesystem::path& folder);

// The snapshots that a run has been trained on: read again, or solved again, which gives the same.
Snapshots snapshots_of(const FinishedRun& run);

}  // namespace lowtide::app
