// The format: numpy.lib.format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/npy.h>
#include <lowtide/io/printable.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

namespace lowtide {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view magic = "\x93NUMPY";

// The header is a Python dictionary: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
class Dictionary {
 public:
  Dictionary(std::string_view text, const std::string& source, const std::string& place)
      : text_(text), source_(source), place_(place) {}

  void parse(NpyHeader& header) {
    bool descr = false, order = false, shape = false;
    need('{');
    while (!take('}')) {
      const std::string_view key = quoted();
      need(':');
      if (key == "descr" && !std::exchange(descr, true))
        type(header);
      else if (key == "fortran_order" && !std::exchange(order, true))
        header.fortran = truth();
      else if (key == "shape" && !std::exchange(shape, true))
        header.shape = extents();
      else
        wrong(fmt::format("its header has an unknown key '{}'", printable(key)));
      if (!take(',')) {
        need('}');
        break;
      }
    }
    if (!descr || !order || !shape) wrong("its header lacks descr, fortran_order or shape");
    space();
    if (at_ != text_.size()) wrong("its header has text behind the dictionary");
  }

 private:
  [[noreturn]] void wrong(const std::string& what) const { bad_input(source_, place_, what); }

  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool take(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void need(char c) {
    if (!take(c)) wrong(fmt::format("its header has no '{}' where one should be (byte {})", c, at_));
  }
  std::string_view quoted() {
    space();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    if (quote != '\'' && quote != '"') wrong(fmt::format("its header has no name or type at byte {}", at_));
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) wrong("its header has a quote that does not end");
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return inside;
  }
  bool truth() {
    space();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return value;
    }
    wrong("its fortran_order is neither True nor False");
  }
  Shape extents() {
    Shape shape;
    need('(');
    while (!take(')')) {
      space();
      std::int64_t extent = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), extent);
      if (error != std::errc() || extent < 0) wrong("its shape is not a list of numbers");
      at_ = static_cast<std::size_t>(end - text_.data());
      if (shape.rank() == Shape::max_rank) wrong("has more than 4 axes");
      if (extent > std::int64_t{1} << 47 ||
          (shape.size() > 0 && extent > (std::int64_t{1} << 47) / shape.size()))
        wrong("its shape is larger than any file");
      shape = shape.appended(extent);
      if (!take(',')) {
        need(')');
        break;
      }
    }
    return shape;
  }
  void type(NpyHeader& header) {
    if (take('[')) wrong("holds records (a structured type), not numbers");
    const std::string_view descr = quoted();
    if (descr.find('O') != std::string_view::npos)
      wrong(
          "holds pickled Python objects, which are never read; save arrays of numbers (usual cause: rows of"
          " different lengths)");
    const std::string_view known[] = {"f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"};
    const bool ordered = descr.size() == 3 && std::string_view("<>|=").find(descr[0]) != std::string_view::npos;
    if (!ordered || std::find(std::begin(known), std::end(known), descr.substr(1)) == std::end(known))
      wrong(fmt::format("holds elements of type '{}', not floats of 4 or 8 bytes, integers or truth values",
                        printable(descr)));
    header.kind = descr[1];
    header.item = static_cast<std::size_t>(descr[2] - '0');
    header.swapped = descr[0] == '>' && header.item > 1;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  const std::string& source_;
  const std::string& place_;
};

// copy(to, from) for all elements: `from` counts them as they lie in the file.
template <class Copy>
void each(const NpyHeader& header, const Copy& copy) {
  const Shape& s = header.shape;
  const std::int64_t size = s.size();
  if (!header.fortran || s.rank() < 2) {
    for (std::int64_t i = 0; i < size; ++i) copy(i, i);
    return;
  }
  std::int64_t extent[4] = {1, 1, 1, 1}, stride[4] = {0, 0, 0, 0};
  for (int a = 0; a < s.rank(); ++a) {
    const int axis = 4 - s.rank() + a;
    extent[axis] = s[a];
    stride[axis] = 1;
    for (int b = 0; b < a; ++b) stride[axis] *= s[b];
  }
  std::int64_t to = 0;
  for (std::int64_t i = 0; i < extent[0]; ++i)
    for (std::int64_t j = 0; j < extent[1]; ++j)
      for (std::int64_t k = 0; k < extent[2]; ++k)
        for (std::int64_t l = 0; l < extent[3]; ++l)
          copy(to++, i * stride[0] + j * stride[1] + k * stride[2] + l * stride[3]);
}

