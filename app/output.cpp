#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/io/file.h>
#include <unistd.h>

#include "snapshot_figure.h"
#include "verbs.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace lowtide::app {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

void refuse_to_overwrite(const fs::path& path, bool force) {
  if (!force && fs::exists(path))
    throw InputError(fmt::format("{} exists; --force overwrites it", path.string()));
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (::access(folder.c_str(), W_OK) != 0)  // better now than after the work
    throw FileError(fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)));
}

void check_picture(const fs::path& picture, bool force) {
  for (const char* ending : {".svg", ".csv", ".gnuplot"})
    refuse_to_overwrite(fs::path(picture).replace_extension(ending), force);
}

// False if there is no gnuplot, after saying so.
bool drawn(const Snapshots& set, std::int64_t field, const fs::path& picture) {
  if (draw_snapshots(set, field, picture)) return true;
  fmt::print(stderr, "{}: no picture, gnuplot is not installed; {} draws it\n", program_name(),
             fs::path(picture).replace_extension(".gnuplot").string());
  return false;
}

}  // namespace

void check_output(const Output& output) {
  refuse_to_overwrite(output.path, output.force);
  if (!output.plot) return;
  const std::string ending = output.path.extension().string();
  if (ending == ".svg" || ending == ".csv" || ending == ".gnuplot")
    throw InputError(fmt::format("{} would be both the data and a part of the picture", output.path.string()));
  check_picture(output.path, output.force);
}

void plot_snapshots(const PlotOptions& options, const Common& common) {
  const fs::path picture = options.to.empty() ? fs::path(options.from).replace_extension(".svg") : options.to;
  if (picture.extension() != ".svg")
    throw InputError(fmt::format("{}: a name that ends in .svg expected", picture.string()));
  check_picture(picture, options.force);
  const Snapshots set = read_snapshots(options.from);
  std::int64_t field = 0;
  if (!options.field.empty()) {
    const auto found = std::find(set.fields.begin(), set.fields.end(), options.field);
    if (found == set.fields.end())
      throw InputError(
          fmt::format("there is no field {}; there are {}", options.field, fmt::join(set.fields, ", ")));
    field = found - set.fields.begin();
  }
  if (!drawn(set, field, picture)) return;
  if (common.json)
    fmt::print("{}\n", Json{{"picture", picture.string()}}.dump(2, ' ', false, Json::error_handler_t::replace));
  else
    fmt::print("picture: {}\n", picture.string());
}

void finish(const Snapshots& set, const Output& output, const CaseRun::Work& work, const Common& common) {
  write_snapshots(set, output.path);
  fs::path picture;
  if (output.plot) try {
      picture = fs::path(output.path).replace_extension(".svg");
      if (!drawn(set, 0, picture)) picture.clear();
    } catch (const Error& e) {
      throw FileError(fmt::format("{} is written, but not its picture: {}", output.path.string(), e.what()));
    }
  const double megabytes = 1e-6 * static_cast<double>(fs::file_size(output.path));
  const std::int64_t points = set.u.shape[0];
  if (common.json) {
    Json result{{"file", output.path.string()}, {"case", set.case_name},
                {"frames", set.frames()},       {"points", points},
                {"fields", set.fields},         {"megabytes", megabytes}};
    if (work.steps > 0)
      result.update({{"steps", work.steps},
                     {"cell_updates", work.cells},
                     {"corrections", work.corrections},
                     {"seconds", work.seconds}});
    if (!picture.empty()) result["picture"] = picture.string();
    fmt::print("{}\n", result.dump(2, ' ', false, Json::error_handler_t::replace));
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

}  // namespace lowtide::app
