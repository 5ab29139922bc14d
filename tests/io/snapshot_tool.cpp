// For h5py_reads.py: writes a set, or reads one and prints what it found.
//   snapshot_tool write FILE.h5
//   snapshot_tool read FILE.h5|FILE.npz ...      a line for each: its numbers, or "refused: " and the reason
#include <fmt/format.h>
#include <lowtide/io/import_npz.h>
#include <lowtide/io/snapshots.h>

#include <chrono>
#include <cstring>

#include "support.h"

using namespace lowtide;

namespace {

std::string list(const Tensor& a) { return a ? fmt::format("{:.17g}", fmt::join(to_vector(a), " ")) : ""; }

std::string describe(const Snapshots& set) {
  return fmt::format(
      "t {}; x {}: {}; u {}: {}; weight {}; offsets {}; level {}; heldout {}; mu {}; fields {}; law {}",
      list(set.t), to_string(set.x.shape), list(set.x), to_string(set.u.shape), list(set.u), list(set.weight),
      fmt::join(set.offsets, " "), fmt::join(set.level, " "), fmt::join(set.heldout, " "), list(set.mu),
      fmt::join(set.fields, " "), set.law);
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 3 && std::strcmp(arguments[1], "write") == 0) {
    write_snapshots(testing::moving_points(), arguments[2]);
    return 0;
  }
  for (int i = 2; i < count; ++i) {
    const std::string path = arguments[i];
    const auto begin = std::chrono::steady_clock::now();
    std::string line;
    try {
      line = describe(path.ends_with(".npz") ? import_npz(path) : read_snapshots(path));
    } catch (const InputError& error) {
      line = std::string("refused: ") + error.what();
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    fmt::print("{:.3f} {}\n", seconds.count(), line);
  }
}
