#include <fmt/format.h>
#include <lowtide/physics/jet.h>

namespace lowtide {

Var column(const Var& fields, int k) { return slice(fields, 1, k, k + 1); }

Jet::Jet(UnaryFunction field, Tensor points, Var mu)
    : field_(field), x_(variable(std::move(points))), u_(field(x_)), mu_(std::move(mu)) {
  if (x_.shape().rank() != 2 || u_.shape().rank() != 2 || u_.shape()[0] != x_.shape()[0])
    fail<ShapeError>("jet", fmt::format("the field gives {} at points {}, where (n,c) and (n,d) are needed",
                                        to_string(u_.shape()), to_string(x_.shape())));
}

Var Jet::at(const Var& points) const {
  ++elsewhere_;
  return field_(points);
}

Var Jet::operator()(int field) const { return column(u_, field); }
Var Jet::x(int axis) const { return column(x_, axis); }
Var Jet::mu(int k) const { return reshape(slice(mu_, 0, k, k + 1), {1, 1}); }

DirectedPush& Jet::along(int axis) const {
  const auto found = pushes_.find(axis);
  if (found != pushes_.end()) return found->second;
  const std::int64_t d = x_.shape()[1];
  if (axis < 0 || axis >= d) fail<ShapeError>("jet", fmt::format("input {} of {}", axis, d));
  Tensor e = zeros(x_.shape(), x_.dtype());  // 1 in this column
  dispatch(e.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = e.mutable_data<T>();
    for (std::int64_t i = 0; i < points(); ++i) to[i * d + axis] = T{1};
  });
  return pushes_.emplace(axis, DirectedPush(x_, Var(std::move(e)))).first->second;
}

const Var& Jet::d(int axis) const {
  const auto [place, missing] = first_.try_emplace(axis);
  if (missing) place->second = along(axis)(u_);
  return place->second;
}

const Var& Jet::d(int axis, int other) const {
  const auto [place, missing] = second_.try_emplace(std::minmax(axis, other));
  if (missing) place->second = along(place->first.second)(d(place->first.first));
  return place->second;
}

std::vector<std::vector<int>> Jet::derivatives() const {
  std::vector<std::vector<int>> asked;
  for (const auto& [axis, value] : first_) asked.push_back({axis});
  for (const auto& [axes, value] : second_) asked.push_back({axes.first, axes.second});
  return asked;
}

Var Jet::laplacian(int axes) const {
  Var sum = d(0, 0);
  for (int axis = 1; axis < axes; ++axis) sum = sum + d(axis, axis);
  return sum;
}

}  // namespace lowtide
