// `lowtide report`: runs, their reductions and their figures as one page.
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/run/progress.h>

#include "explorer.h"
#include "report_figures.h"
#include "report_page.h"
#include "verbs.h"

#include <algorithm>
#include <cstdlib>

namespace lowtide::app {
namespace fs = std::filesystem;
namespace {

// A folder for what is drawn, which goes into the page and is not needed afterwards.
class Workshop {
 public:
  Workshop() {
    std::string name = (fs::temp_directory_path() / "lowtide-report-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw FileError(fmt::format("cannot make a folder in {}", fs::temp_directory_path().string()));
    path_ = name;
  }
  ~Workshop() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_{};
};

std::string setting(const Settings& settings, const std::string& name) {
  for (const Settings::Used& used : settings.used())
    if (used.name == name) return used.value;
  return {};
}

// "lrnr" of "runs/lrnr/" and of "." inside of it.
std::string folder_name(const fs::path& folder) {
  const fs::path full = (fs::absolute(folder) / "").lexically_normal().parent_path();
  return full.has_filename() ? full.filename().string() : folder.string();
}

// Of runs whose folders have the same name, all that was given.
void label(std::vector<ReportEntry>& entries) {
  for (ReportEntry& entry : entries) {
    const auto same = [&](const ReportEntry& other) {
      return folder_name(other.run.run.name) == folder_name(entry.run.run.name);
    };
    const bool alone = std::count_if(entries.begin(), entries.end(), same) == 1;
    entry.label = alone ? folder_name(entry.run.run.name) : entry.run.run.name;
  }
}

// With the defaults of its case; empty where this program does not know it, so that only --data can help.
Settings resolved(const Settings& settings) {
  try {
    return settings_of(settings);
  } catch (const InputError&) {
    return {};
  }
}

ReportEntry entry_of(const fs::path& folder) {
  ReportEntry entry{.run = {.run = read_run(folder)}};
  const FinishedRun& run = entry.run.run;
  entry.manifest = nlohmann::ordered_json::parse(read_file(folder / "manifest.json"));
  entry.settings = resolved(run.settings);
  if (low_rank(run.model)) entry.run.low_rank = low_rank_model(run.model);
  return entry;
}

// Runs of the same case and file are measured on the data of the first of them.
std::vector<ReportGroup> groups_of(const ReportOptions& options) {
  std::vector<ReportGroup> groups;
  std::vector<std::string> keys;
  std::vector<ReportEntry> entries;
  for (const fs::path& folder : options.runs) entries.push_back(entry_of(folder));
  label(entries);
  for (ReportEntry& entry : entries) {
    const std::string case_name = entry.run.run.case_name();
    const std::string key = options.data.empty() ? case_name + "\n" + setting(entry.settings, "run.data") : "";
    const auto found = std::find(keys.begin(), keys.end(), key);
    const auto place = static_cast<std::size_t>(found - keys.begin());
    if (found == keys.end()) {
      keys.push_back(key);
      groups.push_back({.case_name = case_name.empty() || case_name == "data" ? "data" : case_name});
      for (const Case& known : cases())
        if (known.name == case_name) groups.back().about = known.about;
    }
    groups[place].runs.push_back(std::move(entry));
  }
  return groups;
}

std::string words_for(const Snapshots& set) {
  const std::size_t held_out = set.held_out().size();
  return fmt::format("{} in {} dimension{}, {} frames from t = {:g} to {:g}, {}.", fmt::join(set.fields, ", "),
                     set.dims(), set.dims() == 1 ? "" : "s", set.frames(), set.time(0),
                     set.time(set.frames() - 1),
                     held_out == 0                            ? "all of them learned"
                     : std::cmp_equal(held_out, set.frames()) ? "a reference that no model has seen"
                                                              : fmt::format("{} of them held out", held_out));
}

}  // namespace

void report_runs(const ReportOptions& options, const Common& common) {
  if (options.runs.empty())
    throw InputError(fmt::format("report of which runs? {} report DIR ...", program_name()));
  const fs::path out = options.out.empty() ? options.runs[0] / "report.html" : options.out;
  if (!options.force && fs::exists(out))
    throw InputError(fmt::format("{} exists; --force overwrites it", out.string()));
  if (const fs::path folder = out.parent_path();
      !folder.empty() && !fs::is_directory(folder))  // before the work
    throw FileError(fmt::format("cannot write {}: there is no folder {}", out.string(), folder.string()));

  std::vector<ReportGroup> groups = groups_of(options);
  const Workshop workshop;
  std::vector<std::string> notes;
  std::optional<Progress> progress("report");
  const std::size_t parts = options.runs.size() + groups.size();
  std::size_t part = 0;
  const auto tell = [&](const std::string& what) {
    progress->update_part(static_cast<double>(part++) / static_cast<double>(parts), what);
  };
  // A picture that fails costs the page that picture.
  const auto draw_into = [&](std::vector<ReportFigure>& all, const auto& draw) {
    try {
      const std::vector<ReportFigure> more = draw();
      all.insert(all.end(), more.begin(), more.end());
    } catch (const FileError& error) {
      notes.push_back(fmt::format("A figure is missing: {}", error.what()));
      fmt::print(stderr, "{}: {}\n", program_name(), error.what());
    }
  };
  std::size_t explorers = 0, missing = 0;
  for (ReportGroup& group : groups) {
    const fs::path folder = workshop.path() / fmt::format("{}", &group - groups.data());
    make_folder(folder);
    const Snapshots set =
        options.data.empty() ? snapshots_of(group.runs[0].run.run) : read_snapshots(options.data);
    group.data = words_for(set);
    group.learned = !set.training().empty();
    group.held_out = !set.held_out().empty();
    std::vector<ReportRun> all;
    for (ReportEntry& entry : group.runs) {
      tell(fmt::format("{}: errors, reductions", entry.label));
      entry.compared = compared(entry.run.run, set);
      if (entry.run.low_rank) {
        entry.explorer = explorer_data(*entry.run.low_rank);
        entry.run.study = study(*entry.run.low_rank);
        explorers += entry.explorer.is_null() ? 0U : 1U;
      }
      all.push_back(entry.run);
    }
    tell(fmt::format("{}: figures", group.case_name));
    draw_into(group.figures, [&] { return data_figures(all[0], set, folder); });
    draw_into(group.figures, [&] { return training_figures(all, set, folder); });
    draw_into(group.figures, [&] { return spectrum_figures(all, set, folder); });
    for (ReportEntry& entry : group.runs) {
      if (!entry.run.low_rank) continue;
      const ReportRun& run = entry.run;
      draw_into(entry.figures, [&] { return coefficient_figures(run, folder); });
      draw_into(entry.figures, [&] { return tangent_figures(run, set, folder); });
      draw_into(entry.figures, [&] { return extrapolation_figures(run, set, folder); });
      draw_into(entry.figures, [&] { return fast_figures(run, folder); });
      draw_into(entry.figures, [&] { return outside_figures(run, folder); });
      for (const ReportFigure& figure : entry.figures) missing += fs::exists(figure.svg) ? 0U : 1U;
    }
    for (const ReportFigure& figure : group.figures) missing += fs::exists(figure.svg) ? 0U : 1U;
  }
  progress.reset();
  if (missing > 0) {
    notes.push_back("There are no figures: gnuplot was not installed where this page was made.");
    fmt::print(stderr, "{}: no figures, gnuplot is not installed\n", program_name());
  }
  const std::string page = report_page(groups, notes);
  write_file(out, page);
  if (common.json)
    fmt::print("{}\n", nlohmann::ordered_json{{"file", out.string()},
                                              {"bytes", page.size()},
                                              {"runs", options.runs.size()},
                                              {"explorers", explorers}}
                           .dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  else
    fmt::print("{}: {} runs, {:.1f} MB\n", out.string(), options.runs.size(),
               static_cast<double>(page.size()) / 1e6);
}

}  // namespace lowtide::app
