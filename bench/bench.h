// What every benchmark program needs: its command line, a clock, the machine's own GEMM, and memory.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace lowtide::bench {

struct Options {
  int threads = 1;
  bool json = false;
  int repeats = 7;
};
Options options_from(int argc, char** argv);  // exits with code 2 and one line on a bad option

// The value of an option of the benchmark's own, taken out of the arguments; empty if it is not there.
std::string take_option(int& argc, char** argv, std::string_view name);

// Median and least seconds of `repeats` runs after one for warmth.
struct Seconds {
  double median, least;
};
Seconds time_of(int repeats, const std::function<void()>& run);

// GFLOP/s of sgemm on all `threads` at once, each with its own matrices: the better of (256,1200,150),
// the shape of a low-rank layer, and 1024^3. Takes about a tenth of a second.
double gemm_gflops(int threads);

// A step of `gflop` useful GFLOP and the machine's sgemm in turn, so that both see the same machine.
struct AgainstGemm {
  Seconds seconds;
  double step_gflops, gemm_gflops;  // medians
  double fraction;                  // median of the ratios of neighbours
};
AgainstGemm against_gemm(const Options& options, double gflop, const std::function<void()>& step);

// One line, or one JSON object with --json.
void report(const Options& options, const char* name, const AgainstGemm& result, double gflop, double loss);

double peak_megabytes();  // resident memory, at most so far

}  // namespace lowtide::bench
