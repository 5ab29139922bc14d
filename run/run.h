// A training run in a folder of its own, which can be killed at any moment and goes on where it was:
//
//   Run run({.folder = "runs/a", .seed = 1});
//   Adam adam;
//   for (Step& step : run.steps(2000, theta, adam)) {
//     ...
//     step.log({{"loss", loss}});
//   }
//   run.ended("done");
//
// The folder holds manifest.json (what ran where), metrics.jsonl (one line a log), and checkpoints/ (the last
// three and the best). What is resumed has the same bits as what was never stopped, if the loop's body depends
// on nothing but the parts, the data, the step's index and run.rng().
#pragma once
#include <lowtide/linalg/error.h>
#include <lowtide/linalg/random.h>
#include <lowtide/run/state.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lowtide {

struct Stopped : Error {  // by a signal, after a checkpoint: exit code 75
  using Error::Error;
};

struct RunOptions {
  std::filesystem::path folder{};
  std::uint64_t seed = 0;
  bool resume = false, force = false;
  double checkpoint_every = 30;  // seconds
  bool quiet = false;            // no progress bar
  std::string label{};           // of the progress bar
};

using Numbers = std::vector<std::pair<std::string, double>>;

class Step;
class Steps;

class Run {
 public:
  // Makes the folder. InputError if there is something in it already: it is gone on with only by `resume`, and
  // replaced only by `force` and only if it is a run; or if another process trains in it.
  explicit Run(RunOptions options);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  const std::filesystem::path& folder() const;
  Stream rng(std::string_view name) const;
  bool resumed() const;
  double seconds() const;  // of the loop, all sessions together
  double gflop() const;
  std::int64_t step() const;  // how many are done

  // Of everything else that decides what the numbers are; before steps(). A checkpoint of another is refused.
  void config_hash(const std::string& hash);

  // The loop, of which a run has one. If resumed, it begins behind the newest checkpoint that can be read.
  template <class... Parts>
  Steps steps(std::int64_t total, Parts&... parts);

  void manifest(const std::string& key, const std::string& value);
  void manifest(const std::string& key, const char* value) { manifest(key, std::string(value)); }
  void manifest(const std::string& key, double value);
  void manifest(const std::string& key, std::int64_t value);
  void manifest(const std::string& key, int value) { manifest(key, std::int64_t{value}); }
  // "done", "diverged: ..."; a stop by a signal is noted without. Steps, unless the caller has told them,
  // seconds and gflop are noted too.
  void ended(const std::string& reason);

 private:
  friend class Step;
  friend class Steps;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Step {
 public:
  std::int64_t index = 0;

  bool last() const;
  void log(const Numbers& numbers);       // a line of metrics.jsonl
  void did(double points, double flops);  // for rates and gflop()
  void note(const std::string& text);     // behind the progress bar
  bool note_due() const;                  // whether a note would be shown
  void score(double value);               // of the parameters after this step; the least is kept as the best
  void part(double value);                // of the whole that is done, where it is not the share of the steps
  void finish();                          // this step becomes the last one
  // A checkpoint from before this step, for a body that cannot finish it and is about to throw. The parts must
  // be as they were then.
  void undone();

 private:
  friend class Steps;
  Steps* steps_ = nullptr;
};

// Writes checkpoints between the steps: when time has come, at SIGINT, SIGTERM and SIGUSR1, which then throw
// Stopped, and after the last one. None if an exception leaves the body, unless it says undone(), or a break:
// say finish().
class Steps {
 public:
  struct End {};
  class Iterator {
   public:
    explicit Iterator(Steps& steps) : steps_(steps) {}
    Step& operator*() const { return steps_.step_; }
    Iterator& operator++() {
      steps_.after_step();
      return *this;
    }
    bool operator==(End) const { return steps_.step_.index >= steps_.total_; }

   private:
    Steps& steps_;
  };

  Steps(Run& run, std::int64_t total, std::vector<StatePart> parts);
  ~Steps();
  Steps(const Steps&) = delete;
  Steps& operator=(const Steps&) = delete;

  Iterator begin() { return Iterator(*this); }
  End end() const { return {}; }

 private:
  friend class Step;
  void after_step();
  double part_after(std::int64_t steps) const;  // of the whole, for the progress bar

  std::int64_t total_;
  Step step_;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

template <class... Parts>
Steps Run::steps(std::int64_t total, Parts&... parts) {
  return Steps(*this, total, {StatePart(parts)...});
}

}  // namespace lowtide
