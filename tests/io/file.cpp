#include <lowtide/io/file.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

using namespace lowtide;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_CASE(a_file_is_replaced_whole_or_not_at_all) {
  const fs::path folder = fs::temp_directory_path() / "lowtide-test-file";
  fs::remove_all(folder);
  fs::create_directories(folder);
  const fs::path path = folder / "a";
  write_file(path, "old");
  BOOST_TEST(read_file(path) == "old");
  { const AtomicFile abandoned(path); }
  BOOST_TEST(read_file(path) == "old");
  write_file(path, std::string(100000, 'x'));
  BOOST_TEST(read_file(path) == std::string(100000, 'x'));
  BOOST_TEST(std::distance(fs::directory_iterator(folder), {}) == 1);  // no temporary file is left
  BOOST_CHECK_THROW(write_file(folder / "none" / "a", "x"), FileError);
  BOOST_CHECK_THROW(read_file(folder / "none"), InputError);
  BOOST_CHECK_THROW(read_file(folder), InputError);
  BOOST_CHECK_THROW(read_file("/dev/zero"), InputError);

  fs::create_symlink("a", folder / "link");
  write_file(folder / "link", "through the link");
  BOOST_TEST(fs::is_symlink(folder / "link"));
  BOOST_TEST(read_file(path) == "through the link");
  BOOST_CHECK_THROW(write_file("/dev/null", "x"), FileError);
  BOOST_TEST(fs::is_character_file("/dev/null"));

  const fs::path mine = folder / "a.tmp.1", dead = folder / "a.tmp.999999999", other = folder / "a.tmp.x";
  for (const fs::path& leftover : {mine, dead, other}) std::ofstream(leftover) << "half";
  write_file(path, "new");
  BOOST_TEST(fs::exists(mine));  // process 1 lives
  BOOST_TEST(!fs::exists(dead));
  BOOST_TEST(fs::exists(other));
  fs::remove_all(folder);
}
