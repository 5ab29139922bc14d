// The text of a block structure: the sides of the matrix, each as a byte, then the tree. What is accepted
// covers the matrix and is its own text.
#include <lowtide/linalg/block_structure.h>
#include <lowtide/linalg/error.h>

#include <algorithm>

#include "fuzz.h"

using namespace lowtide;
using namespace lowtide::fuzzing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  BlockStructure s;
  try {
    s = block_structure(data[0], data[1], text);
  } catch (const ShapeError& error) {
    const std::string message = error.what();
    expect(message.rfind("[block_structure]", 0) == 0 && message.size() < 200,
           "a message is short and says where");
    expect(std::all_of(message.begin(), message.end(), [](char c) { return c >= ' ' && c <= '~'; }),
           "a message is one line of readable characters");
    return 0;
  }
  expect(s.text == text && s.blocks.size() <= text.size(), "a block takes a letter");
  std::int64_t area = 0;
  for (const Block& b : s.blocks) {
    area += b.rows * b.cols;
    expect(b.row >= 0 && b.col >= 0 && b.row + b.rows <= s.rows && b.col + b.cols <= s.cols,
           "blocks are inside");
    expect(b.rank >= -1 && b.rank <= std::min(b.rows, b.cols), "ranks are possible");
  }
  expect(area == s.rows * s.cols, "blocks cover the matrix");
  expect(s.entries() >= 0 && s.entries() <= 2 * area, "entries are counted");
  return 0;
}
