#include <lowtide/io/file.h>
#include <lowtide/io/import_npz.h>
#include <lowtide/io/layouts.h>
#include <lowtide/io/npy.h>

namespace lowtide {

Snapshots parse_npz_snapshots(std::string_view bytes, const std::string& source) {
  const std::string wanted[] = {"t", "x", "u", "weight", "offsets", "level", "cell", "mu", "heldout"};
  Snapshots set;
  arrange(set, parse_npz(bytes, source, wanted), source);
  return set;
}

Snapshots import_npz(const std::filesystem::path& path) {
  return parse_npz_snapshots(read_file(path), path.string());
}

}  // namespace lowtide
