// The only door to threads: loops and reductions over pieces of work whose borders the caller
// fixes by the size of the problem. Reductions combine in a fixed tree, so results have the same
// bits on any number of threads. Behind the door is oneTBB, or std::thread for the sanitizer.
#pragma once
#include <cassert>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace lowtide {

int thread_count();

// Limits (or, beyond the number of cores, raises) the number of threads while it lives. One at a time.
class ThreadLimit {
 public:
  explicit ThreadLimit(int threads);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

namespace detail {
using IndexedTask = void (*)(void* context, std::int64_t index);
void run_for(std::int64_t n, IndexedTask task, void* context);
void run_both(IndexedTask task, void* context);  // task(0) and task(1)
}  // namespace detail

// body(i) for i in [0, n), in any order and on any thread. The first exception is passed on.
template <class Body>
void parallel_for(std::int64_t n, Body&& body) {
  using B = std::remove_reference_t<Body>;
  detail::run_for(
      n, [](void* b, std::int64_t i) { (*static_cast<B*>(b))(i); }, const_cast<std::remove_const_t<B>*>(&body));
}

// combine(...) over leaf(0) ... leaf(n-1) in a balanced tree that depends on n alone. The right value
// is moved into combine(left, right), which changes the left one. n must be at least 1.
template <class Leaf, class Combine>
auto tree_reduce(std::int64_t n, const Leaf& leaf, const Combine& combine) {
  using Value = decltype(leaf(std::int64_t{0}));
  struct Node {
    const Leaf& leaf;
    const Combine& combine;
    Value over(std::int64_t begin, std::int64_t end) const {
      if (end - begin == 1) return leaf(begin);
      const std::int64_t middle = begin + (end - begin + 1) / 2;
      Value halves[2];
      struct Context {
        const Node& node;
        Value* halves;
        std::int64_t begin, middle, end;
      } context{*this, halves, begin, middle, end};
      detail::run_both(
          [](void* c, std::int64_t side) {
            auto& x = *static_cast<Context*>(c);
            x.halves[side] = side == 0 ? x.node.over(x.begin, x.middle) : x.node.over(x.middle, x.end);
          },
          &context);
      combine(halves[0], std::move(halves[1]));
      return std::move(halves[0]);
    }
  };
  assert(n >= 1);
  return Node{leaf, combine}.over(0, n);
}

}  // namespace lowtide
