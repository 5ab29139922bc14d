// Parsers of the three files of a frame. Text is read by words, since widths of columns differ between solvers.
#include <fmt/format.h>
#include <lowtide/io/clawpack.h>
#include <lowtide/io/file.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

namespace lowtide {

static_assert(std::endian::native == std::endian::little, "fort.b is read as the machine stores numbers");

namespace {

using Int = std::int64_t;
constexpr Int max_ghost = 16;       // the widest stencils in use need 9
constexpr double max_size = 1e100;  // of cells and coordinates: products of two stay far from overflow

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool one_of(char c, std::string_view set) { return set.find(c) != set.npos; }

// A word as a message may show it: one short line.
std::string shown(std::string_view word) {
  constexpr std::size_t most = 40;
  std::string text(word.substr(0, most));
  for (char& c : text)
    if (c < ' ' || c > '~') c = '?';
  return fmt::format("'{}{}'", text, word.size() > most ? "..." : "");
}

// The product, or nothing if it is out of all proportion (negative factors are none).
std::optional<Int> product(std::initializer_list<Int> factors) {
  Int result = 1;
  for (const Int f : factors)
    if (__builtin_mul_overflow(result, f, &result) || result > (Int{1} << 53)) return std::nullopt;
  return result;
}

// Fortran writes 0.5E+00, .5D0, 1.0-100 (no room for the letter), 5. and +5.
std::optional<double> fortran_number(std::string_view word) {
  constexpr std::size_t longest = 100;
  if (word.size() > longest) return std::nullopt;
  char plain[longest + 2];
  std::size_t n = 0, i = 0, digits = 0;
  bool point = false, tiny = false;
  if (!word.empty() && one_of(word[0], "+-") && word[i++] == '-') plain[n++] = '-';
  for (; i < word.size() && (digit(word[i]) || (word[i] == '.' && !point)); ++i) {
    (word[i] == '.' ? point = true : ++digits);
    plain[n++] = word[i];
  }
  if (digits == 0) return std::nullopt;
  if (i < word.size()) {
    const bool letter = one_of(word[i], "eEdDqQ");
    i += letter;
    const bool sign = i < word.size() && one_of(word[i], "+-");
    if (i + sign == word.size() || !(letter || sign)) return std::nullopt;
    plain[n++] = 'e';
    tiny = sign && word[i] == '-';
    if (tiny) plain[n++] = '-';
    for (i += sign; i < word.size(); ++i) {
      if (!digit(word[i])) return std::nullopt;
      plain[n++] = word[i];
    }
  }
  double value = 0;
  const auto [end, error] = std::from_chars(plain, plain + n, value);
  if (error == std::errc::result_out_of_range) return tiny ? std::optional(0.0) : std::nullopt;
  if (error != std::errc() || end != plain + n || !std::isfinite(value)) return std::nullopt;
  return value;
}

// Why a word is not a number that can be used.
std::string cause(std::string_view word) {
  std::string lower(word.substr(0, 16));
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (word.find('*') != word.npos) return "it did not fit the column that Fortran wrote it to";
  if (lower.find("nan") != lower.npos || lower.find("inf") != lower.npos) return "the solver has diverged";
  if (lower.empty()) return "the file is cut off";
  if (lower[0] >= 'a' && lower[0] <= 'z') return "sizes in a header do not agree with what follows it";
  const bool numeral = word.find_first_not_of("0123456789.+-eEdDqQ") == word.npos;
  if (numeral && std::count(word.begin(), word.end(), '.') > 1) return "two numbers have run together";
  return numeral ? "it is too large, or not complete" : "the file is damaged";
}

// What stands after a value. A line may have another label or none, but not that of another line.
constexpr std::string_view labels[] = {"time",   "meqn",        "ngrids",    "naux", "ndim", "nghost",
                                       "format", "grid_number", "AMR_level", "mx",   "my",   "mz",
                                       "xlow",   "ylow",        "zlow",      "dx",   "dy",   "dz"};
constexpr std::pair<std::string_view, std::string_view> synonyms[] = {  // of PyClaw and old solvers
    {"maux", "naux"},       {"num_eqn", "meqn"},
    {"nstates", "ngrids"},  {"num_aux", "naux"},
    {"num_dim", "ndim"},    {"num_ghost", "nghost"},
    {"mbc", "nghost"},      {"file_format", "format"},
    {"npatches", "ngrids"}, {"patch_number", "grid_number"}};

bool of_another_line(std::string_view label, std::string_view expected) {
  for (const auto& [other, usual] : synonyms)
    if (label == other) label = usual;
  return label != expected && std::find(std::begin(labels), std::end(labels), label) != std::end(labels);
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Int line() const { return line_; }
  std::size_t left() const { return text_.size() - at_; }
  [[noreturn]] void wrong(Int line, const std::string& what) const {
    bad_input(name_, std::to_string(line), what);
  }

  bool more() {  // whether another word follows, on whichever line
    for (; at_ < text_.size() && (blank(text_[at_]) || text_[at_] == '\n'); ++at_) line_ += text_[at_] == '\n';
    return at_ < text_.size();
  }
  std::string_view word() { return more() ? word_on_line() : std::string_view(); }
  std::string_view word_on_line() {  // none at its end
    while (at_ < text_.size() && blank(text_[at_])) ++at_;
    const std::size_t begin = at_;
    while (at_ < text_.size() && !blank(text_[at_]) && text_[at_] != '\n') ++at_;
    return text_.substr(begin, at_ - begin);
  }

  // The value on the next line that is not empty; after it a label may stand.
  std::string_view field(std::string_view expected) {
    const std::string_view value = word();
    if (value.empty()) wrong(line_, fmt::format("expected {}, found the end: the file is cut off", expected));
    const std::string_view label = word_on_line();
    at_ = std::min(text_.find('\n', at_), text_.size());  // what follows the label is a remark
    if (!label.empty() && fortran_number(label))
      wrong(line_, fmt::format("expected {} and its label, found {} {}: sizes in a header do not agree with "
                               "what follows it",
                               expected, shown(value), shown(label)));
    if (of_another_line(label, expected))
      wrong(line_, fmt::format("expected {}, found {}: a line is missing, or ndim in fort.t is wrong", expected,
                               shown(label)));
    return value;
  }
  Int integer(std::string_view expected, Int least, Int most) {
    std::string_view word = field(expected);
    const std::string_view found = word;
    if (word.size() > 1 && word[0] == '+') word.remove_prefix(1);
    Int value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error == std::errc::invalid_argument || end != word.data() + word.size())
      wrong(line_, fmt::format("expected {}, a whole number, found {}: {}", expected, shown(found),
                               fortran_number(found) ? "sizes in a header do not agree with what follows it"
                                                     : cause(found)));
    if (error == std::errc::result_out_of_range)
      value = word[0] == '-' ? std::numeric_limits<Int>::min() : std::numeric_limits<Int>::max();
    if (error != std::errc() || value < least || value > most)
      wrong(line_,
            fmt::format("expected {} of {} {}, found {}: the file is damaged", expected,
                        value < least ? "at least" : "at most", value < least ? least : most, shown(found)));
    return value;
  }
  double number(std::string_view expected) {
    const std::string_view word = field(expected);
    const auto value = fortran_number(word);
    if (!value || std::abs(*value) > max_size)
      wrong(line_, fmt::format("expected {}, a number, found {}: {}", expected, shown(word), cause(word)));
    return *value;
  }

