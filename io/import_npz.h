// Snapshots from an archive of numpy arrays, as numpy.savez(path, t=t, x=x, u=u) makes it. layouts.h says
// which shapes are possible; of the arrays there, level, cell and heldout are optional, too.
#pragma once
#include <lowtide/io/snapshots.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace lowtide {

Snapshots import_npz(const std::filesystem::path& path);
Snapshots parse_npz_snapshots(std::string_view bytes, const std::string& source);

}  // namespace lowtide
