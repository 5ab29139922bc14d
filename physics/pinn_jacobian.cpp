#include <lowtide/autodiff/functions.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/physics/pinn_jacobian.h>

#include <cmath>

namespace lowtide {
namespace {

// The weighted residual of a piece, or of some of its points, as a function of all parameters.
struct PieceResidual {
  const Pinn& pinn;
  const Network& net;
  const PinnPoints::Piece& piece;
  Tensor x;

  Var operator()(const Vars& theta) const {
    const Tensor mu =
        pinn_parameters(pinn, pinn.training, x.dtype).rows(piece.parameters, piece.parameters + 1);
    const Var s = coefficients_at_times(net, theta, Var(mu));
    const auto own = std::span(theta).first(field_tensors(net));
    return pinn_residual(pinn, net, own, s, pinn.terms[piece.term], x, piece.parameters) *
           std::sqrt(piece.factor);
  }
};

}  // namespace

Tensor pinn_residuals(const Pinn& pinn, const Network& net, const Tensors& theta, const PinnPoints& points) {
  const std::int64_t count = std::ssize(points.pieces);
  Tensors parts(static_cast<std::size_t>(count));
  parallel_for(count, [&](std::int64_t k) {
    const PinnPoints::Piece& piece = points.pieces[static_cast<std::size_t>(k)];
    parts[static_cast<std::size_t>(k)] = value(PieceResidual{pinn, net, piece, piece.x}, theta);
  });
  return flatten(parts);
}

PinnJacobian pinn_jacobian(const Pinn& pinn, const Network& net, const Tensors& theta,
                           const PinnPoints& points) {
  PinnJacobian result{pinn_residuals(pinn, net, theta, points), {}};
  const std::int64_t m = result.residuals.size();
  std::int64_t p = 0;
  for (const Tensor& t : theta) p += t.size();
  struct Point {
    const PinnPoints::Piece* piece;
    std::int64_t row, at;  // of the piece's points, and of the Jacobian
  };
  std::vector<Point> all;
  std::int64_t at = 0;
  for (const PinnPoints::Piece& piece : points.pieces) {
    const std::int64_t n = piece.x.shape[0];
    const Tensor first = value(PieceResidual{pinn, net, piece, piece.x.rows(0, 1)}, theta);
    for (std::int64_t i = 0; i < n; ++i, at += first.size()) all.push_back({&piece, i, at});
  }
  result.rows = Tensor({m, p}, theta[0].dtype);
  dispatch(theta[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    T* rows = result.rows.mutable_data<T>();
    constexpr std::int64_t at_once = 16;
    parallel_for((std::ssize(all) + at_once - 1) / at_once, [&](std::int64_t chunk) {
      for (std::int64_t i = chunk * at_once; i < std::min(std::ssize(all), (chunk + 1) * at_once); ++i) {
        const Point& point = all[static_cast<std::size_t>(i)];
        const Linearization at_point(
            PieceResidual{pinn, net, *point.piece, point.piece->x.rows(point.row, point.row + 1)}, theta);
        const std::int64_t k = at_point.value().size();
        for (std::int64_t j = 0; j < k; ++j) {
          Tensor unit = zeros(at_point.value().shape, theta[0].dtype);
          unit.mutable_data<T>()[j] = T{1};
          T* to = rows + (point.at + j) * p;
          for (const Tensor& part : at_point.pull(unit)) to = std::copy_n(part.data<T>(), part.size(), to);
        }
      }
    });
  });
  return result;
}

}  // namespace lowtide
