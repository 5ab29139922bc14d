// Checkpoints of a run: each one file that holds everything, the last three and the best. The newest that can
// be read is what a run goes on from.
#pragma once
#include <lowtide/run/state.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>

namespace lowtide {

// How far the loop is, beside its parts.
struct Position {
  std::int64_t step = 0;  // how many are done
  double seconds = 0, points = 0, flops = 0;
  double best = std::numeric_limits<double>::infinity();  // score
  std::uint64_t seed = 0;
  bool finished = false;  // the loop has said that this was its last step
  std::string config{};   // hash; empty if none was given
};

class Checkpoints {
 public:
  static constexpr int kept = 3;

  // Nobody else may write there: what is left of killed writers is removed.
  explicit Checkpoints(std::filesystem::path folder);

  // The position and the parts of the newest checkpoint that can be read; for each newer one a line on stderr
  // says why it was skipped. InputError if it is of another seed, configuration or kind of parts.
  std::optional<Position> load(const Position& now, std::span<const StatePart> parts);

  void write(const Position& position, std::span<const StatePart> parts);  // and then removes the oldest
  void write_best(const Position& position, std::span<const StatePart> parts);

 private:
  std::filesystem::path folder_;
};

}  // namespace lowtide
