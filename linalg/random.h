// Random numbers by counting: Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as
// 1, 2, 3, 2011). Element i of a stream is a function of the stream's key and i alone, in whatever
// order, shape or thread it is asked for. Integers and uniform numbers have the same bits on every
// platform; normal ones go through log, cos and sin of the C library.
#pragma once
#include <lowtide/linalg/tensor.h>

#include <array>
#include <string_view>

namespace lowtide {

// Its two integers are all there is to save. The key is a hash of the seed and of the names that led
// here: 64-bit FNV-1a of a name, absorbed by the finalizer of SplitMix64.
struct Stream {
  std::uint64_t key = 0;
  std::uint64_t counter = 0;  // the element that the next drawing starts with

  Stream() = default;
  Stream(std::uint64_t seed, std::string_view name);
  // A stream of its own; it does not depend on what this one has drawn.
  Stream child(std::string_view name, std::uint64_t index = 0) const;

  // Element i.
  std::uint64_t bits(std::uint64_t i) const;
  double uniform(std::uint64_t i) const;  // in [0,1), a multiple of 2^-53
  double normal(std::uint64_t i) const;

  // The next elements, one for each number. An f32 tensor is the f64 one rounded.
  Tensor uniform(const Shape& shape, Dtype dtype, double lo = 0, double hi = 1);  // in [lo,hi)
  Tensor normal(const Shape& shape, Dtype dtype, double mean = 0, double deviation = 1);
  std::int64_t below(std::int64_t n);                    // in [0,n)
  PoolVector<std::int64_t> permutation(std::int64_t n);  // of 0 ... n-1
};

// One block of the generator, for its known answers.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

}  // namespace lowtide
