// Elementwise kernels and sums, in elements a second: Google Benchmark's own options apply.
#include <benchmark/benchmark.h>
#include <lowtide/autodiff.h>
#include <lowtide/linalg/random.h>

namespace {

using namespace lowtide;

void run(benchmark::State& state, Var (*op)(const Var&), Dtype dtype) {
  const Var x(Stream(1, "x").uniform({state.range(0)}, dtype, 0.1, 3));
  for (auto _ : state) benchmark::DoNotOptimize(op(x).peek().buffer.bytes());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

const struct {
  const char* name;
  Var (*op)(const Var&);
} unary[] = {{"tanh", &tanh}, {"sin", &sin},         {"exp", &exp},   {"log", &log},
             {"relu", &relu}, {"sigmoid", &sigmoid}, {"gelu", &gelu}, {"square", &square}};

void sum_rows(benchmark::State& state) {
  const Var x(ones({state.range(0), 512}, Dtype::f32));
  for (auto _ : state) benchmark::DoNotOptimize(sum(x, 0).peek().buffer.bytes());
}
BENCHMARK(sum_rows)->Arg(500);

}  // namespace

int main(int argc, char** argv) {
  for (const auto& u : unary)
    for (const Dtype dtype : {Dtype::f32, Dtype::f64})
      benchmark::RegisterBenchmark((std::string(u.name) + "/" + std::string(name_of(dtype))).c_str(),
                                   [=](benchmark::State& state) { run(state, u.op, dtype); })
          ->Arg(8000);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
