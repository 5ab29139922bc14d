#include <lowtide/experiments/head.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/optim/ridge.h>

#include <algorithm>

namespace lowtide {

LowRankNet network_with_head(const Network& net) {
  const auto factors = low_rank(net);
  if (!factors) throw InputError("train.head_every is for low-rank models; set it to 0");
  if (factors->ranks.term > 1) throw InputError("train.head_every is for terms of rank one; set it to 0");
  return *factors;
}

// u = (s1 o V z) U + s2 B is linear in the rows of U and B together. With the unit matrix for U and zeros for B
// the network itself gives the first half of the features.
void solve_head(const Network& net, Tensors& theta, const TrainingData& data, double ridge_factor) {
  LowRankNet inner = network_with_head(net);
  const std::int64_t r = inner.weight_rank(inner.depth - 1), q = inner.bias_rank(inner.depth - 1), n = r + q,
                     c = inner.out, rows = data.all_points();
  const std::size_t last = inner.parameter_tensors() - 3;
  inner.out = r;
  Tensors opened(theta.begin(), theta.begin() + static_cast<std::ptrdiff_t>(last + 3));
  opened[last] = eye(r, Dtype::f32);
  opened[last + 2] = zeros({q, r}, Dtype::f32);
  const Vars parameters(opened.begin(), opened.end());
  const Tensor s = coefficients_at_times(net, Vars(theta.begin(), theta.end()), Var(data.times())).value();

  Tensor features({rows, n}, Dtype::f32), targets({rows, c}, Dtype::f32);
  std::vector<std::int64_t> begin{0};
  for (std::int64_t f = 0; f < data.frames(); ++f) begin.push_back(begin.back() + data.whole(f).y.shape[0]);
  float *z = features.mutable_data<float>(), *y = targets.mutable_data<float>();
  parallel_for(data.frames(), [&](std::int64_t f) {
    const TrainingData::Piece frame = data.whole(f);
    const Tensor row = s.rows(f, f + 1).reshaped({s.shape[1]});
    const Tensor inside = inner(parameters, Var(frame.x), Var(row)).value();
    const float* s2 = row.data<float>() + row.size() - q;
    const std::int64_t first = begin[static_cast<std::size_t>(f)];
    for (std::int64_t i = 0; i < inside.shape[0]; ++i) {
      std::copy_n(inside.data<float>() + i * r, r, z + (first + i) * n);
      std::copy_n(s2, q, z + (first + i) * n + r);
    }
    std::copy_n(frame.y.data<float>(), frame.y.size(), y + first * c);
  });

  RidgeOptions options{.lambda = ridge_factor * static_cast<double>(rows), .prior = Tensor({n, c}, Dtype::f32)};
  float* prior = options.prior.mutable_data<float>();
  std::copy_n(theta[last].data<float>(), r * c, prior);
  std::copy_n(theta[last + 2].data<float>(), q * c, prior + r * c);
  const Tensor head = ridge(features, targets, options).head;
  theta[last] = head.rows(0, r).clone();
  theta[last + 2] = head.rows(r, n).clone();
}

}  // namespace lowtide
