#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/printable.h>
#include <lowtide/io/safetensors.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

namespace lowtide {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t length_bytes = 8, header_limit = 100'000'000, alignment = 64;
constexpr std::string_view numbers_key = "xxh3", header_key = "xxh3_header";

std::string hash_of(const std::vector<std::string_view>& pieces) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  for (const std::string_view piece : pieces) XXH3_64bits_update(&state, piece.data(), piece.size());
  return fmt::format("{:016x}", XXH3_64bits_digest(&state));
}

struct Entry {
  std::string name;
  bool dtype_given = false, shape_given = false, offsets_given = false;
  bool bytes = false;  // U8, and not numbers of a dtype
  Dtype dtype = Dtype::f64;
  Shape shape;
  std::uint64_t begin = 0, end = 0;

  std::uint64_t size() const { return static_cast<std::uint64_t>(shape.size()) * (bytes ? 1 : size_of(dtype)); }
  std::string_view type() const { return bytes ? "u8" : name_of(dtype); }
};

// What nlohmann's parser calls, token by token. Duplicate names are seen only here: of a parsed object they are
// gone.
class Header {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  explicit Header(const std::string& source) : source_(source) {}

  std::vector<Entry> entries{};
  std::map<std::string, std::string> metadata{};

  bool null() { wrong_value("null"); }
  bool boolean(bool) { wrong_value("true or false"); }
  bool number_integer(number_integer_t) { wrong_value("a negative number"); }
  bool number_float(number_float_t, const string_t&) { wrong_value("a number that is not an integer"); }
  bool binary(binary_t&) { wrong_value("bytes"); }

  bool number_unsigned(number_unsigned_t value) {
    if (!in_array_) wrong_value("a number");
    if (field_ == "shape") {
      add_extent(value);
    } else {
      if (offsets_ == 2) wrong("has more than two data_offsets");
      (offsets_++ == 0 ? entries.back().begin : entries.back().end) = value;
    }
    return true;
  }

  bool string(string_t& value) {
    if (depth_ == 2 && in_metadata_) {
      metadata[field_] = value;
      return true;
    }
    if (depth_ != 2 || in_array_ || field_ != "dtype") wrong_value("text");
    if (value != "F32" && value != "F64" && value != "U8")
      wrong(fmt::format("has numbers of type '{}', not F32, F64 or U8", printable(value)));
    entries.back().bytes = value == "U8";
    entries.back().dtype = value == "F32" ? Dtype::f32 : Dtype::f64;
    entries.back().dtype_given = true;
    return true;
  }

  bool start_object(std::size_t) {
    if (depth_ > 1 || in_array_) wrong_value("an object");
    ++depth_;
    return true;
  }
  bool end_object() {
    if (depth_ == 2 && !in_metadata_) {
      const Entry& entry = entries.back();
      if (!entry.dtype_given || !entry.shape_given || !entry.offsets_given)
        wrong("lacks dtype, shape or data_offsets");
    }
    --depth_;
    in_metadata_ = false;
    return true;
  }
  bool start_array(std::size_t) {
    if (depth_ != 2 || in_metadata_ || in_array_ || field_ == "dtype") wrong_value("a list");
    in_array_ = true;
    offsets_ = 0;
    return true;
  }
  bool end_array() {
    in_array_ = false;
    if (field_ == "shape") {
      entries.back().shape_given = true;
    } else {
      if (offsets_ != 2) wrong("has not two data_offsets");
      entries.back().offsets_given = true;
    }
    return true;
  }

  bool key(string_t& name) {
    if (depth_ == 1) {
      if (!names_.insert(name).second) bad_input(source_, "", fmt::format("has '{}' twice", printable(name)));
      in_metadata_ = name == "__metadata__";
      if (!in_metadata_) entries.emplace_back().name = name;
      fields_.clear();
    } else {
      if (!fields_.insert(name).second) wrong(fmt::format("has '{}' twice", printable(name)));
      if (!in_metadata_ && name != "dtype" && name != "shape" && name != "data_offsets")
        wrong(fmt::format("has an unknown field '{}'", printable(name)));
    }
    field_ = name;
    return true;
  }

  template <class Exception>
  bool parse_error(std::size_t at, const std::string&, const Exception&) {
    bad_input(source_, fmt::format("byte {}", length_bytes + at), "its header is not JSON");
  }

