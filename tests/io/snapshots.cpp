#include <lowtide/linalg/random.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <random>

#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

void store(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Damaged files are read, or refused by name in one line; never slowly.
struct Tally {
  int read = 0, refused = 0, nameless = 0;
  double slowest = 0;

  void attempt(const std::string& path) {
    const auto begin = std::chrono::steady_clock::now();
    const std::string reason = refusal([&] { read_snapshots(path); });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    slowest = std::max(slowest, seconds.count());
    ++(reason.empty() ? read : refused);
    if (!reason.empty() && !reason.starts_with(path + ":")) ++nameless;
    for (const char* special : {"crashed", "took longer", "wanted more", "killed", "too early", "lost"})
      if (contains(reason, special)) BOOST_TEST_MESSAGE(reason);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(snapshots_suite)

BOOST_AUTO_TEST_CASE(a_set_comes_back_with_the_same_bits) {
  const Folder folder;
  for (const Snapshots& set : {moving_points(), fixed_grid()}) {
    write_snapshots(set, folder / "a.h5");
    const Snapshots back = read_snapshots(folder / "a.h5");
    BOOST_TEST(equal(set, back));
    ::usleep(1100000);  // the file does not tell the time, either
    BOOST_TEST(back.fixed() == set.fixed());
    write_snapshots(back, folder / "b.h5");
    BOOST_TEST((read_file(folder / "a.h5") == read_file(folder / "b.h5")));
  }
}

BOOST_AUTO_TEST_CASE(a_large_set_comes_back) {
  const Folder folder;
  Snapshots set = fixed_grid();
  const std::int64_t n = 20000, frames = 40;
  set.grid = {n};
  set.settings = {{"long", std::string(100000, 'x')}};  // more than the header of an object holds
  set.t = linspace(0, 1, frames, Dtype::f64);
  set.offsets.clear();
  for (std::int64_t k = 0; k <= frames; ++k) set.offsets.push_back(k * n);
  set.x = linspace(0, 1, n, Dtype::f64).reshaped({n, 1});
  set.weight = full({n}, 1e-4, Dtype::f64);
  set.u = Stream(1, "u").normal({n * frames, 1}, Dtype::f64);
  write_snapshots(set, folder / "a.h5");
  BOOST_TEST(equal(read_snapshots(folder / "a.h5"), set));
}

BOOST_AUTO_TEST_CASE(a_set_at_fault_is_not_written) {
  const Folder folder;
  Snapshots set = moving_points();
  set.heldout = {0};
  BOOST_TEST(
      contains(refusal([&] { write_snapshots(set, folder / "a.h5"); }), "/heldout: has 1 entries, not 3"));
  set = moving_points();
  set.law = std::string("a\0b", 3);
  BOOST_CHECK_THROW(write_snapshots(set, folder / "a.h5"), FileError);
  BOOST_TEST(std::filesystem::is_empty(folder.path));
}

// The disk is full in the middle of the file: the old one remains, and the next writing succeeds.
BOOST_AUTO_TEST_CASE(a_full_disk_leaves_the_old_file) {
  const Folder folder;
  const std::string path = folder / "a.h5";
  write_snapshots(fixed_grid(), path);
  const std::string old = read_file(path);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit;
  BOOST_REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  const rlimit low{static_cast<rlim_t>(1000), limit.rlim_max};
  BOOST_REQUIRE(::setrlimit(RLIMIT_FSIZE, &low) == 0);
  std::string what;
  try {
    write_snapshots(moving_points(), path);
  } catch (const FileError& error) {
    what = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);
  BOOST_TEST(contains(what, path));
  BOOST_TEST(contains(what, "File too large"));
  BOOST_TEST((read_file(path) == old));
  BOOST_TEST(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
  BOOST_CHECK_THROW(write_snapshots(fixed_grid(), folder / "none/a.h5"), FileError);
  write_snapshots(moving_points(), path);
  BOOST_TEST(equal(read_snapshots(path), moving_points()));
}

BOOST_AUTO_TEST_CASE(a_file_cut_anywhere_is_refused) {
  const Folder folder;
  const std::string path = folder / "a.h5";
  write_snapshots(moving_points(), path);
  const std::string whole = read_file(path);
  Tally tally;
  for (std::size_t length = 0; length < whole.size(); length += length < 200 ? 8 : 97) {
    store(path, whole.substr(0, length));
    tally.attempt(path);
  }
  store(path, whole.substr(0, whole.size() - 1));
  tally.attempt(path);
  BOOST_TEST(tally.read == 0);
  BOOST_TEST(tally.refused > 100);
  BOOST_TEST(tally.nameless == 0);
  BOOST_TEST(tally.slowest < 5);
}

BOOST_AUTO_TEST_CASE(a_damaged_file_never_takes_the_process_down) {
  const Folder folder;
  const std::string path = folder / "a.h5";
  std::mt19937 random(7);
  Tally tally;
  for (const Snapshots& set : {moving_points(), fixed_grid()}) {
    write_snapshots(set, path);
    const std::string whole = read_file(path);
    const auto mutate = [&](std::size_t first, std::size_t last) {
      std::string bytes = whole;
      const int count = 1 + static_cast<int>(random() % 4);
      for (int i = 0; i < count; ++i) {
        const std::size_t at = first + random() % (last - first);
        constexpr unsigned char tempting[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
        const auto value = random() % 2 ? tempting[random() % 6] : static_cast<unsigned char>(random());
        bytes[at] = static_cast<char>(value);
      }
      store(path, bytes);
      tally.attempt(path);
    };
    // Every region of the file in turn, and the first kilobytes, which tell where the rest is, once more.
    const std::size_t region = 64;
    for (std::size_t at = 0; at < whole.size(); at += region) mutate(at, std::min(at + region, whole.size()));
    for (int i = 0; i < 300; ++i) mutate(0, std::min<std::size_t>(4096, whole.size()));
  }
  BOOST_TEST_MESSAGE(tally.read << " read, " << tally.refused << " refused, slowest " << tally.slowest << " s");
  BOOST_TEST(tally.read + tally.refused > 600);
  BOOST_TEST(tally.refused > 100);
  BOOST_TEST(tally.nameless == 0);
  BOOST_TEST(tally.slowest < 5);  // 0.7 where the library loops, 0.005 else, on a quiet machine
}

BOOST_AUTO_TEST_SUITE_END()
