#include <fmt/format.h>
#include <lowtide/io/faults.h>

#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

struct Planned {
  explicit Planned(const std::string& text) { faults::plan(text); }
  ~Planned() { faults::plan(""); }
};

// Runs `act` with each call that writes failing in turn, in each way: what it leaves is the old state or the
// new one, and the error names the file and the reason.
template <class Act, class Good>
void walk(const Act& act, const Good& good) {
  std::int64_t calls = 0;
  {
    const Planned count("write:0:EIO");
    act();
    calls = faults::calls(faults::Call::write);
  }
  BOOST_TEST(calls >= 5);
  for (const std::string error : {"ENOSPC", "EIO", "EINTR", "SHORT"})
    for (std::int64_t k = 1; k <= calls; ++k) {
      bool failed = false;
      {
        const Planned planned(fmt::format("write:{}:{}", k, error));
        try {
          act();
        } catch (const FileError& e) {
          failed = true;
          BOOST_TEST(contains(e.what(), "lowtide-test-io"));
          BOOST_TEST(contains(e.what(), error == "ENOSPC" ? "No space left"
                                        : error == "EIO"  ? "Input/output"
                                                          : "Interr"));
        }
      }
      if (error == "ENOSPC" || error == "EIO") BOOST_TEST(failed, error << " of call " << k << " was not seen");
      if (error == "SHORT") BOOST_TEST(!failed);
      good(failed);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(faults_suite)

BOOST_AUTO_TEST_CASE(a_file_is_the_old_or_the_new_one_whatever_fails) {
  const Folder folder;
  const std::string path = folder / "a";
  int version = 0;
  std::string now;
  walk(
      [&] {
        now = fmt::format("version {}", ++version);
        write_file(path, now);
      },
      [&](bool failed) {
        const std::string text = read_file(path);
        BOOST_TEST((text == now || (failed && text.starts_with("version "))));
        BOOST_TEST(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);  // no half file
      });
}

BOOST_AUTO_TEST_CASE(a_log_that_fails_says_so) {
  const Folder folder;
  walk(
      [&] {
        AppendFile log(folder / "log");
        log.append("a line\n");
        log.flush();
      },
      [](bool) {});
}

BOOST_AUTO_TEST_CASE(reading_that_fails_says_so) {
  const Folder folder;
  write_file(folder / "a", "text");
  for (const int k : {1, 2}) {
    const Planned planned(fmt::format("read:{}:EIO", k));
    BOOST_CHECK_THROW(read_file(folder / "a"), FileError);
  }
  for (const int k : {1, 2}) {
    const Planned planned(fmt::format("read:{}:EINTR", k));
    BOOST_TEST(read_file(folder / "a") == "text");
  }
}

BOOST_AUTO_TEST_CASE(a_plan_that_makes_no_sense_is_refused) {
  for (const std::string text : {"x", "write", "write:1", "write:1:", "write:x:EIO", "write:1:EWHAT",
                                 "open:1:EIO", "checkpoint:-1:0", "write:-1:EIO"})
    BOOST_CHECK_THROW(faults::plan(text), InputError);
  faults::plan("");
}

BOOST_AUTO_TEST_SUITE_END()
