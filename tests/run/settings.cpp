#include <lowtide/io/file.h>
#include <lowtide/run/figure.h>
#include <lowtide/run/settings.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>

using namespace lowtide;
namespace fs = std::filesystem;

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
