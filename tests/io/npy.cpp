#include <lowtide/io/import_npz.h>
#include <lowtide/io/npy.h>
#include <lowtide/linalg/random.h>
#include <zlib.h>

#include <random>

#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

std::string little(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i, value >>= 8) out += static_cast<char>(value & 255);
  return out;
}

std::string npy(const Tensor& values) {
  const Folder folder;
  write_npy(values, folder / "a.npy");
  return read_file(folder / "a.npy");
}

std::string deflated(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  BOOST_REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

std::string zip(const std::map<std::string, std::string>& members, bool pack) {
  std::string bytes, directory;
  for (const auto& [name, data] : members) {
    const std::string body = pack ? deflated(data) : data;
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size()));
    const std::string common = little(20, 2) + little(0, 2) + little(pack ? 8 : 0, 2) + little(0, 4) +
                               little(crc, 4) + little(body.size(), 4) + little(data.size(), 4) +
                               little(name.size(), 2) + little(0, 2);
    directory += "PK\1\2" + little(20, 2) + common + little(0, 10) + little(bytes.size(), 4) + name;
    bytes += "PK\3\4" + common + name + body;
  }
  const std::size_t begin = bytes.size();
  return bytes + directory + "PK\5\6" + little(0, 4) + little(members.size(), 2) + little(members.size(), 2) +
         little(directory.size(), 4) + little(begin, 4) + little(0, 2);
}

std::string archive(bool pack) {
  const Snapshots set = fixed_grid();
  return zip({{"t.npy", npy(set.t)}, {"x.npy", npy(set.x)}, {"u.npy", npy(set.u.reshaped({3, 4}))}}, pack);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(npy_suite)

BOOST_AUTO_TEST_CASE(arrays_come_back_with_the_same_bits) {
  for (const Shape& shape : {Shape{}, Shape{3}, Shape{0}, Shape{2, 5}, Shape{2, 3, 4}, Shape{2, 1, 3, 2}})
    for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
      const Tensor values = Stream(1, "npy").normal(shape, dtype);
      const std::string bytes = npy(values);
      const Array back = parse_npy(bytes, "a.npy");
      BOOST_TEST(same_bits(back.numbers, values));
      BOOST_TEST(parse_npy_header(bytes, "a.npy", "").begin % 64 == 0);
    }
  BOOST_CHECK_THROW(write_npy(ones({2}, Dtype::f64), "/none/a.npy"), FileError);
}

BOOST_AUTO_TEST_CASE(an_array_cut_anywhere_is_refused) {
  const std::string whole = npy(ones({3, 4}, Dtype::f64));
  for (std::size_t length = 0; length < whole.size(); ++length)
    BOOST_TEST(
        refusal([&] { parse_npy(std::string_view(whole).substr(0, length), "a.npy"); }).starts_with("a.npy"));
  BOOST_TEST(
      contains(refusal([&] { parse_npy(whole + "x", "a.npy"); }), "has 97 bytes, but an array of shape (3,4)"));
}

BOOST_AUTO_TEST_CASE(an_archive_becomes_snapshots) {
  for (const bool pack : {false, true}) {
    const Snapshots set = parse_npz_snapshots(archive(pack), "a.npz");
    Snapshots expected = fixed_grid();
    expected.fields = {"u0"};
    expected.low = expected.high = {};
    expected.grid = {};
    expected.weight = from({4}, {0.125, 0.25, 0.25, 0.125});
    BOOST_TEST(equal(set, expected));
  }
}

BOOST_AUTO_TEST_CASE(an_archive_of_our_own_comes_back) {
  const Folder folder;
  const Tensor a = Stream(1, "a").normal({2, 3}, Dtype::f32), b = Stream(1, "b").normal({4}, Dtype::f64),
               none = zeros({0, 2}, Dtype::f64);
  write_npz({{"a", a}, {"text", std::string("words")}, {"b.c", b}, {"none", none}}, folder / "a.npz");
  const std::string bytes = read_file(folder / "a.npz");
  const std::vector<std::string> wanted = {"a", "b.c", "none"};
  const auto back = parse_npz(bytes, "a.npz", wanted);
  BOOST_TEST(back.size() == 3);
  BOOST_TEST(same_bits(back.at("a").numbers, a));
  BOOST_TEST(same_bits(back.at("b.c").numbers, b));
  BOOST_TEST(same_bits(back.at("none").numbers, none));
  BOOST_TEST(contains(refusal([&] { parse_npz(bytes, "a.npz"); }), "'<U5'"));
  BOOST_CHECK_THROW(write_npz({{"a", a}, {"a", b}}, folder / "b.npz"), Error);
  BOOST_CHECK_THROW(write_npz({{"a", a}}, "/none/a.npz"), FileError);
  write_npz({}, folder / "b.npz");
  BOOST_TEST(parse_npz(read_file(folder / "b.npz"), "b.npz").empty());
}

BOOST_AUTO_TEST_CASE(an_archive_cut_anywhere_is_refused) {
  for (const bool pack : {false, true}) {
    const std::string whole = archive(pack);
    int refused = 0;
    for (std::size_t length = 0; length < whole.size(); ++length)
      refused +=
          !refusal([&] { parse_npz_snapshots(std::string_view(whole).substr(0, length), "a.npz"); }).empty();
    BOOST_TEST(refused == static_cast<int>(whole.size()));
  }
}

// One byte is another: the checksum sees it wherever it matters, and nothing else happens.
BOOST_AUTO_TEST_CASE(a_damaged_archive_is_refused_or_says_the_same) {
  std::mt19937 random(5);
  const Snapshots right = parse_npz_snapshots(archive(false), "a.npz");
  int refused = 0, read = 0;
  for (const bool pack : {false, true}) {
    const std::string whole = archive(pack);
    for (std::size_t at = 0; at < whole.size(); ++at)
      for (const int flip : {1, 0x80, 0xff, 1 + static_cast<int>(random() % 255)}) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ flip);
        const std::string reason =
            refusal([&] { BOOST_TEST(equal(parse_npz_snapshots(bytes, "a.npz"), right)); });
        ++(reason.empty() ? read : refused);
        if (!reason.empty()) BOOST_TEST(reason.starts_with("a.npz:"));
      }
  }
  BOOST_TEST_MESSAGE(read << " read, " << refused << " refused");
  BOOST_TEST(refused > 1000);
}

BOOST_AUTO_TEST_SUITE_END()
