// Output of Clawpack (classic, AMRClaw, PyClaw) in one and two dimensions: frame NNNN is fort.tNNNN with
// time and sizes, fort.qNNNN with a header for every patch, and the values, either as text after each
// header or as raw numbers in fort.bNNNN. The numbers in the headers are not trusted: nothing is allocated
// that the size of the file does not warrant. Anything pickled (fort.pklNNNN) and fort.aNNNN are left alone.
#pragma once
#include <lowtide/io/snapshots.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lowtide {

struct ClawImport {
  std::string case_name{};
  std::vector<std::string> fields{};  // a name for each component; none: q0, q1, ...
  std::int64_t hold_out = 0;          // every so many frames one is kept from training; 0: none
};

// All frames of a folder, each place at its finest level, in this order: by level, then y, then x. So the
// order depends neither on the format nor on how levels are cut into patches. Frames of one level make a fixed
// grid. Numbers of frames follow each other, or are equally spaced if every m-th was kept of a run.
// Throws InputError with file and line (or byte) if something is not as it should be.
Snapshots import_clawpack(const std::filesystem::path& folder, const ClawImport& options = {});

// The steps, on bytes in memory; `name` stands for the file in messages.

enum class ClawFormat { ascii, binary32, binary64 };

struct ClawHeader {  // fort.t
  double time = 0;
  std::int64_t equations = 0, patches = 0;
  int dims = 0, ghost = 0;  // ghost: cells around a patch, which only fort.b holds
  ClawFormat format = ClawFormat::ascii;
  std::array<std::int64_t, 7> lines{};  // where each was read
};

struct ClawPatch {  // in one dimension it is one cell of size 1 high
  std::int64_t level = 1;
  std::array<std::int64_t, 2> cells{1, 1};
  std::array<double, 2> low{0, 0}, size{1, 1};  // lower left corner, and extent of a cell
  std::size_t first = 0;                        // its first value in ClawFrame::values
  std::int64_t line = 0;                        // of its header in fort.q
};

struct ClawFrame {
  ClawHeader header;
  std::vector<ClawPatch> patches;  // in the order of the file
  std::vector<double> values;      // patch by patch, (cells[1], cells[0], equations), without ghost cells
};

ClawHeader parse_claw_header(std::string_view text, const std::string& name);
ClawFrame parse_claw_frame(const ClawHeader& header, std::string_view text, const std::string& name);  // fort.q
void parse_claw_values(ClawFrame& frame, std::string_view bytes, const std::string& name);             // fort.b

// The cells that all frames of a run are made of. Level l divides a cell of level 1 into ratio[l-1] cells.
struct ClawMesh {
  int dims = 0;                         // 0: no frame seen
  std::array<double, 2> low{}, size{};  // corner of the domain, and extent of a cell of level 1
  std::array<std::int64_t, 2> cells{};  // of level 1
  std::vector<std::array<std::int64_t, 2>> ratio;

  double cell(std::size_t level, int axis) const;  // extent of a cell; level from 1
};

// Cells begin to end of a row, counted on the mesh of their level.
struct ClawRun {
  std::int32_t level;
  std::int64_t row, begin, end;
};
struct ClawCover {  // of the domain by the finest cells; values in the order of the runs
  double time;
  std::vector<ClawRun> runs;
  std::vector<double> values;
};

// Throws unless patches of a level are apart, level 1 tiles the domain, and each finer one lies in the
// next coarser, edges on edges. `mesh` is what the frames before had; new levels are added to it.
ClawCover finest_cells(const ClawFrame& frame, ClawMesh& mesh, const std::string& name);

Snapshots claw_snapshots(const ClawMesh& mesh, std::vector<ClawCover> frames, const ClawImport& options = {});

}  // namespace lowtide
