// A whole training step at the paper's sizes: data, loss with penalties, gradient, optimizer and bookkeeping,
// in useful flops of the network over the machine's own sgemm. --case euler1d (16 frames of 500 points) or
// burgers2d (one frame of adaptive points); --recipe paper (Adam) or fast (Muon and SOAP).
#include <fmt/format.h>
#include <lowtide/autodiff/functions.h>
#include <lowtide/experiments/batch_loss.h>
#include <lowtide/experiments/job.h>
#include <lowtide/linalg/parallel.h>

#include "bench.h"

using namespace lowtide;

int main(int argc, char** argv) {
  std::string name = bench::take_option(argc, argv, "--case"),
              recipe = bench::take_option(argc, argv, "--recipe");
  if (name.empty()) name = "euler1d";
  if (recipe.empty()) recipe = "paper";
  const bench::Options options = bench::options_from(argc, argv);
  const ThreadLimit limit(options.threads);
  const bool euler = name == "euler1d";
  std::vector<std::string> given{"run.case=" + name, "run.preset=paper", "run.recipe=" + recipe,
                                 "run.model=lrnr"};
  if (euler) given.emplace_back("cells=500");
  if (recipe == "fast")
    given.insert(given.end(), {"loss.sparse=1e-8", "loss.ortho=1e-2"});  // penalties all the same
  Prepared job = prepare(Settings(given), true);
  const TrainingData data(job.set, job.scaling, job.set.training(), 1, false);
  Tensors theta = init(job.net, Stream(1, "init"));
  Grouped optimizer = optimizer_for(job.recipe, job.net, theta);
  optimizer.lr = 1e-6;  // so that the numbers stay where they are
  const FrameBatches batches{euler ? 16 : 1, 1};
  const FrameBatch batch = batches.epoch(Stream(1, "batches"), 0, data.frames()).front();

  double gflop = 0, value = 0;
  const auto step = [&] {
    const BatchLoss loss(job.recipe, job.net, data, Misfit{}, data.tiles(batch, 500));
    BatchLoss::Parts parts;
    const auto [total, gradient] = value_and_grad([&](const Vars& p) { return loss(p, parts); }, theta);
    optimizer.step(theta, gradient);
    gflop = 1e-9 * loss.flops(theta);
    value = total;
  };
  step();  // SOAP finds its bases
  const auto result = bench::against_gemm(options, gflop, step);
  bench::report(options, fmt::format("train {} {}", name, recipe).c_str(), result, gflop, value);
}
