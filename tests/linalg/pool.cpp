#include <lowtide/linalg/pool.h>

#include <cstring>
#include <mutex>
#include <thread>

#include "check.h"

#if defined(__SANITIZE_ADDRESS__)
#define BYPASSED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BYPASSED true
#endif
#endif
#ifndef BYPASSED
#define BYPASSED false
#endif

namespace lowtide::test {
namespace {

const auto pooled = boost::unit_test::enable_if<!BYPASSED>();  // AddressSanitizer sees no pool
const std::size_t sizes[] = {0, 1, 63, 64, 65, 1000, 4096, 32768, 32769, 100000, 3000000};

// f(round) many times; what the pool took from the system after the first tenth of them.
template <class F>
std::uint64_t growth(int rounds, const F& f) {
  std::uint64_t before = 0;
  for (int r = 0; r < rounds; ++r) {
    if (r == rounds / 10) before = pool::stats().system_allocations;
    f(r);
  }
  return pool::stats().system_allocations - before;
}

void fill(const Buffer& b, std::size_t bytes, int value) {
  if (bytes) std::memset(b.bytes(), value, bytes);
}
bool holds(const Buffer& b, std::size_t bytes, int value) {
  for (std::size_t i = 0; i < bytes; ++i)
    if (b.bytes()[i] != static_cast<std::byte>(value)) return false;
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(memory_pool)

BOOST_AUTO_TEST_CASE(aligned_and_disjoint) {
  std::vector<std::pair<Buffer, std::size_t>> live;
  for (int round = 0; round < 3; ++round)
    for (std::size_t bytes : sizes) {
      live.emplace_back(Buffer(bytes), bytes);
      BOOST_TEST(reinterpret_cast<std::uintptr_t>(live.back().first.bytes()) % 64 == 0u);
      fill(live.back().first, bytes, static_cast<int>(live.size()));
    }
  for (std::size_t i = 0; i < live.size(); ++i)
    BOOST_TEST(holds(live[i].first, live[i].second, static_cast<int>(i + 1)));
}

BOOST_AUTO_TEST_CASE(counts) {
  Buffer a(100);
  BOOST_TEST(a.unique());
  Buffer b = a;
  BOOST_TEST(!a.unique());
  BOOST_TEST(b.bytes() == a.bytes());
  Buffer c = std::move(b);
  BOOST_TEST(!b);
  BOOST_TEST(!b.unique());
  c = Buffer();
  BOOST_TEST(a.unique());
  a = *&a;
  BOOST_TEST(a.unique());
}

BOOST_AUTO_TEST_CASE(no_growth_after_warm_up, *pooled) {
  BOOST_TEST(growth(100, [](int) {
               std::vector<Buffer> live;
               for (int i = 0; i < 20; ++i)
                 for (std::size_t bytes : sizes) live.emplace_back(bytes);
             }) == 0u);
  // More of one class than a thread caches.
  BOOST_TEST(growth(50, [](int) {
               std::vector<Buffer> live;
               for (int i = 0; i < 500; ++i) live.emplace_back(1000);
             }) == 0u);
  BOOST_TEST(growth(100, [](int r) { ones({r % 10 + 1, 1000}, Dtype::f32).cast(Dtype::f64).clone(); }) == 0u);
}

BOOST_AUTO_TEST_CASE(threads_share_what_they_leave, *pooled) {
  BOOST_TEST(growth(200, [](int) {
               std::thread([] {
                 std::vector<Buffer> live;
                 for (int i = 0; i < 30; ++i)
                   for (std::size_t bytes : sizes) live.emplace_back(bytes);
               }).join();
             }) == 0u);
  // Taken on one thread and released on another, for ever.
  BOOST_TEST(growth(300, [](int) {
               std::vector<Buffer> made;
               std::thread([&] {
                 for (int i = 0; i < 100; ++i) made.emplace_back(500);
               }).join();
               std::thread([taken = std::move(made)]() mutable { taken.clear(); }).join();
             }) == 0u);
}

BOOST_AUTO_TEST_CASE(many_threads_at_once) {
  std::atomic<int> corrupted{0};
  std::mutex mutex;
  std::vector<std::pair<Buffer, int>> exchange;  // one thread's blocks are another's to release
  auto work = [&](int seed) {
    Stream rng(static_cast<std::uint64_t>(seed), "pool");
    for (int i = 0; i < 3000; ++i) {
      const std::size_t bytes = 1000 + static_cast<std::size_t>(rng.below(3000));
      Buffer b(bytes);
      const int mark = static_cast<int>(rng.below(255)) + 1;
      fill(b, bytes, mark);
      Buffer other = b;
      std::lock_guard lock(mutex);
      exchange.emplace_back(std::move(other), mark);
      if (exchange.size() > 50) {
        const auto at = static_cast<std::size_t>(rng.below(50));
        corrupted += !holds(exchange[at].first, 1000, exchange[at].second);
        exchange[at] = std::move(exchange.back());
        exchange.pop_back();
      }
      corrupted += !holds(b, bytes, mark);
    }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) threads.emplace_back(work, t);
  for (std::thread& t : threads) t.join();
  for (const auto& [b, mark] : exchange) corrupted += !holds(b, 1000, mark);
  BOOST_TEST(corrupted == 0);
}

// Blocks of all sizes given back are found again by requests of the same size: little is wasted.
BOOST_AUTO_TEST_CASE(classes_waste_at_most_a_quarter, *pooled) {
  for (std::size_t bytes = 300; bytes < 200000000; bytes = bytes * 5 / 3) {
    const std::uint64_t before = pool::stats().reserved_bytes;
    std::vector<Buffer> live;
    for (int i = 0; i < 3 && pool::stats().reserved_bytes == before; ++i) live.emplace_back(bytes);
    const std::uint64_t taken = pool::stats().reserved_bytes - before;
    BOOST_TEST((taken == 0 ||
                (taken >= bytes && static_cast<double>(taken) <= 1.25 * static_cast<double>(bytes) + 128)));
  }
}

// A power of two is a class of its own.
BOOST_AUTO_TEST_CASE(powers_of_two_waste_nothing, *pooled) {
  for (std::size_t bytes = 64; bytes <= 65536; bytes *= 2) {
    const std::uint64_t before = pool::stats().reserved_bytes;
    std::vector<Buffer> live;
    while (pool::stats().reserved_bytes == before) live.emplace_back(bytes);
    BOOST_TEST(pool::stats().reserved_bytes - before == bytes + sizeof(pool::Block));
  }
}

BOOST_AUTO_TEST_CASE(containers) {
  PoolVector<int> v;
  for (int i = 0; i < 1000; ++i) v.push_back(i);
  BOOST_TEST(v[999] == 999);
  BOOST_TEST((thrown<std::bad_alloc>([] { PoolAllocator<double>().allocate(std::size_t{1} << 60); }).empty() ==
              false));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
