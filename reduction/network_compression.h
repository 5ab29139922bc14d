// A whole network in fewer bytes: bytes go where they lower the error most, and what the layers' errors can do
// to the output is bounded.
#pragma once
#include <lowtide/models/network.h>
#include <lowtide/reduction/weight_compression.h>

#include <string>
#include <vector>

namespace lowtide {

// A weight that is compressed.
struct CompressedLayer {
  std::string name;         // "W2"
  std::size_t tensor = 0;   // of the parameters before
  double size = 0;          // |W|_F, or |z W|_F
  CompressedWeight weight;  // its error in the same units
  std::int64_t dense_bytes = 0;
};

struct CompressedNetwork {
  // As it is evaluated: dense networks in x and t in the form that is stored, others with the weights that come
  // of it.
  Network net;
  Tensors theta{};
  std::vector<CompressedLayer> layers{};
  std::int64_t bytes = 0, dense_bytes = 0;  // of all parameters
  // On what the output at the sample can be off by: |f - f_H|_F <= this; NaN where it is not known.
  double output_bound = 0;

  double error() const;  // roots of the sums of squares over the layers
  double bound() const;
};

class NetworkCandidates {
 public:
  // Of theta, f32. Weights between hidden layers of dense networks; of others all matrices with both sides
  // above 8. The sample, inputs (n,d) of a dense network (x, t, mu), tells what comes into each layer.
  // InputError is for the caller: ShapeError if there is nothing to compress, or a sample is asked for and
  // there is none.
  NetworkCandidates(const Network& net, const Tensors& theta, const CompressOptions& options,
                    const Tensor& sample = {});

  CompressedNetwork to_tolerance(double relative) const;  // error of each weight, relative to its size
  // At most so many in all; as many as it takes if the method cannot do with less. Shares follow from one rate
  // for all layers. Their errors count relative to the weights' sizes or, data-aware, by what they do to the
  // output in the mean over the sample, to first order.
  CompressedNetwork to_bytes(std::int64_t bytes) const;
  // With these layers alone, the others as they were.
  CompressedNetwork only(const CompressedNetwork& all, std::size_t layer) const;

  const Network& net() const { return net_; }  // with its neurons in the order that is used
  const Tensors& theta() const { return theta_; }

 private:
  CompressedNetwork assembled(std::vector<CompressedWeight> weights) const;
  double output_bound(const CompressedNetwork& made) const;

  Network net_;
  Tensors theta_;
  std::vector<std::size_t> which_;  // of theta
  std::vector<WeightCandidates> candidates_;
  std::vector<double> importance_;  // of a squared error
  Tensors inputs_{};                // of each layer, at the sample
};

// ---- dense networks ----

// What comes into each layer, x first.
Tensors layer_inputs(const Mlp& net, const Tensors& theta, const Tensor& x);
// Hidden neurons that are alike side by side: the same function. Weights are dense.
Tensors reordered(const Mlp& net, const Tensors& theta, std::int64_t leaf);
// The same network with dense weights.
Tensors with_dense_weights(const Mlp& net, const Tensors& theta);
// How much larger than in y_l, the layer's output before its activation, an error can be in the output: for
// each layer the product of the later weights' largest singular values and of the activations' slopes.
std::vector<double> error_gains(const Mlp& net, const Tensors& theta);
// The same in the mean: the root of the mean square of the output's derivatives by y_l, over points and units.
std::vector<double> mean_gains(const Mlp& net, const Tensors& theta, const Tensor& x);
// The neural tangent kernel at points x (n,d), of all outputs together: sum over parameters of the products of
// their derivatives, (n,n), in f64. Weights are dense.
Tensor tangent_kernel(const Mlp& net, const Tensors& theta, const Tensor& x);

}  // namespace lowtide
