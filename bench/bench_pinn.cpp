// A step of training on an equation, as `lowtide train pinn_burgers1d` does it: the residual
// u_t + u u_x - nu u_xx of a dense network at n points, the mean of its square, the gradient, and Adam.
// --width and --points choose the size; tanh, five layers, f32.
#include <fmt/format.h>
#include <lowtide/autodiff.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/optim/adam.h>
#include <lowtide/physics/pinn.h>

#include <cstdlib>

#include "bench.h"

using namespace lowtide;

namespace {

std::int64_t number(const std::string& text, std::int64_t standard) {
  return text.empty() ? standard : std::atoll(text.c_str());
}

// Seconds of the field alone, of its first and of its second derivative by x, without a gradient.
double seconds_of(int repeats, const Pinn& pinn, const Network& net, const Tensors& theta,
                  const PinnPoints& points, const Residual& quantity) {
  PinnTerm term = pinn.terms[0];
  term.residual = quantity;
  return bench::time_of(repeats,
                        [&] {
                          parallel_for(std::ssize(points.pieces), [&](std::int64_t k) {
                            value(
                                [&](const Vars& p) {
                                  const Var s(zeros({1}, Dtype::f32));
                                  return pinn_residual(pinn, net, p, s, term,
                                                       points.pieces[static_cast<std::size_t>(k)].x, 0);
                                },
                                theta);
                          });
                        })
      .median;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t width = number(bench::take_option(argc, argv, "--width"), 40),
                     count = number(bench::take_option(argc, argv, "--points"), 2000);
  const bench::Options options = bench::options_from(argc, argv);
  const ThreadLimit limit(options.threads);
  const double nu = 0.01 / 3.141592653589793;
  auto burgers = std::make_shared<Pinn>(Pinn{.box = {{-1, -1}, {1, 1}}, .inputs = {"x", "t"}});
  burgers->equation([nu](const Jet& u) { return u.d(1) + u() * u.d(0) - nu * u.d(0, 0); });
  const std::shared_ptr<const Pinn> pinn = burgers;
  const Network net = MlpXt{.in = 2, .out = 1, .width = width, .depth = 5};
  Tensors theta = init(net, Stream(1, "init"));
  const auto points = std::make_shared<const PinnPoints>(
      draw_points(*pinn, count, Sampling::uniform, Stream(1, "points"), Dtype::f32));
  Adam adam{.lr = 1e-6};
  double loss = 0;
  const auto step = [&] {
    auto [value, gradient] =
        value_and_grad([&](const Vars& p) { return pinn_loss(pinn, net, p, points); }, theta);
    adam.step(theta, gradient);
    loss = value;
  };
  const int repeats = std::max(
      3, options.repeats * static_cast<int>(std::max<std::int64_t>(1, 40000 / count / width * 40)) / 4);
  const double gflop = 1e-9 * pinn_flops(*pinn, net, theta, *points),
               seconds = bench::time_of(repeats, step).median;
  const auto cost = [&](const Residual& quantity) {
    return seconds_of(repeats, *pinn, net, theta, *points, quantity) / static_cast<double>(count) * 1e9;
  };
  const double u = cost([](const Jet& u) { return u(); }), u_x = cost([](const Jet& u) { return u.d(0); }),
               u_xx = cost([](const Jet& u) { return u.d(0, 0); });
  if (options.json)
    fmt::print(
        "{{\"bench\": \"pinn\", \"threads\": {}, \"width\": {}, \"points\": {}, \"seconds\": {:.7f}, "
        "\"gflop\": "
        "{:.5f}, \"loss\": {:.6g}, \"ns_u\": {:.1f}, \"ns_u_x\": {:.1f}, \"ns_u_xx\": {:.1f}}}\n",
        options.threads, width, count, seconds, gflop, loss, u, u_x, u_xx);
  else
    fmt::print("step {:.3f} ms, {:.1f} GFLOP/s; a point: u {:.0f} ns, and u_x {:.0f}, and u_xx {:.0f}\n",
               seconds * 1e3, gflop / seconds, u, u_x, u_xx);
}
