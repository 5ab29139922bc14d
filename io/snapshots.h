// A set of snapshots: values of a solution at points of space, frame by frame. What solvers make,
// importers read and training uses; on disk an HDF5 file whose schema docs/data.md describes.
//
// Points may differ from frame to frame (adaptive samples) or be the same in all (a fixed grid,
// whose x and weight are stored once).
#pragma once
#include <lowtide/linalg/tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lowtide {

struct Snapshots {
  static constexpr int schema_version = 1;

  // What it is. All may be empty but for `fields`, which has a name for each column of u.
  std::string case_name, law;
  std::vector<std::string> fields;      // "density", "momentum", ...
  std::vector<double> low, high;        // the domain, per direction
  std::vector<std::string> boundary;    // low x, high x, low y, high y: "periodic", "wall", "outflow"
  std::vector<std::int64_t> grid;       // cells (nx) or (nx, ny) if rows are one uniform grid, x fastest
  std::vector<std::string> parameters;  // a name for each column of mu
  std::map<std::string, std::string> settings;  // how it was made: "cells" -> "500"

  // The numbers, all f64. Frame k has the rows offsets[k] to offsets[k+1] of u.
  Tensor t;                           // (T), increasing as long as mu stays the same
  std::vector<std::int64_t> offsets;  // T+1, from 0 to N
  Tensor x;                           // (N,d), or (n,d) of a fixed grid
  Tensor u;                           // (N,c)
  Tensor weight;                      // (N) or (n): area of a point's cell
  std::vector<std::int32_t> level;    // N or n, or empty: level of refinement of a point, 1 = coarsest
  Tensor cell;                        // (levels,d), or none: size of the cells of each level
  Tensor mu;                          // (T,p), or none: parameters beside time
  std::vector<std::uint8_t> heldout;  // T: 1 for a frame kept from training

  std::int64_t frames() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  std::int64_t dims() const { return x.shape[1]; }
  bool fixed() const;  // all frames have the same points
  double time(std::int64_t frame) const { return t.at(frame); }

  // Of one frame; these share the elements of the set.
  Tensor points(std::int64_t frame) const;                     // (n,d)
  Tensor values(std::int64_t frame) const;                     // (n,c)
  Tensor weights(std::int64_t frame) const;                    // (n)
  std::vector<std::int32_t> levels(std::int64_t frame) const;  // empty without levels

  std::vector<std::int64_t> training() const;  // frames by their number
  std::vector<std::int64_t> held_out() const;
};

// Marks every `every`-th frame as held out, never the first or the last; 0: none.
void hold_out(Snapshots& set, std::int64_t every);

// Throws InputError, naming `source` and the part at fault, if the parts disagree, a number is not
// finite, times of one mu do not increase or a weight is not positive.
void check(const Snapshots& set, const std::string& source);

// HDF5. Reading never takes the process down: the file is parsed in a child process with limits on memory
// and time, without plugins and external links.
void write_snapshots(const Snapshots& set, const std::filesystem::path& path);
Snapshots read_snapshots(const std::filesystem::path& path);

}  // namespace lowtide
