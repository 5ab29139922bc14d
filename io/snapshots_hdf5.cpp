// Snapshots on disk; docs/data.md describes the file.
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/hdf5.h>
#include <lowtide/io/layouts.h>
#include <lowtide/io/snapshots.h>

#include <utility>

namespace lowtide {
namespace {

using hdf5::Kind;
constexpr const char* schema = "lowtide snapshots";

const std::vector<hdf5::Wanted> everything = {
    {"schema", Kind::strings},     {"version", Kind::integers},  {"case", Kind::strings},
    {"law", Kind::strings},        {"fields", Kind::strings},    {"low", Kind::numbers},
    {"high", Kind::numbers},       {"boundary", Kind::strings},  {"grid", Kind::integers},
    {"parameters", Kind::strings}, {"settings", Kind::strings},  {"/t", Kind::numbers},
    {"/offsets", Kind::integers},  {"/x", Kind::numbers},        {"/u", Kind::numbers},
    {"/weight", Kind::numbers},    {"/level", Kind::integers},   {"/cell", Kind::numbers},
    {"/mu", Kind::numbers},        {"/heldout", Kind::integers},
};

std::uint64_t bytes_of(const Snapshots& set) {
  std::uint64_t bytes = 8 * set.offsets.size() + 4 * set.level.size() + set.heldout.size();
  for (const Tensor* a : {&set.t, &set.x, &set.u, &set.weight, &set.cell, &set.mu})
    if (*a) bytes += 8 * static_cast<std::uint64_t>(a->size());
  return bytes;
}

using Found = std::map<std::string, hdf5::Value>;

const hdf5::Value* find(const Found& found, const std::string& name) {
  const auto at = found.find(name);
  return at == found.end() ? nullptr : &at->second;
}
std::vector<std::string> texts(const Found& found, const std::string& name) {
  const hdf5::Value* value = find(found, name);
  return value ? value->strings : std::vector<std::string>{};
}
std::string text(const Found& found, const std::string& name, const std::string& source) {
  const std::vector<std::string> values = texts(found, name);
  if (values.size() > 1) bad_input(source, name, fmt::format("has {} entries, not one", values.size()));
  return values.empty() ? std::string{} : values.front();
}
std::vector<double> numbers(const Found& found, const std::string& name) {
  const hdf5::Value* value = find(found, name);
  return value && value->numbers ? to_vector(value->numbers) : std::vector<double>{};
}

void check_schema(const Found& found, const std::string& source) {
  if (find(found, "schema") && text(found, "schema", source) != schema)
    bad_input(source, "schema", fmt::format("is not '{}'", schema));
  const hdf5::Value* version = find(found, "version");
  if (!version) return;
  if (version->integers.size() != 1) bad_input(source, "version", "is not one number");
  if (version->integers[0] > Snapshots::schema_version)
    bad_input(source, "version",
              fmt::format("is {}, written by a newer lowtide; this one reads up to {}", version->integers[0],
                          Snapshots::schema_version));
  if (version->integers[0] < 1) bad_input(source, "version", fmt::format("is {}", version->integers[0]));
}

}  // namespace

void write_snapshots(const Snapshots& set, const std::filesystem::path& path) {
  check(set, path.string());
  hdf5::Writer file(bytes_of(set));
  file.attribute("schema", std::string(schema));
  file.attribute("version", std::int64_t{Snapshots::schema_version});
  file.attribute("case", set.case_name);
  file.attribute("law", set.law);
  file.attribute("fields", set.fields);
  if (!set.low.empty()) file.attribute("low", set.low), file.attribute("high", set.high);
  if (!set.boundary.empty()) file.attribute("boundary", set.boundary);
  if (!set.grid.empty()) file.attribute("grid", set.grid);
  if (!set.parameters.empty()) file.attribute("parameters", set.parameters);
  if (!set.settings.empty()) {  // rows of a name and a value: dict(f.attrs["settings"]) in Python
    std::vector<std::string> rows;
    for (const auto& [name, value] : set.settings) rows.push_back(name), rows.push_back(value);
    file.attribute("settings", rows, 2);
  }
  file.dataset("/t", set.t);
  file.dataset("/offsets", set.offsets);
  file.dataset("/x", set.x);
  file.dataset("/u", set.u);
  file.dataset("/weight", set.weight);
  if (!set.level.empty()) file.dataset("/level", set.level);
  if (set.cell) file.dataset("/cell", set.cell);
  if (set.mu) file.dataset("/mu", set.mu);
  if (!set.heldout.empty()) file.dataset("/heldout", set.heldout);
  file.write(path);
}

Snapshots read_snapshots(const std::filesystem::path& path) {
  const std::string source = path.string();
  Found found = hdf5::read(path, everything);
  check_schema(found, source);

  Snapshots set;
  set.case_name = text(found, "case", source);
  set.law = text(found, "law", source);
  set.fields = texts(found, "fields");
  set.low = numbers(found, "low");
  set.high = numbers(found, "high");
  set.boundary = texts(found, "boundary");
  if (const hdf5::Value* grid = find(found, "grid")) set.grid = grid->integers;
  set.parameters = texts(found, "parameters");
  if (const hdf5::Value* settings = find(found, "settings")) {
    if (settings->shape.rank() != 2 || settings->shape[1] != 2)
      bad_input(source, "settings", fmt::format("has shape {}, not (n,2)", to_string(settings->shape)));
    for (std::size_t i = 0; i + 1 < settings->strings.size(); i += 2)
      set.settings[settings->strings[i]] = settings->strings[i + 1];
  }

  std::map<std::string, Array> arrays;
  for (auto& [name, value] : found)
    if (name.front() == '/') arrays.emplace(name.substr(1), std::move(static_cast<Array&>(value)));
  found.clear();
  arrange(set, std::move(arrays), source);
  return set;
}

}  // namespace lowtide
