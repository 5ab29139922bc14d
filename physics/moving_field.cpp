#include <fmt/format.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/physics/collocation.h>
#include <lowtide/physics/moving_field.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

// f of each tile of rows of x, one below the other.
template <class F>
Tensor by_tiles(const Tensor& x, std::int64_t per_tile, std::int64_t columns, Dtype dtype, const F& f) {
  const Tiles tiles{x.shape[0], per_tile};
  Tensor result({x.shape[0], columns}, dtype);
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = result.mutable_data<T>();
    parallel_for(tiles.count(), [&](std::int64_t i) {
      const Tensor rows = f(tiles[i].rows(x));
      if (!(rows.shape == Shape{tiles[i].size(), columns}))
        fail<ShapeError>(
            "ivp", fmt::format("the rate is {}, not ({},{})", to_string(rows.shape), tiles[i].size(), columns));
      std::copy_n(rows.data<T>(), rows.size(), to + tiles[i].begin * columns);
    });
  });
  return result;
}

}  // namespace

MovingField::MovingField(InitialValueProblem p, const Embedded& network, Dtype d, std::int64_t rows)
    : problem(std::move(p)), net(network), dtype(d), per_tile(rows) {
  field.at = [net = net](std::span<const Var> parameters, const Var& x) { return net(parameters, x); };
  field.like = net.init(Stream(0, "shapes"), Dtype::f64);
}

TiledJacobian MovingField::jacobian(const Tensor& theta, const Tensor& x) const {
  return TiledJacobian(field, theta, x, dtype, per_tile);
}

Tensor MovingField::values(const Tensor& theta, const Tensor& x) const {
  const Tensors p = field.parameters(theta, dtype);
  return by_tiles(x.cast(dtype), per_tile, net.out, dtype, [&](const Tensor& rows) {
    return value([&](const Vars& xs) { return net(xs, Var(rows)); }, p);
  });
}

Tensor MovingField::rate(const Tensor& theta, const Tensor& x, double t) const {
  const Tensors p = field.parameters(theta, dtype);
  return by_tiles(x.cast(dtype), per_tile, net.out, dtype, [&](const Tensor& rows) {
    return value(
        [&](const Vars& xs) {
          const auto u = [&](const Var& at) { return net(xs, at); };
          return problem.rate(Jet(u, rows), t);
        },
        p);
  });
}

Tensor MovingField::misfits(const Tensor& theta, const Tensor& theta_dot, const Tensor& x, double t) const {
  Tensor f = rate(theta, x, t).cast(Dtype::f64);
  if (theta_dot) {
    const Tensors p = field.parameters(theta, dtype), dots = field.parameters(theta_dot, dtype);
    const Tensor motion = by_tiles(x.cast(dtype), per_tile, net.out, dtype, [&](const Tensor& rows) {
      return jacobian_vector([&](const Vars& xs) { return net(xs, Var(rows)); }, p, dots).tangent;
    });
    double* to = f.mutable_data<double>();
    for (std::int64_t i = 0; i < f.size(); ++i) to[i] -= motion.at(i);
  }
  return row_norms(f);
}

Tensor MovingField::points(const Stream& stream, std::int64_t n, double t) const {
  Tensor x;
  if (problem.points) {
    x = problem.points(stream, n, t);
  } else {
    const std::vector<double> high(static_cast<std::size_t>(problem.dims), 1.0);
    x = collocation({std::vector<double>(high.size(), -1.0), high}, n, Sampling::sobol, stream);
  }
  if (!(x.shape == Shape{n, problem.dims}) || x.dtype != Dtype::f64)
    fail<ShapeError>("ivp", fmt::format("points {} of {}, where ({},{}) of f64 are needed", to_string(x.shape),
                                        name_of(x.dtype), n, problem.dims));
  return x;
}

Tensor MovingField::points(const Stream& stream, std::int64_t n, double t, double share, double over,
                           FunctionRef<Tensor(const Tensor& x)> misfit) const {
  const auto chosen = std::min(n, static_cast<std::int64_t>(std::llround(share * static_cast<double>(n))));
  if (chosen == 0) return points(stream.child("plain"), n, t);
  const auto count = static_cast<std::int64_t>(std::ceil(over * static_cast<double>(chosen)));
  const Tensor candidates = points(stream.child("candidates"), count, t);
  const Tensor residual = misfit(candidates);
  if (!all_finite(residual)) fail<NonFiniteError>("ivp", "the equation's residual is not finite");
  const Tensor picked = adaptive_points(candidates, residual, chosen, stream.child("picked"), 1, 0.01);
  if (chosen == n) return picked;
  const Tensor plain = points(stream.child("plain"), n - chosen, t);
  Tensor x({n, problem.dims}, Dtype::f64);
  double* to = std::copy_n(picked.data<double>(), picked.size(), x.mutable_data<double>());
  std::copy_n(plain.data<double>(), plain.size(), to);
  return x;
}

Tensor row_norms(const Tensor& rows) {
  const std::int64_t n = rows.shape[0], c = rows.shape[1];
  Tensor norms({n}, Dtype::f64);
  double* to = norms.mutable_data<double>();
  for (std::int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (std::int64_t k = 0; k < c; ++k) sum += rows.at(i * c + k) * rows.at(i * c + k);
    to[i] = std::sqrt(sum);
  }
  return norms;
}

}  // namespace lowtide
