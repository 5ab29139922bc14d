// Frames as text: fort.t|fort.q|fort.t|fort.q|... What is read must come back from a binary file with the same
// bits.
#include "clawpack_checks.h"
#include "words.h"

using namespace lowtide;
using namespace lowtide::fuzzing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  ClawMesh mesh;
  std::vector<ClawCover> covers;
  ClawHeader before;
  while (!input.empty()) {
    const std::string_view t = next_file(input), q = next_file(input);
    ClawHeader header;
    ClawFrame frame;
    if (!accepted("fort.t", [&] { header = parse_claw_header(t, "fort.t"); })) continue;
    if (!accepted("fort.q", [&] { frame = parse_claw_frame(header, q, "fort.q"); })) continue;
    if (header.format != ClawFormat::ascii) continue;
    check_frame(frame, size);

    ClawFrame same = frame;
    same.header.format = ClawFormat::binary64;
    same.values.clear();
    parse_claw_values(same, binary(frame, header.ghost), "fort.b");
    expect(same.values.size() == frame.values.size() &&
               std::memcmp(same.values.data(), frame.values.data(), 8 * frame.values.size()) == 0,
           "text and binary agree");

    if (!covers.empty() && (header.equations != before.equations || header.dims != before.dims)) continue;
    check_cover(frame, mesh, covers);
    before = header;
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  std::minstd_rand random(seed);
  return mutate_text(data, size, max_size, size, random);
}
