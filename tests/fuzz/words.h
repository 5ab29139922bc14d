// Changes to text that bytes at random seldom make: a word becomes another one of the file or one that is known
// to be difficult, a number its neighbour, a line is doubled, lost or exchanged.
#pragma once
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace lowtide::fuzzing {

inline std::vector<std::string_view> split(std::string_view text, std::string_view at) {
  std::vector<std::string_view> parts;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = std::min(text.find_first_of(at, i), text.size());
    if (end > i) parts.push_back(text.substr(i, end - i));
    i = end + 1;
  }
  return parts;
}

// Another number near by, or a word from a list.
inline std::string other_word(std::string_view word, std::minstd_rand& random) {
  static constexpr std::string_view difficult[] = {"0",
                                                   "1",
                                                   "2",
                                                   "3",
                                                   "-1",
                                                   "+1",
                                                   "7",
                                                   "16",
                                                   "65536",
                                                   "99999999",
                                                   "4294967296",
                                                   "3037000500",
                                                   "9007199254740992",
                                                   "9223372036854775807",
                                                   "-9223372036854775808",
                                                   "99999999999999999999",
                                                   "0.5",
                                                   "-0.",
                                                   "1e-7",
                                                   "1E-13",
                                                   "1.0-100",
                                                   "1D+15",
                                                   "1E+99",
                                                   "1E+308",
                                                   "1E+309",
                                                   "1E-400",
                                                   "NaN",
                                                   "-Infinity",
                                                   "****",
                                                   "."};
  long long number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error == std::errc() && end != word.data() && number > -1000000 && number < 1000000 &&
      random() % 2 == 0) {
    const long long near[] = {number + 1, number - 1, 2 * number, number / 2, 3 * number, -number};
    return std::to_string(near[random() % 6]).append(end, word.data() + word.size());
  }
  return std::string(difficult[random() % std::size(difficult)]);
}

inline void replace_part(std::string& text, std::string_view part, const std::string& by) {
  text.replace(static_cast<std::size_t>(part.data() - text.data()), part.size(), by);
}

inline void change_words(std::string& text, std::minstd_rand& random) {
  const auto words = split(text, " \n\r\t|"), lines = split(text, "\n");
  if (words.empty() || lines.empty()) return;
  const auto word = words[random() % words.size()], line = lines[random() % lines.size()];
  const std::string other(words[random() % words.size()]), next(lines[random() % lines.size()]);
  switch (random() % 8) {
    case 0:
      return replace_part(text, word, other);
    case 1:
      return replace_part(text, line, next);
    case 2:
      return replace_part(text, line, "");
    case 3:
      return replace_part(text, line, std::string(line) + "\n" + next);
    default:
      return replace_part(text, word, other_word(word, random));
  }
}

// For LLVMFuzzerCustomMutator: such a change three times out of four, else one of libFuzzer's own. Of the bytes
// behind `text_size` nothing is changed by words.
inline std::size_t mutate_text(std::uint8_t* data, std::size_t size, std::size_t max_size,
                               std::size_t text_size, std::minstd_rand& random) {
  if (random() % 4 == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::string text(reinterpret_cast<const char*>(data), text_size);
  const std::string rest(reinterpret_cast<const char*>(data) + text_size, size - text_size);
  for (unsigned times = 1 + random() % 3; times > 0; --times) change_words(text, random);
  text.append(rest);
  if (text.empty()) text = "\n";  // libFuzzer wants something
  const std::size_t changed = std::min(text.size(), max_size);
  std::memcpy(data, text.data(), changed);
  return changed;
}

}  // namespace lowtide::fuzzing
