// Memory that does not grow. What a training step allocates is counted in allocations.cpp.
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>

#include "networks.h"

namespace lowtide::test {
namespace {

const auto pooled =
    boost::unit_test::enable_if<!under_asan>();  // AddressSanitizer sees no pool, and keeps what is freed

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

struct Growth {
  std::uint64_t reserved, allocations, resident;
};

// step() many times: what the process takes after the first `warm_up` of them.
template <class F>
Growth growth(int steps, int warm_up, const F& step) {
  Growth before{};
  const auto now = [] {
    const pool::Stats stats = pool::stats();
    return Growth{stats.reserved_bytes, stats.system_allocations, resident_bytes()};
  };
  for (int i = 0; i < steps; ++i) {
    if (i == warm_up) before = now();
    step(i);
  }
  const Growth after = now();
  return {after.reserved - before.reserved, after.allocations - before.allocations,
          after.resident - std::min(before.resident, after.resident)};
}

constexpr std::uint64_t slack = under_tsan ? 16 << 20 : 1 << 20;  // of the C library's own, and the sanitizer's

}  // namespace

BOOST_AUTO_TEST_CASE(is_there_a_pool) {
  BOOST_TEST(true);
  if (under_asan) std::puts("NOT TESTED: memory that does not grow, since AddressSanitizer bypasses the pool");
}

BOOST_AUTO_TEST_SUITE(memory, *pooled)

BOOST_AUTO_TEST_CASE(a_hundred_thousand_steps_of_second_order) {
  const Tensors params = dense({2, 4, 3, 1}), vs = uniform_like(params, "v");
  const Tensor points = uniform({5, 2}, "points");
  constexpr int steps = under_tsan ? 5000 : 100000;
  const Growth g = growth(steps, 1000, [&](int i) {
    Tape tape;
    const Vars xs = leaves_on(tape, params);
    const Var y = sum(square(run(xs, Var(points), i % 2 ? tanh : sin)));
    const Vars slope = gradient(y, xs, Graph::keep);
    Var along = dot(slope[0], Var(vs[0]));
    for (std::size_t k = 1; k < xs.size(); ++k) along = along + dot(slope[k], Var(vs[k]));
    gradient(along, xs, i % 3 ? Graph::drop : Graph::consume);
  });
  BOOST_TEST(g.reserved == 0u);
  BOOST_TEST(g.allocations == 0u);
  BOOST_TEST(g.resident <= slack);
  BOOST_TEST_MESSAGE(steps << " steps of second order: " << g.reserved << " bytes reserved, " << g.resident
                           << " resident");
}

// Values and what ops keep (here what a tile function has captured) live no longer than the tape needs them.
BOOST_AUTO_TEST_CASE(a_tape_lets_go) {
  Tensor x = uniform({3}, "x");
  std::weak_ptr<int> kept;
  const auto write = [&](Tape& tape) {
    const auto captured = std::make_shared<int>(1);
    kept = captured;
    const Var leaf = tape.leaf(x), y = 2.0 * leaf;
    return std::pair(leaf, sum_over_tiles(Tiles{2}, {y}, [captured](const Vars& args, const Tile&) {
                       return *captured * sum(args[0]);
                     }));
  };
  {
    Tape tape;
    write(tape);
    BOOST_TEST(!kept.expired());
    BOOST_TEST(!x.buffer.unique());
  }
  BOOST_TEST(kept.expired());
  BOOST_TEST(x.buffer.unique());
  Tape tape;
  write(tape);
  tape.clear();
  BOOST_TEST(kept.expired());
  BOOST_TEST(x.buffer.unique());
  const auto [leaf, y] = write(tape);
  gradient(y, {leaf}, Graph::consume);
  BOOST_TEST(kept.expired());
}

// One tape for all steps; Vars of steps before stay alive for a while.
BOOST_AUTO_TEST_CASE(a_tape_that_is_cleared) {
  Tape tape;
  Vars old;
  const Growth g = growth(20000, 1000, [&](int) {
    tape.clear();
    const Var x = tape.leaf(uniform({50}, "x"));
    Var y = x;
    for (int k = 0; k < 300; ++k) y = sin(y);  // several chunks of nodes
    old = gradient(sum(y), {x}, Graph::keep);
  });
  BOOST_TEST(g.reserved == 0u);
  BOOST_TEST(g.resident <= slack);
}

// Sweeps that throw half-way leave nothing behind.
BOOST_AUTO_TEST_CASE(errors_leave_nothing_behind) {
  const Tensor x = uniform({200}, "x");
  const Growth g = growth(20000, 1000, [&](int) {
    BOOST_CHECK_THROW(value_and_grad(
                          [](const Vars& v) {
                            const Var y = sqrt(square(v[0]));
                            return sum(matmul(y, y));  // not matrices
                          },
                          Tensors{x}),
                      ShapeError);
    BOOST_CHECK_THROW(value_and_grad([](const Vars& v) { return sum(sqrt(v[0] - v[0])); }, Tensors{x}),
                      NonFiniteError);
  });
  BOOST_TEST(g.reserved == 0u);
  BOOST_TEST(g.resident <= 4 * slack);
}

// A tiled loss on two threads, of second order: caches of both threads fill up, and then no more.
BOOST_AUTO_TEST_CASE(tiles_on_two_threads) {
  const ThreadLimit limit(2);
  const Tensors params = mixed(8, 3, Dtype::f32), vs = uniform_like(params, "v");
  const Tensor points = uniform({64, 2}, "points", Dtype::f32);
  const auto loss = [&](const Vars& p) { return mixed_misfit(p, points, 8); };
  const Growth g = growth(5000, 2000, [&](int) { hvp(loss, params, vs); });
  BOOST_TEST(g.reserved <= 64u * 1024);  // how tiles are dealt out is up to the scheduler
  BOOST_TEST(g.resident <= slack);
  BOOST_TEST_MESSAGE("3,000 tiled steps of second order on two threads: " << g.reserved << " bytes reserved");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
