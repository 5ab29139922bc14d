#include <lowtide/linalg/parallel.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "check.h"

namespace lowtide::test {
namespace {

// How many threads are inside the body of a loop at once. Each waits until `expected` have come, or
// for a while.
int threads_together(int expected) {
  std::atomic<int> inside{0};
  std::mutex mutex;
  std::set<std::thread::id> seen;
  parallel_for(4 * expected, [&](std::int64_t) {
    ++inside;
    {
      std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
    }
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (inside < expected && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  });
  return static_cast<int>(seen.size());
}

// A sum whose bits depend on the order of addition.
Tensor sum_of(std::int64_t n) {
  return tree_reduce(
      n,
      [](std::int64_t i) {
        return Stream(1, "leaves")
            .child("leaf", static_cast<std::uint64_t>(i))
            .normal({100}, Dtype::f32, 0, 1e3);
      },
      [](Tensor& left, const Tensor& right) {
        blas::axpy<float>(100, 1, right.data<float>(), left.mutable_data<float>());
      });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(parallel)

BOOST_AUTO_TEST_CASE(every_index_once) {
  for (int threads : {1, 2, 5})
    for (std::int64_t n : {0, 1, 2, 1000}) {
      ThreadLimit limit(threads);
      BOOST_TEST(thread_count() == threads);
      std::vector<std::atomic<int>> visits(static_cast<std::size_t>(n));
      parallel_for(n, [&](std::int64_t i) { ++visits[static_cast<std::size_t>(i)]; });
      for (const auto& v : visits) BOOST_TEST(v == 1);
    }
}

BOOST_AUTO_TEST_CASE(limit_is_the_number_of_threads) {
  const int before = thread_count();
  for (int threads : {1, 2, 4, 8}) {
    ThreadLimit limit(threads);
    BOOST_TEST(threads_together(threads) == threads);
  }
  BOOST_TEST(thread_count() == before);
  BOOST_TEST(!thrown<Error>([] { ThreadLimit none(0); }).empty());
  BOOST_TEST(!thrown<Error>([] { ThreadLimit less(-2); }).empty());
  BOOST_TEST(thread_count() == before);
}

BOOST_AUTO_TEST_CASE(reductions_have_the_same_bits_on_any_number_of_threads) {
  for (std::int64_t n : {1, 2, 3, 7, 32, 501}) {
    const Tensor alone = [&] {
      ThreadLimit limit(1);
      return sum_of(n);
    }();
    for (int threads : {2, 3, 8, 16}) {
      ThreadLimit limit(threads);
      for (int repeat = 0; repeat < 3; ++repeat) BOOST_TEST(same_bits(sum_of(n), alone));
    }
  }
  // The order matters to these bits: a plain loop gets others.
  Tensor loop = Stream(1, "leaves").child("leaf", 0).normal({100}, Dtype::f32, 0, 1e3);
  for (std::uint64_t i = 1; i < 501; ++i) {
    const Tensor leaf = Stream(1, "leaves").child("leaf", i).normal({100}, Dtype::f32, 0, 1e3);
    blas::axpy<float>(100, 1, leaf.data<float>(), loop.mutable_data<float>());
  }
  BOOST_TEST(!same_bits(loop, sum_of(501)));
  BOOST_TEST(gap(loop, sum_of(501)) < 1);
}

BOOST_AUTO_TEST_CASE(reductions_keep_the_order) {
  ThreadLimit limit(4);
  for (std::int64_t n : {1, 2, 5, 26}) {
    const std::string text = tree_reduce(
        n, [](std::int64_t i) { return std::string(1, static_cast<char>('a' + i)); },
        [](std::string& left, std::string right) { left += right; });
    BOOST_TEST(text == std::string("abcdefghijklmnopqrstuvwxyz").substr(0, static_cast<std::size_t>(n)));
  }
}

BOOST_AUTO_TEST_CASE(exceptions_come_through) {
  for (int threads : {1, 2, 8}) {
    ThreadLimit limit(threads);
    BOOST_TEST(thrown<ShapeError>([] {
                 parallel_for(100, [](std::int64_t i) {
                   if (i == 63) fail<ShapeError>("body", "63");
                 });
               }) == "[body] 63");
    for (std::int64_t culprit : {0, 1, 17, 30}) {
      BOOST_TEST(
          thrown<SolverError>([&] {
            tree_reduce(
                31,
                [&](std::int64_t i) { return i == culprit ? (fail<SolverError>("leaf", "broken"), 0.0) : 1.0; },
                [](double& left, double right) { left += right; });
          }) == "[leaf] broken");
    }
    BOOST_TEST(!thrown<SolverError>([&] {
                  tree_reduce(
                      8, [](std::int64_t) { return 1.0; },
                      [](double& left, double right) {
                        left += right > 1 ? (fail<SolverError>("combine", "broken"), 0.0) : right;
                      });
                }).empty());
    // And the loops still work.
    BOOST_TEST(tree_reduce(
                   9, [](std::int64_t) { return 1; }, [](int& left, int right) { left += right; }) == 9);
  }
}

BOOST_AUTO_TEST_CASE(loops_may_nest) {
  ThreadLimit limit(4);
  std::atomic<int> count{0};
  parallel_for(10, [&](std::int64_t) {
    parallel_for(10, [&](std::int64_t) {
      count += tree_reduce(
          5, [](std::int64_t) { return 1; }, [](int& left, int right) { left += right; });
    });
  });
  BOOST_TEST(count == 500);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