 private:
  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  Int line_ = 1;
};

ClawFormat format_of(const Reader& reader, std::string_view word) {
  if (word == "ascii") return ClawFormat::ascii;
  if (word == "binary32") return ClawFormat::binary32;
  if (word == "binary64" || word == "binary") return ClawFormat::binary64;
  reader.wrong(reader.line(), fmt::format("expected the format ascii, binary32 or binary64, found {}: set "
                                          "output_format in setrun.py",
                                          shown(word)));
}

}  // namespace

ClawHeader parse_claw_header(std::string_view text, const std::string& name) {
  constexpr Int any = std::numeric_limits<Int>::max();
  Reader reader(text, name);
  ClawHeader header;
  auto line = header.lines.begin();
  const auto read = [&](const auto& value) { return *line++ = reader.line(), value; };
  header.time = read(reader.number("time"));
  header.equations = read(reader.integer("meqn", 1, 100000));
  header.patches = read(reader.integer("ngrids", 1, any));
  read(reader.integer("naux", 0, any));
  header.dims = static_cast<int>(read(reader.integer("ndim", 1, 3)));
  if (header.dims == 3)
    reader.wrong(reader.line(), "ndim is 3: three-dimensional output is not read, only one and two dimensions");
  if (reader.more()) header.ghost = static_cast<int>(read(reader.integer("nghost", 0, max_ghost)));
  if (reader.more()) header.format = format_of(reader, read(reader.field("format")));
  if (reader.more())
    reader.wrong(reader.line(), fmt::format("expected nothing after the format, found {}: the file is damaged",
                                            shown(reader.word())));
  return header;
}

