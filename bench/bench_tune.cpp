// A step of tuning coefficients to an equation: backpropagation of Burgers' residual by s alone, in f64, with
// the whole network at --points and with FastLRNRs of rank --fast-rank at --fast-points, --cluster of which
// share one. Weights are random: the cost does not depend on them.
#include <fmt/format.h>
#include <lowtide/experiments/reduced_equation.h>
#include <lowtide/linalg/parallel.h>

#include "bench.h"

using namespace lowtide;

namespace {

LowRankWeights random_network(std::int64_t width, std::int64_t rank, std::int64_t depth, const Stream& stream) {
  const LowRankNet net{.in = 2, .out = 1, .width = width, .depth = depth, .rank = rank};
  return weights_of(net, net.init(stream, Dtype::f64));
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](const char* name, std::int64_t standard) {
    const std::string given = bench::take_option(argc, argv, name);
    return given.empty() ? standard : std::max<std::int64_t>(1, std::atoll(given.c_str()));
  };
  const std::int64_t rank = number("--rank", 16), few = number("--fast-rank", 32),
                     points = number("--points", 1000), cluster = number("--cluster", 1),
                     few_points = (number("--fast-points", 32) + cluster - 1) / cluster * cluster, depth = 5;
  const bench::Options options = bench::options_from(argc, argv);
  const ThreadLimit limit(options.threads);

  Pinn burgers{.box = {{-1, 0}, {1, 1}}, .inputs = {"x", "t"}};
  burgers.parameters = {"nu"};
  burgers.parameter_box = {{.01}, {.1}};
  burgers.training = {{.01}};
  burgers.equation([](const Jet& u) { return u.d(1) + u() * u.d(0) - u.mu(0) * u.d(0, 0); });
  const auto pinn = std::make_shared<const Pinn>(burgers);
  const Tensor s = full({2 * depth * rank}, 1, Dtype::f64);
  const Stream stream(1, "bench");
  const auto seconds = [&](const EquationAt& at) {
    return bench::time_of(options.repeats, [&] { loss_and_gradient(at, s); }).median;
  };
  for (const std::int64_t width : {128, 1000, 4000}) {
    const LowRankWeights net = random_network(width, rank, depth, stream),
                         small = random_network(few, rank, depth, stream);
    const auto many = tuning_points(burgers, points, stream),
               chosen = tuning_points(burgers, few_points, stream);
    const double full = seconds({pinn, {.05}, net, {}, many}), fewer = seconds({pinn, {.05}, net, {}, chosen}),
                 one = seconds({pinn, {.05}, small, {}, chosen});
    const LocalNets nets =
        side_by_side(std::vector<LowRankWeights>(static_cast<std::size_t>(few_points / cluster), small));
    const double local = seconds({pinn, {.05}, {}, {nets}, chosen});
    if (options.json)
      fmt::print(
          "{{\"bench\": \"tune\", \"threads\": {}, \"width\": {}, \"rank\": {}, \"points\": {}, \"fast_rank\": "
          "{}, "
          "\"fast_points\": {}, \"cluster\": {}, \"seconds_full\": {:.7f}, \"seconds_full_few_points\": "
          "{:.7f}, "
          "\"seconds_one_basis\": {:.7f}, \"seconds_local\": {:.7f}}}\n",
          options.threads, width, rank, points, few, few_points, cluster, full, fewer, one, local);
    else
      fmt::print(
          "width {}: {} points {:.2f} ms; {} points {:.2f} ms; FastLRNR of rank {} {:.3f} ms, {:.0f}x and "
          "{:.1f}x; "
          "one for each {} {:.3f} ms, {:.0f}x and {:.1f}x\n",
          width, points, 1e3 * full, few_points, 1e3 * fewer, few, 1e3 * one, full / one, fewer / one,
          cluster == 1 ? "point" : fmt::format("{} points", cluster), 1e3 * local, full / local, fewer / local);
  }
}
