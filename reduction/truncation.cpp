#include <fmt/format.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/truncation.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

std::vector<std::int64_t> sizes(const std::vector<std::vector<std::int64_t>>& kept) {
  std::vector<std::int64_t> out;
  for (const auto& terms : kept) out.push_back(std::ssize(terms));
  return out;
}

double row_norm(const Tensor& a, std::int64_t i) { return norm(a.rows(i, i + 1)); }

// The largest modulus of each of the coefficients of a block, over time.
std::vector<double> largest(const Tensor& s, std::int64_t begin, std::int64_t count) {
  std::vector<double> most(static_cast<std::size_t>(count), 0.0);
  for (std::int64_t t = 0; t < s.shape[0]; ++t)
    for (std::int64_t i = 0; i < count; ++i) {
      double& m = most[static_cast<std::size_t>(i)];
      m = std::max(m, std::abs(s.at(t * s.shape[1] + begin + i)));
    }
  return most;
}

}  // namespace

const char* name_of(Relative relative) {
  return relative == Relative::global ? "global" : relative == Relative::block ? "block" : "terms";
}

std::vector<std::int64_t> Truncation::weight_ranks() const { return sizes(weights); }
std::vector<std::int64_t> Truncation::bias_ranks() const { return sizes(biases); }

Truncation truncation(const LowRankWeights& net, const Tensor& s, double threshold, Relative relative) {
  if (s.shape.rank() != 2 || s.shape[1] != net.coefficients())
    fail<ShapeError>("truncation", fmt::format("coefficients (N,{}) expected, got {}", net.coefficients(),
                                               to_string(s.shape)));
  require_finite("truncation", s);
  if (!(threshold >= 0))
    fail<Error>("truncation", fmt::format("a threshold of {}: it must not be negative", threshold));
  std::vector<std::vector<double>> blocks;  // weight and bias of each layer in turn
  double most = 0;
  for (std::int64_t l = 0; l < net.depth(); ++l) {
    const LowRankLayer& layer = net.layer(l);
    blocks.push_back(largest(s, net.weight_begin(l), layer.weight_rank()));
    blocks.push_back(largest(s, net.bias_begin(l), layer.bias_rank()));
    if (relative == Relative::terms)
      for (std::size_t k = blocks.size() - 2; k < blocks.size(); ++k)
        for (std::size_t i = 0; i < blocks[k].size(); ++i) {
          const auto row = static_cast<std::int64_t>(i);
          blocks[k][i] *= k % 2 == 1 ? row_norm(layer.b, row) : row_norm(layer.u, row) * row_norm(layer.v, row);
        }
  }
  for (const auto& block : blocks)
    for (const double size : block) most = std::max(most, size);
  Truncation kept;
  for (std::size_t k = 0; k < blocks.size(); ++k) {
    const auto& block = blocks[k];
    const double scale =
        relative == Relative::block && !block.empty() ? *std::max_element(block.begin(), block.end()) : most;
    std::vector<std::int64_t> terms;
    for (std::size_t i = 0; i < block.size(); ++i)
      if (block[i] > 0 && block[i] >= threshold * scale) terms.push_back(static_cast<std::int64_t>(i));
    (k % 2 == 0 ? kept.weights : kept.biases).push_back(std::move(terms));
  }
  return kept;
}

LowRankWeights truncated(const LowRankWeights& net, const Truncation& kept) {
  LowRankWeights out{.activation = net.activation};
  for (std::size_t l = 0; l < net.layers.size(); ++l) {
    const LowRankLayer& layer = net.layers[l];
    out.layers.push_back({rows_of(layer.u, kept.weights[l]), rows_of(layer.v, kept.weights[l]),
                          rows_of(layer.b, kept.biases[l])});
  }
  return out;
}

Tensor truncated(const LowRankWeights& net, const Tensor& s, const Truncation& kept) {
  std::vector<std::int64_t> which;
  for (std::int64_t l = 0; l < net.depth(); ++l) {
    for (const std::int64_t i : kept.weights[static_cast<std::size_t>(l)])
      which.push_back(net.weight_begin(l) + i);
    for (const std::int64_t i : kept.biases[static_cast<std::size_t>(l)])
      which.push_back(net.bias_begin(l) + i);
  }
  return columns_of(s, which);
}

}  // namespace lowtide