namespace {

ClawPatch patch_header(Reader& reader, int dims) {
  constexpr Int any = std::numeric_limits<Int>::max();
  ClawPatch patch;
  reader.integer("grid_number", std::numeric_limits<Int>::min(), any);
  patch.line = reader.line();
  patch.level = reader.integer("AMR_level", 1, std::numeric_limits<std::int32_t>::max());
  const auto axes = static_cast<std::size_t>(dims);
  for (std::size_t a = 0; a < axes; ++a) patch.cells[a] = reader.integer(a == 0 ? "mx" : "my", 1, any);
  for (std::size_t a = 0; a < axes; ++a) patch.low[a] = reader.number(a == 0 ? "xlow" : "ylow");
  for (std::size_t a = 0; a < axes; ++a) {
    patch.size[a] = reader.number(a == 0 ? "dx" : "dy");
    if (!(patch.size[a] >= 1 / max_size))
      reader.wrong(reader.line(), fmt::format("expected {} greater than 0, found {}: the file is damaged",
                                              a == 0 ? "dx" : "dy", patch.size[a]));
  }
  return patch;
}

void read_values(Reader& reader, Int count, const ClawPatch& patch, std::vector<double>& values) {
  if (count > static_cast<Int>((reader.left() + 1) / 2))  // a number takes two characters at least
    reader.wrong(patch.line,
                 fmt::format("the patch announces {} values, but only {} bytes follow: sizes in its "
                             "header or meqn in fort.t are wrong, or the file is cut off",
                             count, reader.left()));
  for (Int k = 0; k < count; ++k) {
    const std::string_view word = reader.word();
    const auto value = fortran_number(word);
    if (!value)
      reader.wrong(reader.line(), fmt::format("expected value {} of the {} of a patch, found {}: {}", k + 1,
                                              count, word.empty() ? "the end" : shown(word), cause(word)));
    values.push_back(*value);
  }
  if (const std::string_view rest = reader.word_on_line(); !rest.empty())
    reader.wrong(reader.line(),
                 fmt::format("expected no more than the {} values of a patch, found {}: sizes in "
                             "its header or meqn in fort.t are wrong",
                             count, shown(rest)));
}

}  // namespace

ClawFrame parse_claw_frame(const ClawHeader& header, std::string_view text, const std::string& name) {
  Reader reader(text, name);
  ClawFrame frame;
  frame.header = header;
  Int total = 0;
  for (Int k = 0; k < header.patches; ++k) {
    if (!reader.more())
      reader.wrong(reader.line(),
                   fmt::format("expected {} patches, found {}: ngrids in fort.t is wrong, or the "
                               "file is cut off",
                               header.patches, k));
    ClawPatch patch = patch_header(reader, header.dims);
    patch.first = static_cast<std::size_t>(total);
    const auto count = product({patch.cells[0], patch.cells[1], header.equations});
    if (!count || (total += *count) > (Int{1} << 53))
      reader.wrong(patch.line,
                   fmt::format("the patch announces {} x {} cells of {} values: the file is damaged",
                               patch.cells[0], patch.cells[1], header.equations));
    if (header.format == ClawFormat::ascii) read_values(reader, *count, patch, frame.values);
    frame.patches.push_back(patch);
  }
  if (reader.more()) {
    const std::string_view word = reader.word();
    reader.wrong(reader.line(),
                 fmt::format("expected nothing after {} patches, found {}: ngrids, meqn or format in fort.t is "
                             "wrong, or the file is damaged",
                             header.patches, shown(word)));
  }
  return frame;
}

