// Zip archives as far as numpy writes them: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.3.
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/npy.h>
#include <lowtide/io/printable.h>
#include <zlib.h>

#include <algorithm>
#include <set>

namespace lowtide {
namespace {

constexpr std::uint64_t most_ratio = 1032;  // deflate cannot do better

struct Member {
  std::string name;
  unsigned method = 0, flags = 0;
  std::uint32_t crc = 0;
  std::uint64_t packed = 0, size = 0, local = 0;
};

class Zip {
 public:
  Zip(std::string_view bytes, const std::string& source) : bytes_(bytes), source_(source) { directory(); }

  const std::vector<Member>& members() const { return members_; }

  // The bytes of a member, which must be a .npy: its header tells how many there should be.
  std::string unpack(const Member& member) const {
    const std::string_view packed = data_of(member);
    if (member.flags & 1) wrong(member.name, "is encrypted");
    if (member.method == 0) {
      if (member.packed != member.size) wrong(member.name, "damaged: is not packed, but has two sizes");
      checked_header(packed, member);
      check_crc(packed, member);
      return std::string(packed);
    }
    if (member.method != 8)
      wrong(member.name, fmt::format("is packed by method {}; stored and deflate are possible", member.method));
    if (member.size / most_ratio > member.packed) wrong(member.name, "damaged: says to unpack to too much");
    return inflated(packed, member);
  }

  [[noreturn]] void wrong(const std::string& place, const std::string& what) const {
    bad_input(source_, place, what);
  }

 private:
  std::uint64_t number(std::uint64_t at, int bytes) const {  // little endian
    if (at > bytes_.size() || bytes_.size() - at < static_cast<std::uint64_t>(bytes))
      wrong("", "damaged: cut off");
    std::uint64_t value = 0;
    for (int i = bytes; i-- > 0;)
      value = value << 8 | static_cast<unsigned char>(bytes_[at + static_cast<std::uint64_t>(i)]);
    return value;
  }

  void directory() {
    if (bytes_.substr(0, 2) != "PK") {
      if (bytes_.substr(0, 6) == "\x93NUMPY") wrong("", "is one array (.npy), not an archive of arrays (.npz)");
      wrong("", "not a zip archive (.npz)");
    }
    // The end record is the last thing but for a comment of up to 64 KiB.
    constexpr std::uint64_t record = 22;
    if (bytes_.size() < record) wrong("", "damaged: cut off");
    std::uint64_t end = bytes_.size() - record;
    const std::uint64_t first = end > 65535 ? end - 65535 : 0;
    while (number(end, 4) != 0x06054b50 || number(end + 20, 2) != bytes_.size() - end - record) {
      if (end == first) wrong("", "damaged: the end of the archive is missing");
      --end;
    }
    std::uint64_t count = number(end + 10, 2), size = number(end + 12, 4), begin = number(end + 16, 4);
    if (number(end + 4, 4) != 0) wrong("", "is a part of an archive in several files");
    if (count == 0xffff || size == 0xffffffff || begin == 0xffffffff) {  // zip64
      if (end < 20 || number(end - 20, 4) != 0x07064b50) wrong("", "damaged: no zip64 locator");
      const std::uint64_t at = number(end - 12, 8);
      if (at > bytes_.size() || number(at, 4) != 0x06064b50) wrong("", "damaged: no zip64 end record");
      count = number(at + 32, 8);
      size = number(at + 40, 8);
      begin = number(at + 48, 8);
    }
    if (begin > end || size > end - begin) wrong("", "damaged: its directory lies outside");
    if (count > size / 46) wrong("", "damaged: its directory is too small");
    directory_ = begin;
    std::set<std::string> names;
    std::uint64_t at = begin;
    for (std::uint64_t i = 0; i < count; ++i) {
      members_.push_back(entry(at, begin + size));
      if (!names.insert(members_.back().name).second) wrong(members_.back().name, "is there twice");
    }
  }

  Member entry(std::uint64_t& at, std::uint64_t end) const {
    if (end - at < 46 || number(at, 4) != 0x02014b50)
      wrong("", "damaged: an entry of the directory is missing");
    Member member;
    member.flags = static_cast<unsigned>(number(at + 8, 2));
    member.method = static_cast<unsigned>(number(at + 10, 2));
    member.crc = static_cast<std::uint32_t>(number(at + 16, 4));
    member.packed = number(at + 20, 4);
    member.size = number(at + 24, 4);
    member.local = number(at + 42, 4);
    const std::uint64_t name = number(at + 28, 2), extra = number(at + 30, 2), comment = number(at + 32, 2);
    if (end - at - 46 < name + extra + comment) wrong("", "damaged: an entry of the directory is cut off");
    member.name = printable(bytes_.substr(at + 46, name));
    wide_sizes(member, at + 46 + name, at + 46 + name + extra);
    at += 46 + name + extra + comment;
    return member;
  }

