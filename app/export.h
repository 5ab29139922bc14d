// What `lowtide export` writes, a function for each format. Each checks what it needs before it writes
// anything.
#pragma once
#include "run_folder.h"
#include "verbs.h"

#include <nlohmann/json.hpp>

namespace lowtide::app {

struct Export {
  const FinishedRun& run;
  const ExportOptions& options;
  std::filesystem::path out;  // with its ending

  // InputError if there is such a file and --force is not given.
  void check_new(const std::filesystem::path& path) const;
  std::string stem() const { return out.stem().string(); }
};

// What --json prints, beside format and file; `line` is for people.
struct Exported {
  nlohmann::ordered_json json;
  std::string line;
};

Exported export_npz(const Export& order);
Exported export_vti(const Export& order);
Exported export_c(const Export& order);
Exported export_point(const Export& order);  // C, with --at

}  // namespace lowtide::app
