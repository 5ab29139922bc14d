// Weights that are compressed while they are trained: every so many epochs each weight between hidden layers of
// a dense network becomes what its compression makes of it, with an error that follows the loss; at the end it
// is stored like that.
#pragma once
#include <lowtide/models/network.h>
#include <lowtide/reduction/network_compression.h>
#include <lowtide/run/run.h>
#include <lowtide/run/settings.h>

#include <string>

namespace lowtide {

struct TrainingCompression {
  std::string method = "none";  // hmatrix, svd
  std::int64_t every = 0;       // epochs, or steps where there are none
  double budget = 1;            // relative error of a weight over the root of the loss
  double most = .3;             // but no more than this
  // Singular values of blocks of low rank are lowered by this part of the weight's largest one, and what comes
  // to zero is gone: the proximal step of a nuclear norm.
  double shrink = 0;

  double penalty = 0;     // weight of rank_penalty() in the loss
  std::int64_t grid = 1;  // its blocks a side
  double delta = 1e-2;

  bool on() const { return method != "none"; }
};

// Asks for the settings "compress.*". InputError for what cannot be.
TrainingCompression training_compression(Settings& settings, const std::string& unit, std::int64_t every);

// The sum of the penalties of all weights between hidden layers.
Var rank_penalty(const TrainingCompression& how, const Network& net, std::span<const Var> theta);

// In place. What it comes to, for the metrics: entries that are kept, as a share; the mean rank of a block; the
// relative error.
Numbers compress_in_training(const TrainingCompression& how, const Network& net, Tensors& theta, double loss);

// The network in the form that its weights have come to, and its parameters.
std::pair<Network, Tensors> stored_in_blocks(const TrainingCompression& how, const Network& net,
                                             const Tensors& theta);

}  // namespace lowtide
