// Clawpack frames as the tests write them, in any format. Sizes are whole numbers, so that text is exact.
#pragma once
#include <fmt/format.h>
#include <lowtide/io/clawpack.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <map>

#include "support.h"

namespace lowtide::testing {

using Files = std::map<std::string, std::string>;  // by name

struct Patch {
  int level, nx, ny;
  double x, y, dx, dy;  // in one dimension: ny = 1, y = 0, dy = 1
  bool holds(double px, double py) const { return px > x && px < x + nx * dx && py > y && py < y + ny * dy; }
};
struct Run {
  int dims = 2, equations = 1, ghost = 2;
  std::string format = "ascii";
};

inline double value_at(double x, double y, int m) { return x + 1000 * y + 0.25 * m; }
constexpr double hidden = -777;  // the value of cells that finer ones cover

inline void put(std::string& bytes, double value, bool narrow) {
  const auto single = static_cast<float>(value);
  const char* from = narrow ? reinterpret_cast<const char*>(&single) : reinterpret_cast<const char*>(&value);
  bytes.append(from, narrow ? 4 : 8);
}

inline void add_frame(Files& files, int number, double time, const Run& run,
                      const std::vector<Patch>& patches) {
  const auto line = [](auto value, const char* label) { return fmt::format("  {:>22}    {}\n", value, label); };
  const auto real = [](double value) { return fmt::format("{:.16E}", value); };
  const bool ascii = run.format == "ascii", flat = run.dims == 1;
  files[fmt::format("fort.t{:04}", number)] = line(real(time), "time") + line(run.equations, "meqn") +
                                              line(patches.size(), "ngrids") + line(0, "naux") +
                                              line(run.dims, "ndim") + line(run.ghost, "nghost") +
                                              line(run.format, "format") + "\n\n";
  std::string q, b;
  int label = 7;
  for (const Patch& p : patches) {
    q += line(label += 3, "grid_number") + line(p.level, "AMR_level") + line(p.nx, "mx");
    q += flat ? "" : line(p.ny, "my");
    q += line(real(p.x), "xlow") + (flat ? "" : line(real(p.y), "ylow"));
    q += line(real(p.dx), "dx") + (flat ? "" : line(real(p.dy), "dy")) + "\n";
    const int gx = ascii ? 0 : run.ghost, gy = flat ? 0 : gx;
    for (int j = -gy; j < p.ny + gy; ++j) {
      for (int i = -gx; i < p.nx + gx; ++i) {
        const double x = p.x + (i + 0.5) * p.dx, y = p.y + (j + 0.5) * p.dy;
        const bool ghost = i < 0 || j < 0 || i >= p.nx || j >= p.ny;
        bool covered = false;
        for (const Patch& other : patches) covered |= other.level > p.level && other.holds(x, y);
        for (int m = 0; m < run.equations; ++m) {
          const double value = ghost     ? std::numeric_limits<double>::quiet_NaN()  // nobody may look at these
                               : covered ? hidden
                                         : value_at(x, y, m);
          if (ascii)
            q += fmt::format("{:26.16E}", value);
          else
            put(b, value, run.format == "binary32");
        }
        if (ascii) q += "\n";
      }
      if (ascii) q += "  \n";
    }
  }
  files[fmt::format("fort.q{:04}", number)] = q;
  if (!ascii) files[fmt::format("fort.b{:04}", number)] = b;
}

// Three levels on [-12, 24] x [6, 30]: cells of 6 x 6, 3 x 2 and 1 x 1.
inline std::vector<Patch> three_levels() {
  return {{1, 2, 4, -12, 6, 6, 6}, {1, 4, 4, 0, 6, 6, 6},   {2, 4, 6, -6, 12, 3, 2},
          {2, 6, 3, 6, 18, 3, 2},  {3, 9, 4, -3, 16, 1, 1}, {3, 6, 2, 9, 20, 1, 1}};
}
inline std::vector<Patch> three_levels_1d() {
  return {{3, 8, 1, 8, 0, 1, 1}, {1, 4, 1, -16, 0, 8, 1}, {2, 6, 1, 0, 0, 4, 1}, {1, 3, 1, 16, 0, 8, 1}};
}
inline std::vector<Patch> one_grid() { return {{1, 6, 4, -12, 6, 6, 6}}; }

inline Files run_of(const Run& run, const std::vector<Patch>& patches, int frames = 2) {
  Files files;
  for (int k = 0; k < frames; ++k) add_frame(files, k, 0.5 * k, run, patches);
  return files;
}

inline std::string written(const Folder& folder, const std::string& name, const Files& files) {
  const std::filesystem::path path = folder / name;
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  for (const auto& [file, bytes] : files) write_file(path / file, bytes);
  return path.string();
}

inline void replace(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  BOOST_REQUIRE_MESSAGE(at != text.npos, "no '" << from << "' to be replaced");
  text.replace(at, from.size(), to);
}

}  // namespace lowtide::testing
