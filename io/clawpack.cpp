#include <fmt/format.h>
#include <lowtide/io/clawpack.h>
#include <lowtide/io/file.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

namespace lowtide {
namespace fs = std::filesystem;

namespace {

using Int = std::int64_t;

struct FrameFiles {  // their endings: "0003", by kind
  std::string t, q, b;
};

std::optional<Int> frame_number(std::string_view digits) {
  Int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.size() < 4 || digits[0] == '-' || error != std::errc() || end != digits.data() + digits.size())
    return std::nullopt;
  return number;
}

// What lies in the folder, by the number of the frame.
std::map<Int, FrameFiles> list(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    bad_input(folder.string(), "", "expected a folder with files fort.tNNNN");
  std::map<Int, FrameFiles> frames;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.size() < 7 || name.compare(0, 5, "fort.") != 0) continue;
    std::string FrameFiles::*kind = name[5] == 't'   ? &FrameFiles::t
                                    : name[5] == 'q' ? &FrameFiles::q
                                    : name[5] == 'b' ? &FrameFiles::b
                                                     : nullptr;
    const auto number = frame_number(std::string_view(name).substr(6));
    if (!kind || !number) continue;
    std::string& place = frames[*number].*kind;
    if (!place.empty())
      bad_input((folder / name).string(), "",
                fmt::format("there is fort.{}{}, too: two runs in one folder", name[5], place));
    place = name.substr(6);
  }
  if (error) throw FileError(fmt::format("cannot read {}: {}", folder.string(), error.message()));
  return frames;
}

void check_complete(const std::map<Int, FrameFiles>& frames, const fs::path& folder) {
  if (frames.empty())
    bad_input(folder.string(), "", "no files fort.tNNNN: is it the output folder (_output) of Clawpack?");
  for (const auto& [number, files] : frames) {
    const bool orphan = files.t.empty();
    if (orphan || files.q.empty())
      bad_input((folder / fmt::format("fort.{}{:04}", orphan ? 't' : 'q', number)).string(), "",
                fmt::format("there is no such file, though there is fort.{}{:04}: the run was stopped while it "
                            "wrote, or not all files were copied",
                            !orphan           ? 't'
                            : files.q.empty() ? 'b'
                                              : 'q',
                            number));
  }
  // Of a long run one may keep each m-th frame; with two frames left, nothing tells that from a gap.
  Int step = frames.size() < 3 ? 1 : INT64_MAX;
  for (auto k = frames.begin(); std::next(k) != frames.end(); ++k)
    step = std::min(step, std::next(k)->first - k->first);
  for (auto k = frames.begin(); std::next(k) != frames.end(); ++k)
    if (std::next(k)->first - k->first != step)
      bad_input((folder / fmt::format("fort.t{:04}", k->first + step)).string(), "",
                fmt::format("missing frame: after {} comes {}; not all files were copied", k->first,
                            std::next(k)->first));
}

void check_header(const ClawHeader& header, const ClawHeader& before, const std::string& name) {
  const auto line = [&](std::size_t k) { return std::to_string(header.lines[k]); };
  if (!(header.time > before.time))
    bad_input(name, line(0),
              fmt::format("time {} does not come after {} of the frame before: frames of different "
                          "runs, or more digits are needed",
                          header.time, before.time));
  if (header.equations != before.equations)
    bad_input(name, line(1),
              fmt::format("meqn is {}, in the frame before {}: frames of different runs", header.equations,
                          before.equations));
  if (header.dims != before.dims)
    bad_input(
        name, line(4),
        fmt::format("ndim is {}, in the frame before {}: frames of different runs", header.dims, before.dims));
}

ClawFrame read_frame(const ClawHeader& header, const FrameFiles& files, const fs::path& folder) {
  const fs::path q = folder / ("fort.q" + files.q);
  ClawFrame frame = parse_claw_frame(header, read_file(q), q.string());
  if (header.format == ClawFormat::ascii) return frame;
  if (files.b.empty())
    bad_input((folder / ("fort.b" + files.q)).string(), "",
              fmt::format("there is no such file, but fort.t{} says that it has the values", files.t));
  const fs::path b = folder / ("fort.b" + files.b);
  parse_claw_values(frame, read_file(b), b.string());
  return frame;
}

}  // namespace

