// The finest value at each place: patches become runs of cells on the mesh of their level, sorted by row.
// Neighbours in that order show overlaps, and a search in it finds the coarse cells below a fine patch. Work
// and memory grow with the number of cells in the file, whatever the extent of the domain.
#include <fmt/format.h>
#include <lowtide/io/clawpack.h>
#include <lowtide/io/file.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <optional>
#include <utility>

namespace lowtide {

double ClawMesh::cell(std::size_t level, int axis) const {
  const auto a = static_cast<std::size_t>(axis);
  return size[a] / static_cast<double>(ratio[level - 1][a]);
}

namespace {

using Int = std::int64_t;
using Pair = std::array<Int, 2>;
constexpr double snap = 0.1;          // of a cell: sizes may be written with eight digits
constexpr double same_size = 1e-6;    // relative, likewise
constexpr Int max_ratio = 65536;      // of level 1 to the finest: beyond, same_size tells nothing
constexpr double resolution = 1e-12;  // cells smaller than this part of their coordinates cannot be told apart

struct Box {  // of cells, on the mesh of the patch's level
  Pair begin, end;
};
struct PatchRow {
  Int row, begin, end;
  std::size_t cell;  // the first, in the order of the file
  Int line;          // of the patch's header
};
using Rows = std::vector<PatchRow>;  // of a level, sorted

class Finest {
 public:
  Finest(const ClawFrame& frame, ClawMesh& mesh, const std::string& name)
      : frame_(frame), mesh_(mesh), name_(name) {}

  ClawCover operator()() {
    const std::size_t levels = count_levels();
    set_level_1();
    for (std::size_t level = 2; level <= levels; ++level) set_ratio(level);
    rows_.resize(levels);
    for (const ClawPatch& patch : frame_.patches) add_rows(patch);
    for (std::size_t level = 1; level <= levels; ++level) sort_rows(level);
    check_tiling();
    covered_.assign(cells_, 0);
    for (const ClawPatch& patch : frame_.patches)
      if (patch.level > 1) cover_below(patch);
    return collected();
  }

 private:
  [[noreturn]] void wrong(Int line, const std::string& what) const {
    bad_input(name_, std::to_string(line), what);
  }
  static std::size_t index(Int k) { return static_cast<std::size_t>(k); }
  std::size_t axes() const { return static_cast<std::size_t>(mesh_.dims); }

  std::size_t count_levels() {
    Int levels = 0;
    const ClawPatch* finest = nullptr;
    for (const ClawPatch& patch : frame_.patches)
      if (patch.level > levels) levels = patch.level, finest = &patch;
    if (!finest) wrong(1, "no patches");
    std::vector<const ClawPatch*> first(std::min(index(levels), frame_.patches.size() + 1));
    for (const ClawPatch& patch : frame_.patches)
      if (index(patch.level) <= first.size() && !first[index(patch.level) - 1])
        first[index(patch.level) - 1] = &patch;
    for (std::size_t l = 0; l < first.size(); ++l)
      if (!first[l])
        wrong(finest->line, fmt::format("a patch of level {}, but none of level {}: the frame is not complete",
                                        levels, l + 1));
    first_ = std::move(first);
    return first_.size();
  }

  // Which cell begins at x; nothing if none does.
  std::optional<Int> place(double x, std::size_t level, std::size_t a) const {
    const double cells = (x - mesh_.low[a]) / mesh_.cell(level, static_cast<int>(a)), whole = std::round(cells);
    if (!(std::abs(cells - whole) <= snap) || !(std::abs(whole) < 2 / resolution)) return std::nullopt;
    return static_cast<Int>(whole);
  }

  void set_level_1() {
    const ClawPatch& first = *first_[0];
    if (mesh_.dims != 0) {
      for (std::size_t a = 0; a < axes(); ++a)
        if (!(std::abs(first.size[a] / mesh_.size[a] - 1) <= same_size))
          wrong(first.line, fmt::format("cells of level 1 are {} wide, in the frames before {}: frames of "
                                        "different runs",
                                        first.size[a], mesh_.size[a]));
      return;
    }
    mesh_.dims = frame_.header.dims;
    mesh_.low = first.low;
    mesh_.size = first.size;
    mesh_.ratio = {{1, 1}};
    for (const ClawPatch& patch : frame_.patches)
      for (std::size_t a = 0; patch.level == 1 && a < axes(); ++a)
        mesh_.low[a] = std::min(mesh_.low[a], patch.low[a]);
    mesh_.cells = {1, 1};
    for (const ClawPatch& patch : frame_.patches)
      for (std::size_t a = 0; patch.level == 1 && a < axes(); ++a) {
        const double high = patch.low[a] + static_cast<double>(patch.cells[a]) * patch.size[a];
        if (!(patch.size[a] >= resolution * std::max(std::abs(mesh_.low[a]), std::abs(high))))
          too_small(patch, a);
        const auto begin = place(patch.low[a], 1, a);
        if (!begin) off_mesh(patch, a, patch.low[a]);
        mesh_.cells[a] = std::max(mesh_.cells[a], *begin + patch.cells[a]);
      }
  }

