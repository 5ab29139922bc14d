// Zip archives as numpy.savez writes them: PKWARE's APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/npy.h>
#include <zlib.h>

#include <algorithm>
#include <set>
#include <string>

namespace lowtide {
namespace {

std::string little(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i, value >>= 8) out += static_cast<char>(value & 255);
  return out;
}

// UTF-8 as numpy keeps text, four bytes a character. What is no UTF-8 becomes U+FFFD.
std::u32string characters(std::string_view text) {
  std::u32string all;
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = [&](std::size_t i) {
      return i < text.size() ? static_cast<char32_t>(static_cast<unsigned char>(text[i])) : U'\0';
    };
    const char32_t first = byte(at++);
    const std::size_t more = first < 0x80       ? 0
                             : first >> 5 == 6  ? 1
                             : first >> 4 == 14 ? 2
                             : first >> 3 == 30 ? 3
                                                : 4;
    if (more == 4) {
      all += U'\xfffd';
      continue;
    }
    char32_t code = more == 0 ? first : first & (0x3fU >> more);
    bool right = true;
    for (std::size_t i = 0; i < more && right; ++i) {
      right = byte(at) >> 6 == 2;
      if (right) code = code << 6 | (byte(at++) & 0x3f);
    }
    right = right && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    all += right ? code : U'\xfffd';
  }
  return all;
}

struct Member {
  std::string header;     // of the .npy
  std::string own{};      // its numbers, if they are not those of a tensor
  std::string_view data;  // they or the tensor's
};

std::string text_array(const std::vector<std::string>& words, const Shape& shape, std::string& header) {
  std::vector<std::u32string> all;
  std::size_t width = 1;  // numpy has no '<U0'
  for (const std::string& word : words) {
    all.push_back(characters(word));
    width = std::max(width, all.back().size());
  }
  header = npy_header(fmt::format("<U{}", width), shape);
  std::string bytes;
  for (std::u32string& word : all) {
    word.resize(width);
    for (const char32_t code : word) bytes += little(code, 4);
  }
  return bytes;
}

Member member_of(const NpzValue& value) {
  Member member;
  if (const auto* tensor = std::get_if<Tensor>(&value)) {
    member.header = npy_header(tensor->dtype == Dtype::f32 ? "<f4" : "<f8", tensor->shape);
    dispatch(tensor->dtype, [&](auto zero) {
      using T = decltype(zero);
      member.data = {reinterpret_cast<const char*>(tensor->data<T>()),
                     static_cast<std::size_t>(tensor->size()) * sizeof(T)};
    });
  } else if (const auto* whole = std::get_if<std::vector<std::int64_t>>(&value)) {
    member.header = npy_header("<i8", {std::ssize(*whole)});
    member.data = {reinterpret_cast<const char*>(whole->data()), whole->size() * sizeof(std::int64_t)};
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    member.own = text_array({*text}, {}, member.header);
  } else {
    const auto& words = std::get<std::vector<std::string>>(value);
    member.own = text_array(words, {std::ssize(words)}, member.header);
  }
  return member;
}

}  // namespace

void write_npz(const std::vector<std::pair<std::string, NpzValue>>& arrays, const std::filesystem::path& path) {
  constexpr std::uint64_t most = 0xfffffffe, most_members = 0xfffe;  // beyond them is zip64
  std::vector<Member> members;
  std::vector<std::string> local;
  std::string directory;
  std::uint64_t at = 0;
  std::set<std::string> names;
  for (const auto& [name, value] : arrays) {
    if (!names.insert(name).second) fail<Error>("write_npz", fmt::format("two arrays called {}", name));
    members.push_back(member_of(value));
    Member& member = members.back();
    const std::string_view data = member.own.empty() ? member.data : std::string_view(member.own);
    auto sum = ::crc32_z(0, reinterpret_cast<const Bytef*>(member.header.data()), member.header.size());
    if (!data.empty()) sum = ::crc32_z(sum, reinterpret_cast<const Bytef*>(data.data()), data.size());
    const std::uint64_t size = member.header.size() + data.size();
    const std::string file = name + ".npy";
    // version 2.0, names in UTF-8, stored, 1 January 1980
    const std::string common = little(20, 2) + little(1 << 11, 2) + little(0, 2) + little(0, 2) +
                               little(33, 2) + little(sum, 4) + little(size, 4) + little(size, 4) +
                               little(file.size(), 2) + little(0, 2);
    local.push_back("PK\3\4" + common + file);
    directory += "PK\1\2" + little(20, 2) + common + little(0, 10) + little(at, 4) + file;
    at += local.back().size() + size;
    if (at > most || members.size() > most_members)
      throw InputError(
          fmt::format("{}: an archive of more than 4 GiB or {} arrays", path.string(), most_members));
  }
  const std::string end = "PK\5\6" + little(0, 4) + little(members.size(), 2) + little(members.size(), 2) +
                          little(directory.size(), 4) + little(at, 4) + little(0, 2);
  std::vector<std::string_view> pieces;
  for (std::size_t k = 0; k < members.size(); ++k) {
    const Member& member = members[k];
    for (const std::string_view piece : {std::string_view(local[k]), std::string_view(member.header),
                                         std::string_view(member.own), member.data})
      pieces.push_back(piece);
  }
  pieces.push_back(directory);
  pieces.push_back(end);
  write_file(path, pieces);
}

}  // namespace lowtide
