// A training run of a moment: FOLDER STEPS SECONDS_BETWEEN_CHECKPOINTS MICROSECONDS_A_STEP [--resume |
// --force]. Exit codes as of the program.
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/optim/adam.h>
#include <lowtide/run/run.h>

#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

using namespace lowtide;

namespace {

// |theta - 1|^2 / 2 and noise, for a tensor of each dtype.
Tensors gradient_of(const Tensors& theta, Stream random) {
  Tensors gradient;
  for (const Tensor& p : theta) {
    Tensor g = random.normal(p.shape, p.dtype, 0, .3);
    dispatch(p.dtype, [&](auto zero) {
      using T = decltype(zero);
      const T* from = p.data<T>();
      T* to = g.mutable_data<T>();
      for (std::int64_t i = 0; i < p.size(); ++i) to[i] += from[i] - 1;
    });
    gradient.push_back(std::move(g));
  }
  return gradient;
}

void train(int count, char** words) {
  RunOptions options{.folder = words[1], .seed = 7, .quiet = true};
  options.checkpoint_every = std::atof(words[3]);
  options.resume = count > 5 && std::string_view(words[5]) == "--resume";
  options.force = count > 5 && std::string_view(words[5]) == "--force";
  Run run(options);
  run.config_hash("small");
  Stream random = run.rng("init");
  Tensors theta{random.normal({30, 20}, Dtype::f64), random.normal({7}, Dtype::f32)};
  Adam adam{.lr = .05};
  std::int64_t drawn = 0;
  for (Step& step : run.steps(std::atoll(words[2]), theta, adam, drawn)) {
    if (step.index == 0) fmt::print(stderr, "step 0\n");
    const Tensors gradient =
        gradient_of(theta, run.rng("noise").child("step", static_cast<std::uint64_t>(step.index)));
    drawn += theta[0].size() + theta[1].size();
    adam.step(theta, gradient);
    adam.lr *= .999;
    double misfit = 0;
    for (const double value : to_vector(theta[0])) misfit += (value - 1) * (value - 1);
    step.did(607, 1e6);
    step.log({{"misfit", misfit}, {"lr", adam.lr}});
    if (step.index % 10 == 9) step.score(misfit);
    std::this_thread::sleep_for(std::chrono::microseconds(std::atoll(words[4])));
  }
  run.ended("done");
}

int failed(const std::exception& error, int code) {
  fmt::print(stderr, "{}\n", error.what());
  return code;
}

}  // namespace

int main(int count, char** words) {
  if (count < 5) return 2;
  try {
    train(count, words);
    return 0;
  } catch (const Stopped& error) {
    return failed(error, 75);
  } catch (const FileError& error) {
    return failed(error, 4);
  } catch (const std::exception& error) {
    return failed(error, 2);
  }
}
