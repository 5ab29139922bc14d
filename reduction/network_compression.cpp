#include <fmt/format.h>
#include <lowtide/autodiff/functions.h>
#include <lowtide/linalg/cluster_order.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/network_compression.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

constexpr std::int64_t thin = 8;  // sides up to this are not compressed

const Mlp* dense_net(const Network& net, Mlp& room) {
  const auto* model = std::get_if<MlpXt>(&net);
  if (!model) return nullptr;
  room = model->net();
  return &room;
}

double largest_singular_value(const Tensor& w) { return svd(w.cast(Dtype::f64)).s.at(0); }

double steepest(Activation activation) { return activation == Activation::silu ? 1.0999 : 1; }

std::int64_t bytes_of(const Tensors& theta) {
  std::int64_t count = 0;
  for (const Tensor& part : theta) count += part.size() * static_cast<std::int64_t>(sizeof(float));
  return count;
}

std::int64_t total(const std::vector<CompressedWeight>& weights) {
  std::int64_t sum = 0;
  for (const CompressedWeight& weight : weights) sum += weight.bytes;
  return sum;
}

// The least sum of importance times squared error in so many bytes, or in as many as it takes: by one rate for
// all, and then step by step.
std::vector<CompressedWeight> shared_out(const std::vector<WeightCandidates>& candidates,
                                         const std::vector<double>& importance, std::int64_t bytes) {
  const auto at = [&](double rate) {
    std::vector<CompressedWeight> weights(candidates.size());
    for (std::size_t i = 0; i < candidates.size(); ++i)
      weights[i] = compress_at_rate(candidates[i], rate / importance[i]);
    return weights;
  };
  // Bytes fall as the rate rises; the rates that matter lie far within this range.
  double low = -100, high = 100;  // of the logarithm
  std::vector<CompressedWeight> best = at(std::exp(high));
  for (int k = 0; k < 50 && total(best) <= bytes; ++k) {
    const double middle = (low + high) / 2;
    std::vector<CompressedWeight> now = at(std::exp(middle));
    if (total(now) <= bytes) {
      best = std::move(now);
      high = middle;
    } else {
      low = middle;
    }
  }
  // What is left goes where it lowers the error most, weight by weight.
  for (std::int64_t left = bytes - total(best); left > 0;) {
    std::size_t where = best.size();
    CompressedWeight better;
    double gain = 0;
    for (std::size_t i = 0; i < best.size(); ++i) {
      CompressedWeight more = compress_to_bytes(candidates[i], best[i].bytes + left);
      const double less = importance[i] * (std::pow(best[i].error, 2) - std::pow(more.error, 2));
      if (more.bytes <= best[i].bytes + left && less > gain) {
        gain = less;
        where = i;
        better = std::move(more);
      }
    }
    if (where == best.size()) break;
    left -= better.bytes - best[where].bytes;
    best[where] = std::move(better);
  }
  return best;
}

}  // namespace

double CompressedNetwork::error() const {
  double sum = 0;
  for (const CompressedLayer& layer : layers) sum += std::pow(layer.weight.error, 2);
  return std::sqrt(sum);
}

double CompressedNetwork::bound() const {
  double sum = 0;
  for (const CompressedLayer& layer : layers) sum += std::pow(layer.weight.bound, 2);
  return std::sqrt(sum);
}

NetworkCandidates::NetworkCandidates(const Network& net, const Tensors& theta, const CompressOptions& o,
                                     const Tensor& sample)
    : net_(net), theta_(theta) {
  Mlp dense;
  const bool is_dense = dense_net(net_, dense) != nullptr;
  if (o.data_aware && (!is_dense || !sample))
    fail<ShapeError>("compress", "only dense networks in space and time know what comes into their layers");
  if (is_dense) {
    theta_ = with_dense_weights(dense, theta_);
    auto& model = std::get<MlpXt>(net_);
    model.forms.clear();
    model.weights = "dense";
    dense = model.net();
    if (o.reorder && o.by == CompressBy::hmatrix) theta_ = reordered(dense, theta_, o.leaf);
    if (sample) inputs_ = layer_inputs(dense, theta_, sample);
  }
  const std::size_t last = 2 * (dense.widths.empty() ? 0 : dense.layers()) - 2;
  for (std::size_t k = 0; k < theta_.size(); ++k) {
    const Tensor& w = theta_[k];
    if (w.shape.rank() != 2 || std::min(w.shape[0], w.shape[1]) <= thin) continue;
    if (is_dense && (k == 0 || k == last)) continue;
    which_.push_back(k);
  }
  if (which_.empty()) fail<ShapeError>("compress", "no weight between hidden layers, or none above 8 x 8");
  candidates_.resize(which_.size());
  for (std::size_t i = 0; i < which_.size(); ++i) {
    Tensor gram;
    if (o.data_aware) {
      const Tensor z = inputs_[which_[i] / 2].cast(Dtype::f64);
      gram = multiply(z, z, Trans::yes);
    }
    candidates_[i] = weight_candidates(theta_[which_[i]], o, gram);
  }
  const std::vector<double> means = o.data_aware ? mean_gains(dense, theta_, sample) : std::vector<double>();
  for (std::size_t i = 0; i < which_.size(); ++i)
    importance_.push_back(candidates_[i].gram       ? std::pow(means[which_[i] / 2], 2)
                          : candidates_[i].size > 0 ? std::pow(candidates_[i].size, -2)
                                                    : 1);
}

