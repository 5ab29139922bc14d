#include "report_figures.h"

namespace lowtide::app {
namespace fs = std::filesystem;

Figures data_figures(const ReportRun&, const Snapshots&, const fs::path&) { return {}; }
Figures training_figures(const std::vector<ReportRun>&, const Snapshots&, const fs::path&) { return {}; }

}  // namespace lowtide::app
