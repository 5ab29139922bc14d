// The data, and the runs against it: the paper's figures 3 to 6.
#include <fmt/format.h>

#include <algorithm>

#include "model_field.h"
#include "physics_figure.h"
#include "report_figures.h"
#include "run_figure.h"
#include "snapshot_figure.h"

namespace lowtide::app {
namespace fs = std::filesystem;

Figures data_figures(const ReportRun& run, const Snapshots& set, const fs::path& folder) {
  if (set.dims() > 2) return {};
  Figures figures;
  for (const std::string& field : run.run.model.scaling.fields) {
    if (figures.size() == 3) break;
    const fs::path svg = folder / fmt::format("{}-data-{}.svg", prefix_of(run), figures.size() + 1);
    draw_snapshots(set, columns_of(set, {field})[0], svg, 78);
    const std::string what = set.case_name.empty() ? field : fmt::format("{} of {}", field, set.case_name);
    figures.push_back(
        {svg, (set.training().empty() ? "Reference: " : "Data: ") + field,
         set.dims() == 1
             ? fmt::format("{}, over space and time, and profiles at a few times; {} frames.", what,
                           set.frames())
             : fmt::format("{} at a few of {} frames{}.", what, set.frames(),
                           set.level.empty() ? "" : ", with the borders of the levels of refinement (white)")});
  }
  return figures;
}

namespace {

// Of runs that have no data: the solution against its reference, errors over time, and the way there.
Figures equation_figures(const std::vector<ReportRun>& runs, const std::vector<FinishedRun>& finished,
                         const Snapshots& set, const fs::path& folder) {
  Figures figures;
  const auto add = [&](const char* what, const auto& draw, const std::string& title,
                       const std::string& caption) {
    const fs::path svg = folder / fmt::format("{}-{}.svg", prefix_of(runs[0]), what);
    draw(svg);
    figures.push_back({svg, title, caption});
  };
  const std::string& field = finished[0].model.scaling.fields[0];
  if (set.dims() <= 2)
    add(
        "solution", [&](const fs::path& svg) { draw_reconstruction(finished, set, svg, 21'000); }, "Solution",
        set.dims() == 1
            ? fmt::format("{} of the reference (grey) and of the models at a few times; below, near "
                          "the reference's steepest place.",
                          field)
            : fmt::format("{} of the reference, of each model, and the modulus of what they differ "
                          "by; its colours end at a tenth of the reference's range.",
                          field));
  else
    add(
        "agreement", [&](const fs::path& svg) { draw_agreement(finished, set, svg); }, "Agreement",
        fmt::format(
            "{} of the models over that of the reference, at the points of three times; on the line they "
            "agree.",
            field));
  if (set.frames() > 1)
    add(
        "errors", [&](const fs::path& svg) { draw_errors(finished, set, svg); }, "Errors",
        "Relative l2 errors of the frames against the reference.");
  add(
      "progress", [&](const fs::path& svg) { draw_progress(finished, svg); }, "Progress",
      "What the runs have noted on their way.");
  return figures;
}

}  // namespace

Figures training_figures(const std::vector<ReportRun>& runs, const Snapshots& set, const fs::path& folder) {
  if (runs.empty()) return {};
  std::vector<FinishedRun> finished;
  for (const ReportRun& run : runs) finished.push_back(run.run);
  if (solves_an_equation(finished[0].model)) return equation_figures(runs, finished, set, folder);
  if (set.dims() > 2) return {};
  Figures figures;
  const auto svg = [&, prefix = prefix_of(runs[0])](const char* what) {
    return folder / fmt::format("{}-{}.svg", prefix, what);
  };
  const bool line = set.dims() == 1;
  const std::string& field = finished[0].model.scaling.fields[0];
  draw_reconstruction(finished, set, svg("reconstruction"), 21'000);
  figures.push_back(
      {svg("reconstruction"), "Reconstruction",
       line ? fmt::format(
                  "{} of the data (grey) and of {} at a few times; below, the surroundings of the data's "
                  "strongest jump.",
                  field, runs.size() == 1 ? "the model" : "the models")
            : fmt::format("{} of the data, of {}, and the modulus of what they differ by; its colours end at a "
                          "tenth of the data's range.",
                          field, runs.size() == 1 ? "the model" : "each model")});
  if (!set.held_out().empty())
    figures.back().caption += " \"Held out\" are frames that no model was trained on.";
  if (line && !finished[0].model.scaling.x.empty() && set.training().size() > 1) {
    draw_between(finished, set, svg("between"));
    figures.push_back(
        {svg("between"), "Between the frames of training",
         fmt::format(
             "{} at five times from one frame of training to the next, near the strongest jump, and the "
             "data (circles) of these frames{}. A jump that moves has been understood; one that fades "
             "out here and in there has not.",
             field, set.held_out().empty() ? "" : " and of those held out between them")});
  }
  draw_history(finished, svg("history"));
  if (fs::exists(svg("history")))
    figures.push_back({svg("history"), "History",
                       fmt::format("Errors over the {}, as the relative misfits to the power 1/q: q = 2 solid, "
                                   "q = 1 dashed, of held-out frames (q = 2) as circles where they were "
                                   "measured. Below: the learning rate.",
                                   finished.size() > 1 ? "work" : "epochs")});
  return figures;
}

}  // namespace lowtide::app
