#include <fmt/format.h>
#include <lowtide/io/faults.h>
#include <lowtide/run/run.h>
#include <lowtide/run/signals.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <optional>
#include <sstream>

#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;
namespace fs = std::filesystem;

namespace {

// x <- x/2 + step, from 1. Checkpoints after every step, unless it is said otherwise.
struct Loop {
  fs::path folder;
  double every = 0;
  std::int64_t total = 10;
  bool resume = false;
  std::uint64_t seed = 0;
  std::string config{};

  struct Result {
    double x = 1;
    std::vector<std::int64_t> steps{};
    double gflop = 0, seconds = 0;
  };

  template <class Body>
  Result operator()(const Body& body) const {
    Run run({.folder = folder, .seed = seed, .resume = resume, .checkpoint_every = every, .quiet = true});
    if (!config.empty()) run.config_hash(config);
    Result result;
    Tensors tensors{ones({8}, Dtype::f64)};
    for (Step& step : run.steps(total, result.x, tensors)) {
      result.steps.push_back(step.index);
      result.x = result.x / 2 + static_cast<double>(step.index);
      step.did(1, 1e9);
      step.log({{"x", result.x}});
      body(step);
    }
    result.gflop = run.gflop();
    result.seconds = run.seconds();
    return result;
  }
  Result operator()() const {
    return (*this)([](Step&) {});
  }
};

std::string name(int step) { return fmt::format("checkpoints/step-{:09}.safetensors", step); }

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> lines(const fs::path& path) {
  std::istringstream text(read_file(path));
  std::vector<std::string> all;
  for (std::string line; std::getline(text, line);) all.push_back(line.substr(0, line.find(", \"seconds\"")));
  return all;
}

void damage(const fs::path& path) {
  std::string bytes = read_file(path);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file(path, bytes);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(loop_suite)

BOOST_AUTO_TEST_CASE(a_loop_counts_logs_and_keeps_the_last_three_checkpoints) {
  const Folder folder;
  const fs::path path = folder / "run";
  const Loop loop{.folder = path};
  int last = 0;
  const auto result = loop([&](Step& step) {
    last += step.last();
    BOOST_TEST(step.last() == (step.index == 9));
    if (step.index == 3) step.log({{"odd \"name\"", std::nan("")}, {"two", 2}});
    BOOST_TEST(!step.note_due());  // without a progress bar
  });
  BOOST_TEST(last == 1);
  BOOST_TEST(result.steps.size() == 10u);
  BOOST_TEST(result.gflop == 10);
  BOOST_TEST(result.seconds > 0);
  BOOST_TEST(names_in(path / "checkpoints") ==
                 (std::vector<std::string>{"step-000000008.safetensors", "step-000000009.safetensors",
                                           "step-000000010.safetensors"}),
             boost::test_tools::per_element());
  const std::vector<std::string> logged = lines(path / "metrics.jsonl");
  BOOST_REQUIRE(logged.size() == 11u);
  BOOST_TEST(logged[0] == R"({"step": 0, "x": 0.5)");
  BOOST_TEST(logged[4] == R"({"step": 3, "odd \"name\"": null, "two": 2)");

  // What is done stays done.
  Loop again = loop;
  again.resume = true;
  const auto nothing = again();
  BOOST_TEST(nothing.steps.empty());
  BOOST_TEST(nothing.x == result.x);
  BOOST_TEST(nothing.gflop == 10);
  BOOST_TEST(nothing.seconds > 0);  // those of the first time
  BOOST_TEST(lines(path / "metrics.jsonl").size() == 11u);
  again.total = 12;  // longer than it was meant to be
  BOOST_TEST(again().steps == (std::vector<std::int64_t>{10, 11}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(checkpoints_come_when_time_has_come_and_at_the_end) {
  const Folder folder;
  const fs::path path = folder / "run";
  bool first = false, second = false;
  Loop{.folder = path, .every = .5}([&](Step& step) {
    if (step.index == 1) ::usleep(600000);
    first = first || fs::exists(path / name(1));
    second = second || fs::exists(path / name(2));
  });
  BOOST_TEST(!first);
  BOOST_TEST(second);
  BOOST_TEST(fs::exists(path / name(10)));
}

BOOST_AUTO_TEST_CASE(the_best_is_kept_and_known_after_resuming) {
  const Folder folder;
  const fs::path path = folder / "run";
  Loop loop{.folder = path, .total = 5};
  const double scores[] = {3, 1, std::nan(""), 2, 1, 1.5, 0.5, 4, 0.75, 2};
  const auto body = [&](Step& step) { step.score(scores[step.index]); };
  loop(body);
  const auto best = [&] { return read_safetensors(path / "checkpoints/best.safetensors").metadata; };
  BOOST_TEST(best().at("step") == "2");
  BOOST_TEST(best().at("best") == "1");
  loop.resume = true;
  loop.total = 6;
  loop(body);
  BOOST_TEST(best().at("step") == "2");  // 1.5 was not better than 1, of which only the checkpoint knew
  loop.total = 10;
  loop(body);
  BOOST_TEST(best().at("step") == "7");

  // The best is a checkpoint like the others.
  for (const int step : {8, 9, 10}) fs::remove(path / name(step));
  BOOST_TEST(loop(body).steps.front() == 7);
}

BOOST_AUTO_TEST_CASE(what_is_damaged_is_skipped_aloud) {
  const Folder folder;
  const fs::path path = folder / "run";
  const Loop loop{.folder = path};
  const double expected = loop().x;
  Loop again = loop;
  again.resume = true;
  const auto resumed = [&](std::int64_t from) {
    Loop::Result result;
    const std::string told = said(folder, [&] { result = again(); });
    BOOST_TEST(result.x == expected);
    BOOST_TEST(std::ssize(result.steps) == 10 - from);
    std::vector<std::string> expected_lines;
    double x = 1;
    for (int step = 0; step < 10; ++step)
      expected_lines.push_back(fmt::format("{{\"step\": {}, \"x\": {}", step, x = x / 2 + step));
    BOOST_TEST(lines(path / "metrics.jsonl") == expected_lines, boost::test_tools::per_element());
    return told;
  };
  BOOST_TEST(resumed(10) == "");
  damage(path / name(10));
  BOOST_TEST(resumed(9) ==
             (path / name(10)).string() + ": checksum differs: the file is damaged; going on from step 9\n");
  damage(path / name(10));
  fs::resize_file(path / name(9), 100);
  write_file(path / "checkpoints/step-000000011.safetensors.tmp.1", "half");  // of a process that seems to live
  const std::string two = resumed(8);
  BOOST_TEST(contains(two, "step-000000010.safetensors: checksum differs"));
  BOOST_TEST(contains(two, "step-000000009.safetensors: ends within its header; going on from step 8\n"));
  BOOST_TEST(names_in(path / "checkpoints").size() == 3u);

  // An unfinished future, and names that are no checkpoints.
  write_file(path / name(999), read_file(path / name(9)).substr(0, 300));
  write_file(path / "checkpoints/step-1x.safetensors", "x");
  write_file(path / "checkpoints/step-.safetensors", "x");
  fs::create_directory(path / "checkpoints/step-000001000.safetensors");
  fs::remove(path / name(10));
  BOOST_TEST(contains(resumed(9), "step-000000999.safetensors"));
  BOOST_TEST(!fs::exists(path / name(999)));

  for (const int step : {8, 9, 10}) damage(path / name(step));
  const std::string anew = resumed(0);
  BOOST_TEST(
      contains(anew, "step-000000008.safetensors: checksum differs: the file is damaged; starting anew\n"));
  BOOST_TEST(contains(anew, "it begins anew\n"));
  write_safetensors({.tensors = {{"x", ones({1}, Dtype::f64)}}}, path / name(10));
  BOOST_TEST(contains(resumed(9), "not a checkpoint; going on from step 9"));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_something_else_is_not_taken) {
  const Folder folder;
  const fs::path path = folder / "run";
  Loop{.folder = path, .config = "one"}();
  Loop loop{.folder = path, .resume = true, .config = "two"};
  BOOST_TEST(refusal([&] { loop(); }) == (path / name(10)).string() + ": is of another configuration");
  Loop{.folder = folder / "other", .seed = 1}();
  fs::copy(folder / "other/checkpoints", path / "checkpoints",
           fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  BOOST_TEST(refusal([&] { loop(); }) == (path / name(10)).string() + ": is of seed 1, not 0");
  Loop{.folder = folder / "third", .config = "one"}();
  Run run({.folder = folder / "third", .resume = true, .quiet = true});
  run.config_hash("one");
  std::int64_t n = 0;
  BOOST_TEST(contains(refusal([&] { run.steps(10, n); }), name(10) + ":0: is 'number"));
  BOOST_CHECK_THROW(run.steps(10, n), Error);  // one loop
}

BOOST_AUTO_TEST_CASE(metrics_are_cut_to_where_the_loop_goes_on) {
  const Folder folder;
  const fs::path path = folder / "run";
  const Loop loop{.folder = path};
  loop();
  const std::string whole = read_file(path / "metrics.jsonl");
  Loop again = loop;
  again.resume = true;
  for (const std::string more :
       {"{\"step\": 10, \"x\": 1}\n", "{\"step\": 5", "garbage\n", "{\"step\": 9, \"x\"", "\n\n"}) {
    write_file(path / "metrics.jsonl", whole + more);
    again();
    BOOST_TEST(read_file(path / "metrics.jsonl") == whole);
  }
}

BOOST_AUTO_TEST_CASE(an_exception_leaves_the_last_checkpoint_as_it_is) {
  const Folder folder;
  const fs::path path = folder / "run";
  const Loop loop{.folder = path};
  BOOST_CHECK_THROW(loop([](Step& step) {
                      if (step.index == 6) throw NonFiniteError("[loss] is NaN");
                    }),
                    NonFiniteError);
  BOOST_TEST(names_in(path / "checkpoints").back() == "step-000000006.safetensors");
  BOOST_TEST(lines(path / "metrics.jsonl").size() == 7u);  // with the line that tells of it
  Loop again = loop;
  again.resume = true;
  BOOST_TEST(again().steps.front() == 6);
}

BOOST_AUTO_TEST_CASE(a_step_that_cannot_be_finished_leaves_the_state_before_it) {
  const Folder folder;
  const fs::path path = folder / "run";
  const auto loop = [&](bool resume, std::int64_t fails_at) {
    Run run({.folder = path, .resume = resume, .checkpoint_every = 1000, .quiet = true});
    double x = 1;
    Tensors tensors{ones({8}, Dtype::f64)};
    for (Step& step : run.steps(10, x, tensors)) {
      const double before = x;
      x = x / 2 + static_cast<double>(step.index);
      step.did(1, 1e9);
      step.log({{"x", x}});
      if (step.index != fails_at) continue;
      x = before;
      step.undone();
      throw SolverError("[steps] no further");
    }
    return std::pair(x, run.gflop());
  };
  BOOST_CHECK_THROW(loop(false, 6), SolverError);
  BOOST_TEST(names_in(path / "checkpoints") == std::vector<std::string>{"step-000000006.safetensors"},
             boost::test_tools::per_element());
  BOOST_TEST(lines(path / "metrics.jsonl").size() == 7u);  // with the line that tells of it
  const Loop whole{.folder = folder / "whole"};
  const Loop::Result expected = whole();
  const auto [x, gflop] = loop(true, -1);
  BOOST_TEST(x == expected.x);
  BOOST_TEST(gflop == expected.gflop);
  BOOST_TEST(lines(path / "metrics.jsonl") == lines(whole.folder / "metrics.jsonl"),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(signals_stop_behind_a_checkpoint) {
  const Folder folder;
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    const fs::path path = folder / name_of_signal(signal);
    Loop loop{.folder = path, .every = 1000};
    const double expected = Loop{.folder = folder.path / "whole" / name_of_signal(signal)}().x;
    const auto before = std::signal(signal, SIG_DFL);
    BOOST_CHECK_EXCEPTION(loop([&](Step& step) {
                            if (step.index == 4) ::raise(signal);
                          }),
                          Stopped, [&](const Stopped& error) {
                            return error.what() == fmt::format("stopped by {} after step 5; --resume goes on",
                                                               name_of_signal(signal));
                          });
    BOOST_TEST((std::signal(signal, before) == SIG_DFL));  // as it was before the loop
    BOOST_TEST(contains(read_file(path / "manifest.json"),
                        fmt::format("\"exit\": \"stopped by {}\"", name_of_signal(signal))));
    loop.resume = true;
    const auto rest = loop();
    BOOST_TEST(rest.steps.front() == 5);
    BOOST_TEST(rest.x == expected);
  }
  // In the last step there is nothing to stop any more.
  const Loop loop{.folder = folder / "last"};
  BOOST_TEST(loop([](Step& step) {
               if (step.last()) ::raise(SIGTERM);
             }).steps.size() == 10u);
}

BOOST_AUTO_TEST_CASE(a_process_that_is_told_to_stop_ends_with_75) {
  const Folder folder;
  const auto start = [&](int signal_times, int signal, const std::string& pause) {
    Process process({SMALL_TRAINING, folder / "run", "1000000", "1000", pause, "--force"}, folder / "log");
    while (!contains(read_file(folder / "log"), "step 0")) ::usleep(1000);
    for (int k = 0; k < signal_times; ++k) {
      process.send(signal);
      ::usleep(20000);
    }
    return process.wait();
  };
  fs::create_directories(folder / "run");
  BOOST_TEST(start(1, SIGTERM, "1000") == 75);
  BOOST_TEST(contains(read_file(folder / "log"), "stopped by SIGTERM after step"));
  BOOST_TEST(start(2, SIGINT, "100000000") == -SIGINT);  // the second does not wait for the step
}

// Every call that opens, writes, flushes or renames fails once, in each way. What was there before can be
// loaded, and the run goes on to the same end.
BOOST_AUTO_TEST_CASE(whatever_call_fails_an_older_checkpoint_loads) {
  const Folder folder;
  const auto body = [](Step& step) { step.score(-static_cast<double>(step.index)); };
  const Loop whole{.folder = folder / "whole", .total = 6};
  const double expected = whole(body).x;
  std::int64_t calls = 0;
  {
    faults::plan("write:0:EIO");
    Loop{.folder = folder / "counted", .total = 6}(body);
    calls = faults::calls(faults::Call::write);
    faults::plan("");
  }
  int failures = 0;
  for (const std::string error : {"ENOSPC", "EIO", "EINTR", "SHORT"})
    for (std::int64_t k = 1; k <= calls; k += error == "ENOSPC" ? 1 : 3) {
      const fs::path path = folder / fmt::format("{}{}", error, k);
      Loop loop{.folder = path, .total = 6};
      std::optional<double> x;
      std::int64_t began = 0;
      faults::plan(fmt::format("write:{}:{}", k, error));
      try {
        x = loop([&](Step& step) {
              began = step.index;
              body(step);
            }).x;
      } catch (const FileError& e) {
        ++failures;
        BOOST_TEST(contains(e.what(), folder.path.string()));
        BOOST_TEST(!contains(e.what(), "Success"));
      }
      faults::plan("");
      if (error == "ENOSPC" || error == "EIO") BOOST_TEST(!x, error << " of call " << k << " was not seen");
      if (!x) {
        loop.resume = fs::exists(path / "manifest.json");
        Loop::Result result;
        const std::string told = said(folder, [&] { result = loop(body); });
        x = result.x;
        BOOST_TEST(!contains(told, "checksum"));
        BOOST_TEST((result.steps.empty() || result.steps.front() >= began));  // at most one step is lost
      }
      BOOST_TEST(*x == expected);
      BOOST_TEST(lines(path / "metrics.jsonl") == lines(whole.folder / "metrics.jsonl"),
                 boost::test_tools::per_element());
      fs::remove_all(path);
    }
  BOOST_TEST_MESSAGE(calls << " calls, " << failures << " failures");
  BOOST_TEST(failures > calls);
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_written_is_told) {
  const Folder folder;
  const fs::path path = folder / "run";
  // A file where the folder of checkpoints should be; root may write everywhere else.
  const Loop loop{.folder = path};
  BOOST_CHECK_EXCEPTION(
      loop([&](Step& step) {
        if (step.index == 0) write_file(path / "checkpoints", "in the way");
      }),
      FileError, [&](const FileError& e) { return contains(e.what(), (path / "checkpoints").string()); });
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_cannot_be_read_is_skipped) {
  const Folder folder;
  const fs::path path = folder / "run";
  Loop loop{.folder = path};
  const double expected = loop().x;
  loop.resume = true;
  faults::plan("read:0:EIO");
  loop();
  const std::int64_t calls = faults::calls(faults::Call::read);
  faults::plan("");
  for (std::int64_t k = 1; k <= calls; ++k) {
    faults::plan(fmt::format("read:{}:EIO", k));
    try {
      std::optional<double> x;
      const std::string told = said(folder, [&] { x = loop().x; });
      BOOST_TEST(*x == expected);
      BOOST_TEST(contains(told, "Input/output error; going on from step 9"));
    } catch (const FileError& e) {  // of the manifest or the metrics
      BOOST_TEST(contains(e.what(), "Input/output"));
    }
    faults::plan("");
    BOOST_TEST(loop().x == expected);
  }
}

// A loop whose end nobody knows before: finish() leaves the last checkpoint, and there is nothing to go on
// with.
BOOST_AUTO_TEST_CASE(a_loop_that_finishes_itself) {
  const Folder folder;
  const std::string path = folder / "run";
  const auto at_six = [](Step& step) {
    step.part(static_cast<double>(step.index + 1) / 7);
    if (step.index == 6) step.finish();
    BOOST_TEST(step.last() == (step.index == 6));
  };
  const Loop loop{.folder = path, .every = 1e9, .total = 1000000};
  const Loop::Result done = loop(at_six);
  BOOST_TEST(done.steps.size() == 7U);
  BOOST_TEST((names_in(path + "/checkpoints") == std::vector<std::string>{"step-000000007.safetensors"}));
  const Loop::Result again = Loop{.folder = path, .every = 1e9, .total = 1000000, .resume = true}(at_six);
  BOOST_TEST(again.steps.empty());
  BOOST_TEST(again.x == done.x);
}

BOOST_AUTO_TEST_SUITE_END()
