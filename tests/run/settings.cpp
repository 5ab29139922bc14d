#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/printable.h>
#include <lowtide/run/figure.h>
#include <lowtide/run/settings.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>

using namespace lowtide;
namespace fs = std::filesystem;

namespace {

// The message of the InputError that `f` throws, or what it did instead.
template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const InputError& e) {
    return e.what();
  }
  return "nothing was refused";
}

std::string many(int n, const std::string& text) {
  std::string all;
  for (int i = 0; i < n; ++i) all += text;
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(settings_by_name) {
  Settings s({"cells=200", "cfl=0.5", "walls=yes", "name=a=b", "ratios=2,4"});
  BOOST_TEST(s.get("cells", 100, "") == 200);
  BOOST_TEST(s.get("frames", 81, "") == 81);
  BOOST_TEST(s.get("cfl", 0.9, "", 0.0, 1.0) == 0.5);
  BOOST_TEST(s.get("walls", false, ""));
  BOOST_TEST(s.get("name", "x", "") == "a=b");
  BOOST_TEST((s.get("ratios", std::vector<std::int64_t>{}, "") == std::vector<std::int64_t>{2, 4}));
  s.check_all_used();
  BOOST_TEST(s.values().at("frames") == "81");
  BOOST_TEST(s.values().at("ratios") == "2,4");
}

BOOST_AUTO_TEST_CASE(wrong_settings_are_refused_by_name) {
  const auto refused = [](const char* given, const auto& standard) {
    return message_of([&] { Settings({given}).get("a", standard, ""); });
  };
  BOOST_TEST(refused("a=abc", 1) == "setting a=abc: a whole number expected");
  BOOST_TEST(refused("a=1.5", 1) == "setting a=1.5: a whole number expected");
  BOOST_TEST(refused("a=inf", 1.0) == "setting a=inf: a number expected");
  BOOST_TEST(refused("a=maybe", true) == "setting a=maybe: true or false expected");
  const std::vector<std::int64_t> list{1};
  for (const char* text : {"a=1,", "a=,", "a=1,,2", "a=x", "a=1 ,2", "a= "})
    BOOST_TEST(refused(text, list).ends_with("whole numbers with commas between expected"), text);
  BOOST_TEST(message_of([] { Settings({"a=7"}).get("a", 1, "", 2, 5); }) ==
             "setting a=7: a whole number from 2 to 5 expected");
  BOOST_TEST(message_of([] { Settings({"a=1", "a=2"}); }) == "setting a is given twice");
  BOOST_TEST(message_of([] {
               Settings s({"cels=3"});
               s.get("cells", 1, "");
               s.check_all_used();
             }) == "unknown setting cels; did you mean cells?");
}

BOOST_AUTO_TEST_CASE(settings_from_a_file) {
  const fs::path folder = fs::temp_directory_path() / "lowtide-test-settings";
  fs::create_directories(folder);
  const std::string path = (folder / "run.toml").string();
  write_file(path,
             "cells = 1_000\nratios = [2, 4]\nnone = []\nwalls = true\n\n[model]\nwidth = 128\n"
             "[model.hyper]\nscale = 2.5e-3\nname = 'a \"b\"'\n");
  const auto check_values = [](Settings& s, std::int64_t width) {
    const std::vector<std::int64_t> some{7};
    BOOST_TEST(s.get("cells", 1, "") == 1000);
    BOOST_TEST((s.get("ratios", some, "") == std::vector<std::int64_t>{2, 4}));
    BOOST_TEST(s.get("none", some, "").empty());
    BOOST_TEST(s.get("walls", false, ""));
    BOOST_TEST(s.get("model.width", 1, "") == width);
    BOOST_TEST(s.get("model.hyper.scale", 1.0, "") == 2.5e-3);
    BOOST_TEST(s.get("model.hyper.name", "", "") == "a \"b\"");
    s.check_all_used();
  };
  Settings alone, with({"model.width=5"});
  alone.add_file(path);
  check_values(alone, 128);
  with.add_file(path);
  with.add_file(path);  // the command line stays above all files
  check_values(with, 5);
  Settings later;
  later.add_file(path);
  later.add_toml("[model]\nwidth = 64\n", "later.toml");
  check_values(later, 64);

  write_file(path, "cells = 3\n\n[model]\nrank = 'x'\n\n\nwidht = 5\n");
  Settings wrong;
  wrong.add_file(path);
  wrong.get("model.width", 1, "");
  BOOST_TEST(message_of([&] { wrong.get("model.rank", 1, ""); }) ==
             path + ":4: setting model.rank=x: a whole number expected");
  BOOST_TEST(message_of([&] { wrong.get("cells", 5, "", 4); }) ==
             path + ":1: setting cells=3: a whole number from 4 expected");
  wrong.get("cells", 1, "");
  wrong.get("model.rank", "", "");
  BOOST_TEST(message_of([&] { wrong.check_all_used(); }) ==
             path + ":7: unknown setting model.widht; did you mean model.width?");

  BOOST_TEST(message_of([&] { Settings().add_file(folder / "none.toml"); }).ends_with("no such file"));
  BOOST_CHECK_THROW(Settings().add_file(folder), InputError);
  fs::remove_all(folder);
}

BOOST_AUTO_TEST_CASE(settings_written_and_read_again) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double reals[] = {
      0.1,  1.0 / 3, 1.2345678901234567e-300, 5e-324, -0.0, -2, 1e16, 1e300, 6e-17, 1e22, 0.30000000000000004,
      1e15, 1e-15,   123456789012345678.0};
  const std::int64_t wholes[] = {0, -1, INT64_MIN, INT64_MAX};
  const char* texts[] = {"",  "true",           "1.0",        "007", "2,4",  " a ",  "a # b", "\"\"\"",
                         "'", "C:\\new\\u0041", "a\nb\r\n\b", "\t",  "\x7f", "\x01", "[x]",   "é 水 🌊"};
  const std::vector<std::int64_t> lists[] = {{}, {5}, {2, 4}, {-1, INT64_MIN}};
  const std::string nul("a\0b", 3);
  // Asks for all. The second time the defaults are others.
  const auto ask = [&](Settings& s, bool first) {
    int i = 0;
    const auto name = [&](const char* table) { return fmt::format("{}v{}", table, i++); };
    for (const double r : reals) {
      const double got = s.get(name("reals."), first ? r : 0.5, "a number");
      BOOST_TEST((got == r && std::signbit(got) == std::signbit(r)), r << " became " << got);
    }
    for (const std::int64_t w : wholes) BOOST_TEST(s.get(name(""), first ? w : 7, "two\nlines \x01") == w);
    for (const char* t : texts) BOOST_TEST(s.get(name("some.texts."), first ? t : "other", "") == t);
    for (const auto& l : lists)
      BOOST_TEST((s.get(name("some."), first ? l : std::vector<std::int64_t>{9}, "") == l));
    BOOST_TEST(s.get("nul", "", "") == nul);
    BOOST_TEST(s.get("truth", first, ""));
    BOOST_TEST(s.get("longest", first ? infinity : 1.0, "", -infinity, infinity) == infinity);
    BOOST_TEST(s.get("model", first ? "lrnr" : "", "a value whose name is also a table's") == "lrnr");
    BOOST_TEST(s.get("model.width", first ? 128 : 0, "") == 128);
    BOOST_TEST(s.get("model.hyper.width", first ? 16 : 0, "") == 16);
    BOOST_TEST(s.get("odd name.é.", first ? 1 : 0, "") == 1);
    s.check_all_used();
  };
  Settings one({"nul=" + nul}), two;
  ask(one, true);
  two.add_toml(one.toml(), "config.toml");
  ask(two, false);
  BOOST_TEST((one.values() == two.values()));
}