CompressedNetwork NetworkCandidates::assembled(std::vector<CompressedWeight> weights) const {
  CompressedNetwork made{.net = net_, .theta = {}, .dense_bytes = bytes_of(theta_)};
  made.bytes = made.dense_bytes;
  const std::vector<std::string> names = parameter_names(net_);
  auto* model = std::get_if<MlpXt>(&made.net);
  if (model) model->forms.resize(model->net().layers());
  std::size_t next = 0;
  for (std::size_t k = 0; k < theta_.size(); ++k) {
    if (next == which_.size() || which_[next] != k) {
      made.theta.push_back(theta_[k]);
      continue;
    }
    CompressedWeight& weight = weights[next];
    const std::int64_t in = theta_[k].shape[0], out = theta_[k].shape[1], whole = WeightForm{}.bytes(in, out);
    made.bytes += weight.bytes - whole;
    if (model) {
      model->forms[k / 2] = weight.form;
      for (const Tensor& part : weight.parameters) made.theta.push_back(part);
    } else {
      made.theta.push_back(weight_of(weight.form, weight.parameters, in, out));
    }
    made.layers.push_back({names[k], k, candidates_[next].size, std::move(weight), whole});
    ++next;
  }
  if (model) model->weights = texts_of(model->forms);
  made.output_bound = output_bound(made);
  return made;
}

CompressedNetwork NetworkCandidates::to_tolerance(double relative) const {
  std::vector<CompressedWeight> weights;
  for (const WeightCandidates& c : candidates_) weights.push_back(compress_to_error(c, relative * c.size));
  return assembled(std::move(weights));
}

CompressedNetwork NetworkCandidates::to_bytes(std::int64_t bytes) const {
  std::int64_t left = bytes - bytes_of(theta_);
  for (const std::size_t k : which_) left += theta_[k].size() * static_cast<std::int64_t>(sizeof(float));
  const auto cost = [&](const std::vector<CompressedWeight>& weights) {
    double sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) sum += importance_[i] * std::pow(weights[i].error, 2);
    return sum;
  };
  std::vector<CompressedWeight> best = shared_out(candidates_, importance_, left);
  if (candidates_[0].by == CompressBy::hmatrix && candidates_[0].gram) {
    // Errors of blocks that meet in a column add up, which choices among blocks do not see: one may be better.
    std::vector<WeightCandidates> single;
    for (const WeightCandidates& c : candidates_) single.push_back(one_block(c));
    std::vector<CompressedWeight> other = shared_out(single, importance_, left);
    if (cost(other) < cost(best)) best = std::move(other);
  }
  return assembled(std::move(best));
}

CompressedNetwork NetworkCandidates::only(const CompressedNetwork& all, std::size_t layer) const {
  std::vector<CompressedWeight> weights;
  for (std::size_t i = 0; i < which_.size(); ++i) {
    CompressedWeight whole;
    whole.parameters = {theta_[which_[i]]};
    whole.bytes = all.layers[i].dense_bytes;
    weights.push_back(i == layer ? all.layers[i].weight : whole);
  }
  return assembled(std::move(weights));
}

// f - f_H is a sum over the layers: of networks whose earlier layers are the old ones and whose later layers
// are the new ones, differing in one layer, so that its error z (W - H) is that at the old activations z.
double NetworkCandidates::output_bound(const CompressedNetwork& made) const {
  if (inputs_.empty()) return NAN;
  Mlp net;
  dense_net(made.net, net);
  const Tensors stored = with_dense_weights(net, made.theta);
  net.forms.clear();
  const std::vector<double> gains = error_gains(net, stored);
  double sum = 0;
  for (const std::size_t k : which_) {
    const Tensor d = (Var(theta_[k].cast(Dtype::f64)) - Var(stored[k].cast(Dtype::f64))).value();
    sum += gains[k / 2] * norm(multiply(inputs_[k / 2].cast(Dtype::f64), d));
  }
  return sum;
}

// ---- dense networks ----

Tensors layer_inputs(const Mlp& net, const Tensors& theta, const Tensor& x) {
  Tensors inputs{x};
  for (std::size_t l = 0; l + 1 < net.layers(); ++l)
    inputs.push_back(
        affine(Var(inputs[l]), Var(theta[2 * l]), Var(theta[2 * l + 1]), net.activation, net.frequency)
            .value());
  return inputs;
}