Snapshots import_clawpack(const fs::path& folder, const ClawImport& options) {
  const auto files = list(folder);
  check_complete(files, folder);
  ClawMesh mesh;
  ClawHeader before;
  std::vector<ClawCover> frames;
  for (const auto& [number, names] : files) {
    const fs::path t = folder / ("fort.t" + names.t), q = folder / ("fort.q" + names.q);
    const ClawHeader header = parse_claw_header(read_file(t), t.string());
    if (!frames.empty()) check_header(header, before, t.string());
    const auto equations = static_cast<std::size_t>(header.equations);
    if (!options.fields.empty() && options.fields.size() != equations)
      bad_input(t.string(), std::to_string(header.lines[1]),
                fmt::format("meqn is {}, but {} names of fields are given", equations, options.fields.size()));
    frames.push_back(finest_cells(read_frame(header, names, folder), mesh, q.string()));
    before = header;
  }
  Snapshots set = claw_snapshots(mesh, std::move(frames), options);
  check(set, folder.string());
  return set;
}

Snapshots claw_snapshots(const ClawMesh& mesh, std::vector<ClawCover> frames, const ClawImport& options) {
  const auto axes = static_cast<std::size_t>(mesh.dims);
  const bool uniform = mesh.ratio.size() == 1;
  Snapshots set;
  set.case_name = options.case_name;
  set.settings["source"] = "clawpack";
  for (std::size_t a = 0; a < axes; ++a) {
    set.low.push_back(mesh.low[a]);
    set.high.push_back(mesh.low[a] + static_cast<double>(mesh.cells[a]) * mesh.size[a]);
  }
  if (uniform) set.grid.assign(mesh.cells.begin(), mesh.cells.begin() + mesh.dims);

  set.t = Tensor({static_cast<Int>(frames.size())}, Dtype::f64);
  set.offsets = {0};
  for (const ClawCover& frame : frames) {
    set.t.mutable_data<double>()[set.offsets.size() - 1] = frame.time;
    set.offsets.push_back(std::accumulate(frame.runs.begin(), frame.runs.end(), set.offsets.back(),
                                          [](Int n, const ClawRun& run) { return n + run.end - run.begin; }));
  }
  const Int rows = set.offsets.back(), points = uniform ? set.offsets[1] : rows;
  const Int equations = static_cast<Int>(frames.front().values.size()) / set.offsets[1];
  set.fields = options.fields;
  for (Int m = 0; options.fields.empty() && m < equations; ++m) set.fields.push_back(fmt::format("q{}", m));

  set.cell = Tensor({static_cast<Int>(mesh.ratio.size()), mesh.dims}, Dtype::f64);
  double* cell = set.cell.mutable_data<double>();
  for (std::size_t level = 1; level <= mesh.ratio.size(); ++level)
    for (int a = 0; a < mesh.dims; ++a) *cell++ = mesh.cell(level, a);

  set.x = Tensor({points, mesh.dims}, Dtype::f64);
  set.weight = Tensor({points}, Dtype::f64);
  if (!uniform) set.level.reserve(static_cast<std::size_t>(points));
  double *x = set.x.mutable_data<double>(), *weight = set.weight.mutable_data<double>();
  for (std::size_t k = 0; k < (uniform ? 1 : frames.size()); ++k)
    for (const ClawRun& run : frames[k].runs) {
      const auto level = static_cast<std::size_t>(run.level);
      const double dx = mesh.cell(level, 0), dy = mesh.dims == 1 ? 1 : mesh.cell(level, 1);
      for (Int i = run.begin; i < run.end; ++i) {
        *x++ = mesh.low[0] + (static_cast<double>(i) + 0.5) * dx;
        if (mesh.dims > 1) *x++ = mesh.low[1] + (static_cast<double>(run.row) + 0.5) * dy;
        *weight++ = dx * dy;
      }
      if (!uniform) set.level.insert(set.level.end(), static_cast<std::size_t>(run.end - run.begin), run.level);
    }

  set.u = Tensor({rows, equations}, Dtype::f64);
  double* u = set.u.mutable_data<double>();
  for (ClawCover& frame : frames) {
    u = std::copy(frame.values.begin(), frame.values.end(), u);
    frame.values = {};  // a long run is in memory once
    frame.values.shrink_to_fit();
  }
  hold_out(set, options.hold_out);
  return set;
}

}  // namespace lowtide