namespace {

// Bytes of fort.b for a number of this width and so many ghost cells, if that can be.
std::optional<Int> bytes_needed(const ClawFrame& frame, Int width, int ghost) {
  Int total = 0;
  for (const ClawPatch& patch : frame.patches) {
    const Int extra = 2 * ghost, rows = frame.header.dims == 1 ? 1 : patch.cells[1] + extra;
    const auto bytes = product({patch.cells[0] + extra, rows, frame.header.equations, width});
    if (!bytes || (total += *bytes) > (Int{1} << 53)) return std::nullopt;
  }
  return total;
}

std::string size_hint(const ClawFrame& frame, Int width, Int found) {
  const int ghost = frame.header.ghost;
  if (bytes_needed(frame, 12 - width, ghost) == found)
    return fmt::format("the numbers are binary{}, other than format in fort.t says", (12 - width) * 8);
  for (int other = 0; other <= max_ghost; ++other)
    if (bytes_needed(frame, width, other) == found) return fmt::format("nghost in fort.t should be {}", other);
  return "sizes in a header are wrong, or the file is cut off or of another run";
}

template <class T>
void copy_values(ClawFrame& frame, std::string_view bytes, const std::string& name) {
  const auto equations = static_cast<std::size_t>(frame.header.equations);
  const auto ghost = static_cast<std::size_t>(frame.header.ghost), below = frame.header.dims == 1 ? 0 : ghost;
  std::size_t patch_begin = 0;
  double* to = frame.values.data();
  for (const ClawPatch& patch : frame.patches) {
    const auto nx = static_cast<std::size_t>(patch.cells[0]), ny = static_cast<std::size_t>(patch.cells[1]);
    for (std::size_t j = 0; j < ny; ++j) {
      const std::size_t begin = patch_begin + equations * (ghost + (nx + 2 * ghost) * (j + below));
      for (std::size_t k = 0; k < equations * nx; ++k) {
        T value;
        std::memcpy(&value, bytes.data() + (begin + k) * sizeof(T), sizeof(T));
        if (!std::isfinite(value))
          bad_input(
              name, fmt::format("byte {}", (begin + k) * sizeof(T)),
              fmt::format("expected component {} of cell ({}, {}) of the patch at line {} of fort.q, found "
                          "{}: the solver has diverged, or format in fort.t is wrong",
                          k % equations, k / equations, j, patch.line, value));
        *to++ = static_cast<double>(value);
      }
    }
    patch_begin += equations * (nx + 2 * ghost) * (ny + 2 * below);
  }
}

}  // namespace

void parse_claw_values(ClawFrame& frame, std::string_view bytes, const std::string& name) {
  const bool narrow = frame.header.format == ClawFormat::binary32;
  const Int width = narrow ? 4 : 8, found = static_cast<Int>(bytes.size());
  const auto needed = bytes_needed(frame, width, frame.header.ghost);
  if (needed != found)
    bad_input(name, fmt::format("byte {}", needed ? std::min(*needed, found) : found),
              fmt::format("expected {} bytes for the {} patches of fort.q, found {}: {}",
                          needed ? std::to_string(*needed) : "far too many", frame.patches.size(), found,
                          size_hint(frame, width, found)));
  std::size_t count = 0;
  for (const ClawPatch& patch : frame.patches)
    count += static_cast<std::size_t>(patch.cells[0] * patch.cells[1] * frame.header.equations);
  frame.values.resize(count);
  narrow ? copy_values<float>(frame, bytes, name) : copy_values<double>(frame, bytes, name);
}

}  // namespace lowtide
