// The first byte chooses: an archive as it is; one array; or arrays, each with two bytes of length before it,
// in an archive whose checksums are right, which the fuzzer could not find.
#include <lowtide/io/import_npz.h>
#include <lowtide/io/npy.h>
#include <zlib.h>

#include "fuzz.h"

using namespace lowtide;
using namespace lowtide::fuzzing;

namespace {

std::string little(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i, value >>= 8) out += static_cast<char>(value & 255);
  return out;
}

std::string archive(std::string_view input) {
  std::string bytes, directory;
  int count = 0;
  for (const char* array : {"t", "x", "u", "offsets", "weight", "level", "mu", "heldout", "cell"}) {
    if (input.size() < 2) break;
    const std::size_t length = static_cast<unsigned char>(input[0]) | static_cast<unsigned char>(input[1]) << 8;
    const std::string_view data = input.substr(2, length);
    input.remove_prefix(2 + data.size());
    if (data.empty()) continue;
    const std::string name = std::string(array) + ".npy";
    const auto crc = ::crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size());
    const std::string common = little(20, 2) + little(0, 8) + little(crc, 4) + little(data.size(), 4) +
                               little(data.size(), 4) + little(name.size(), 2) + little(0, 2);
    directory += "PK\1\2" + little(20, 2) + common + little(0, 10) + little(bytes.size(), 4) + name;
    bytes += "PK\3\4" + common + name + std::string(data);
    ++count;
  }
  const std::size_t begin = bytes.size();
  return bytes + directory + "PK\5\6" + little(0, 4) + little(static_cast<std::uint64_t>(count), 2) +
         little(static_cast<std::uint64_t>(count), 2) + little(directory.size(), 4) + little(begin, 4) +
         little(0, 2);
}

void read(std::string_view bytes) {
  Snapshots set;
  if (!accepted("a.npz", [&] { set = parse_npz_snapshots(bytes, "a.npz"); })) return;
  check(set, "what was accepted");  // throws, which the fuzzer sees, if anything is wrong
  std::int64_t rows = 0;
  for (std::int64_t k = 0; k < set.frames(); ++k) {
    rows += set.values(k).shape[0];
    expect(set.points(k).shape[0] == set.values(k).shape[0], "each value has its point");
    expect(set.weights(k).size() == set.values(k).shape[0], "each value has its weight");
  }
  expect(rows == set.u.shape[0], "frames cover u");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  const std::string_view rest = input.substr(1);
  switch (input[0] % 3) {
    case 0:
      read(rest);
      break;
    case 1: {
      Array array;
      if (!accepted("a.npy", [&] { array = parse_npy(rest, "a.npy"); })) break;
      const std::int64_t elements = array.numbers ? array.numbers.size() : std::ssize(array.integers);
      expect(elements == array.shape.size(), "there are as many elements as the shape says");
      expect(elements <= std::ssize(rest), "there are not more elements than bytes");
      break;
    }
    default:
      read(archive(rest));
  }
  return 0;
}
