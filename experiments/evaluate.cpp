#include <lowtide/experiments/evaluate.h>
#include <lowtide/linalg/parallel.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

constexpr std::int64_t rows_at_once = 1000;

Tensor row_of(const Tensor& s, std::int64_t k) { return s.rows(k, k + 1).reshaped({s.shape[1]}); }

struct FieldSums {
  double d2 = 0, y2 = 0, d1 = 0, y1 = 0;
};

}  // namespace

Tensor predict(const Network& net, const Tensors& theta, const Tensor& x, const Tensor& t) {
  const Vars parameters(theta.begin(), theta.end());
  const Tensor s = coefficients_at_times(net, parameters, Var(t)).value();
  const std::int64_t n = x.shape[0], pieces = (n + rows_at_once - 1) / rows_at_once;
  std::vector<Tensor> parts(static_cast<std::size_t>(t.shape[0] * pieces));
  parallel_for(std::ssize(parts), [&](std::int64_t i) {
    const std::int64_t p = i % pieces;
    const Var points(x.rows(p * n / pieces, (p + 1) * n / pieces));
    parts[static_cast<std::size_t>(i)] = field(net, parameters, points, Var(row_of(s, i / pieces))).value();
  });
  Tensor all({t.shape[0] * n, parts.empty() ? 1 : parts[0].shape[1]}, Dtype::f32);
  float* to = all.mutable_data<float>();
  for (const Tensor& part : parts) to = std::copy_n(part.data<float>(), part.size(), to);
  return all;
}

PlainErrors errors(const Network& net, const Tensors& theta, const TrainingData& data) {
  const Vars parameters(theta.begin(), theta.end());
  const Tensor s = coefficients_at_times(net, parameters, Var(data.times())).value();
  std::vector<std::vector<FieldSums>> frames(static_cast<std::size_t>(data.frames()));
  parallel_for(data.frames(), [&](std::int64_t f) {
    const TrainingData::Piece frame = data.whole(f);
    const Tensor u = field(net, parameters, Var(frame.x), Var(row_of(s, f))).value();
    std::vector<FieldSums> sums(static_cast<std::size_t>(u.shape[1]));
    const float *prediction = u.data<float>(), *truth = frame.y.data<float>();
    for (std::int64_t i = 0; i < u.size(); ++i) {
      FieldSums& sum = sums[static_cast<std::size_t>(i % u.shape[1])];
      const double y = truth[i], d = prediction[i] - y;
      sum.d2 += d * d;
      sum.y2 += y * y;
      sum.d1 += std::abs(d);
      sum.y1 += std::abs(y);
    }
    frames[static_cast<std::size_t>(f)] = std::move(sums);
  });
  PlainErrors result;
  const std::size_t fields = frames.empty() ? 0 : frames[0].size();
  for (std::size_t k = 0; k < fields; ++k) {
    FieldSums all;
    for (const auto& frame : frames) {
      all.d2 += frame[k].d2;
      all.y2 += frame[k].y2;
      all.d1 += frame[k].d1;
      all.y1 += frame[k].y1;
    }
    result.mse += all.d2 / all.y2 / static_cast<double>(fields);
    result.l1 += all.d1 / all.y1 / static_cast<double>(fields);
  }
  return result;
}

}  // namespace lowtide
