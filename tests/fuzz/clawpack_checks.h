// What must hold for every Clawpack frame that a parser accepts.
#pragma once
#include <lowtide/io/clawpack.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

#include "fuzz.h"

namespace lowtide::fuzzing {

// Up to the next '|', which is taken away with it.
inline std::string_view next_file(std::string_view& input) {
  const std::size_t end = std::min(input.find('|'), input.size());
  const std::string_view file = input.substr(0, end);
  input.remove_prefix(std::min(end + 1, input.size()));
  return file;
}

inline void check_frame(const ClawFrame& frame, std::size_t bytes) {
  expect(frame.patches.size() == static_cast<std::size_t>(frame.header.patches), "as many patches as said");
  expect(frame.values.size() <= bytes, "no more values than bytes");
  std::size_t values = 0;
  for (const ClawPatch& patch : frame.patches) {
    expect(patch.first == values, "values follow each other");
    values += static_cast<std::size_t>(patch.cells[0] * patch.cells[1] * frame.header.equations);
  }
  expect(frame.values.size() == values, "as many values as said");
  for (const double value : frame.values) expect(std::isfinite(value), "values are finite");
}

// The bytes of a fort.b with these values; ghost cells hold NaN.
inline std::string binary(const ClawFrame& frame, int ghost) {
  std::string bytes;
  const std::int64_t below = frame.header.dims == 1 ? 0 : ghost, equations = frame.header.equations;
  const double* value = frame.values.data();
  for (const ClawPatch& patch : frame.patches)
    for (std::int64_t j = -below; j < patch.cells[1] + below; ++j)
      for (std::int64_t k = -ghost * equations; k < (patch.cells[0] + ghost) * equations; ++k) {
        const bool inside = j >= 0 && j < patch.cells[1] && k >= 0 && k < patch.cells[0] * equations;
        const double written = inside ? *value++ : std::nan("");
        bytes.append(reinterpret_cast<const char*>(&written), sizeof written);
      }
  return bytes;
}

// A mesh that is accepted makes a set that is in order, and its cells fill the domain.
inline void check_cover(const ClawFrame& frame, ClawMesh& mesh, std::vector<ClawCover>& covers) {
  ClawMesh tried = mesh;
  ClawCover cover;
  if (!accepted("fort.q", [&] { cover = finest_cells(frame, tried, "fort.q"); })) return;
  if (!covers.empty() && !(cover.time > covers.back().time)) return;
  mesh = tried;
  covers.push_back(std::move(cover));
  const Snapshots set = claw_snapshots(mesh, covers);
  check(set, "what was accepted");
  double area = 1, rounding = 1e-9;
  for (std::size_t a = 0; a < set.low.size(); ++a) {
    const double extent = set.high[a] - set.low[a];
    area *= extent;
    rounding += 1e-15 * std::max(std::abs(set.low[a]), std::abs(set.high[a])) / extent;
  }
  for (std::int64_t k = 0; k < set.frames(); ++k) {
    const Tensor weight = set.weights(k);
    double sum = 0;
    for (std::int64_t i = 0; i < weight.size(); ++i) sum += weight.at(i);
    expect(std::abs(sum / area - 1) < rounding, "cells fill the domain");
  }
}

}  // namespace lowtide::fuzzing
