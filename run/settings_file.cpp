// Settings as TOML: what a user writes, and what a run keeps.
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/printable.h>
#include <lowtide/run/settings.h>

#include <algorithm>
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace lowtide {
namespace {

constexpr std::size_t most_bytes = 1 << 20;
// Tables are destroyed by recursion, and each dot may open one: more than this could exhaust the stack.
constexpr std::int64_t most_dots = 4000;
constexpr std::size_t most_letters = 200;  // in a name: each value has the whole of it

struct Entry {
  std::string name, text;
  std::uint32_t line = 0;
};

[[noreturn]] void refuse(const std::string& source, std::uint32_t line, const std::string& what) {
  bad_input(source, line > 0 ? fmt::format("{}", line) : "", printable(what, 200));
}

std::string text_of(const toml::node& node, const std::string& name, const std::string& source) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* whole = node.as_integer()) return fmt::format("{}", whole->get());
  if (const auto* real = node.as_floating_point()) return fmt::format("{}", real->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  if (!node.is_array())
    refuse(source, node.source().begin.line, "setting " + name + ": a date or time is no setting");
  std::string list;
  for (const toml::node& item : *node.as_array()) {
    if (!item.is_integer())
      refuse(source, item.source().begin.line, "setting " + name + ": a list may hold whole numbers only");
    list += fmt::format("{}{}", list.empty() ? "" : ",", item.as_integer()->get());
  }
  return list;
}

// The values, by their dotted names. Without recursion: tables may be as deep as there are dots.
std::vector<Entry> entries_of(const toml::table& root, const std::string& source) {
  std::vector<Entry> entries;
  std::vector<std::pair<std::string, const toml::table*>> open{{"", &root}};
  while (!open.empty()) {
    const auto [before, table] = open.back();
    open.pop_back();
    for (const auto& [key, node] : *table) {
      const std::string name = before + std::string(key.str());
      const std::uint32_t line = key.source().begin.line;
      if (name.size() > most_letters) refuse(source, line, "name too long: " + name);
      if (const toml::table* inner = node.as_table())
        open.emplace_back(name + ".", inner);
      else
        entries.push_back({name, text_of(node, name, source), line});
    }
  }
  return entries;
}

// Bytes of the code point at the front of `text`; 0 if that is not UTF-8.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  if (byte(0) < 0x80) return 1;
  if (byte(0) < 0xC2 || byte(0) > 0xF4) return 0;
  const std::size_t length = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const unsigned two = byte(0) << 8 | byte(1);
  const bool overlong = (length == 3 && two < 0xE0A0) || (length == 4 && two < 0xF090);
  const bool surrogate = two >= 0xEDA0 && two < 0xEE00, past_the_last = two >= 0xF490;
  return overlong || surrogate || past_the_last ? 0 : length;
}

std::string quoted(const std::string& text) {
  std::string safe = "\"";
  for (std::size_t at = 0, length = 0; at < text.size(); at += length) {
    length = utf8_length(std::string_view(text).substr(at));
    if (length == 0) throw InputError(fmt::format("'{}': text in UTF-8 expected", printable(text)));
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '"' || c == '\\') safe += '\\';
    safe += c < ' ' || c == 0x7F ? fmt::format("\\u{:04X}", c) : text.substr(at, length);
  }
  return safe + "\"";
}

std::string key_text(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return bare ? key : quoted(key);
}

std::string value_text(const Settings::Used& used) {
  using Kind = Settings::Kind;
  if (used.kind == Kind::text) return quoted(used.value);
  if (used.kind == Kind::list) return "[" + used.value + "]";
  const bool point = used.kind == Kind::real && used.value.find_first_of(".en") == std::string::npos;
  return point ? used.value + ".0" : used.value;  // -0 would lose its sign
}

// Where a name stands in a document: b of the table a, but "a.b" of none if a is a value itself.
struct Place {
  std::string table, key;
};

Place place_of(const std::string& name, const std::vector<Settings::Used>& all) {
  Place place{"", name};
  for (std::size_t begin = 0, dot; (dot = name.find('.', begin)) != std::string::npos; begin = dot + 1) {
    const auto is_above = [&](const Settings::Used& used) { return used.name == name.substr(0, dot); };
    if (std::any_of(all.begin(), all.end(), is_above)) return {"", name};
    place.table += (begin == 0 ? "" : ".") + key_text(name.substr(begin, dot - begin));
    place.key = name.substr(dot + 1);
  }
  return place;
}

}  // namespace

void Settings::add_file(const std::filesystem::path& path) {
  std::error_code failed;
  const auto bytes = std::filesystem::file_size(path, failed);
  if (!failed && bytes > most_bytes) refuse(path.string(), 0, "too large for a file of settings");
  add_toml(read_file(path), path.string());
}

void Settings::add_toml(std::string_view text, const std::string& source) {
  if (text.size() > most_bytes) refuse(source, 0, "too large for a file of settings");
  if (std::count(text.begin(), text.end(), '.') > most_dots)
    refuse(source, 0, fmt::format("more than {} dots: not a file of settings", most_dots));
  std::vector<Entry> entries;
  try {
    entries = entries_of(toml::parse(text), source);
  } catch (const toml::parse_error& e) {
    refuse(source, e.source().begin.line, std::string(e.description()));
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.line < b.line; });
  std::map<std::string, std::uint32_t> lines;  // "a.b" in quotes, and b of the table a, are one name
  for (const Entry& entry : entries)
    if (const auto [first, fresh] = lines.emplace(entry.name, entry.line); !fresh)
      refuse(source, entry.line,
             fmt::format("setting {} is given in line {} already", entry.name, first->second));
  for (const Entry& entry : entries) {
    const Given value{entry.text, fmt::format("{}:{}", source, entry.line)};
    const auto [at, fresh] = given_.try_emplace(entry.name, value);
    if (!fresh && !at->second.place.empty()) at->second = value;
  }
}

std::string Settings::toml() const {
  std::vector<std::string> tables{""};  // first what is in none, then in the order of asking
  std::map<std::string, std::string> lines;
  for (const Used& used : used_) {
    const auto [table, key] = place_of(used.name, used_);
    if (std::find(tables.begin(), tables.end(), table) == tables.end()) tables.push_back(table);
    const std::string line = fmt::format("{} = {}", key_text(key), value_text(used));
    lines[table] +=
        used.help.empty() ? line + "\n" : fmt::format("{:<32} # {}\n", line, printable(used.help, 200));
  }
  std::string text;
  for (const std::string& table : tables) {
    if (lines[table].empty()) continue;
    if (!table.empty()) text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", table);
    text += lines[table];
  }
  return text;
}

}  // namespace lowtide
