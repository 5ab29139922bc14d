#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/printable.h>
#include <lowtide/run/state.h>

#include <charconv>
#include <map>
#include <set>

namespace lowtide {
namespace {

// In metadata: "number 0.001" (the shortest text that reads back as the same bits), "integer 7", "tensors 3".
// A tensor without a value is not in the file, but "none" in the metadata.

std::string joined(std::string_view prefix, std::string_view name) {
  return name.empty() ? std::string(prefix) : fmt::format("{}.{}", prefix, name);
}

struct Saver : StateVisitor {
  TensorFile& file;
  std::string prefix{};
  explicit Saver(TensorFile& to) : file(to) {}

  void put(std::string_view name, const std::string& text) {
    if (!file.metadata.emplace(joined(prefix, name), text).second)
      throw Error(fmt::format("[save_state] '{}' is shown twice", joined(prefix, name)));
  }
  void operator()(std::string_view name, double& x) override { put(name, fmt::format("number {}", x)); }
  void operator()(std::string_view name, std::int64_t& x) override { put(name, fmt::format("integer {}", x)); }
  void operator()(std::string_view name, Tensors& x) override {
    put(name, fmt::format("tensors {}", x.size()));
    for (std::size_t k = 0; k < x.size(); ++k) {
      const std::string full = fmt::format("{}.{}", joined(prefix, name), k);
      if (x[k])
        file.tensors.emplace_back(full, x[k]);
      else
        file.metadata[full] = "none";
    }
  }
};

// Looks first and fills afterwards, so that a state of something else changes nothing.
struct Restorer : StateVisitor {
  const TensorFile& file;
  const bool fill;
  std::map<std::string_view, const Tensor*> tensors{};
  std::set<std::string> used{};
  std::string prefix{};
  Restorer(const TensorFile& from, bool fills) : file(from), fill(fills) {
    for (const auto& [name, tensor] : file.tensors) tensors[name] = &tensor;
  }

  [[noreturn]] void wrong(const std::string& name, const std::string& what) const {
    bad_input(file.source, name, what + "; it is the state of something else");
  }

  std::string_view text(const std::string& name, std::string_view kind) {
    const auto found = file.metadata.find(name);
    if (found == file.metadata.end()) wrong(name, fmt::format("there is no such {}", kind));
    used.insert(name);
    const std::string_view whole = found->second;
    if (!whole.starts_with(kind) || whole.substr(kind.size(), 1) != " ")
      wrong(name, fmt::format("is '{}', not {}", printable(whole), kind));
    return whole.substr(kind.size() + 1);
  }
  template <class T>
  T parsed(const std::string& name, std::string_view kind) {
    const std::string_view from = text(name, kind);
    T value{};
    const auto [end, error] = std::from_chars(from.data(), from.data() + from.size(), value);
    if (error != std::errc() || end != from.data() + from.size())
      wrong(name, fmt::format("cannot be read: '{}'", printable(from)));
    return value;
  }

  void operator()(std::string_view name, double& x) override {
    const auto value = parsed<double>(joined(prefix, name), "number");
    if (fill) x = value;
  }
  void operator()(std::string_view name, std::int64_t& x) override {
    const auto value = parsed<std::int64_t>(joined(prefix, name), "integer");
    if (fill) x = value;
  }
  void operator()(std::string_view name, Tensors& x) override {
    const std::string full = joined(prefix, name);
    const auto count = parsed<std::int64_t>(full, "tensors");
    if (count < 0 || (!x.empty() && count != std::ssize(x)))
      wrong(full, fmt::format("has {} tensors, not {}", count, x.size()));
    Tensors found;
    for (std::int64_t k = 0; k < count; ++k) {
      const std::string one = fmt::format("{}.{}", full, k);
      const auto at = tensors.find(one);
      const auto none = file.metadata.find(one);
      if (at == tensors.end() && (none == file.metadata.end() || none->second != "none"))
        wrong(one, "there is no such tensor");
      used.insert(one);
      found.push_back(at == tensors.end() ? Tensor() : *at->second);
      if (!x.empty()) agree(one, found.back(), x[static_cast<std::size_t>(k)]);
    }
    if (fill) x = std::move(found);
  }
  void agree(const std::string& name, const Tensor& saved, const Tensor& here) const {
    if (!saved || !here || (saved.shape == here.shape && saved.dtype == here.dtype)) return;
    wrong(name, fmt::format("is {} {}, not {} {}", name_of(saved.dtype), to_string(saved.shape),
                            name_of(here.dtype), to_string(here.shape)));
  }

  void nothing_left() const {
    const auto mine = [](std::string_view name) { return !name.empty() && name[0] >= '0' && name[0] <= '9'; };
    for (const auto& [name, text] : file.metadata)
      if (mine(name) && !used.contains(name)) wrong(printable(name), "nothing asks for it");
    for (const auto& [name, tensor] : file.tensors)
      if (!used.contains(name)) wrong(printable(name), "nothing asks for it");
  }
};

}  // namespace

void save_state(std::span<const StatePart> parts, TensorFile& file) {
  Saver saver(file);
  for (std::size_t k = 0; k < parts.size(); ++k) {
    saver.prefix = std::to_string(k);
    parts[k].visit(saver);
  }
}

void restore_state(std::span<const StatePart> parts, const TensorFile& file) {
  for (const bool fill : {false, true}) {
    Restorer restorer(file, fill);
    for (std::size_t k = 0; k < parts.size(); ++k) {
      restorer.prefix = std::to_string(k);
      parts[k].visit(restorer);
    }
    restorer.nothing_left();
  }
}

}  // namespace lowtide
