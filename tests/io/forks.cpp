// The child process that foreign libraries run in: how it ends, and that the rest does not notice.
#include <lowtide/io/apart.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/linalg/random.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;  // then there is no limit to memory
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

const ApartLimits usual{std::uint64_t{64} << 20, 5, 20};

std::string ending(const ApartLimits& limits, FunctionRef<void(const ToParent&)> child) {
  try {
    run_apart(limits, child, [](FromChild& from) {
      char byte;
      from.receive(&byte, 1);
    });
  } catch (const ApartError& error) {
    return error.what();
  }
  return "well";
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::ptrdiff_t open_files() { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); }

}  // namespace

BOOST_AUTO_TEST_SUITE(forks_suite)

BOOST_AUTO_TEST_CASE(every_way_to_end_is_told) {
  const std::ptrdiff_t files = open_files();
  const auto spin = [](const ToParent&) {
    for (std::atomic<int> i{0};;) ++i;
  };
  BOOST_TEST(ending(usual, [](const ToParent& parent) { parent.send("x", 1); }) == "well");
  BOOST_TEST(ending(usual, [](const ToParent&) {}) == "ended too early (code 0)");
  BOOST_TEST(ending(usual, [](const ToParent&) { ::_exit(3); }) == "ended too early (code 3)");
  BOOST_TEST(ending(usual, [](const ToParent&) { throw 1; }) == "ended too early (code 72)");
  BOOST_TEST(ending(usual, [](const ToParent&) { throw std::bad_alloc(); }) ==
             "wanted more than 64 MB of memory");
  BOOST_TEST(ending(usual, [](const ToParent&) { std::raise(SIGSEGV); }) == "crashed (signal 11)");
  BOOST_TEST(ending(usual, [](const ToParent&) { std::abort(); }) == "crashed (signal 6)");
  BOOST_TEST(ending(usual, [](const ToParent&) { std::raise(SIGKILL); }) ==
             "was killed, perhaps for want of memory");
  BOOST_TEST(ending({std::uint64_t{64} << 20, 0.3, 20}, spin) == "took longer than 0.3 s");
  const auto begin = std::chrono::steady_clock::now();
  BOOST_TEST(ending({std::uint64_t{64} << 20, 5, 1}, [](const ToParent&) { ::sleep(100); }) ==
             "took longer than 1.0 s");
  BOOST_TEST(seconds_since(begin) < 5);
  BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1);  // no child is left
  BOOST_TEST(open_files() == files);
}

BOOST_AUTO_TEST_CASE(it_cannot_have_more_memory) {
  if (sanitized) return;
  const auto grab = [](const ToParent& parent) {
    std::vector<char> memory(std::size_t{200} << 20, 'x');
    parent.send(memory.data(), 1);
  };
  BOOST_TEST(ending({std::uint64_t{64} << 20, 5, 20}, grab) == "wanted more than 64 MB of memory");
  BOOST_TEST(ending({std::uint64_t{400} << 20, 5, 20}, grab) == "well");
}

BOOST_AUTO_TEST_CASE(what_the_parent_throws_is_passed_on_and_ends_it) {
  const auto talks = [](const ToParent& parent) {
    for (;;) parent.send("x", 1);
  };
  BOOST_CHECK_THROW(run_apart(usual, talks, [](FromChild&) { throw InputError("enough"); }), InputError);
  BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1);
}

// A program may wait for any child of its own, or have the system do it.
BOOST_AUTO_TEST_CASE(somebody_else_may_reap_it) {
  const auto old = std::signal(SIGCHLD, SIG_IGN);
  BOOST_TEST(ending(usual, [](const ToParent& parent) { parent.send("x", 1); }) == "well");
  BOOST_TEST(ending(usual, [](const ToParent&) { ::_exit(3); }) == "ended too early (code 0)");
  std::signal(SIGCHLD, old);
}

BOOST_AUTO_TEST_CASE(threads_that_work_meanwhile_do_not_notice) {
  const Folder folder;
  const Snapshots set = moving_points();
  write_snapshots(set, folder / "a.h5");
  const Tensor a = Stream(1, "a").normal({96, 96}, Dtype::f64);
  const Tensor right = multiply(a, a);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0}, rounds{0};
  std::thread work([&] {  // products, tensors and small allocations on all threads
    while (!stop) {
      parallel_for(16, [&](std::int64_t i) {
        const std::vector<std::string> clutter(static_cast<std::size_t>(10 + i), std::string(100, 'x'));
        if (!same_bits(multiply(a, a), right)) ++wrong;
      });
      ++rounds;
    }
  });
  const auto begin = std::chrono::steady_clock::now();
  int reads = 0;
  for (; reads < 100 && seconds_since(begin) < 20; ++reads)
    if (!equal(read_snapshots(folder / "a.h5"), set)) ++wrong;
  const double seconds = seconds_since(begin);
  stop = true;
  work.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST(rounds > 0);
  BOOST_TEST_MESSAGE(reads << " reads in " << seconds << " s, " << rounds << " rounds of products");
  BOOST_TEST(reads == 100);
}

BOOST_AUTO_TEST_CASE(several_threads_may_read_and_write) {
  const Folder folder;
  const Snapshots set = moving_points();
  std::atomic<int> wrong{0};
  parallel_for(8, [&](std::int64_t i) {
    const std::string path = folder / std::to_string(i);
    for (int k = 0; k < 5; ++k) {
      write_snapshots(set, path);
      if (!equal(read_snapshots(path), set)) ++wrong;
    }
  });
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_SUITE_END()
