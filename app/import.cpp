#include <lowtide/io/clawpack.h>
#include <lowtide/io/file.h>
#include <lowtide/io/import_npz.h>
#include "verbs.h"

#include <fmt/format.h>

namespace lowtide::app {
namespace {

// Without a name of its own the file is called after what is read, and lies in the present folder.
Output with_path(const ImportOptions& options) {
  Output output = options.output;
  if (output.path.empty()) {
    std::filesystem::path last = options.from.lexically_normal();
    if (!last.has_filename()) last = last.parent_path();
    output.path = last.stem().string() + ".h5";
  }
  check_output(output);
  return output;
}

}  // namespace

void import_from_clawpack(const ImportOptions& options, const Common& common) {
  const Output output = with_path(options);
  finish(import_clawpack(options.from, {options.name, options.fields, options.heldout}), output, {}, common);
}

void import_from_npz(const ImportOptions& options, const Common& common) {
  const Output output = with_path(options);
  Snapshots set = import_npz(options.from);
  if (!options.name.empty()) set.case_name = options.name;
  if (!options.fields.empty()) {
    if (options.fields.size() != set.fields.size())
      throw InputError(
          fmt::format("{} names for the {} components of u", options.fields.size(), set.fields.size()));
    set.fields = options.fields;
  }
  if (set.heldout.empty()) hold_out(set, options.heldout);
  finish(set, output, {}, common);
}

}  // namespace lowtide::app
