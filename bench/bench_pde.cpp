// Cells that the finite-volume solvers update in a second: the cases as `lowtide data` runs them, without
// adaptive samples and with no frames but the first and the last.
//   --case NAME, --cells N: only this one, N cells a side.
#include "bench.h"

#include <fmt/format.h>
#include <lowtide/experiments/case.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/parallel.h>

#include <algorithm>
#include <cstdlib>

using namespace lowtide;

namespace {

CaseRun::Work run_once(const std::string& name, const std::string& cells) {
  CaseRun run(name, Preset::paper, Settings({"frames=2", "ratios=", "heldout=0", "cells=" + cells}));
  run.quiet();
  case_named(name).make(run);
  return run.work();
}

void measure(const std::string& name, const std::string& cells, const bench::Options& options) {
  run_once(name, cells);
  std::vector<CaseRun::Work> runs;
  for (int k = 0; k < options.repeats; ++k) runs.push_back(run_once(name, cells));
  std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.seconds < b.seconds; });
  const auto rate = [](const CaseRun::Work& w) { return 1e-6 * static_cast<double>(w.cells) / w.seconds; };
  const CaseRun::Work& median = runs[runs.size() / 2];
  if (options.json)
    fmt::print(
        "{{\"case\": \"{}\", \"cells\": {}, \"threads\": {}, \"steps\": {}, \"seconds\": {:.6g}, "
        "\"mcells_per_second\": {:.6g}}}\n",
        name, cells, options.threads, median.steps, median.seconds, rate(median));
  else
    fmt::print(
        "{:<12} {:>5} cells a side, {} threads: {:6.1f} million cells a second (best {:.1f}), {} steps in "
        "{:.3f} s\n",
        name, cells, options.threads, rate(median), rate(runs.front()), median.steps, median.seconds);
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string name = bench::take_option(argc, argv, "--case");
  const std::string cells = bench::take_option(argc, argv, "--cells");
  const bench::Options options = bench::options_from(argc, argv);
  const ThreadLimit limit(options.threads);
  for (const Case& c : cases())
    if (name.empty() || name == c.name) {
      const bool line = std::string_view(c.name) == "euler1d";
      measure(c.name, !cells.empty() ? cells : line ? "2000" : "320", options);
    }
  if (!name.empty()) case_named(name);
} catch (const InputError& e) {
  fmt::print(stderr, "bench_pde: {}\n", e.what());
  return 2;
}