  void set_ratio(std::size_t level) {
    const ClawPatch& patch = *first_[level - 1];
    const bool known = mesh_.ratio.size() >= level;
    Pair ratio{1, 1};
    for (std::size_t a = 0; a < axes(); ++a) {
      const double r = mesh_.size[a] / patch.size[a], whole = std::round(r);
      const Int below = mesh_.ratio[level - 2][a];
      if (!(whole >= 1 && whole <= static_cast<double>(max_ratio) && std::abs(r / whole - 1) <= same_size) ||
          static_cast<Int>(whole) % below != 0)
        wrong(
            patch.line,
            fmt::format("cells of level {} are {} wide in {}, which does not divide the {} of level {} into a "
                        "whole number up to {}",
                        level, patch.size[a], "xy"[a], mesh_.cell(level - 1, static_cast<int>(a)), level - 1,
                        max_ratio));
      ratio[a] = static_cast<Int>(whole);
      const double end = mesh_.low[a] + static_cast<double>(mesh_.cells[a]) * mesh_.size[a];
      if (!(patch.size[a] >= resolution * std::max(std::abs(mesh_.low[a]), std::abs(end)))) too_small(patch, a);
    }
    if (!known) mesh_.ratio.push_back(ratio);
    if (mesh_.ratio[level - 1] != ratio)
      wrong(patch.line,
            fmt::format("cells of level {} are {} x {} to one of level 1, in the frames before {} x "
                        "{}: frames of different runs",
                        level, ratio[0], ratio[1], mesh_.ratio[level - 1][0], mesh_.ratio[level - 1][1]));
  }

  [[noreturn]] void too_small(const ClawPatch& patch, std::size_t a) const {
    wrong(patch.line,
          fmt::format("cells {} wide in {} cannot be told apart in a domain from {}: xlow, dx or their "
                      "like are damaged",
                      patch.size[a], "xy"[a], mesh_.low[a]));
  }
  [[noreturn]] void off_mesh(const ClawPatch& patch, std::size_t a, double at) const {
    wrong(patch.line,
          fmt::format(
              "the edge at {} = {} is not one between cells of level {}, {} wide from {}: the header is "
              "damaged",
              "xy"[a], at, patch.level, mesh_.cell(index(patch.level), static_cast<int>(a)), mesh_.low[a]));
  }

  Box box(const ClawPatch& patch) const {
    Box box{{0, 0}, {1, 1}};
    for (std::size_t a = 0; a < axes(); ++a) {
      const double size = mesh_.cell(index(patch.level), static_cast<int>(a));
      if (!(std::abs(patch.size[a] / size - 1) <= same_size))
        wrong(patch.line, fmt::format("cells are {} wide in {}, others of level {} {}: the header is damaged",
                                      patch.size[a], "xy"[a], patch.level, size));
      const auto begin = place(patch.low[a], index(patch.level), a);
      if (!begin) off_mesh(patch, a, patch.low[a]);
      box.begin[a] = *begin;
      box.end[a] = *begin + patch.cells[a];
    }
    return box;
  }

  void add_rows(const ClawPatch& patch) {
    const Box b = box(patch);
    for (Int row = b.begin[1]; row < b.end[1]; ++row) {
      rows_[index(patch.level) - 1].push_back({row, b.begin[0], b.end[0], cells_, patch.line});
      cells_ += index(patch.cells[0]);
    }
  }

  void sort_rows(std::size_t level) {
    Rows& rows = rows_[level - 1];
    std::sort(rows.begin(), rows.end(), [](const PatchRow& a, const PatchRow& b) {
      return std::pair(a.row, a.begin) < std::pair(b.row, b.begin);
    });
    for (std::size_t k = 1; k < rows.size(); ++k)
      if (rows[k].row == rows[k - 1].row && rows[k].begin < rows[k - 1].end)
        wrong(
            std::max(rows[k].line, rows[k - 1].line),
            fmt::format("the patch overlaps that of line {}, which is also of level {}: the header is damaged",
                        std::min(rows[k].line, rows[k - 1].line), level));
  }

