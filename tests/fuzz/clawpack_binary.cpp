// A frame with binary values: fort.t|fort.q|fort.b.
#include "clawpack_checks.h"
#include "words.h"

using namespace lowtide;
using namespace lowtide::fuzzing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view t = next_file(input), q = next_file(input);
  ClawHeader header;
  ClawFrame frame;
  if (!accepted("fort.t", [&] { header = parse_claw_header(t, "fort.t"); })) return 0;
  if (header.format == ClawFormat::ascii) header.format = ClawFormat::binary32;
  if (!accepted("fort.q", [&] { frame = parse_claw_frame(header, q, "fort.q"); })) return 0;
  if (!accepted("fort.b", [&] { parse_claw_values(frame, input, "fort.b"); })) return 0;
  check_frame(frame, size);
  ClawMesh mesh;
  std::vector<ClawCover> covers;
  check_cover(frame, mesh, covers);
  return 0;
}

// A change of sizes alone would always be refused: mostly fort.b gets the size that goes with it.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  std::minstd_rand random(seed);
  std::string_view input(reinterpret_cast<const char*>(data), size);
  next_file(input), next_file(input);
  size = mutate_text(data, size, max_size, size - input.size(), random);
  if (random() % 4 == 0) return size;
  input = {reinterpret_cast<const char*>(data), size};
  try {
    ClawHeader header = parse_claw_header(next_file(input), "");
    if (header.format == ClawFormat::ascii) header.format = ClawFormat::binary32;
    const ClawFrame frame = parse_claw_frame(header, next_file(input), "");
    const std::size_t text = size - input.size(), width = header.format == ClawFormat::binary32 ? 4 : 8;
    double bytes = 0;
    for (const ClawPatch& patch : frame.patches) {
      const double extra = 2 * header.ghost, rows = static_cast<double>(patch.cells[1]) + extra;
      bytes += (static_cast<double>(patch.cells[0]) + extra) * (header.dims == 1 ? 1 : rows);
    }
    bytes *= static_cast<double>(header.equations) * static_cast<double>(width);
    if (bytes > static_cast<double>(max_size - text)) return size;
    const std::size_t wanted = text + static_cast<std::size_t>(bytes);
    if (wanted > size) std::memset(data + size, 0, wanted - size);
    return wanted;
  } catch (const InputError&) {
    return size;
  }
}
