#include <lowtide/io/safetensors.h>
#include <lowtide/linalg/random.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

TensorFile example() {
  TensorFile file;
  file.metadata = {{"kind", "example"}, {"empty", ""}, {"quoted", "a \"b\"\n\xc3\xa9 \"xxh3_header\":\""}};
  Stream random(1, "safetensors");
  for (const Dtype dtype : {Dtype::f32, Dtype::f64})
    for (const Shape& shape :
         {Shape{}, Shape{3}, Shape{0}, Shape{2, 5}, Shape{0, 0}, Shape{2, 3, 4}, Shape{2, 1, 3, 2}})
      file.tensors.emplace_back("x" + to_string(shape) + std::string(name_of(dtype)),
                                random.normal(shape, dtype));
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                   inf = std::numeric_limits<double>::infinity();
  file.tensors.emplace_back("odd", from({5}, {nan, inf, -0.0, 5e-324, -nan}));
  file.bytes = {{"codes", {0, 255, 7}}, {"none", {}}};
  return file;
}

std::string written(const TensorFile& file) {
  const Folder folder;
  write_safetensors(file, folder / "a.safetensors");
  return read_file(folder / "a.safetensors");
}

// A file by others: no checksums, no padding.
std::string file_of(const std::string& header, std::size_t bytes) {
  std::string file(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(file.data(), &length, 8);
  return file + header + std::string(bytes, '\x3f');
}

std::string entry(const std::string& name, const std::string& type, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets +
         "}";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(safetensors_suite)

BOOST_AUTO_TEST_CASE(tensors_and_text_come_back_with_the_same_bits) {
  const TensorFile file = example();
  const std::string bytes = written(file);
  const TensorFile back = parse_safetensors(bytes, "a");
  BOOST_REQUIRE(back.tensors.size() == file.tensors.size());
  for (std::size_t k = 0; k < file.tensors.size(); ++k) {
    BOOST_TEST(back.tensors[k].first == file.tensors[k].first);
    BOOST_TEST(same_bits(back.tensors[k].second, file.tensors[k].second));
    BOOST_TEST(same_bits(back.at(file.tensors[k].first), file.tensors[k].second));
  }
  for (const auto& [key, value] : file.metadata) BOOST_TEST(back.metadata.at(key) == value);
  BOOST_TEST(back.metadata.size() == file.metadata.size() + 2);  // and two checksums
  BOOST_TEST(back.has("odd"));
  BOOST_TEST(!back.has("even"));
  BOOST_TEST(refusal([&] { back.at("even"); }) == "a: has no tensor 'even'");
  BOOST_TEST((back.bytes == file.bytes));
  BOOST_TEST(back.bytes_at("codes").size() == 3u);
  BOOST_TEST(refusal([&] { back.bytes_at("x"); }) == "a: has no bytes 'x'");

  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  BOOST_TEST((8 + length) % 64 == 0u);
  BOOST_TEST(written(back) == bytes);
  BOOST_TEST(parse_safetensors(written({}), "a").tensors.empty());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_is_refused) {
  const Folder folder;
  const auto write = [&](const TensorFile& file) { write_safetensors(file, folder / "a"); };
  const Tensor one = ones({1}, Dtype::f32), two = ones({2}, Dtype::f64);
  BOOST_CHECK_THROW(write({.tensors = {{"a", one}, {"a", two}}}), Error);
  BOOST_CHECK_THROW(write({.tensors = {{"__metadata__", one}}}), Error);
  BOOST_CHECK_THROW(write({.tensors = {{"a", Tensor()}}}), Error);
  BOOST_CHECK_THROW(write({.tensors = {{"\xff", one}}}), Error);
  BOOST_TEST(!std::filesystem::exists(folder / "a"));
  BOOST_CHECK_THROW(write_safetensors({}, folder / "none/a"), FileError);
  BOOST_CHECK_THROW(read_safetensors(folder / "none"), InputError);
}

BOOST_AUTO_TEST_CASE(a_file_cut_or_lengthened_anywhere_is_refused) {
  const std::string whole = written(example());
  for (std::size_t length = 0; length < whole.size(); ++length)
    BOOST_TEST(
        refusal([&] { parse_safetensors(std::string_view(whole).substr(0, length), "a"); }).starts_with("a:"));
  BOOST_TEST(refusal([&] { parse_safetensors(whole + "x", "a"); }).starts_with("a:"));
}

BOOST_AUTO_TEST_CASE(a_bit_that_is_another_is_seen_wherever_it_lies) {
  const std::string whole = written(example());
  std::size_t accepted = 0;
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const int bit : {0, 1, 5, 7}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << bit);
      const std::string reason = refusal([&] { parse_safetensors(bytes, "a"); });
      accepted += !reason.starts_with("a:");
    }
  BOOST_TEST(accepted == 0u);
  std::string bytes = whole;
  bytes.back() ^= 1;
  BOOST_TEST(refusal([&] { parse_safetensors(bytes, "a"); }) == "a: checksum differs: the file is damaged");
}

