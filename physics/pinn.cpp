#include <fmt/format.h>
#include <lowtide/autodiff/tiles.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/physics/pinn.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

constexpr std::int64_t tile_points = 250;

std::int64_t rows_of_parameters(const Pinn& pinn) {
  return pinn.parameters.empty() ? 1 : std::ssize(pinn.training);
}

// Points in [-1,1]^d of a box, elementwise; a side of no length becomes 0.
Var scaled(const Box& box, const Var& x) {
  const std::int64_t d = box.dims();
  Tensor factor({d}, x.dtype()), shift({d}, x.dtype());
  dispatch(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t k = 0; k < d; ++k) {
      const double low = box.low[static_cast<std::size_t>(k)], high = box.high[static_cast<std::size_t>(k)];
      const double f = high > low ? 2 / (high - low) : 0;
      factor.mutable_data<T>()[k] = static_cast<T>(f);
      shift.mutable_data<T>()[k] = static_cast<T>(high > low ? -1 - f * low : 0);
    }
  });
  return x * Var(factor) + Var(shift);
}

Tensor cut(const Tensor& x, Dtype dtype) { return x.cast(dtype); }

void add_pieces(PinnPoints& points, std::size_t term, std::int64_t parameters, const Tensor& x, double factor) {
  const std::int64_t n = x.shape[0], count = (n + tile_points - 1) / tile_points;
  for (std::int64_t i = 0; i < count; ++i)
    points.pieces.push_back({term, parameters, x.rows(i * n / count, (i + 1) * n / count), factor});
  points.count += n;
}

std::int64_t points_of(const PinnTerm& term, std::int64_t n) {
  return std::max<std::int64_t>(1, std::llround(term.share * static_cast<double>(n)));
}

struct PieceLoss {
  std::shared_ptr<const Pinn> pinn;
  Network net;
  std::shared_ptr<const PinnPoints> points;

  // The network's own tensors, then the coefficients of this piece's parameters.
  Var operator()(const Vars& arguments, const Tile& tile) const {
    const PinnPoints::Piece& piece = points->pieces[static_cast<std::size_t>(tile.index)];
    const PinnTerm& term = pinn->terms[piece.term];
    const auto theta = std::span(arguments).first(arguments.size() - 1);
    const Var r = pinn_residual(*pinn, net, theta, arguments.back(), term, piece.x, piece.parameters);
    return sum(square(r)) * piece.factor;
  }
};

}  // namespace

void Pinn::side(std::string name, double weight, int axis, End end, Residual residual, double share) {
  Box face = box;
  const auto k = static_cast<std::size_t>(axis);
  (end == End::low ? face.high[k] : face.low[k]) = end == End::low ? face.low[k] : face.high[k];
  terms.push_back({std::move(name), weight, std::move(face), share, std::move(residual)});
}

void Pinn::periodic(double weight, int axis, Residual slope) {
  const auto k = static_cast<std::size_t>(axis);
  const double length = box.high[k] - box.low[k];
  side("periodic", weight, axis, End::low, [axis, length, slope = std::move(slope)](const Jet& u) {
    Tensor step = zeros({1, u.dims()}, u.x().dtype());
    dispatch(step.dtype, [&](auto zero) {
      using T = decltype(zero);
      step.mutable_data<T>()[axis] = static_cast<T>(length);
    });
    const Var shift(step);
    const Jet jump([&u, shift](const Var& p) { return u.at(p + shift) - u.at(p); }, u.x().peek());
    return slope ? concatenate({jump(), slope(u) * jump.d(axis)}, 1) : jump();
  });
}

Tensor pinn_parameters(const Pinn& pinn, const std::vector<std::vector<double>>& values, Dtype dtype) {
  if (pinn.parameters.empty()) return zeros({1, 1}, dtype);
  Tensor mu({std::ssize(values), std::ssize(pinn.parameters)}, Dtype::f64);
  for (std::size_t i = 0; i < values.size(); ++i)
    std::copy(values[i].begin(), values[i].end(),
              mu.mutable_data<double>() + static_cast<std::int64_t>(i) * mu.shape[1]);
  return scaled(pinn.parameter_box, Var(mu)).value().cast(dtype);
}

Var pinn_field(const Pinn& pinn, const Network& net, std::span<const Var> theta, const Var& x, const Var& s) {
  const Var y = field(net, theta, scaled(pinn.box, x), s);
  return pinn.trial ? pinn.trial(x, y) : y;
}

Var pinn_residual(const Pinn& pinn, const Network& net, std::span<const Var> theta, const Var& s,
                  const PinnTerm& term, const Tensor& x, std::int64_t k) {
  const Var flat = reshape(s, {s.size()});
  const auto field = [&](const Var& p) { return pinn_field(pinn, net, theta, p, flat); };
  Var mu;
  if (!pinn.parameters.empty())
    mu = from({std::ssize(pinn.parameters)}, pinn.training[static_cast<std::size_t>(k)]).cast(x.dtype);
  return term.residual(Jet(field, x, mu));
}

PinnPoints draw_points(const Pinn& pinn, std::int64_t n, Sampling sampling, const Stream& stream, Dtype dtype) {
  PinnPoints points;
  for (std::size_t term = 0; term < pinn.terms.size(); ++term)
    for (std::int64_t row = 0; row < rows_of_parameters(pinn); ++row) {
      const PinnTerm& t = pinn.terms[term];
      const std::int64_t count = points_of(t, n);
      const Stream own = stream.child(t.name, static_cast<std::uint64_t>(row));
      add_pieces(points, term, row, cut(collocation(t.box, count, sampling, own), dtype),
                 t.weight / static_cast<double>(count * rows_of_parameters(pinn)));
    }
  return points;
}

