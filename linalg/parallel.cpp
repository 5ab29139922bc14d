#include <fmt/format.h>
#include <lowtide/linalg/error.h>
#include <lowtide/linalg/parallel.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace lowtide {
namespace {
int checked_limit(int threads) {
  if (threads < 1) fail<Error>("ThreadLimit", fmt::format("{} threads: at least one is needed", threads));
  return threads;
}
}  // namespace
}  // namespace lowtide

#ifdef LOWTIDE_PARALLEL_THREADS

namespace lowtide {
namespace {
std::atomic<int> limit{0};    // 0: as many as there are cores
std::atomic<int> helpers{0};  // threads running beside the callers
}  // namespace

struct ThreadLimit::Impl {
  int before;
};
ThreadLimit::ThreadLimit(int threads) : impl_(new Impl{limit.exchange(checked_limit(threads))}) {}
ThreadLimit::~ThreadLimit() { limit = impl_->before; }

int thread_count() {
  const int n = limit.load();
  return n > 0 ? n : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

namespace detail {

void run_for(std::int64_t n, IndexedTask task, void* context) {
  std::atomic<std::int64_t> next{0};
  std::exception_ptr first;
  std::mutex mutex;
  auto work = [&] {
    try {
      for (std::int64_t i = next++; i < n; i = next++) task(context, i);
    } catch (...) {
      std::lock_guard lock(mutex);
      if (!first) first = std::current_exception();
      next = n;
    }
  };
  std::vector<std::thread> threads;
  for (int t = 1; t < thread_count() && t < n; ++t) threads.emplace_back(work);
  work();
  for (auto& t : threads) t.join();
  if (first) std::rethrow_exception(first);
}

void run_both(IndexedTask task, void* context) {
  if (helpers.fetch_add(1) >= thread_count() - 1) {
    helpers.fetch_sub(1);
    task(context, 0);
    task(context, 1);
    return;
  }
  std::exception_ptr left, right;
  std::thread thread([&] {
    try {
      task(context, 1);
    } catch (...) {
      right = std::current_exception();
    }
  });
  try {
    task(context, 0);
  } catch (...) {
    left = std::current_exception();
  }
  thread.join();
  helpers.fetch_sub(1);
  if (left || right) std::rethrow_exception(left ? left : right);
}

}  // namespace detail
}  // namespace lowtide

#else

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/parallel_invoke.h>
#include <oneapi/tbb/task_arena.h>

namespace lowtide {
namespace {
std::atomic<tbb::task_arena*> limited{nullptr};

// Inside the arena of the limit, if there is one: without an arena of its own TBB never runs more
// threads than there are cores.
template <class F>
void inside(const F& f) {
  if (tbb::task_arena* arena = limited.load())
    arena->execute(f);
  else
    f();
}
}  // namespace

struct ThreadLimit::Impl {
  explicit Impl(int threads)
      : control(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads)),
        arena(threads),
        before(limited.exchange(&arena)) {}
  ~Impl() { limited = before; }
  tbb::global_control control;
  tbb::task_arena arena;
  tbb::task_arena* before;
};
ThreadLimit::ThreadLimit(int threads) : impl_(new Impl(checked_limit(threads))) {}
ThreadLimit::~ThreadLimit() = default;

int thread_count() {
  const tbb::task_arena* arena = limited.load();
  return arena ? arena->max_concurrency() : tbb::this_task_arena::max_concurrency();
}

namespace detail {

void run_for(std::int64_t n, IndexedTask task, void* context) {
  inside([&] { tbb::parallel_for(std::int64_t{0}, n, [&](std::int64_t i) { task(context, i); }); });
}

void run_both(IndexedTask task, void* context) {
  inside([&] { tbb::parallel_invoke([&] { task(context, 0); }, [&] { task(context, 1); }); });
}

}  // namespace detail
}  // namespace lowtide

#endif
