// A training step that has warmed up asks the system for no memory. All of malloc's family in this
// program is counted, whoever calls it.
#define BOOST_TEST_MODULE allocations
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/parallel.h>
#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "networks.h"

namespace {
std::atomic<bool> counting{false};
std::atomic<std::int64_t> allocations{0};
[[maybe_unused]] void count() {
  if (counting.load(std::memory_order_relaxed)) allocations.fetch_add(1, std::memory_order_relaxed);
}
}  // namespace

#if !defined(LOWTIDE_TEST_ASAN) && !defined(LOWTIDE_TEST_TSAN)
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t n) noexcept {
  count();
  return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) noexcept {
  count();
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) noexcept {
  count();
  return __libc_realloc(p, n);
}
void* memalign(std::size_t alignment, std::size_t n) noexcept {
  count();
  return __libc_memalign(alignment, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept { return memalign(alignment, n); }
int posix_memalign(void** p, std::size_t alignment, std::size_t n) noexcept {
  *p = memalign(alignment, n);
  return *p ? 0 : ENOMEM;
}
}
#endif

namespace lowtide::test {
namespace {

struct Counted {
  std::int64_t allocations;
  std::uint64_t from_pool;
};

template <class F>
Counted count_in(int times, const F& f) {
  const std::uint64_t before = pool::stats().system_allocations;
  allocations = 0;
  counting = true;
  for (int i = 0; i < times; ++i) f();
  counting = false;
  return {allocations.load(), pool::stats().system_allocations - before};
}

// One step of gradient descent, in place.
void descend(Tensors& params, const Tensor& points) {
  const auto [value, slope] =
      value_and_grad([&](const Vars& p) { return mixed_misfit(p, points, 50); }, params);
  for (std::size_t k = 0; k < params.size(); ++k)
    blas::axpy(params[k].size(), -1e-4f, slope[k].data<float>(), params[k].mutable_data<float>());
}

constexpr bool counted = !under_asan && !under_tsan;

}  // namespace

BOOST_AUTO_TEST_CASE(is_it_counted) {
  BOOST_TEST(true);
  if (!counted) std::puts("NOT TESTED: sanitizers have an allocator of their own");
}

BOOST_AUTO_TEST_SUITE(allocations_of_a_step, *boost::unit_test::enable_if<counted>())

BOOST_AUTO_TEST_CASE(are_counted) {
  int* volatile p = nullptr;
  const auto new_and_delete = [&] {
    p = new int(3);
    delete p;
  };
  BOOST_TEST(count_in(10, new_and_delete).allocations == 10);
  BOOST_TEST(count_in(3, [] { std::free(std::aligned_alloc(64, 128)); }).allocations == 3);
  Buffer(std::size_t{50} << 20);
  BOOST_TEST(count_in(1, [] { Buffer(std::size_t{77} << 20); }).allocations == 1);
  BOOST_TEST(count_in(1, [] { Buffer(std::size_t{77} << 20); }).allocations == 0);
}

BOOST_AUTO_TEST_CASE(none_on_one_thread) {
  const ThreadLimit limit(1);
  Tensors params = mixed(32, 4, Dtype::f32);
  const Tensor points = uniform({700, 2}, "points", Dtype::f32);
  for (int i = 0; i < 20; ++i) descend(params, points);
  const std::byte* const place = params[0].buffer.bytes();
  const Counted step = count_in(200, [&] { descend(params, points); });
  BOOST_TEST(step.allocations == 0);
  BOOST_TEST(step.from_pool == 0u);
  BOOST_TEST((params[0].buffer.bytes() == place));  // updated in place

  const Tensors vs = uniform_like(params, "v");
  const auto second = [&] { hvp([&](const Vars& p) { return mixed_misfit(p, points, 50); }, params, vs); };
  for (int i = 0; i < 20; ++i) second();
  BOOST_TEST(count_in(100, second).allocations == 0);

  // Untiled, with every sweep and a function that is linearized.
  const auto untiled = [&] {
    const auto f = [&](const Vars& p) { return run_mixed(p, Var(points)); };
    const Linearization linear(f, params);
    linear.pull(linear.push(vs));
  };
  for (int i = 0; i < 20; ++i) untiled();
  BOOST_TEST(count_in(100, untiled).allocations == 0);
}

// The scheduler's own tasks count as well. While tiles fall together as never before, the pool grows; it
// must come to an end.
BOOST_AUTO_TEST_CASE(none_on_two_threads) {
  const ThreadLimit limit(2);
  Tensors params = mixed(32, 4, Dtype::f32);
  const Tensor points = uniform({700, 2}, "points", Dtype::f32);
  Counted steps{1, 0};
  int rounds = 0;
  for (; steps.allocations > 0 && rounds < 30; ++rounds) {
    steps = count_in(200, [&] { descend(params, points); });
    BOOST_TEST_MESSAGE("200 steps on two threads: " << steps.allocations << " allocations, " << steps.from_pool
                                                    << " of them for the pool");
  }
  BOOST_TEST(steps.allocations == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