 private:
  [[noreturn]] void wrong(const std::string& what) const {
    bad_input(source_, in_metadata_ ? "__metadata__" : printable(entries.back().name), what);
  }
  [[noreturn]] void wrong_value(const char* what) const {
    if (depth_ == 0) bad_input(source_, "", fmt::format("its header is {}, not an object", what));
    if (depth_ == 1) bad_input(source_, printable(field_), fmt::format("is {}, not an object", what));
    wrong(fmt::format("has {} in '{}'", what, printable(field_)));
  }
  void add_extent(std::uint64_t extent) {
    Shape& shape = entries.back().shape;
    if (shape.rank() == Shape::max_rank) wrong("has more than 4 axes");
    constexpr std::int64_t most = std::int64_t{1} << 47;
    if (extent > static_cast<std::uint64_t>(most) ||
        (shape.size() > 0 && static_cast<std::int64_t>(extent) > most / shape.size()))
      wrong("its shape is larger than any file");
    shape = shape.appended(static_cast<std::int64_t>(extent));
  }

  const std::string& source_;
  std::set<std::string> names_, fields_;
  std::string field_;
  int depth_ = 0, offsets_ = 0;
  bool in_metadata_ = false, in_array_ = false;
};

// The header's own checksum is taken with zeros in its place.
std::size_t place_of_header_hash(std::string_view header) {
  const std::string start = fmt::format("\"{}\":\"", header_key);
  const std::size_t at = header.find(start);
  return at == std::string_view::npos || header.size() - at - start.size() < 16 ? std::string_view::npos
                                                                                : at + start.size();
}

// Both sums or none: a damaged name of one of them must not pass for a file of others.
void check_sums(const Header& header, std::string_view text, std::string_view numbers,
                const std::string& source) {
  const auto differs = [&] { bad_input(source, "", "checksum differs: the file is damaged"); };
  const auto of_numbers = header.metadata.find(std::string(numbers_key));
  const auto of_header = header.metadata.find(std::string(header_key));
  const bool none = of_numbers == header.metadata.end();
  if (none != (of_header == header.metadata.end())) differs();
  if (none) return;
  std::string zeroed(text);
  const std::size_t at = place_of_header_hash(zeroed);
  if (at == std::string::npos) differs();
  zeroed.replace(at, 16, 16, '0');
  if (of_header->second != hash_of({zeroed}) || of_numbers->second != hash_of({numbers})) differs();
}

// Each tensor has as many bytes as its shape needs, and together they cover the numbers, without overlap.
void check_layout(const Header& header, std::size_t bytes, const std::string& source) {
  std::vector<const Entry*> entries;
  for (const Entry& entry : header.entries) entries.push_back(&entry);
  std::sort(entries.begin(), entries.end(), [](const Entry* a, const Entry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  std::uint64_t covered = 0;
  for (const Entry* entry : entries) {
    const std::string name = printable(entry->name);
    if (entry->begin > entry->end || entry->end > bytes)
      bad_input(source, name, fmt::format("lies at {} to {} of {} bytes", entry->begin, entry->end, bytes));
    const std::uint64_t needed = entry->size();
    if (entry->end - entry->begin != needed)
      bad_input(source, name,
                fmt::format("has {} bytes, but {} {} needs {}", entry->end - entry->begin, entry->type(),
                            to_string(entry->shape), needed));
    if (entry->begin < covered) bad_input(source, name, "overlaps another tensor");
    if (entry->begin > covered)
      bad_input(source, name,
                fmt::format("bytes {} to {} before it belong to no tensor", covered, entry->begin));
    covered = entry->end;
  }
  if (covered != bytes)
    bad_input(source, "", fmt::format("has {} bytes of numbers, its tensors {}", bytes, covered));
}

}  // namespace

const Tensor& TensorFile::at(std::string_view name) const {
  for (const auto& [known, tensor] : tensors)
    if (known == name) return tensor;
  bad_input(source.empty() ? "tensors" : source, "", fmt::format("has no tensor '{}'", printable(name)));
}

bool TensorFile::has(std::string_view name) const {
  return std::any_of(tensors.begin(), tensors.end(), [&](const auto& pair) { return pair.first == name; });
}

const std::vector<std::uint8_t>& TensorFile::bytes_at(std::string_view name) const {
  for (const auto& [known, part] : bytes)
    if (known == name) return part;
  bad_input(source.empty() ? "tensors" : source, "", fmt::format("has no bytes '{}'", printable(name)));
}

TensorFile parse_safetensors(std::string_view bytes, const std::string& source) {
  if (bytes.size() < length_bytes) bad_input(source, "", "ends within the length of its header");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), length_bytes);
  if (length > header_limit)
    bad_input(source, "", "not safetensors: the length of its header is more than 100 MB");
  if (length > bytes.size() - length_bytes) bad_input(source, "", "ends within its header");
  const std::string_view text = bytes.substr(length_bytes, length),
                         numbers = bytes.substr(length_bytes + length);
  // The parser would take a zero byte for the end.
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos)
    bad_input(source, fmt::format("byte {}", length_bytes + zero), "its header is not JSON");
  if (!text.starts_with('{')) bad_input(source, "", "not safetensors: its header does not begin with '{'");

  Header header(source);
  nlohmann::json::sax_parse(text.begin(), text.end(), &header);
  check_sums(header, text, numbers, source);
  check_layout(header, numbers.size(), source);

  TensorFile file{.metadata = std::move(header.metadata), .source = source};
  file.tensors.reserve(header.entries.size());
  for (Entry& entry : header.entries) {
    const std::string_view span = numbers.substr(entry.begin, entry.end - entry.begin);
    if (entry.bytes) {
      if (entry.shape.rank() != 1) bad_input(source, printable(entry.name), "bytes with other than one axis");
      file.bytes.emplace_back(std::move(entry.name), std::vector<std::uint8_t>(span.begin(), span.end()));
      continue;
    }
    Tensor tensor(entry.shape, entry.dtype);
    dispatch(entry.dtype, [&](auto zero) {
      if (!span.empty()) std::memcpy(tensor.mutable_data<decltype(zero)>(), span.data(), span.size());
    });
    file.tensors.emplace_back(std::move(entry.name), std::move(tensor));
  }
  return file;
}

