// Bytes as text that a browser unpacks by itself.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace lowtide::app {

std::string base64(std::span<const unsigned char> bytes);

// In zlib's format: DecompressionStream("deflate").
std::string deflated(std::string_view text);

}  // namespace lowtide::app
