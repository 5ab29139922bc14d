#include <fmt/format.h>
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/physics/tiled_jacobian.h>

#include <algorithm>

namespace lowtide {
namespace {

void add(Tensor& sum, const Tensor& part) {
  dispatch(sum.dtype, [&](auto zero) {
    using T = decltype(zero);
    blas::axpy(part.size(), T{1}, part.data<T>(), sum.mutable_data<T>());
  });
}

void copy_rows(const Tensor& rows, std::int64_t begin, void* base) {
  dispatch(rows.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::copy_n(rows.data<T>(), rows.size(), static_cast<T*>(base) + begin * rows.shape.row_size());
  });
}

void* writable(Tensor& x) {
  return dispatch(x.dtype, [&](auto zero) -> void* { return x.mutable_data<decltype(zero)>(); });
}

void require_points(const Tensor& x) {
  if (x.shape.rank() != 2 || x.shape[0] < 1)
    fail<ShapeError>("jacobian", fmt::format("points {}, where (n,d) are needed", to_string(x.shape)));
}

}  // namespace

std::int64_t ParametricField::parameter_count() const {
  std::int64_t count = 0;
  for (const Tensor& p : like) count += p.size();
  return count;
}

Tensors ParametricField::parameters(const Tensor& theta, Dtype dtype) const {
  return unflatten(theta.cast(dtype), like);
}

TiledJacobian::TiledJacobian(const ParametricField& field, const Tensor& theta, const Tensor& x, Dtype dtype,
                             std::int64_t per_tile)
    : tiles_{x.shape.rank() == 2 ? x.shape[0] : 0, per_tile}, like_(field.parameters(theta, dtype)) {
  require_points(x);
  count_ = theta.size();
  const Tensor points = x.cast(dtype);
  linear_.resize(static_cast<std::size_t>(tiles_.count()));
  parallel_for(tiles_.count(), [&](std::int64_t i) {
    const Tensor rows = tiles_[i].rows(points);
    linear_[static_cast<std::size_t>(i)] =
        std::make_unique<Linearization>([&](const Vars& p) { return field.at(p, Var(rows)); }, like_);
  });
  const Tensor& first = linear_[0]->value();
  value_ = Tensor({tiles_.points, first.shape[1]}, dtype);
  void* to = writable(value_);
  for (std::int64_t i = 0; i < tiles_.count(); ++i)
    copy_rows(linear_[static_cast<std::size_t>(i)]->value(), tiles_[i].begin, to);
}

Tensor TiledJacobian::push(const Tensor& theta_dot) const {
  const Tensors dots = unflatten(theta_dot.cast(dtype()), like_);
  Tensor result(value_.shape, dtype());
  void* to = writable(result);
  parallel_for(tiles_.count(), [&](std::int64_t i) {
    copy_rows(linear_[static_cast<std::size_t>(i)]->push(dots), tiles_[i].begin, to);
  });
  return result;
}

Tensor TiledJacobian::pull(const Tensor& weights) const {
  if (!(weights.shape == value_.shape))
    fail<ShapeError>(
        "jacobian", fmt::format("weights {} for values {}", to_string(weights.shape), to_string(value_.shape)));
  const Tensor w = weights.cast(dtype());
  return tree_reduce(
      tiles_.count(),
      [&](std::int64_t i) { return flatten(linear_[static_cast<std::size_t>(i)]->pull(tiles_[i].rows(w))); },
      [](Tensor& left, const Tensor& right) { add(left, right); });
}

Tensor TiledJacobian::pull_push(const Tensor& theta_dot) const {
  const Tensors dots = unflatten(theta_dot.cast(dtype()), like_);
  return tree_reduce(
      tiles_.count(),
      [&](std::int64_t i) {
        const Linearization& J = *linear_[static_cast<std::size_t>(i)];
        return flatten(J.pull(J.push(dots)));
      },
      [](Tensor& left, const Tensor& right) { add(left, right); });
}

LinOp TiledJacobian::gram() const {
  const double share = 1 / static_cast<double>(points());
  return symmetric_op(parameter_count(), dtype(), [this, share](const Tensor& v) {
    Tensor y = pull_push(v);
    dispatch(y.dtype, [&](auto zero) {
      using T = decltype(zero);
      blas::scal(y.size(), static_cast<T>(share), y.mutable_data<T>());
    });
    return y;
  });
}

Tensor dense_jacobian(const ParametricField& field, const Tensor& theta, const Tensor& x, Dtype dtype) {
  require_points(x);
  const Tensors parameters = field.parameters(theta, dtype);
  const Tensor points = x.cast(dtype);
  const std::int64_t n = x.shape[0], p = theta.size();
  const std::int64_t c =
      value([&](const Vars& xs) { return field.at(xs, Var(points.rows(0, 1))); }, parameters).size();
  Tensor J({n * c, p}, dtype);
  void* to = writable(J);
  parallel_for(n, [&](std::int64_t i) {
    const Tensor row = points.rows(i, i + 1);
    const Linearization linear([&](const Vars& xs) { return field.at(xs, Var(row)); }, parameters);
    for (std::int64_t k = 0; k < c; ++k) {
      std::vector<double> unit(static_cast<std::size_t>(c), 0.0);
      unit[static_cast<std::size_t>(k)] = 1;
      copy_rows(flatten(linear.pull(from({1, c}, unit, dtype))).reshaped({1, p}), i * c + k, to);
    }
  });
  return J;
}

}  // namespace lowtide
