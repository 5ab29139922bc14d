// Text out of a file or a foreign library, fit for a message of one line.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>

namespace lowtide {

inline std::string printable(std::string_view text, std::size_t most = 120) {
  std::string shown(text.substr(0, most));
  std::replace_if(
      shown.begin(), shown.end(), [](unsigned char c) { return c < ' ' || c > '~'; }, '?');
  if (text.size() > most) shown += "...";
  return shown;
}

}  // namespace lowtide
