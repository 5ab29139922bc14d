#include <lowtide/linalg/pool.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <mutex>

#if defined(__SANITIZE_ADDRESS__)
#define LOWTIDE_POOL_BYPASSED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOWTIDE_POOL_BYPASSED 1
#endif
#endif

namespace lowtide::pool {
namespace {

constexpr std::size_t grain = 64;
constexpr int small_classes = 34;   // up to 32 KiB: cached by thread
constexpr int pooled_classes = 86;  // up to 256 MiB: kept for reuse
constexpr int cached_per_class = 64;

// Classes are 1,2,3,4 grains, then four an octave: 5,6,7,8, 10,12,14,16, ...
int class_of(std::size_t bytes) {
  const std::size_t grains = bytes <= grain ? 1 : (bytes + grain - 1) / grain;
  if (grains <= 4) return static_cast<int>(grains) - 1;
  const int octave = std::bit_width(grains - 1) - 3;  // grains in (4 << octave, 8 << octave]
  return 4 * octave + static_cast<int>((grains - 1) >> octave);
}

std::size_t bytes_of(int size_class) {
  if (size_class < 4) return grain * static_cast<std::size_t>(size_class + 1);
  const int octave = size_class / 4 - 1;
  return grain * ((static_cast<std::size_t>(size_class % 4) + 5) << octave);
}

std::atomic<std::uint64_t> system_allocations{0};
std::atomic<std::uint64_t> reserved_bytes{0};

Block* from_system(std::size_t payload, int size_class) {
  const std::size_t bytes = payload + sizeof(Block);
  void* memory = std::aligned_alloc(grain, bytes);
  if (!memory) throw std::bad_alloc();
  system_allocations.fetch_add(1, std::memory_order_relaxed);
  reserved_bytes.fetch_add(bytes, std::memory_order_relaxed);
  Block* block = new (memory) Block;
  block->size_class = size_class;
  block->system_bytes = bytes;
  return block;
}

struct FreeList {
  Block* head = nullptr;
  int length = 0;
  void push(Block* b) {
    b->next = head;
    head = b;
    ++length;
  }
  Block* pop() {
    Block* b = head;
    if (b) head = b->next, --length;
    return b;
  }
};

struct Shared {
  std::mutex mutex;
  std::array<FreeList, pooled_classes> lists;
};
Shared& shared() {
  static Shared* s = new Shared;  // never destroyed: buffers may outlive every static
  return *s;
}

// Trivially destructible, so that it can be used after the thread's other locals are gone.
struct ThreadCache {
  std::array<FreeList, small_classes> lists;
  bool closed;
};
thread_local constinit ThreadCache cache{};

struct CacheCloser {
  ~CacheCloser() {
    cache.closed = true;
    std::lock_guard lock(shared().mutex);
    for (int c = 0; c < small_classes; ++c)
      while (Block* b = cache.lists[static_cast<std::size_t>(c)].pop())
        shared().lists[static_cast<std::size_t>(c)].push(b);
  }
};
thread_local CacheCloser closer;

[[maybe_unused]] Block* reuse(std::size_t size_class) {
  if (size_class < small_classes && !cache.closed)
    if (Block* b = cache.lists[size_class].pop()) return b;
  std::lock_guard lock(shared().mutex);
  return shared().lists[size_class].pop();
}

[[maybe_unused]] void keep(Block* block) {
  const auto c = static_cast<std::size_t>(block->size_class);
  if (c < small_classes && !cache.closed && cache.lists[c].length < cached_per_class) {
    (void)&closer;  // registers the thread's destructor
    cache.lists[c].push(block);
    return;
  }
  std::lock_guard lock(shared().mutex);
  shared().lists[c].push(block);
}

}  // namespace

#ifdef LOWTIDE_POOL_BYPASSED
constexpr bool bypassed = true;
#else
constexpr bool bypassed = false;
#endif

Block* allocate(std::size_t bytes) {
  const int c = class_of(bytes);
  if (bypassed || c >= pooled_classes) return from_system((bytes + grain - 1) / grain * grain, pooled_classes);
  Block* b = reuse(static_cast<std::size_t>(c));
  if (!b) return from_system(bytes_of(c), c);
  b->references.store(1, std::memory_order_relaxed);
  return b;
}

void release(Block* block) {
  if (block->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (block->size_class < pooled_classes) return keep(block);
  reserved_bytes.fetch_sub(block->system_bytes, std::memory_order_relaxed);
  block->~Block();
  std::free(block);
}

Stats stats() {
  return {system_allocations.load(std::memory_order_relaxed), reserved_bytes.load(std::memory_order_relaxed)};
}

}  // namespace lowtide::pool
