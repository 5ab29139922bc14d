#define BOOST_TEST_MODULE run
#include <lowtide/run/progress.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

using namespace lowtide;

BOOST_AUTO_TEST_CASE(times_are_readable) {
  BOOST_TEST(clock_text(0) == "0:00");
  BOOST_TEST(clock_text(65) == "1:05");
  BOOST_TEST(clock_text(7400) == "2:03:20");
  BOOST_TEST(clock_text(-1) == "-:--");
}

// Away from a terminal: the first and the last line, and no control characters.
BOOST_AUTO_TEST_CASE(plain_lines_into_a_file) {
  char name[] = "/tmp/progress-XXXXXX";
  const int file = mkstemp(name), before = dup(STDERR_FILENO);
  BOOST_REQUIRE(file >= 0);
  dup2(file, STDERR_FILENO);
  {
    Progress progress("work", 1000);
    progress.at_once();
    for (int i = 1; i <= 1000; ++i) progress.update(i, "note");
  }
  std::fflush(stderr);
  dup2(before, STDERR_FILENO);
  std::ifstream in(name);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  unlink(name);
  BOOST_TEST(text.find("work 0 %") == 0u);
  BOOST_TEST(text.find("work 100 %  1000/1000") != std::string::npos);
  BOOST_TEST(text.find('\x1b') == std::string::npos);
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 2);
}
