// What the tests of files share: a folder that goes away, and errors that must be one line.
#pragma once
#include <lowtide/io/file.h>
#include <lowtide/io/snapshots.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

namespace lowtide::testing {

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("lowtide-test-io-" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
};

// The message of the InputError that `run` must throw; empty if it throws none.
template <class Run>
std::string refusal(Run&& run) {
  try {
    run();
  } catch (const InputError& error) {
    const std::string what = error.what();
    BOOST_TEST(what.find('\n') == std::string::npos);
    return what;
  }
  return {};
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline bool equal(const Tensor& a, const Tensor& b) {
  return static_cast<bool>(a) == static_cast<bool>(b) && (!a || same_bits(a, b));
}

inline bool equal(const Snapshots& a, const Snapshots& b) {
  return a.case_name == b.case_name && a.law == b.law && a.fields == b.fields && a.low == b.low &&
         a.high == b.high && a.boundary == b.boundary && a.grid == b.grid && a.parameters == b.parameters &&
         a.settings == b.settings && equal(a.t, b.t) && a.offsets == b.offsets && equal(a.x, b.x) &&
         equal(a.u, b.u) && equal(a.weight, b.weight) && a.level == b.level && equal(a.cell, b.cell) &&
         equal(a.mu, b.mu) && a.heldout == b.heldout;
}

// Two fields on points that move: frames of 2, 3 and 4 points, with everything that a set can have.
inline Snapshots moving_points() {
  Snapshots set;
  set.case_name = "wave";
  set.law = "shallow water \xc3\xa9";
  set.fields = {"depth", "momentum"};
  set.low = {-1, 0};
  set.high = {1, 0.1};
  set.boundary = {"wall", "outflow", "periodic", "periodic"};
  set.parameters = {"a", "b"};
  set.settings = {{"cells", "500"}, {"empty", ""}, {"equation", "a = b"}};
  set.t = from({3}, {0, 0.1, 1.0 / 3});
  set.offsets = {0, 2, 5, 9};
  set.x = linspace(-1, 1, 18, Dtype::f64).reshaped({9, 2});
  set.u = linspace(-1e-300, 1e17, 18, Dtype::f64).reshaped({9, 2});
  set.weight = linspace(0.1, 0.7, 9, Dtype::f64);
  set.level = {1, 2, 2, 1, 1, 2, 1, 1, 2};
  set.cell = from({2, 2}, {0.5, 0.25, 0.1, 0.05});
  set.mu = from({3, 2}, {1, 2, 3, 4, 5, 6});
  set.heldout = {0, 1, 0};
  return set;
}

// One field on a grid of 4 cells, 3 frames.
inline Snapshots fixed_grid() {
  Snapshots set;
  set.fields = {"u"};
  set.low = {0};
  set.high = {1};
  set.grid = {4};
  set.t = from({3}, {0, 1, 2});
  set.offsets = {0, 4, 8, 12};
  set.x = from({4, 1}, {0.125, 0.375, 0.625, 0.875});
  set.u = linspace(0, 1, 12, Dtype::f64).reshaped({12, 1});
  set.weight = full({4}, 0.25, Dtype::f64);
  return set;
}

}  // namespace lowtide::testing