Tensors with_dense_weights(const Mlp& net, const Tensors& theta) {
  Tensors dense;
  std::size_t at = 0;
  for (std::size_t l = 0; l < net.layers(); ++l) {
    const WeightForm& form = net.form(l);
    const std::span<const Tensor> parameters(theta.data() + at, form.tensors());
    dense.push_back(form.kind == WeightForm::Kind::dense
                        ? theta[at]
                        : weight_of(form, parameters, net.widths[l], net.widths[l + 1]));
    at += form.tensors();
    dense.push_back(theta[at++]);
  }
  return dense;
}

Tensors reordered(const Mlp& net, const Tensors& theta, std::int64_t leaf) {
  Tensors out = theta;
  for (std::size_t l = 0; l + 1 < net.layers(); ++l) {
    // A neuron's weights in and out, each set of unit size in the mean.
    const Tensor in = transposed(theta[2 * l]), &next = theta[2 * l + 2];
    const std::int64_t n = net.widths[l + 1], k = in.shape[1], m = next.shape[1];
    Tensor vectors({n, k + m}, Dtype::f64);
    const double of_in = norm(in), of_next = norm(next);
    for (std::int64_t i = 0; i < n; ++i) {
      double* row = vectors.mutable_data<double>() + i * (k + m);
      for (std::int64_t j = 0; j < k; ++j) row[j] = of_in > 0 ? in.at(i * k + j) / of_in : 0;
      for (std::int64_t j = 0; j < m; ++j) row[k + j] = of_next > 0 ? next.at(i * m + j) / of_next : 0;
    }
    const std::vector<std::int64_t> order = order_by_similarity(vectors, leaf);
    out[2 * l] = permuted(out[2 * l], {}, order);
    out[2 * l + 1] = permuted(out[2 * l + 1].reshaped({1, n}), {}, order).reshaped({n});
    out[2 * l + 2] = permuted(out[2 * l + 2], order, {});
  }
  return out;
}

std::vector<double> error_gains(const Mlp& net, const Tensors& theta) {
  if (net.residual) fail<ShapeError>("error_gains", "of networks without residuals only");
  std::vector<double> gains(net.layers(), 1);
  const double slope = steepest(net.activation) * net.frequency;
  for (std::size_t l = net.layers() - 1; l-- > 0;)
    gains[l] = gains[l + 1] * slope * largest_singular_value(theta[2 * l + 2]);
  return gains;
}

namespace {

// Derivatives of one output by what each layer gives before its activation, a row a point: by shifts of it.
Tensors slopes_of(const Mlp& net, const Tensors& theta, const Tensor& x, std::int64_t output) {
  Tensors shifts;
  for (std::size_t l = 0; l < net.layers(); ++l)
    shifts.push_back(zeros({x.shape[0], net.widths[l + 1]}, x.dtype));
  const auto shifted = [&](const Vars& shift) {
    Var z(x);
    for (std::size_t l = 0; l < net.layers(); ++l) {
      const Var y = affine(z, Var(theta[2 * l]), Var(theta[2 * l + 1])) + shift[l];
      z = l + 1 == net.layers() ? y : activate(net.activation, y * net.frequency);
    }
    return sum(slice(z, 1, output, output + 1));
  };
  return value_and_grad(shifted, shifts).gradient;
}

}  // namespace

std::vector<double> mean_gains(const Mlp& net, const Tensors& theta, const Tensor& x) {
  std::vector<double> squares(net.layers(), 0);
  for (std::int64_t of = 0; of < net.widths.back(); ++of) {
    const Tensors slopes = slopes_of(net, theta, x, of);
    for (std::size_t l = 0; l < net.layers(); ++l)
      squares[l] += std::pow(norm(slopes[l]), 2) / static_cast<double>(slopes[l].size());
  }
  for (double& square : squares) square = std::sqrt(square);
  return squares;
}

Tensor tangent_kernel(const Mlp& net, const Tensors& theta, const Tensor& x) {
  Tensors wide;
  for (const Tensor& part : theta) wide.push_back(part.cast(Dtype::f64));
  const Tensor points = x.cast(Dtype::f64);
  const std::int64_t n = x.shape[0], c = net.widths.back();
  const Tensors inputs = layer_inputs(net, wide, points);
  Tensor kernel = zeros({n, n}, Dtype::f64);
  for (std::int64_t of = 0; of < c; ++of) {
    const Tensors slopes = slopes_of(net, wide, points, of);
    for (std::size_t l = 0; l < net.layers(); ++l) {  // by W: z dT, by b: d
      const Tensor zz = multiply(inputs[l], inputs[l], Trans::no, Trans::yes),
                   dd = multiply(slopes[l], slopes[l], Trans::no, Trans::yes);
      double* to = kernel.mutable_data<double>();
      for (std::int64_t i = 0; i < n * n; ++i) to[i] += (zz.at(i) + 1) * dd.at(i);
    }
  }
  return kernel;
}

}  // namespace lowtide
