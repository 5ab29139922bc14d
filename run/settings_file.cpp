#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/printable.h>
#include <lowtide/run/settings.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace lowtide {
namespace {

// The shortest text that reads back as the same number, and as a number with a point.
std::string real_text(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string quoted(const std::string& text) {
  std::string safe = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      safe += fmt::format("\\{}", c);
    else if (code < 0x20 || code == 0x7f)
      safe += fmt::format("\\u{:04x}", code);
    else
      safe += c;
  }
  return safe + "\"";
}

std::string value_text(const Settings::Used& used) {
  switch (used.kind) {
    case Settings::Kind::real: {
      double value = 0;
      std::from_chars(used.value.data(), used.value.data() + used.value.size(), value);
      return real_text(value);
    }
    case Settings::Kind::whole:
    case Settings::Kind::truth:
      return used.value;
    case Settings::Kind::list:
      return "[" + used.value + "]";
    case Settings::Kind::text:
      break;
  }
  return quoted(used.value);
}

std::string key_text(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return bare ? key : quoted(key);
}

struct Reader {
  const std::string& source;
  std::vector<std::array<std::string, 3>> found{};  // name, text, place

  [[noreturn]] void refuse(const toml::node& node, const std::string& name, const char* what) const {
    bad_input(source, std::to_string(node.source().begin.line),
              fmt::format("setting {}: {}", printable(name), what));
  }

  std::string text_of(const toml::node& node, const std::string& name) const {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
    if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
    if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
    refuse(node, name, "a number, a text, true, false or a list of whole numbers expected");
  }

  void read(const toml::table& table, const std::string& before) {
    for (const auto& [key, node] : table) {
      const std::string name = before + std::string(key.str());
      if (const auto* inner = node.as_table()) {
        read(*inner, name + ".");
        continue;
      }
      std::string text;
      if (const auto* list = node.as_array()) {
        for (const toml::node& element : *list) {
          if (!element.is_integer()) refuse(element, name, "a list may hold whole numbers only");
          text += (text.empty() ? "" : ",") + text_of(element, name);
        }
      } else {
        text = text_of(node, name);
      }
      found.push_back({name, text, fmt::format("{}:{}", source, node.source().begin.line)});
    }
  }
};

}  // namespace

void Settings::add_file(const std::filesystem::path& path) { add_toml(read_file(path), path.string()); }

void Settings::add_toml(std::string_view text, const std::string& source) {
  Reader reader{source};
  try {
    reader.read(toml::parse(text), "");
  } catch (const toml::parse_error& e) {
    bad_input(source, std::to_string(e.source().begin.line), printable(std::string(e.description())));
  }
  for (const auto& [name, value, place] : reader.found) {
    const auto [at, fresh] = given_.try_emplace(name, Given{value, place});
    if (!fresh && !at->second.place.empty()) at->second = {value, place};
  }
}

std::string Settings::toml() const {
  std::vector<Used> sorted = used_;
  const auto table_of = [](const Used& used) { return used.name.substr(0, used.name.rfind('.') + 1); };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Used& a, const Used& b) { return table_of(a) < table_of(b); });
  std::string text, table;
  for (const Used& used : sorted) {
    const std::string own = table_of(used);
    if (own != table) {
      std::string name;
      for (std::size_t begin = 0; begin < own.size();) {
        const std::size_t end = own.find('.', begin);
        name += (name.empty() ? "" : ".") + key_text(own.substr(begin, end - begin));
        begin = end + 1;
      }
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", name);
      table = own;
    }
    text += fmt::format("{} = {}", key_text(used.name.substr(own.size())), value_text(used));
    if (!used.help.empty()) text += "  # " + printable(used.help, 200);
    text += '\n';
  }
  return text;
}

}  // namespace lowtide
