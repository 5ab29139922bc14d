#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/io/file.h>
#include <unistd.h>
#include "snapshot_figure.h"
#include "verbs.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace lowtide::app {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

void check_output(const Output& output) {
  if (!output.force && fs::exists(output.path))
    throw InputError(fmt::format("{} exists; --force overwrites it", output.path.string()));
  const fs::path folder = output.path.has_parent_path() ? output.path.parent_path() : fs::path(".");
  if (::access(folder.c_str(), W_OK) != 0)  // better now than after the work
    throw FileError(fmt::format("cannot write {}: {}", output.path.string(), std::strerror(errno)));
}

void finish(const Snapshots& set, const Output& output, const CaseRun::Work& work, const Common& common) {
  write_snapshots(set, output.path);
  fs::path picture;
  if (output.plot) {
    picture = fs::path(output.path).replace_extension(".svg");
    if (!draw_snapshots(set, picture)) {
      fmt::print(stderr, "lowtide: no picture, gnuplot is not installed; {} draws it\n",
                 fs::path(picture).replace_extension(".gnuplot").string());
      picture.clear();
    }
  }
  const double megabytes = 1e-6 * static_cast<double>(fs::file_size(output.path));
  const std::int64_t points = set.u.shape[0];
  if (common.json) {
    Json result{{"file", output.path.string()}, {"case", set.case_name},
                {"frames", set.frames()},       {"points", points},
                {"fields", set.fields},         {"megabytes", megabytes}};
    if (work.steps > 0)
      result.update({{"steps", work.steps},
                     {"cells", work.cells},
                     {"corrections", work.corrections},
                     {"seconds", work.seconds}});
    if (!picture.empty()) result["picture"] = picture.string();
    fmt::print("{}\n", result.dump(2));
    return;
  }
  fmt::print("{}: {} frames, {} points{}, {} ({:.1f} MB)\n", output.path.string(), set.frames(),
             set.fixed() ? set.x.shape[0] : points, set.fixed() ? " each" : " in all",
             fmt::join(set.fields, ", "), megabytes);
  if (work.steps > 0)
    fmt::print("{} steps in {:.2f} s, {:.1f} million cells a second\n", work.steps, work.seconds,
               1e-6 * static_cast<double>(work.cells) / work.seconds);
  if (work.corrections > 0)
    fmt::print("{} steps were repeated to keep density and pressure positive\n", work.corrections);
  if (!picture.empty()) fmt::print("picture: {}\n", picture.string());
}

namespace {

void print_settings(const CaseRun& run, const Common& common) {
  Json list = Json::array();
  for (const Settings::Used& s : run.settings().used()) {
    if (common.json)
      list.push_back({{"name", s.name}, {"value", s.value}, {"default", s.standard}, {"help", s.help}});
    else
      fmt::print("{:<14} {:<12} {}\n", s.name, s.value.empty() ? "-" : s.value, s.help);
  }
  if (common.json) fmt::print("{}\n", list.dump(2));
}

}  // namespace

void make_data(const DataOptions& options, const Common& common) {
  const Case& chosen = case_named(options.name);
  CaseRun run(chosen.name, options.preset, Settings(options.settings));
  if (options.list_settings) {
    run.only_settings();
    try {
      chosen.make(run);
    } catch (const CaseRun::OnlySettings&) {
    }
    return print_settings(run, common);
  }
  Output output = options.output;
  if (output.path.empty())
    output.path = fmt::format("{}-{}.h5", chosen.name, options.preset == Preset::demo ? "demo" : "paper");
  check_output(output);
  const Snapshots set = chosen.make(run);
  finish(set, output, run.work(), common);
}

void list_cases(const Common& common) {
  Json list = Json::array();
  for (const Case& c : cases()) {
    if (common.json)
      list.push_back({{"case", c.name}, {"about", c.about}});
    else
      fmt::print("{:<14} {}\n", c.name, c.about);
  }
  if (common.json) fmt::print("{}\n", list.dump(2));
}

}  // namespace lowtide::app