TensorFile read_safetensors(const std::filesystem::path& path) {
  return parse_safetensors(read_file(path), path.string());
}

namespace {

std::string_view bytes_of(const Tensor& tensor) {
  return dispatch(tensor.dtype, [&](auto zero) {
    using T = decltype(zero);
    return std::string_view(reinterpret_cast<const char*>(tensor.data<T>()),
                            static_cast<std::size_t>(tensor.size()) * sizeof(T));
  });
}

}  // namespace

void write_safetensors(const TensorFile& file, const std::filesystem::path& path) {
  using Json = nlohmann::ordered_json;
  const auto refuse = [](const std::string& name, const char* why) {
    throw Error(fmt::format("[write_safetensors] '{}' {}", printable(name), why));
  };
  // Doubles come first, so that every number lies at a multiple of its size.
  std::vector<std::string_view> pieces;
  std::map<std::string_view, Json> entries;
  std::size_t end = 0;
  const auto add = [&](const std::string& name, const char* dtype, Json shape, std::string_view piece) {
    pieces.push_back(piece);
    Json entry = {{"dtype", dtype}, {"shape", std::move(shape)}};
    entry["data_offsets"] = {end, end + piece.size()};
    end += piece.size();
    if (!entries.emplace(name, std::move(entry)).second || name == "__metadata__")
      refuse(name, "is there twice, or the name of the metadata");
  };
  for (const Dtype dtype : {Dtype::f64, Dtype::f32})
    for (const auto& [name, tensor] : file.tensors) {
      if (!tensor) refuse(name, "has no value");
      if (tensor.dtype != dtype) continue;
      Json shape = Json::array();
      for (int a = 0; a < tensor.shape.rank(); ++a) shape.push_back(tensor.shape[a]);
      add(name, dtype == Dtype::f32 ? "F32" : "F64", std::move(shape), bytes_of(tensor));
    }
  for (const auto& [name, part] : file.bytes)
    add(name, "U8", Json::array({part.size()}), {reinterpret_cast<const char*>(part.data()), part.size()});

  Json header = Json::object();
  Json& metadata = header["__metadata__"] = Json::object();
  for (const auto& [key, value] : file.metadata) metadata[key] = value;
  metadata[std::string(numbers_key)] = hash_of(pieces);
  metadata[std::string(header_key)] = std::string(16, '0');
  for (const auto& [name, tensor] : file.tensors) header[name] = std::move(entries.at(name));
  for (const auto& [name, part] : file.bytes) header[name] = std::move(entries.at(name));
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception&) {
    throw Error("[write_safetensors] a name or a text is not UTF-8");
  }
  text.resize((length_bytes + text.size() + alignment - 1) / alignment * alignment - length_bytes, ' ');
  if (text.size() > header_limit) throw Error("[write_safetensors] the header takes more than 100 MB");
  text.replace(place_of_header_hash(text), 16, hash_of({text}));
  const std::uint64_t length = text.size();
  const std::string_view length_piece(reinterpret_cast<const char*>(&length), length_bytes);
  pieces.insert(pieces.begin(), {length_piece, text});
  write_file(path, pieces);
}

}  // namespace lowtide
