// Arrays of numpy: .npy files, and .npz files, which are zip archives of them. Parsed from memory,
// without pickle: arrays of Python objects are refused.
#pragma once
#include <lowtide/io/array.h>

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace lowtide {

struct NpyHeader {
  Shape shape;
  char kind = 'f';        // 'f' floating point, 'i' integer, 'u' without sign, 'b' truth
  std::size_t item = 8;   // bytes of an element
  bool swapped = false;   // big endian
  bool fortran = false;   // the first axis runs fastest
  std::size_t begin = 0;  // of the numbers, in bytes
  std::size_t end = 0;
};

// `source` and `place` name the file, and the array in it, in messages. All throw InputError.
constexpr std::size_t npy_header_limit = 1 << 16;  // no header is longer
NpyHeader parse_npy_header(std::string_view bytes, const std::string& source, const std::string& place);
Array parse_npy(std::string_view bytes, const std::string& source, const std::string& place = "");

// The arrays of the archive, or of them those whose names are `wanted`. Unpacked they may take 64 MiB + 100
// times the size of the archive.
std::map<std::string, Array> parse_npz(std::string_view bytes, const std::string& source,
                                       std::span<const std::string> wanted = {});

void write_npy(const Tensor& values, const std::filesystem::path& path);
// What stands before the numbers; `type` as numpy writes it: "<f8".
std::string npy_header(std::string_view type, const Shape& shape);

// Numbers, whole numbers in a row, text in UTF-8.
using NpzValue = std::variant<Tensor, std::vector<std::int64_t>, std::string, std::vector<std::string>>;

// What numpy.load reads without pickle: a stored (not deflated) archive; text as arrays of type '<U', of shape
// () or (n). Up to 4 GiB. parse_npz knows no text and reads the tensors of such an archive if they are named.
void write_npz(const std::vector<std::pair<std::string, NpzValue>>& arrays, const std::filesystem::path& path);

}  // namespace lowtide
