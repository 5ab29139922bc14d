// The tables of a report, as HTML.
#pragma once
#include "report_page.h"

namespace lowtide::app {

std::string run_facts(const ReportEntry& entry);
std::string errors_table(const ReportGroup& group);
std::string costs_table(const ReportGroup& group);
std::string truncation_table(const ReductionStudy& study, const std::string& case_name);
std::string modes_table(const ReductionStudy& study);
std::string fast_table(const ReductionStudy& study);  // and what a stored series of the points would cost

}  // namespace lowtide::app
