// explorer_values DIR: reads settings "t c_1 ... c_r x ..." from the standard input, a line each, in physical
// units but for c; "t" alone in place of c takes the trajectory's. Prints as JSON what the truncated network
// gives there, so that what a browser computes can be held against it. Without input lines it tells the sizes
// only.
#include <lowtide/experiments/low_rank_model.h>
#include <lowtide/reduction/hypermodes.h>
#include <lowtide/reduction/truncation.h>

#include <cstdio>
#include <iostream>
#include <sstream>

using namespace lowtide;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const LowRankModel model = low_rank_model(read_model(std::filesystem::path(argv[1]) / "model.safetensors"));
  const Tensor times = linspace(-1, 1, 401, Dtype::f64), s = model.coefficients(times);
  const Truncation kept = truncation(model.weights, s);
  const LowRankWeights net = truncated(model.weights, kept);
  const Hypermodes all = hypermodes(times, truncated(model.weights, s, kept));
  const std::int64_t r = all.significant(), d = net.in(), fields = net.out();
  const Tensor modes = all.first(r);
  std::printf("{\"modes\": %ld, \"values\": [", static_cast<long>(r));
  std::string line;
  for (bool first = true; std::getline(std::cin, line); first = false) {
    std::istringstream words(line);
    double t = 0;
    std::string word;
    words >> t >> word;
    Tensor c({1, r}, Dtype::f64), x({1, d}, Dtype::f64);
    if (word == "t") {
      Tensor now({1}, Dtype::f64);
      now.mutable_data<double>()[0] = model.scaled_time(t);
      c = coordinates(modes, truncated(model.weights, model.coefficients(now), kept));
    } else {
      c.mutable_data<double>()[0] = std::stod(word);
      for (std::int64_t j = 1; j < r; ++j) words >> c.mutable_data<double>()[j];
    }
    for (std::int64_t a = 0; a < d; ++a) words >> x.mutable_data<double>()[a];
    if (!words) return 2;
    const Tensor u = model.physical_values(values(net, model.scaled_points(x), from_coordinates(modes, c)));
    std::printf("%s[", first ? "" : ", ");
    for (std::int64_t k = 0; k < fields; ++k) std::printf("%s%.17g", k == 0 ? "" : ", ", u.at(k));
    std::printf("]");
  }
  std::printf("]}\n");
}
