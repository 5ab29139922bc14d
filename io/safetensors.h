// Named tensors in one file, with a few lines of text: the format safetensors, for models and checkpoints.
// https://github.com/huggingface/safetensors: 8 bytes of length, a header in JSON, the numbers.
#pragma once
#include <lowtide/linalg/tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lowtide {

struct TensorFile {
  std::vector<std::pair<std::string, Tensor>> tensors{};  // in the order of the header
  std::vector<std::pair<std::string, std::vector<std::uint8_t>>>
      bytes{};  // what is neither f32 nor f64: codes, bits
  std::map<std::string, std::string> metadata{};
  std::string source{};  // the file that it came from, for messages

  const Tensor& at(std::string_view name) const;  // InputError if there is none
  bool has(std::string_view name) const;
  const std::vector<std::uint8_t>& bytes_at(std::string_view name) const;  // InputError if there is none
};

// What is written holds checksums: "xxh3" of the numbers, "xxh3_header" of the header. Files of others may lack
// them. F32, F64 and, with one axis, U8. All throw InputError with file and place.
TensorFile parse_safetensors(std::string_view bytes, const std::string& source);
TensorFile read_safetensors(const std::filesystem::path& path);
void write_safetensors(const TensorFile& file, const std::filesystem::path& path);  // whole or not at all

}  // namespace lowtide