BOOST_AUTO_TEST_CASE(files_of_others_are_read) {
  const std::string names[] = {entry("b", "F32", "[2]", "[0,8]"), entry("a", "F64", "[1,2]", "[8,24]"),
                               entry("none", "F64", "[3,0]", "[8,8]")};
  const TensorFile file =
      parse_safetensors(file_of("{" + names[0] + ", " + names[1] + ",\n" + names[2] + "}   ", 24), "a");
  BOOST_TEST(file.tensors.size() == 3u);
  BOOST_TEST(file.tensors[0].first == "b");
  BOOST_TEST((file.at("a").shape == Shape{1, 2}));
  BOOST_TEST(file.at("none").size() == 0);
  BOOST_TEST(file.metadata.empty());
  // Numbers that do not lie at multiples of their size.
  const std::string y = entry("y", "F64", "[1]", "[4,12]"), alone = entry("y", "F64", "[1]", "[0,8]");
  const TensorFile odd =
      parse_safetensors(file_of("{" + entry("x", "F32", "[1]", "[0,4]") + "," + y + "}", 12), "a");
  BOOST_TEST(same_bits(odd.at("y"), parse_safetensors(file_of("{" + alone + "}", 8), "a").at("y")));
}

BOOST_AUTO_TEST_CASE(what_breaks_the_rules_is_refused) {
  struct Case {
    std::string header, reason;
    std::size_t bytes = 8;
  };
  const auto one = [](const std::string& type, const std::string& shape, const std::string& offsets) {
    return "{" + entry("x", type, shape, offsets) + "}";
  };
  const std::string x = entry("x", "F64", "[1]", "[0,8]"), deep(100000, '[');
  const Case cases[] = {
      {"", "does not begin with '{'"},
      {" {}", "does not begin with '{'", 0},
      {"[]", "does not begin with '{'"},
      {"null", "does not begin with '{'"},
      {"{", "not JSON"},
      {"{}", "has 8 bytes of numbers, its tensors 0"},
      {"{} {}", "not JSON"},
      {"{}x", "byte 11: its header is not JSON"},
      {std::string("{}\0", 3), "not JSON"},
      {"{" + x, "not JSON"},
      {"{" + x + ",}", "not JSON"},
      {"{'x':1}", "not JSON"},
      {"{\"\xff\":1}", "not JSON"},
      {"{\"x\":" + deep, "x: is a list, not an object"},
      {"{\"x\":{\"shape\":" + deep, "x: has a list in 'shape'"},
      {"{\"x\":1}", "x: is a number, not an object"},
      {"{\"x\":-1}", "x: is a negative number, not an object"},
      {"{\"x\":null}", "x: is null, not an object"},
      {"{\"x\":\"F32\"}", "x: is text, not an object"},
      {"{\"x\":true}", "x: is true or false, not an object"},
      {"{\"x\":[]}", "x: is a list, not an object"},
      {"{\"x\":{}}", "x: lacks dtype, shape or data_offsets"},
      {"{\"x\":{\"dtype\":\"F64\",\"shape\":[1]}}", "lacks"},
      {"{\"x\":{\"dtype\":\"F64\",\"data_offsets\":[0,8]}}", "lacks"},
      {"{\"x\":{\"shape\":[1],\"data_offsets\":[0,8]}}", "lacks"},
      {"{" + x + "," + x + "}", "has 'x' twice"},
      {"{" + x + ",\"\\u0078\":{}}", "has 'x' twice"},
      {"{\"__metadata__\":{},\"__metadata__\":{}," + x + "}", "has '__metadata__' twice"},
      {"{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}," + x + "}", "__metadata__: has 'a' twice"},
      {"{\"__metadata__\":{\"a\":1}," + x + "}", "__metadata__: has a number in 'a'"},
      {"{\"__metadata__\":{\"a\":null}," + x + "}", "__metadata__: has null in 'a'"},
      {"{\"__metadata__\":{\"a\":{}}," + x + "}", "__metadata__: has an object in 'a'"},
      {"{\"__metadata__\":{\"a\":[]}," + x + "}", "__metadata__: has a list in 'a'"},
      {"{\"__metadata__\":[]," + x + "}", "__metadata__: is a list, not an object"},
      {"{\"__metadata__\":{\"xxh3\":\"0123456789abcdef\"}," + x + "}", "checksum differs"},
      {"{\"__metadata__\":{\"xxh3\":\"2d06800538d394c2\"}}", "checksum differs", 0},  // right, but alone
      {"{\"__metadata__\":{\"xxh3_header\":\"0\"}," + x + "}", "checksum differs"},
      {"{\"__metadata__\":{\"xxh3\":\"\",\"xxh3_header\":\"0123456789abcdef\"}," + x + "}", "checksum differs"},
      {"{\"__metadata__\":{\"xxh3\":\"\",\"xxh3_header\" : \"0123456789abcdef\"}," + x + "}",
       "checksum differs"},
      {"{\"x\":{\"dtype\":\"F64\",\"dtype\":\"F64\"}}", "x: has 'dtype' twice"},
      {"{\"x\":{\"shape\":[1],\"shape\":[1]}}", "x: has 'shape' twice"},
      {"{\"x\":{\"strides\":[1]}}", "x: has an unknown field 'strides'"},
      {"{\"x\":{\"dtype\":1}}", "x: has a number in 'dtype'"},
      {"{\"x\":{\"dtype\":[\"F64\"]}}", "x: has a list in 'dtype'"},
      {"{\"x\":{\"dtype\":{}}}", "x: has an object in 'dtype'"},
      {"{\"x\":{\"shape\":1}}", "x: has a number in 'shape'"},
      {"{\"x\":{\"shape\":\"1\"}}", "x: has text in 'shape'"},
      {one("F16", "[4]", "[0,8]"), "x: has numbers of type 'F16', not F32, F64 or U8"},
      {one("BF16", "[4]", "[0,8]"), "type 'BF16'"},
      {one("U8", "[4]", "[0,8]"), "x: has 8 bytes, but u8 (4) needs 4"},
      {one("U8", "[2,4]", "[0,8]"), "x: bytes with other than one axis"},
      {one("I64", "[1]", "[0,8]"), "type 'I64'"},
      {one("f64", "[1]", "[0,8]"), "type 'f64'"},
      {one("F64", "[1,1,1,1,1]", "[0,8]"), "x: has more than 4 axes"},
      {one("F64", "[1.0]", "[0,8]"), "x: has a number that is not an integer in 'shape'"},
      {one("F64", "[1e0]", "[0,8]"), "not an integer"},
      {one("F64", "[-1]", "[0,8]"), "x: has a negative number in 'shape'"},
      {one("F64", "[\"1\"]", "[0,8]"), "x: has text in 'shape'"},
      {one("F64", "[true]", "[0,8]"), "x: has true or false in 'shape'"},
      {one("F64", "[2305843009213693953]", "[0,8]"), "x: its shape is larger than any file"},
      {one("F64", "[18446744073709551616]", "[0,8]"), "not an integer"},
      {one("F64", "[4294967296,4294967296]", "[0,8]"), "larger than any file"},
      {one("F64", "[2097152,2097152,2097152,2]", "[0,8]"), "larger than any file"},
      {one("F64", "[0,281474976710656]", "[0,0]"), "larger than any file", 0},
      {one("F64", "[1]", "[0]"), "x: has not two data_offsets"},
      {one("F64", "[1]", "[]"), "x: has not two data_offsets"},
      {one("F64", "[1]", "[0,4,8]"), "x: has more than two data_offsets"},
      {one("F64", "[1]", "[8,0]"), "x: lies at 8 to 0 of 8 bytes"},
      {one("F64", "[1]", "[0,9]"), "x: lies at 0 to 9 of 8 bytes"},
      {one("F64", "[1]", "[18446744073709551608,0]"), "x: lies at"},
      {one("F64", "[1]", "[-8,0]"), "x: has a negative number in 'data_offsets'"},
      {one("F64", "[1]", "[0,4]"), "x: has 4 bytes, but f64 (1) needs 8"},
      {one("F64", "[2]", "[0,8]"), "x: has 8 bytes, but f64 (2) needs 16"},
      {one("F32", "[1]", "[0,8]"), "x: has 8 bytes, but f32 (1) needs 4"},
      {one("F64", "[0]", "[0,8]"), "x: has 8 bytes, but f64 (0) needs 0"},
      {one("F64", "[]", "[0,0]"), "x: has 0 bytes, but f64 () needs 8"},
      {one("F64", "[1]", "[8,16]"), "x: bytes 0 to 8 before it belong to no tensor", 16},
      {one("F64", "[1]", "[0,8]"), "has 16 bytes of numbers, its tensors 8", 16},
      {"{" + x + "," + entry("y", "F64", "[1]", "[0,8]") + "}", "overlaps another tensor"},
      {"{" + x + "," + entry("y", "F32", "[1]", "[4,8]") + "}", "y: overlaps another tensor"},
      {"{" + x + "," + entry("y", "F32", "[0]", "[4,4]") + "}", "y: overlaps another tensor"},
      {"{" + x + "," + entry("y", "F64", "[1]", "[12,20]") + "}", "y: bytes 8 to 12 before it", 20},
      {"{" + entry("bad\\nname\\u0007", "F16", "[1]", "[0,8]") + "}", "bad?name?: has numbers of type"},
  };
  for (const Case& c : cases) {
    const std::string reason = refusal([&] { parse_safetensors(file_of(c.header, c.bytes), "a"); });
    BOOST_TEST(reason.starts_with("a:"), c.header.substr(0, 100));
    BOOST_TEST(contains(reason, c.reason), "'" << reason << "' lacks '" << c.reason << "'");
    BOOST_TEST(reason.size() < 300u);
  }
  BOOST_TEST_MESSAGE(std::size(cases) << " files refused");

  const auto length = [](std::uint64_t n) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &n, 8);
    return bytes;
  };
  for (const std::uint64_t n : {std::uint64_t{3}, std::uint64_t{100'000'000}})
    BOOST_TEST(contains(refusal([&] { parse_safetensors(length(n) + "{}", "a"); }), "ends within its header"));
  for (const std::uint64_t n :
       {std::uint64_t{100'000'001}, ~std::uint64_t{0}, ~std::uint64_t{7}, std::uint64_t{1} << 63})
    BOOST_TEST(contains(refusal([&] { parse_safetensors(length(n) + "{}", "a"); }), "more than 100 MB"));
}

BOOST_AUTO_TEST_SUITE_END()
