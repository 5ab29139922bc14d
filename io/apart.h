// Work that may crash, hang or eat the memory, such as a foreign library on a damaged file: done in a
// forked child with limits, which sends plain bytes back.
#pragma once
#include <lowtide/linalg/error.h>
#include <lowtide/linalg/function_ref.h>

#include <cstddef>
#include <cstdint>

namespace lowtide {

struct ApartLimits {
  std::uint64_t memory;  // bytes beyond what this process has now
  double cpu_seconds;
  double wall_seconds;
};

// How the child ended, as the end of a sentence: "crashed (signal 11)", "took longer than 2 s".
struct ApartError : Error {
  using Error::Error;
};

class ToParent {
 public:
  explicit ToParent(int fd) : fd_(fd) {}
  void send(const void* bytes, std::size_t count) const;  // ends the child if nobody listens any more

 private:
  int fd_;
};

class FromChild {
 public:
  FromChild(int fd, std::int64_t deadline) : fd_(fd), deadline_(deadline) {}
  void receive(void* bytes, std::size_t count);

 private:
  int fd_;
  std::int64_t deadline_;  // milliseconds of the steady clock
};

// Runs `child` in a child process and `parent` here; returns when parent has, with the child gone. What
// parent throws is passed on; ApartError if the child ends before parent has received what it asks for.
// Other threads of this process do not exist in the child, but their locks do: it may use malloc and its
// pipe, not tensors (whose pool has a lock), not parallel loops, not BLAS.
void run_apart(const ApartLimits& limits, FunctionRef<void(const ToParent&)> child,
               FunctionRef<void(FromChild&)> parent);

}  // namespace lowtide
