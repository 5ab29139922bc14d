#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/snapshots.h>

#include <cmath>

namespace lowtide {

bool Snapshots::fixed() const { return x.shape[0] != u.shape[0] || frames() == 1; }

namespace {

constexpr std::int64_t most_directions = 100;  // more is a transposed array

// Where the rows of a frame begin and end in x, weight and level.
struct Rows {
  std::int64_t begin, end;
};
Rows place(const Snapshots& set, std::int64_t frame) {
  if (set.fixed()) return {0, set.x.shape[0]};
  const auto k = static_cast<std::size_t>(frame);
  return {set.offsets[k], set.offsets[k + 1]};
}

}  // namespace

Tensor Snapshots::points(std::int64_t frame) const {
  const auto [begin, end] = place(*this, frame);
  return x.rows(begin, end);
}

Tensor Snapshots::values(std::int64_t frame) const {
  const auto k = static_cast<std::size_t>(frame);
  return u.rows(offsets[k], offsets[k + 1]);
}

Tensor Snapshots::weights(std::int64_t frame) const {
  const auto [begin, end] = place(*this, frame);
  return weight.rows(begin, end);
}

std::vector<std::int32_t> Snapshots::levels(std::int64_t frame) const {
  if (level.empty()) return {};
  const auto [begin, end] = place(*this, frame);
  return {level.begin() + begin, level.begin() + end};
}

namespace {

std::vector<std::int64_t> frames_where(const Snapshots& set, bool held) {
  std::vector<std::int64_t> chosen;
  for (std::int64_t k = 0; k < set.frames(); ++k)
    if ((!set.heldout.empty() && set.heldout[static_cast<std::size_t>(k)] != 0) == held) chosen.push_back(k);
  return chosen;
}

}  // namespace

std::vector<std::int64_t> Snapshots::training() const { return frames_where(*this, false); }
std::vector<std::int64_t> Snapshots::held_out() const { return frames_where(*this, true); }

void hold_out(Snapshots& set, std::int64_t every) {
  set.heldout.assign(static_cast<std::size_t>(set.frames()), 0);
  if (every <= 0) return;
  for (std::int64_t k = every / 2 + (every == 1); k + 1 < set.frames(); k += every)
    if (k > 0) set.heldout[static_cast<std::size_t>(k)] = 1;
}

namespace {

class Checker {
 public:
  explicit Checker(const std::string& source) : source_(source) {}

  [[noreturn]] void wrong(const char* part, const std::string& what) const { bad_input(source_, part, what); }
  void array(const Tensor& a, const char* part, int rank) const {
    if (!a) wrong(part, "missing");
    if (a.dtype != Dtype::f64) wrong(part, "numbers must be of type f64");
    if (a.shape.rank() != rank) wrong(part, fmt::format("has {} axes, not {}", a.shape.rank(), rank));
    const double* values = a.data<double>();
    for (std::int64_t i = 0; i < a.size(); ++i)
      if (!std::isfinite(values[i])) wrong(part, fmt::format("number {} is {}", i, values[i]));
  }
  template <class Count>
  void count(Count found, std::int64_t expected, const char* part, const char* of) const {
    if (static_cast<std::int64_t>(found) != expected)
      wrong(part, fmt::format("has {} {}, not {}", found, of, expected));
  }

