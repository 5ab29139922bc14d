#include <lowtide/io/file.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>

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
  fs::remove_all(folder);
}
