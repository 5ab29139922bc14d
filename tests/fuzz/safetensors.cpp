// What is accepted has names that are unique and covers its bytes. The first byte chooses whether the length of
// the header is the input's own.
#include <lowtide/io/safetensors.h>

#include <cstring>

#include "fuzz.h"

using namespace lowtide;
using namespace lowtide::fuzzing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return 0;
  const bool own = bytes[0] % 2 == 0;
  bytes.erase(0, 1);
  if (!own) {  // the header ends behind the last brace
    const std::size_t brace = bytes.rfind('}');
    const std::uint64_t length = brace == std::string::npos ? bytes.size() : brace + 1;
    bytes.insert(0, reinterpret_cast<const char*>(&length), sizeof length);
  }
  TensorFile file;
  if (!accepted("a.safetensors", [&] { file = parse_safetensors(bytes, "a.safetensors"); })) return 0;
  std::uint64_t length = 0, covered = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  for (const auto& [name, tensor] : file.tensors) {
    expect(same_bits(file.at(name), tensor), "names are unique");
    covered += static_cast<std::uint64_t>(tensor.size()) * size_of(tensor.dtype);
  }
  expect(8 + length + covered == bytes.size(), "header and tensors cover the file");
  return 0;
}
