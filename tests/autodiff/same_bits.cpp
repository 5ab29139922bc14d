// A tiled loss, its gradient and its second derivatives have the same bits on any number of threads.
// OpenBLAS has other kernels for other processors, whose sums depend on how rows are split: ctest runs
// this once for each of them (on_core.py).
#include <lowtide/linalg/blas.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>

#include "networks.h"

namespace lowtide::test {
namespace {

constexpr int thread_counts[] = {1, 2, 3, 4, 8, 16};
constexpr int repeats = 3;

std::uint64_t checksum(const Tensors& xs) {  // 64-bit FNV-1a
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const Tensor& x : xs)
    for (const double v : to_vector(x)) {
      unsigned char bytes[sizeof v];
      std::memcpy(bytes, &v, sizeof v);
      for (const unsigned char b : bytes) hash = (hash ^ b) * 0x100000001b3u;
    }
  return hash;
}

bool same(const Tensors& a, const Tensors& b) {
  bool result = a.size() == b.size();
  for (std::size_t k = 0; k < a.size() && result; ++k) result = same_bits(a[k], b[k]);
  return result;
}

// f() on every number of threads gives what it gives on one.
template <class F>
Tensors same_on_any_number(const char* what, const F& f) {
  const Tensors alone = [&] {
    const ThreadLimit limit(1);
    return f();
  }();
  for (const int threads : thread_counts)
    for (int repeat = 0; repeat < repeats; ++repeat) {
      const ThreadLimit limit(threads);
      BOOST_TEST(same(f(), alone), what << " on " << threads << " threads");
    }
  BOOST_TEST_MESSAGE(blas::core_name() << ", " << what << ": " << checksum(alone));
  return alone;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(same_bits_suite)

BOOST_AUTO_TEST_CASE(kernels_are_those_asked_for) {
  const char* wish = std::getenv("OPENBLAS_CORETYPE");
  BOOST_TEST_MESSAGE("OpenBLAS kernels: " << blas::core_name() << (wish ? ", as asked" : ""));
  BOOST_TEST(std::string_view(blas::core_name()) == (wish ? wish : blas::core_name()));
}

BOOST_AUTO_TEST_CASE(tiles_run_at_once) {
  for (const int threads : thread_counts) {
    const ThreadLimit limit(threads);
    std::atomic<int> inside{0}, most{0};
    std::mutex mutex;
    std::set<std::thread::id> seen;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    sum_over_tiles(Tiles{64, 1}, {Var(uniform({3}, "x"))}, [&](const Vars& args, const Tile&) {
      {
        const std::lock_guard lock(mutex);
        seen.insert(std::this_thread::get_id());
        most = std::max<int>(most, ++inside);
      }
      while (most < threads && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
      --inside;
      return sum(args[0]);
    });
    BOOST_TEST(most == threads);
    BOOST_TEST(seen.size() >= static_cast<std::size_t>(threads));
  }
}

BOOST_AUTO_TEST_CASE(loss_gradient_and_second_derivatives) {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    const Tensors params = mixed(30, 5, dtype), v = uniform_like(params, "v");
    const Tensor points = uniform({1003, 2}, "points", dtype);
    const auto loss = [&](const Vars& p) { return mixed_misfit(p, points, 50); };
    const Tensors all = same_on_any_number(dtype == Dtype::f32 ? "f32" : "f64", [&] {
      auto [value, slope] = value_and_grad(loss, params);
      auto product = hvp(loss, params, v).product;
      slope.insert(slope.end(), product.begin(), product.end());
      slope.push_back(scalar(value, Dtype::f64));
      return slope;
    });
    // The order of sums does matter to these bits: with other tiles they are others.
    const auto other = value_and_grad([&](const Vars& p) { return mixed_misfit(p, points, 51); }, params);
    BOOST_TEST(
        !same(other.gradient, Tensors(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(params.size()))));
    BOOST_TEST(
        gap(other.gradient, Tensors(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(params.size()))) <
        (dtype == Dtype::f32 ? 1e-4 : 1e-12));
  }
}

// Large gradients share buffers between tiles.
BOOST_AUTO_TEST_CASE(many_parameters) {
  const Tensors params = dense({2, 260, 1100, 1}, Dtype::f32, 0.1);
  const Tensor points = uniform({90, 2}, "points", Dtype::f32);
  same_on_any_number("many parameters", [&] {
    const auto loss = [&](const Vars& p) {
      return sum_over_tiles(Tiles{90, 4}, p, [points](const Vars& q, const Tile& tile) {
        return sum(square(run(q, Var(tile.rows(points)), tanh)));
      });
    };
    return value_and_grad(loss, params).gradient;
  });
}

BOOST_AUTO_TEST_CASE(a_training_of_200_steps) {
  same_on_any_number("200 steps", [] {
    Tensors params = mixed(12, 3, Dtype::f32);
    const Tensor points = uniform({300, 2}, "points", Dtype::f32);
    for (int step = 0; step < 200; ++step) {
      const auto slope =
          value_and_grad([&](const Vars& p) { return mixed_misfit(p, points, 20); }, params).gradient;
      for (std::size_t k = 0; k < params.size(); ++k)
        blas::axpy(params[k].size(), -1e-4f, slope[k].data<float>(), params[k].mutable_data<float>());
    }
    return params;
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