  // As patches are apart, they fill the domain if they lie in it and their rows meet one another.
  void check_tiling() const {
    const auto gap = [&](const PatchRow& row) {
      wrong(row.line,
            fmt::format("patches of level 1 do not fill the domain of {} x {} cells: next to this one "
                        "there is a hole, or it stands out; the frame is not complete, or of another run",
                        mesh_.cells[0], mesh_.cells[1]));
    };
    const Rows& rows = rows_[0];
    Int row = 0, end = 0;  // the cell to come
    for (const PatchRow& r : rows) {
      if (r.row != row || r.begin != end || r.end > mesh_.cells[0]) gap(r);
      end = r.end;
      if (end == mesh_.cells[0]) ++row, end = 0;
    }
    if (row != mesh_.cells[1]) gap(rows.back());
  }

  // Marks the cells of the next coarser level that the patch lies on.
  void cover_below(const ClawPatch& patch) {
    const std::size_t level = index(patch.level);
    const Rows& rows = rows_[level - 2];
    const Pair& fine = mesh_.ratio[level - 1];
    const Pair& coarse = mesh_.ratio[level - 2];
    Box b = box(patch);
    for (std::size_t a = 0; a < axes(); ++a) {
      const Int r = fine[a] / coarse[a];
      if (b.begin[a] % r != 0 || b.end[a] % r != 0) off_mesh_below(patch, a);
      b.begin[a] /= r;
      b.end[a] /= r;
    }
    for (Int row = b.begin[1]; row < b.end[1]; ++row) {
      auto below = std::upper_bound(
          rows.begin(), rows.end(), std::pair(row, b.begin[0]),
          [](const std::pair<Int, Int>& p, const PatchRow& r) { return p < std::pair(r.row, r.begin); });
      if (below != rows.begin()) --below;
      for (Int at = b.begin[0]; at < b.end[0]; ++below) {
        if (below == rows.end() || below->row != row || at < below->begin || at >= below->end)
          wrong(patch.line,
                fmt::format("the patch of level {} reaches beyond those of level {}: the frame is not "
                            "complete, or the header is damaged",
                            patch.level, patch.level - 1));
        const Int end = std::min(b.end[0], below->end);
        const auto first = covered_.begin() + static_cast<Int>(below->cell) - below->begin;
        std::fill(first + at, first + end, 1);
        at = end;
      }
    }
  }
  [[noreturn]] void off_mesh_below(const ClawPatch& patch, std::size_t a) const {
    wrong(patch.line, fmt::format("an edge of the patch cuts cells of level {} in {}: the header is damaged",
                                  patch.level - 1, "xy"[a]));
  }

  ClawCover collected() const {
    ClawCover cover;
    cover.time = frame_.header.time;
    const std::size_t equations = index(frame_.header.equations);
    const auto kept = index(std::count(covered_.begin(), covered_.end(), 0));
    assert(frame_.values.size() == covered_.size() * equations);
    cover.values.reserve(kept * equations);
    for (std::size_t l = 0; l < rows_.size(); ++l)
      for (const PatchRow& row : rows_[l])
        for (Int begin = row.begin, end = 0; begin < row.end; begin = end) {
          const auto cell = [&](Int at) { return row.cell + index(at - row.begin); };
          for (end = begin + 1; end < row.end && covered_[cell(end)] == covered_[cell(begin)];) ++end;
          if (covered_[cell(begin)]) continue;
          append(cover.runs, {static_cast<std::int32_t>(l + 1), row.row, begin, end});
          const double* values = frame_.values.data();
          cover.values.insert(cover.values.end(), values + cell(begin) * equations,
                              values + (cell(end - 1) + 1) * equations);
        }
    return cover;
  }
  static void append(std::vector<ClawRun>& runs,
                     const ClawRun& run) {  // as one with its neighbour, if it can be
    if (!runs.empty() && runs.back().level == run.level && runs.back().row == run.row &&
        runs.back().end == run.begin)
      runs.back().end = run.end;
    else
      runs.push_back(run);
  }

  const ClawFrame& frame_;
  ClawMesh& mesh_;
  const std::string& name_;
  std::vector<const ClawPatch*> first_;  // of each level, in the order of the file
  std::vector<Rows> rows_;               // of each level
  std::size_t cells_ = 0;
  std::vector<std::uint8_t> covered_;  // by a finer level; in the order of the file
};

}  // namespace

ClawCover finest_cells(const ClawFrame& frame, ClawMesh& mesh, const std::string& name) {
  return Finest(frame, mesh, name)();
}

}  // namespace lowtide
