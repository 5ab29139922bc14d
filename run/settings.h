// Named values of a run. The code asks for each by name and gives its default and a line of help; the user
// overrides some, by text ("model.width=128") or by a TOML file, where tables are the parts of a name before
// its dots. What nobody has asked for is a mistake, found by name, and by line if it stands in a file.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace lowtide {

class Settings {
 public:
  Settings() = default;
  explicit Settings(const std::vector<std::string>& given);  // "name=value"; InputError

  // What a TOML file says; lists of whole numbers become "2,4". The constructor's settings win over every file,
  // a later file over an earlier one. InputError "FILE:LINE: ...".
  void add_file(const std::filesystem::path& path);
  void add_toml(std::string_view text, const std::string& source);  // messages name the source

  // What was given for `name`, else the default. InputError if it cannot be read, or lies outside the limits.
  // A default may lie outside its limits, and may be given all the same: inf for none.
  double get(const std::string& name, double standard, const std::string& help, double least = -1e300,
             double most = 1e300);
  std::int64_t get(const std::string& name, std::int64_t standard, const std::string& help,
                   std::int64_t least = INT64_MIN, std::int64_t most = INT64_MAX);
  std::int64_t get(const std::string& name, int standard, const std::string& help,
                   std::int64_t least = INT64_MIN, std::int64_t most = INT64_MAX) {
    return get(name, static_cast<std::int64_t>(standard), help, least, most);
  }
  bool get(const std::string& name, bool standard, const std::string& help);
  std::string get(const std::string& name, const char* standard, const std::string& help);
  std::vector<std::int64_t> get(const std::string& name, const std::vector<std::int64_t>& standard,
                                const std::string& help);  // "2,4"; "" is none

  // InputError, with the nearest name, if something was given that nobody has asked for.
  void check_all_used() const;

  enum class Kind { real, whole, truth, text, list };
  struct Used {
    std::string name, value, standard, help;
    Kind kind = Kind::text;
  };
  const std::vector<Used>& used() const { return used_; }  // in the order of asking, each name once
  std::map<std::string, std::string> values() const;

  // All that was asked for, as a TOML document with the help as comments. Settings that read it have the same
  // values, to the last digit.
  std::string toml() const;

 private:
  struct Given {
    std::string text, place;  // "FILE:LINE", or empty: by the constructor
  };
  const Given* given(const std::string& name) const;
  void note(Used used);

  std::map<std::string, Given> given_;
  std::vector<Used> used_;
};

// Of `names`, the one that `word` was probably meant to be; empty if none is near.
std::string nearest(const std::string& word, const std::vector<std::string>& names);

}  // namespace lowtide