  void wide_sizes(Member& member, std::uint64_t at, std::uint64_t end) const {  // zip64: in place of all ones
    while (end - at >= 4) {
      const std::uint64_t id = number(at, 2), length = number(at + 2, 2), next = at + 4 + length;
      if (next > end) return;
      at += 4;
      if (id == 1)
        for (std::uint64_t* field : {&member.size, &member.packed, &member.local})
          if (*field == 0xffffffff && next - at >= 8) *field = number(at, 8), at += 8;
      at = next;
    }
  }

  std::string_view data_of(const Member& member) const {
    const std::uint64_t at = member.local;
    if (at > directory_ || directory_ - at < 30 || number(at, 4) != 0x04034b50)
      wrong(member.name, "damaged: is not where the directory says");
    const std::uint64_t name = number(at + 26, 2), extra = number(at + 28, 2), begin = at + 30 + name + extra;
    if (begin > directory_ || member.packed > directory_ - begin)
      wrong(member.name, "damaged: reaches into the directory");
    if (printable(bytes_.substr(at + 30, name)) != member.name) wrong(member.name, "damaged: has two names");
    return bytes_.substr(begin, member.packed);
  }

  void check_crc(std::string_view bytes, const Member& member) const {
    const auto sum = ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
    if (sum != member.crc) wrong(member.name, "damaged: its checksum (CRC) is wrong");
  }

  void checked_header(std::string_view begin, const Member& member) const {
    const NpyHeader header = parse_npy_header(begin, source_, member.name);
    if (header.end != member.size)
      wrong(member.name, fmt::format("damaged: has {} bytes, but an array of shape {} needs {}", member.size,
                                     to_string(header.shape), header.end));
  }

  std::string inflated(std::string_view packed, const Member& member) const {
    struct Stream : z_stream {
      Stream() : z_stream{} {
        if (::inflateInit2(this, -15) != Z_OK) throw std::bad_alloc();
      }
      ~Stream() { ::inflateEnd(this); }
    } stream;
    std::string bytes;
    int state = Z_OK;
    const auto fill = [&](std::uint64_t size) {  // pieces, since zlib counts in 32 bits
      std::size_t filled = bytes.size();
      bytes.resize(size);
      while (filled < size && state == Z_OK) {
        const std::size_t in = std::min<std::size_t>(packed.size(), 1U << 30),
                          out = std::min<std::size_t>(size - filled, 1U << 30);
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
        stream.avail_in = static_cast<uInt>(in);
        stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + filled);
        stream.avail_out = static_cast<uInt>(out);
        state = ::inflate(&stream, Z_NO_FLUSH);
        packed.remove_prefix(in - stream.avail_in);
        filled += out - stream.avail_out;
      }
      if (filled < size) wrong(member.name, "damaged: cannot be unpacked");
    };
    fill(std::min<std::uint64_t>(member.size, npy_header_limit));
    checked_header(bytes, member);
    fill(member.size);
    if (state == Z_OK) {  // the stream must end here
      char more = 0;
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
      stream.avail_in = static_cast<uInt>(std::min<std::size_t>(packed.size(), 1U << 30));
      stream.next_out = reinterpret_cast<Bytef*>(&more);
      stream.avail_out = 1;
      state = ::inflate(&stream, Z_NO_FLUSH);
      if (stream.avail_out == 0) wrong(member.name, "damaged: unpacks to more than it says");
    }
    if (state != Z_STREAM_END) wrong(member.name, "damaged: cannot be unpacked");
    check_crc(bytes, member);
    return bytes;
  }

  std::string_view bytes_;
  const std::string& source_;
  std::uint64_t directory_ = 0;
  std::vector<Member> members_;
};

}  // namespace

std::map<std::string, Array> parse_npz(std::string_view bytes, const std::string& source,
                                       std::span<const std::string> wanted) {
  const Zip zip(bytes, source);
  std::map<std::string, Array> arrays;
  std::uint64_t left = (std::uint64_t{64} << 20) + 100 * static_cast<std::uint64_t>(bytes.size());
  for (const Member& member : zip.members()) {
    if (!member.name.ends_with(".npy")) continue;
    const std::string name = member.name.substr(0, member.name.size() - 4);
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
    const auto take = [&](std::uint64_t size) {
      if (size > left) zip.wrong(member.name, "unpacks to more than an archive of this size should hold");
      return size;
    };
    take(member.size);
    const std::string array = zip.unpack(member);
    left -= take(8 * static_cast<std::uint64_t>(parse_npy_header(array, source, member.name).shape.size()));
    arrays.emplace(name, parse_npy(array, source, member.name));
  }
  return arrays;
}

}  // namespace lowtide
