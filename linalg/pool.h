// The memory pool: 64-byte-aligned blocks in size classes (four an octave), with intrusive counts.
// Small blocks are cached by thread, large ones in one shared list; nothing is given back to the
// system before exit, so that a loop that has warmed up allocates nothing. Under AddressSanitizer
// the pool is bypassed.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace lowtide {

namespace pool {

struct alignas(64) Block {  // the header; the payload follows it
  std::atomic<std::int32_t> references{1};
  std::int32_t size_class = 0;
  Block* next = nullptr;  // in a free list
  std::size_t system_bytes = 0;
  void* payload() { return this + 1; }
};

Block* allocate(std::size_t bytes);  // one reference
void release(Block* block);          // drops a reference; the last one frees

struct Stats {
  std::uint64_t system_allocations = 0;  // since the program began
  std::uint64_t reserved_bytes = 0;      // taken from the system and not given back
};
Stats stats();

}  // namespace pool

// A counted handle to a block.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t bytes) : block_(pool::allocate(bytes)) {}
  Buffer(const Buffer& other) : block_(other.block_) {
    if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Buffer(Buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Buffer() {
    if (block_) pool::release(block_);
  }

  explicit operator bool() const { return block_ != nullptr; }
  std::byte* bytes() const { return static_cast<std::byte*>(block_->payload()); }
  bool unique() const { return block_ && block_->references.load(std::memory_order_acquire) == 1; }

 private:
  pool::Block* block_ = nullptr;
};

// For standard containers whose memory should come from the pool.
template <class T>
struct PoolAllocator {
  using value_type = T;
  PoolAllocator() = default;
  template <class U>
  PoolAllocator(const PoolAllocator<U>&) {}
  T* allocate(std::size_t n) {
    if (n > (std::size_t{1} << 47) / sizeof(T)) throw std::bad_alloc();
    return static_cast<T*>(pool::allocate(n * sizeof(T))->payload());
  }
  void deallocate(T* p, std::size_t) { pool::release(reinterpret_cast<pool::Block*>(p) - 1); }
  friend bool operator==(PoolAllocator, PoolAllocator) { return true; }
};

template <class T>
using PoolVector = std::vector<T, PoolAllocator<T>>;

}  // namespace lowtide
