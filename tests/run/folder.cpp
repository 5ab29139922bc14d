#include <lowtide/run/run.h>

#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(folder_suite)

BOOST_AUTO_TEST_CASE(a_run_has_a_folder_that_says_what_it_is) {
  const Folder folder;
  {
    Run run({.folder = folder / "a/b", .seed = 5, .quiet = true});
    run.manifest("model", "lrnr");
    run.manifest("parameters", 12);
    run.manifest("error", 0.25);
    BOOST_TEST(!run.resumed());
    BOOST_TEST(run.rng("x").bits(0) == Stream(5, "x").bits(0));
    BOOST_TEST(contains(read_file(folder / "a/b/manifest.json"), "\"exit\": \"running\""));
    run.ended("done");
  }
  const std::string manifest = read_file(folder / "a/b/manifest.json");
  for (const std::string part : {"\"seed\": 5", "\"model\": \"lrnr\"", "\"parameters\": 12", "\"error\": 0.25",
                                 "\"exit\": \"done\"", "\"version\": \"", "\"compiler\": \"", "\"cpu\": \"",
                                 "\"simd\"", "\"blas_core\"", "\"threads\"", "\"started\": \"20"})
    BOOST_TEST(contains(manifest, part), part);
}

BOOST_AUTO_TEST_CASE(nothing_is_overwritten_unless_asked_for) {
  const Folder folder;
  const fs::path path = folder / "run";
  const auto make = [&](bool resume, bool force, std::uint64_t seed = 0) {
    Run run({.folder = path, .seed = seed, .resume = resume, .force = force, .quiet = true});
    return run.resumed();
  };
  BOOST_TEST(refusal([&] { make(true, false); }) == path.string() + ": there is no run to resume");
  BOOST_TEST(!fs::exists(path));
  make(false, false);
  BOOST_TEST(refusal([&] { make(false, false); }) ==
             path.string() + " exists; --force replaces it, --resume goes on with it");
  BOOST_TEST(contains(refusal([&] { make(true, true); }), "contradict"));
  write_file(path / "config.toml", "a = 1");
  make_folder(path / "figures");
  write_file(path / "figures/a.svg", "x");
  BOOST_TEST(make(true, false));
  BOOST_TEST(fs::exists(path / "config.toml"));
  BOOST_TEST(refusal([&] { make(true, false, 4); }) ==
             (path / "manifest.json").string() + ":seed: is 0, not 4");
  BOOST_TEST(!make(false, true, 4));
  BOOST_TEST(!fs::exists(path / "config.toml"));
  BOOST_TEST(!fs::exists(path / "figures"));
  BOOST_TEST(contains(read_file(path / "manifest.json"), "\"seed\": 4"));

  write_file(path / "manifest.json", "{");
  BOOST_TEST(contains(refusal([&] { make(true, false); }), "not the manifest of a run"));
  fs::remove(path / "manifest.json");
  write_file(path / "thesis.tex", "precious");
  for (const bool force : {false, true})
    BOOST_TEST(refusal([&] { make(!force, force); }) ==
               path.string() + ": not the folder of a run: it has no manifest.json");
  BOOST_TEST(read_file(path / "thesis.tex") == "precious");
  BOOST_TEST(contains(refusal([&] { Run({.folder = path / "thesis.tex"}); }), "not a folder"));
  BOOST_CHECK_THROW(Run({.folder = path / "thesis.tex/below"}), FileError);
  BOOST_CHECK_THROW(Run({.folder = "/proc/none"}), FileError);
  BOOST_CHECK_THROW(Run({}), InputError);
  make_folder(folder / "empty");
  write_file(folder / "empty/manifest.json.tmp.999999999",
             "{");                                   // of a process that was killed at its very beginning
  Run({.folder = folder / "empty", .quiet = true});  // a folder that somebody has made before
  BOOST_TEST(!fs::exists(folder / "empty/manifest.json.tmp.999999999"));
}

BOOST_AUTO_TEST_CASE(two_cannot_train_in_one_folder) {
  const Folder folder;
  const fs::path path = folder / "run";
  const auto second = [&](bool force) {
    return refusal([&] { Run({.folder = path, .resume = !force, .force = force, .quiet = true}); });
  };
  {
    const Run run({.folder = path, .quiet = true});
    for (const bool force : {false, true})
      BOOST_TEST(second(force) ==
                 path.string() + ": another process trains in it; it holds " + (path / ".lock").string());
    BOOST_TEST(fs::exists(path / "manifest.json"));
  }
  BOOST_TEST(second(false).empty());

  // A process of its own; the lock goes with it, however it ends.
  Process other({SMALL_TRAINING, path, "100000", "1000", "1000", "--force"}, folder / "log");
  while (!contains(read_file(folder / "log"), "step 0")) ::usleep(1000);
  BOOST_TEST(contains(second(false), "another process trains in it"));
  other.send(SIGKILL);
  BOOST_TEST(other.wait() == -SIGKILL);
  BOOST_TEST(contains(second(false), "seed: is 7, not 0"));
}

BOOST_AUTO_TEST_SUITE_END()