 private:
  const std::string& source_;
};

void check_offsets(const Snapshots& set, const Checker& check) {
  const std::int64_t frames = set.t.size(), rows = set.u.shape[0], points = set.x.shape[0];
  check.count(set.offsets.size(), frames + 1, "/offsets", "entries");
  if (set.offsets.front() != 0 || set.offsets.back() != rows)
    check.wrong("/offsets", fmt::format("run from {} to {}, not from 0 to the {} rows of /u",
                                        set.offsets.front(), set.offsets.back(), rows));
  for (std::int64_t k = 1; k <= frames; ++k) {
    const std::int64_t begin = set.offsets[static_cast<std::size_t>(k - 1)],
                       end = set.offsets[static_cast<std::size_t>(k)];
    if (end <= begin) check.wrong("/offsets", fmt::format("frame {} has no points", k - 1));
    if (points != rows && end - begin != points)
      check.wrong("/offsets",
                  fmt::format("frame {} has {} rows, but /x has {} points", k - 1, end - begin, points));
  }
}

bool same_parameters(const Snapshots& set, std::int64_t a, std::int64_t b) {
  if (!set.mu) return true;
  const std::int64_t p = set.mu.shape[1];
  for (std::int64_t i = 0; i < p; ++i)
    if (set.mu.at(a * p + i) != set.mu.at(b * p + i)) return false;
  return true;
}

void check_grid(const Snapshots& set, const Checker& check) {
  const std::int64_t points = set.x.shape[0];
  check.count(set.grid.size(), set.dims(), "grid", "directions");
  std::int64_t cells = 1;
  for (const std::int64_t n : set.grid) {
    if (n < 1 || n > points / cells) check.wrong("grid", fmt::format("does not hold the {} points", points));
    cells *= n;
  }
  if (!set.fixed() || cells != points) check.wrong("grid", fmt::format("does not hold the {} points", points));
}

}  // namespace

void check(const Snapshots& set, const std::string& source) {
  const Checker check(source);
  check.array(set.t, "/t", 1);
  check.array(set.x, "/x", 2);
  check.array(set.u, "/u", 2);
  check.array(set.weight, "/weight", 1);
  const std::int64_t frames = set.t.size(), points = set.x.shape[0], d = set.dims();
  if (frames == 0) check.wrong("/t", "no frames");
  if (d < 1 || d > most_directions)
    check.wrong("/x", fmt::format("has {} directions; 1 to {} are possible", d, most_directions));
  if (set.u.shape[1] == 0) check.wrong("/u", "has no columns");
  check.count(set.fields.size(), set.u.shape[1], "fields", "names");
  check_offsets(set, check);

  check.count(set.weight.size(), points, "/weight", "entries");
  for (std::int64_t i = 0; i < points; ++i)
    if (!(set.weight.at(i) > 0)) check.wrong("/weight", fmt::format("number {} is {}", i, set.weight.at(i)));
  if (set.cell) {
    check.array(set.cell, "cell", 2);
    check.count(set.cell.shape[1], d, "cell", "columns");
  }
  if (!set.level.empty()) {
    check.count(set.level.size(), points, "/level", "entries");
    const std::int64_t levels = set.cell ? set.cell.shape[0] : INT32_MAX;
    for (const std::int32_t level : set.level)
      if (level < 1 || level > levels) check.wrong("/level", fmt::format("there is no level {}", level));
  }
  if (set.mu) {
    check.array(set.mu, "/mu", 2);
    check.count(set.mu.shape[0], frames, "/mu", "rows");
    if (!set.parameters.empty()) check.count(set.parameters.size(), set.mu.shape[1], "parameters", "names");
  }
  for (std::int64_t k = 1; k < frames; ++k)
    if (!(set.t.at(k) > set.t.at(k - 1)) && same_parameters(set, k - 1, k))
      check.wrong("/t", fmt::format("frame {} at {} does not come after {}", k, set.t.at(k), set.t.at(k - 1)));
  if (!set.heldout.empty()) check.count(set.heldout.size(), frames, "/heldout", "entries");
  if (!set.grid.empty()) check_grid(set, check);
  if (!set.low.empty() || !set.high.empty()) {
    check.count(set.low.size(), d, "low", "directions");
    check.count(set.high.size(), d, "high", "directions");
    for (std::size_t a = 0; a < set.low.size(); ++a)
      if (!(set.high[a] > set.low[a]) || !std::isfinite(set.high[a] - set.low[a]))
        check.wrong("low", fmt::format("the domain reaches from {} to {}", set.low[a], set.high[a]));
  }
}

}  // namespace lowtide
