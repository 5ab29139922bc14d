// `lowtide export`: a trained model for other programs; and its fields for ParaView, as .vti and .pvd.
#include "export.h"

#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/vti.h>

#include "points.h"

#include <cmath>

namespace lowtide::app {
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t most_points = 1 << 27;  // of a grid: 1 GiB a field

void check_finite(const char* option, const std::vector<double>& numbers) {
  for (const double number : numbers)
    if (!std::isfinite(number)) throw InputError(fmt::format("{} {} is not a finite number", option, number));
}

void check_belongs(const ExportOptions& options) {
  const auto only = [&](bool given, const char* option, std::string_view format) {
    if (given && options.format != format)
      throw InputError(fmt::format("{} is for --format {}, not {}", option, format, options.format));
  };
  if (options.format != "npz" && options.format != "vti" && options.format != "c")
    throw InputError(fmt::format("there is no format {}; there are npz, vti and c", options.format));
  only(!options.times.empty(), "--t", "vti");
  only(options.grid != 0, "--grid", "vti");
  only(!options.at.empty(), "--at", "c");
  only(options.tolerance.has_value(), "--tol", "c");
  if (!options.mu.empty() && options.format != "vti" && options.at.empty())
    throw InputError("--mu is for --format vti and for --at; elsewhere the parameters stay free");
  check_finite("--t", options.times);
  check_finite("--mu", options.mu);
  check_finite("--at", options.at);
  if (options.tolerance) check_finite("--tol", {*options.tolerance});
}

fs::path file_of(const ExportOptions& options) {
  const std::string ending = options.format == "vti" ? ".pvd" : "." + options.format;
  fs::path out = options.out;
  if (out.empty()) {
    const fs::path folder = fs::canonical(options.run);
    return options.run / "export" / (folder.filename().string() + ending);
  }
  if (out.extension() == ending) return out;
  return out += ending;
}

}  // namespace

void Export::check_new(const fs::path& path) const {
  if (!options.force && fs::exists(path))
    throw InputError(fmt::format("{} exists; --force overwrites it", path.string()));
}

void export_run(const ExportOptions& options, const Common& common) {
  check_belongs(options);
  const FinishedRun run = read_run(options.run);
  const Export order{run, options, file_of(options)};
  order.check_new(order.out);
  const Exported done = options.format == "npz"   ? export_npz(order)
                        : options.format == "vti" ? export_vti(order)
                                                  : export_c(order);
  nlohmann::ordered_json json{{"format", options.format}, {"file", order.out.string()}};
  json.update(done.json);
  if (common.json)
    fmt::print("{}\n", json.dump(2));
  else
    fmt::print("{}: {}\n", order.out.string(), done.line);
}

Exported export_vti(const Export& order) {
  const SavedModel& model = order.run.model;
  const Scaling& scaling = model.scaling;
  const std::int64_t cells = order.options.grid == 0 ? 100 : order.options.grid;
  const std::int64_t d = scaling.dims(), c = std::ssize(scaling.fields);
  if (d > 3) throw InputError(fmt::format("a picture has up to three directions, the model has {}", d));
  if (std::pow(static_cast<double>(cells), d) * static_cast<double>(c) > most_points)
    throw InputError(fmt::format("--grid {}: {} fields on {}^{} cells are too many", cells, c, cells, d));
  std::vector<double> times = order.options.times;
  if (times.empty()) {
    const Range& range = scaling.t[0];
    for (int k = 0; k <= 10; ++k)
      times.push_back(k == 10 ? range.high : range.low + (range.high - range.low) * k / 10);
    if (range.high == range.low) times.resize(1);
  }
  ImageData image;
  for (const Range& range : scaling.x) {
    image.count.push_back(cells);
    image.low.push_back(range.low);
    image.spacing.push_back((range.high - range.low) / static_cast<double>(cells));
  }
  const Tensor x = grid_of(scaling, cells);
  std::vector<std::pair<double, std::string>> frames;
  for (std::size_t k = 0; k < times.size(); ++k)
    frames.emplace_back(times[k], fmt::format("{}-{:04}.vti", order.stem(), k));
  for (const auto& [time, name] : frames) order.check_new(order.out.parent_path() / name);
  Tensor u = model.values(x, times[0], order.options.mu);  // before anything is made: it may refuse
  make_folder(order.out.parent_path());
  std::vector<std::string> files;
  for (std::size_t k = 0; k < times.size(); ++k) {
    if (k > 0) u = model.values(x, times[k], order.options.mu);
    image.time = times[k];
    image.fields.clear();
    for (std::int64_t j = 0; j < c; ++j)
      image.fields.emplace_back(scaling.fields[static_cast<std::size_t>(j)], columns(u, {j}));
    files.push_back((order.out.parent_path() / frames[k].second).string());
    write_vti(image, files.back());
  }
  write_pvd(frames, order.out);  // last: what it names is there
  warn_of_times_outside(scaling, times);
  return {{{"files", files}, {"times", times}, {"cells", image.count}, {"fields", scaling.fields}},
          fmt::format("{} times, {} cells a side, {} fields; frames in {} to {}", times.size(), cells, c,
                      frames.front().second, frames.back().second)};
}

}  // namespace lowtide::app