PinnPoints draw_adaptive(const Pinn& pinn, const Network& net, const Tensors& theta, std::int64_t n,
                         double over, Sampling sampling, const Stream& stream) {
  PinnPoints points = draw_points(pinn, n, sampling, stream, theta[0].dtype), adapted;
  for (std::size_t term = 0; term < pinn.terms.size(); ++term) {
    const PinnTerm& t = pinn.terms[term];
    if (t.name != "equation") continue;
    for (std::int64_t row = 0; row < rows_of_parameters(pinn); ++row) {
      const std::int64_t count = points_of(t, n), candidates = std::llround(over * static_cast<double>(count));
      const Stream own = stream.child("candidates", static_cast<std::uint64_t>(row));
      const Tensor x = collocation(t.box, candidates, sampling, own),
                   r = residual_at(pinn, net, theta, term, x, row);
      Tensor size({candidates}, Dtype::f64);
      const std::int64_t k = r.shape[1];
      for (std::int64_t i = 0; i < candidates; ++i) {
        double square = 0;
        for (std::int64_t j = 0; j < k; ++j) square += r.at(i * k + j) * r.at(i * k + j);
        size.mutable_data<double>()[i] = std::sqrt(square);
      }
      add_pieces(adapted, term, row, cut(adaptive_points(x, size, count, own.child("draw")), theta[0].dtype),
                 t.weight / static_cast<double>(count * rows_of_parameters(pinn)));
    }
  }
  for (PinnPoints::Piece& piece : points.pieces)
    if (pinn.terms[piece.term].name != "equation") {
      adapted.count += piece.x.shape[0];
      adapted.pieces.push_back(std::move(piece));
    }
  return adapted;
}

double pinn_flops(const Pinn& pinn, const Network& net, const Tensors& theta, const PinnPoints& points) {
  // What a residual asks of the field at one point tells what it asks at all.
  std::vector<int> evaluations(pinn.terms.size(), 0);
  double sum = 0;
  for (const PinnPoints::Piece& piece : points.pieces) {
    int& count = evaluations[piece.term];
    if (count == 0) {
      PinnTerm probe = pinn.terms[piece.term];
      probe.residual = [&, residual = probe.residual](const Jet& u) {
        const Var r = residual(u);
        count = u.evaluations();
        return r;
      };
      value(
          [&](const Vars& p) {
            const Var s = coefficients_at_times(
                net, p, Var(pinn_parameters(pinn, pinn.training, theta[0].dtype).rows(0, 1)));
            return pinn_residual(pinn, net, std::span(p).first(field_tensors(net)), s, probe,
                                 piece.x.rows(0, 1), piece.parameters);
          },
          theta);
    }
    sum += count * flops(net, static_cast<double>(piece.x.shape[0]));
  }
  return sum;
}

Var pinn_loss(const std::shared_ptr<const Pinn>& pinn, const Network& net, const Vars& theta,
              const std::shared_ptr<const PinnPoints>& points) {
  const Var s =
      coefficients_at_times(net, theta, Var(pinn_parameters(*pinn, pinn->training, theta[0].dtype())));
  Vars arguments(theta.begin(), theta.begin() + static_cast<std::ptrdiff_t>(field_tensors(net)));
  std::vector<std::int64_t> rows;
  for (const PinnPoints::Piece& piece : points->pieces) rows.push_back(piece.parameters);
  arguments.push_back(gather(s, rows));
  return sum_over_tiles(Tiles{std::ssize(points->pieces), 1}, arguments, PieceLoss{pinn, net, points}, 1);
}

Tensor residual_at(const Pinn& pinn, const Network& net, const Tensors& theta, std::size_t term,
                   const Tensor& x, std::int64_t k) {
  const Dtype dtype = theta[0].dtype;
  const Vars parameters(theta.begin(), theta.end());
  Vars arguments(parameters.begin(), parameters.begin() + static_cast<std::ptrdiff_t>(field_tensors(net)));
  const Tensor mu = pinn_parameters(pinn, pinn.training, dtype).rows(k, k + 1);
  arguments.push_back(coefficients_at_times(net, parameters, Var(mu)));
  const std::int64_t n = x.shape[0], count = (n + tile_points - 1) / tile_points;
  const Tensor points = cut(x, dtype);
  std::vector<Tensor> parts(static_cast<std::size_t>(count));
  parallel_for(count, [&](std::int64_t i) {
    parts[static_cast<std::size_t>(i)] = value(
        [&](const Vars& a) {
          return pinn_residual(pinn, net, std::span(a).first(a.size() - 1), a.back(), pinn.terms[term],
                               points.rows(i * n / count, (i + 1) * n / count), k);
        },
        Tensors([&] {
          Tensors values;
          for (const Var& a : arguments) values.push_back(a.peek());
          return values;
        }()));
  });
  Tensor all({n, parts.empty() ? 1 : parts[0].shape[1]}, Dtype::f64);
  double* to = all.mutable_data<double>();
  for (const Tensor& part : parts)
    for (std::int64_t i = 0; i < part.size(); ++i) *to++ = part.at(i);
  return all;
}

}  // namespace lowtide
