// What the pieces of a report have in common.
#pragma once
#include <lowtide/experiments/reduction_study.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "run_folder.h"

namespace lowtide::app {

struct ReportRun {
  FinishedRun run{};
  std::optional<LowRankModel> low_rank{};  // of models with low-rank coefficients
  std::optional<ReductionStudy> study{};
};

struct ReportFigure {
  std::filesystem::path svg{};  // beside it its data (.csv) and its script (.gnuplot), see run/figure.h
  std::string title{}, caption{};
};

}  // namespace lowtide::app
