// What a case says of how it is learned: defaults that presets and settings change. The paper's are in its
// Table 1.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace lowtide {

struct Learning {
  std::string fields{};  // to learn, with commas between; empty: all
  std::int64_t width = 128, rank = 24, depth = 5;
  std::int64_t hyper_width = 25, hyper_depth = 4;
  std::string head = "linear";         // of the hypernetwork
  double frequency = 30;               // of a network of sines in space and time
  std::vector<std::int64_t> widths{};  // of a dense network's hidden layers, where these differ
  std::string weights = "dense";       // and what stands for its weights, see models/weight_form.h

  // For the fast recipe.
  std::int64_t epochs = 300, l1_epochs = 100;
  double l1_rate = 0.2;  // of the rate, for q = 1

  // For the paper's recipe.
  std::int64_t paper_epochs = 2000;
  std::int64_t batch = 16;          // frames a step
  double gamma = 1.05, sparse = 0;  // penalty on coefficients (4.7) and its weight
  double ortho = 1e-2;              // weight of the penalty on factors (4.9)
  double tau = 5e-4;                // misfit at which squares give way to absolute values (4.13)
  double mollifier = 0;             // half the width of the window at first, as a part of the domain (4.12)
};

}  // namespace lowtide
