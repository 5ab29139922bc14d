#include "report_figures.h"

namespace lowtide::app {
namespace fs = std::filesystem;

Figures tangent_figures(const ReportRun&, const Snapshots&, const fs::path&) { return {}; }
Figures extrapolation_figures(const ReportRun&, const Snapshots&, const fs::path&) { return {}; }

}  // namespace lowtide::app
