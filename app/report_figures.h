// The figures of a report, after those of the LRNR paper. Each function draws into `folder` and gives what it
// has drawn; what makes no sense for a run is left out. Names of files begin with that of the run, or of the
// first of several.
#pragma once
#include <lowtide/io/snapshots.h>

#include "report.h"

namespace lowtide::app {

using Figures = std::vector<ReportFigure>;

// The paper's figure 3: the data that a run was trained on.
Figures data_figures(const ReportRun& run, const Snapshots& set, const std::filesystem::path& folder);

// 4 to 6: the runs against the data, at interpolated times, and their histories.
Figures training_figures(const std::vector<ReportRun>& runs, const Snapshots& set,
                         const std::filesystem::path& folder);

// 7 and 8: the coefficients of a layer over time; their singular values and temporal modes.
Figures coefficient_figures(const ReportRun& run, const std::filesystem::path& folder);

// Singular values of all runs' coefficients, of the data, and of the weights that hypernetworks generate.
Figures spectrum_figures(const std::vector<ReportRun>& runs, const Snapshots& set,
                         const std::filesystem::path& folder);

// 9 to 15: small steps along the hypermodes.
Figures tangent_figures(const ReportRun& run, const Snapshots& set, const std::filesystem::path& folder);

// 16: large ones, in both readings of equation 5.8.
Figures extrapolation_figures(const ReportRun& run, const Snapshots& set, const std::filesystem::path& folder);

// 17: the error of FastLRNRs against their rank.
Figures fast_figures(const ReportRun& run, const std::filesystem::path& folder);

// 18: the field outside of the domain.
Figures outside_figures(const ReportRun& run, const std::filesystem::path& folder);

}  // namespace lowtide::app
