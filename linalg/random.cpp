#include <Random123/philox.h>
#include <fmt/format.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/linalg/random.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace lowtide {
namespace {

constexpr std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325;
  for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return h;
}

// The finalizer of SplitMix64: one to one, and every input bit reaches every output bit.
constexpr std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

constexpr std::uint64_t absorb(std::uint64_t hash, std::uint64_t word) {
  return mixed(mixed(hash + 0x9e3779b97f4a7c15) ^ word);
}

struct Pair {
  std::uint64_t even, odd;
};
struct NormalPair {
  double even, odd;
};

// A block of 128 bits holds elements 2 j and 2 j + 1.
Pair block(std::uint64_t key, std::uint64_t j) {
  const auto r = philox({static_cast<std::uint32_t>(j), static_cast<std::uint32_t>(j >> 32), 0, 0},
                        {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)});
  auto join = [](std::uint32_t low, std::uint32_t high) {
    return low | static_cast<std::uint64_t>(high) << 32;
  };
  return {join(r[0], r[1]), join(r[2], r[3])};
}

double unit(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

// Box and Muller, 1958. The radius takes 1 - u, which lies in (0,1].
NormalPair normals(Pair b) {
  const double radius = std::sqrt(-2 * std::log(1 - unit(b.even)));
  const double angle = 2 * std::numbers::pi * unit(b.odd);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

// put(i, element begin + i) for i in [0,n), on many threads where n is large.
template <class Convert, class Put>
void fill(const Stream& s, std::int64_t n, const Convert& convert, const Put& put) {
  constexpr std::int64_t chunk = 1 << 14;
  auto part = [&](std::int64_t c) {
    std::int64_t i = c * chunk;
    const std::int64_t end = std::min(n, i + chunk);
    while (i < end) {
      const std::uint64_t element = s.counter + static_cast<std::uint64_t>(i);
      const auto pair = convert(block(s.key, element / 2));
      if (element % 2 == 0) put(i++, pair.even);
      if (i < end) put(i++, pair.odd);
    }
  };
  if (n <= chunk)
    part(0);
  else
    parallel_for((n + chunk - 1) / chunk, part);
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  const philox4x32_ctr_t c{{counter[0], counter[1], counter[2], counter[3]}};
  const philox4x32_key_t k{{key[0], key[1]}};
  const philox4x32_ctr_t r = philox4x32_R(10, c, k);
  return {r.v[0], r.v[1], r.v[2], r.v[3]};
}

Stream::Stream(std::uint64_t seed, std::string_view name) : key(absorb(absorb(0, seed), fnv1a(name))) {}

Stream Stream::child(std::string_view name, std::uint64_t index) const {
  Stream s;
  s.key = absorb(absorb(key, fnv1a(name)), index);
  return s;
}

std::uint64_t Stream::bits(std::uint64_t i) const {
  const Pair b = block(key, i / 2);
  return i % 2 == 0 ? b.even : b.odd;
}

double Stream::uniform(std::uint64_t i) const { return unit(bits(i)); }

double Stream::normal(std::uint64_t i) const {
  const NormalPair pair = normals(block(key, i / 2));
  return i % 2 == 0 ? pair.even : pair.odd;
}

Tensor Stream::uniform(const Shape& shape, Dtype dtype, double lo, double hi) {
  if (!(lo <= hi) || !std::isfinite(hi - lo))
    fail<NonFiniteError>("uniform", fmt::format("no range: from {} to {}", lo, hi));
  Tensor t(shape, dtype);
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = t.mutable_data<T>();
    // Rounding may reach hi, which is not in the range.
    const T last = lo < hi ? std::nextafter(static_cast<T>(hi), static_cast<T>(lo)) : static_cast<T>(hi);
    // fma by name: left to itself each compiler contracts, or not, as it likes.
    fill(
        *this, t.size(), [](Pair b) { return b; },
        [&](std::int64_t i, std::uint64_t b) {
          p[i] = std::min(static_cast<T>(std::fma(unit(b), hi - lo, lo)), last);
        });
  });
  counter += static_cast<std::uint64_t>(t.size());
  return t;
}

Tensor Stream::normal(const Shape& shape, Dtype dtype, double mean, double deviation) {
  if (!(deviation >= 0) || !std::isfinite(deviation) || !std::isfinite(mean))
    fail<NonFiniteError>("normal", fmt::format("no distribution: mean {}, deviation {}", mean, deviation));
  Tensor t(shape, dtype);
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = t.mutable_data<T>();
    fill(*this, t.size(), normals,
         [&](std::int64_t i, double x) { p[i] = static_cast<T>(std::fma(x, deviation, mean)); });
  });
  counter += static_cast<std::uint64_t>(t.size());
  return t;
}

std::int64_t Stream::below(std::int64_t n) {
  if (n < 1) fail<ShapeError>("below", fmt::format("no integer from 0 to below {}", n));
  // The upper half of a product; uneven by less than n / 2^64.
  return static_cast<std::int64_t>(
      static_cast<unsigned __int128>(bits(counter++)) * static_cast<std::uint64_t>(n) >> 64);
}

PoolVector<std::int64_t> Stream::permutation(std::int64_t n) {
  if (n < 0) fail<ShapeError>("permutation", fmt::format("of {} things", n));
  PoolVector<std::int64_t> p(static_cast<std::size_t>(n));
  std::iota(p.begin(), p.end(), std::int64_t{0});
  for (std::int64_t i = n; i > 0; --i)
    std::swap(p[static_cast<std::size_t>(i - 1)], p[static_cast<std::size_t>(below(i))]);
  return p;
}

}  // namespace lowtide
