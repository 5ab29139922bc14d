#include "report_figures.h"

namespace lowtide::app {
namespace fs = std::filesystem;

Figures coefficient_figures(const ReportRun&, const fs::path&) { return {}; }
Figures spectrum_figures(const std::vector<ReportRun>&, const Snapshots&, const fs::path&) { return {}; }

}  // namespace lowtide::app