BOOST_AUTO_TEST_CASE(settings_as_a_document) {
  Settings s({"model.rank=8", "cfl=5e-1", "walls=yes", "ratios= 2, 4", "dt=inf"});
  s.get("model.rank", 1, "of the layers");
  s.get("cfl", 0.9, "share of the step");
  s.get("cfl", 0.9, "share of the longest step");  // asked for once more
  s.get("opt.lr", 1.0, "");
  s.get("walls", false, "");
  s.get("ratios", std::vector<std::int64_t>{}, "");
  s.get("dt", std::numeric_limits<double>::infinity(), "longest", 0.0);
  s.get("model.name", "SIREN", "");
  BOOST_TEST(s.toml() ==
             "cfl = 0.5                        # share of the longest step\n"
             "walls = true\n"
             "ratios = [2,4]\n"
             "dt = inf                         # longest\n"
             "\n[model]\n"
             "rank = 8                         # of the layers\n"
             "name = \"SIREN\"\n"
             "\n[opt]\n"
             "lr = 1.0\n");
  BOOST_TEST(Settings().toml().empty());
  for (const char* text : {"\xff", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80"}) {
    Settings wrong({std::string("name=") + text});
    wrong.get("name", "", "");
    BOOST_TEST(message_of([&] { wrong.toml(); }).ends_with("text in UTF-8 expected"));
  }
}

BOOST_AUTO_TEST_CASE(hostile_settings) {
  const struct {
    std::string text;
    const char* starts;
  } table[] = {
      {"a = 1\na = 2", "x.toml:2: "},
      {"a.b = 1\n\"a.b\" = 2", "x.toml:2: setting a.b is given in line 1 already"},
      {"a.b = 1\n[a]\nc = 1", "x.toml:2: "},
      {"a = 1\nb = 1979-05-27", "x.toml:2: setting b: a date or time is no setting"},
      {"a = 07:32:00", "x.toml:1: setting a: "},
      {"a = 1979-05-27T07:32:00Z", "x.toml:1: setting a: "},
      {"\n\n[[a]]\nb = 1", "x.toml:3: setting a: a list may hold whole numbers only"},
      {"a = [1, 2.5]", "x.toml:1: setting a: a list"},
      {"a = [1,\n\"x\"]", "x.toml:2: setting a: a list"},
      {"a = [[1], [2]]", "x.toml:1: setting a: a list"},
      {"[t]\na = [{}]", "x.toml:2: setting t.a: a list"},
      {"a = ", "x.toml:1: "},
      {"\n\na = \"open\n", "x.toml:3: "},
      {"a = '''open", "x.toml:1: "},
      {"a = [1, 2", "x.toml:1: "},
      {"[a", "x.toml:1: "},
      {"[{a=1}\n[s]", "x.toml:1: "},
      {"\u03bc = 1", "x.toml:1: "},
      {"[a]\nb\u03bc = 1", "x.toml:2: "},
      {"= 1", "x.toml:1: "},
      {"a = 123456789012345678901234567890", "x.toml:1: "},
      {"a = " + many(100000, "9"), "x.toml:1: "},
      {"a = 1e99999", "x.toml:1: "},
      {"a = 0x", "x.toml:1: "},
      {"a = 1__0", "x.toml:1: "},
      {std::string("a = \"\0\"", 7), "x.toml:1: "},
      {std::string("a\0 = 1", 6), "x.toml:1: "},
      {"a = \"\xff\"", "x.toml:1: "},
      {"a = \"\xed\xa0\x80\"", "x.toml:1: "},
      {"# \xc3\n", "x.toml:1: "},
      {"a = \"\\uD800\"", "x.toml:1: "},
      {"a = \"\\q\"", "x.toml:1: "},
      {"a = \"\x1b[31m\"", "x.toml:1: "},
      {"a = " + many(100000, "["), "x.toml:1: "},
      {"a = " + many(100000, "{a="), "x.toml:1: "},
      {"a = " + many(100000, "[") + many(100000, "]"), "x.toml:1: "},
      {"[a" + many(200000, ".a") + "]\nb = 1", "x.toml: more than 4000 dots"},
      {"[a" + many(3900, ".a") + "]\nb = ", "x.toml:2: "},
      {"[a" + many(3900, ".a") + "]\nb = 1", "x.toml:1: name too long"},
      {"[" + many(1000, "a") + "]\nb = 1", "x.toml:1: name too long"},
      {many(600000, "# "), "x.toml: too large"},
      {"\x7f\x45LF\x02\x01\x01", "x.toml:1: "},
      {"{\"a\": 1}", "x.toml:1: "},
  };
  for (const auto& row : table) {
    const std::string message = message_of([&] { Settings().add_toml(row.text, "x.toml"); });
    BOOST_TEST(message.starts_with(row.starts), printable(row.text, 40) << " -> " << message);
    BOOST_TEST(message == printable(message, 400));
  }
  // What is no mistake: a byte order mark, line ends of elsewhere, nothing at all, keys in quotes.
  Settings good;
  for (const char* text : {"", "\xef\xbb\xbf\x61 = 1\r\nb = 2\r\n", "# only this", "\"c\" = 3", "d = 0x10"})
    good.add_toml(text, "x.toml");
  BOOST_TEST(good.get("a", 0, "") + good.get("b", 0, "") + good.get("c", 0, "") + good.get("d", 0, "") == 22);
  good.add_toml("[" + many(190, "z") + "]\n\"\\n\" = 1", "x.toml");
  const std::string message = message_of([&] { good.check_all_used(); });
  BOOST_TEST(message.ends_with("zzz...; there are a, b, c, d"));
}

BOOST_AUTO_TEST_CASE(nearest_name) {
  const std::vector<std::string> names{"cells", "frames", "limiter"};
  BOOST_TEST(nearest("cels", names) == "cells");
  BOOST_TEST(nearest("fraems", names) == "frames");
  BOOST_TEST(nearest("q", names).empty());
}

BOOST_AUTO_TEST_CASE(a_figure_and_what_it_is_made_of) {
  const fs::path folder = fs::temp_directory_path() / "lowtide-test-figure";
  fs::remove_all(folder);
  fs::create_directories(folder);
  const Figure figure{
      .path = folder / "it's one.svg", .script = "plot data using 1:2 with lines\n", .data = "0,1\n1,2\n"};
  if (draw(figure)) BOOST_TEST(read_file(figure.path).find("</svg>") != std::string::npos);
  BOOST_TEST(read_file(folder / "it's one.csv") == figure.data);
  BOOST_TEST(read_file(folder / "it's one.gnuplot").find("it''s one.csv") != std::string::npos);

  const Figure wrong{.path = folder / "wrong.svg", .script = "no such command\n", .data = "0,1\n"};
  BOOST_CHECK_THROW(draw(wrong), FileError);
  BOOST_TEST(!fs::exists(wrong.path));
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);  // gnuplot is not installed there
  BOOST_TEST(!draw(figure));
  setenv("PATH", path.c_str(), 1);
  fs::remove_all(folder);
}