template <class T>
T element(const char* bytes, bool swapped) {
  char copy[sizeof(T)];
  std::memcpy(copy, bytes, sizeof(T));
  if (swapped) std::reverse(copy, copy + sizeof(T));
  return std::bit_cast<T>(copy);
}

template <class T>
void convert(const NpyHeader& header, const char* bytes, auto* out) {
  each(header, [&](std::int64_t to, std::int64_t from) {
    out[to] = static_cast<std::remove_reference_t<decltype(*out)>>(
        element<T>(bytes + static_cast<std::size_t>(from) * sizeof(T), header.swapped));
  });
}

void convert_integers(const NpyHeader& header, const char* bytes, std::int64_t* out) {
  const bool sign = header.kind == 'i';
  switch (header.item) {
    case 1:
      return sign ? convert<std::int8_t>(header, bytes, out) : convert<std::uint8_t>(header, bytes, out);
    case 2:
      return sign ? convert<std::int16_t>(header, bytes, out) : convert<std::uint16_t>(header, bytes, out);
    case 4:
      return sign ? convert<std::int32_t>(header, bytes, out) : convert<std::uint32_t>(header, bytes, out);
    default:
      return convert<std::int64_t>(header, bytes, out);
  }
}

}  // namespace

NpyHeader parse_npy_header(std::string_view bytes, const std::string& source, const std::string& place) {
  if (bytes.substr(0, magic.size()) != magic) bad_input(source, place, "not an array of numpy (.npy)");
  if (bytes.size() < 12) bad_input(source, place, "ends within its header");
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i]));
  };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3)
    bad_input(source, place, fmt::format("has format {}, not 1, 2 or 3", version));
  const std::size_t prefix = version == 1 ? 10 : 12;
  std::size_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (length > npy_header_limit - prefix) bad_input(source, place, "its header is too long");
  if (length > bytes.size() - prefix) bad_input(source, place, "ends within its header");
  NpyHeader header;
  Dictionary(bytes.substr(prefix, length), source, place).parse(header);
  header.begin = prefix + length;
  header.end = header.begin + static_cast<std::size_t>(header.shape.size()) * header.item;
  return header;
}

Array parse_npy(std::string_view bytes, const std::string& source, const std::string& place) {
  const NpyHeader header = parse_npy_header(bytes, source, place);
  if (header.end != bytes.size())
    bad_input(source, place,
              fmt::format("has {} bytes, but an array of shape {} needs {}", bytes.size() - header.begin,
                          to_string(header.shape), header.end - header.begin));
  const char* values = bytes.data() + header.begin;
  Array array;
  array.shape = header.shape;
  if (header.kind == 'f') {
    array.numbers = Tensor(header.shape, header.item == 4 ? Dtype::f32 : Dtype::f64);
    dispatch(array.numbers.dtype, [&](auto zero) {
      using T = decltype(zero);
      convert<T>(header, values, array.numbers.mutable_data<T>());
    });
    return array;
  }
  array.integers.resize(static_cast<std::size_t>(header.shape.size()));
  convert_integers(header, values, array.integers.data());
  if (header.kind == 'u' && header.item == 8)
    for (const std::int64_t value : array.integers)
      if (value < 0) bad_input(source, place, "has an integer beyond 2^63");
  return array;
}

std::string npy_header(std::string_view type, const Shape& extents) {
  std::string shape;
  for (int a = 0; a < extents.rank(); ++a) shape += fmt::format("{}, ", extents[a]);
  if (extents.rank() > 1) shape.resize(shape.size() - 2);
  if (extents.rank() == 1) shape.pop_back();
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, shape);
  header.resize((header.size() + 11 + 63) / 64 * 64 - 11, ' ');  // the numbers begin at a multiple of 64
  header += '\n';
  std::string bytes(magic);
  bytes += {'\x01', '\x00', static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  return bytes + header;
}

void write_npy(const Tensor& values, const std::filesystem::path& path) {
  const std::string header = npy_header(values.dtype == Dtype::f32 ? "<f4" : "<f8", values.shape);
  dispatch(values.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::string_view pieces[] = {
        header,
        {reinterpret_cast<const char*>(values.data<T>()), static_cast<std::size_t>(values.size()) * sizeof(T)}};
    write_file(path, pieces);
  });
}

}  // namespace lowtide
