// A report as one page of HTML that needs nothing else: no network, no other file.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "comparison.h"
#include "report.h"

namespace lowtide::app {

struct ReportEntry {    // a run on the page
  std::string label{};  // the folder without those above it, unless that is another run's label too
  ReportRun run{};
  Compared compared{};
  nlohmann::ordered_json manifest{}, explorer{};  // null: none
  Settings settings{};                            // resolved, with defaults
  std::vector<ReportFigure> figures{};
};

struct ReportGroup {  // runs of the same data
  std::string case_name{}, about{};
  std::string data{};   // in words
  bool learned = true;  // some frames; none of a reference
  bool held_out = false;
  std::vector<ReportEntry> runs{};
  std::vector<ReportFigure> figures{};  // of the data, and of several runs
};

std::string report_page(const std::vector<ReportGroup>& groups, const std::vector<std::string>& notes);

// The page's own files, see page/.
extern const char* const page_style;
extern const char* const page_scripts;

}  // namespace lowtide::app
