#include <fmt/format.h>
#include <lowtide/autodiff/tiles.h>
#include <lowtide/experiments/tuning.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/optim/adam.h>
#include <lowtide/optim/lbfgs.h>

#include <chrono>
#include <cmath>

namespace lowtide {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Points of a box in [-1,1]^d; a side of no length becomes 0.
Var scaled(const Box& box, const Var& x) {
  Tensor factor({box.dims()}, x.dtype()), shift({box.dims()}, x.dtype());
  for (std::int64_t k = 0; k < box.dims(); ++k) {
    const double low = box.low[static_cast<std::size_t>(k)], high = box.high[static_cast<std::size_t>(k)];
    const double f = high > low ? 2 / (high - low) : 0;
    factor.mutable_data<double>()[k] = f;
    shift.mutable_data<double>()[k] = high > low ? -1 - f * low : 0;
  }
  return x * Var(factor) + Var(shift);
}

// Of one piece, (n,k).
Var residual(const EquationAt& at, std::size_t k, const Var& s) {
  const PinnPoints::Piece& piece = at.points->pieces[k];
  const auto field = [&](const Var& p) {
    return at.local.empty() ? field_of(*at.pinn, at.net, p, s) : field_of(*at.pinn, at.local[k], p, s);
  };
  const Tensor mu = from({std::ssize(at.mu)}, at.mu);
  return at.pinn->terms[piece.term].residual(Jet(field, piece.x, Var(mu)));
}

// c in s + D c, as a function of c.
Var moved(const Tensor& s, const Tensor& directions, const Var& c) {
  if (!directions) return Var(s) + c;
  return Var(s) + reshape(matmul(Var(directions), reshape(c, {c.size(), 1})), {s.size()});
}

std::int64_t unknowns(const Tensor& s, const Tensor& directions) {
  return directions ? directions.shape[1] : s.size();
}

double loss_at(const EquationAt& equation, const Tensor& s) {
  return value([&](const Vars& p) { return loss(equation, p[0]); }, {s}).item();
}

// min |r + J d|^2 + damping |d|^2
Tensor damped_step(const Tensor& normal, const Tensor& gradient, double damping) {
  Tensor a = normal.clone();
  const std::int64_t m = a.shape[0];
  for (std::int64_t i = 0; i < m; ++i) a.mutable_data<double>()[i * m + i] += damping;
  Tensor d = solve_cholesky(cholesky(a), gradient.reshaped({m, 1})).reshaped({m}).clone();
  for (double& x : d.mutable_view<double>()) x = -x;
  return d;
}

// Moves c; the loss never rises.
std::int64_t gauss_newton(const EquationAt& equation, const Tensor& start, Tensor& c, const TuneOptions& o,
                          double now) {
  const auto at = [&](const Tensor& p) { return moved(start, o.directions, Var(p)).value(); };
  double damping = -1;
  std::int64_t steps = 0;
  for (bool going = true; going && steps < o.steps; ++steps) {
    const Residuals here = linearized(equation, at(c), o.directions);
    const Tensor normal = multiply(here.jacobian, here.jacobian, Trans::yes),
                 gradient = multiply(here.jacobian, here.r.reshaped({here.r.size(), 1}), Trans::yes);
    double largest = 0;
    for (std::int64_t i = 0; i < c.size(); ++i) largest = std::max(largest, normal.at(i * c.size() + i));
    if (!(largest > 0)) break;  // nothing moves the residuals
    if (damping < 0) damping = 1e-4 * largest;
    going = false;
    for (int attempt = 0; attempt < 12 && !going; ++attempt) {
      const Tensor d = damped_step(normal, gradient, std::max(damping, 1e-14 * largest));
      Tensor next = c.clone();
      for (std::int64_t i = 0; i < c.size(); ++i) next.mutable_data<double>()[i] += d.at(i);
      const double then = loss_at(equation, at(next));
      if (then < now) {
        going = now - then > o.tolerance * now;
        damping /= 5;
        now = then;
        c = next;
        if (!going) return steps + 1;
      } else {
        damping *= 4;
      }
    }
  }
  return steps;
}

struct PieceLoss {
  EquationAt equation;
  Var operator()(const Vars& arguments, const Tile& tile) const {
    const auto k = static_cast<std::size_t>(tile.index);
    return sum(square(residual(equation, k, arguments[0]))) * equation.points->pieces[k].factor;
  }
};

}  // namespace

Var field_of(const Pinn& pinn, const LowRankWeights& net, const Var& x, const Var& s) {
  const Var y = field(net, scaled(pinn.box, x), s);
  return pinn.trial ? pinn.trial(x, y) : y;
}

Var field_of(const Pinn& pinn, const LocalNets& nets, const Var& x, const Var& s) {
  const Var y = field(nets, scaled(pinn.box, x), s);
  return pinn.trial ? pinn.trial(x, y) : y;
}

Tensor field_at(const EquationAt& equation, const Tensor& x, const Tensor& s) {
  const std::int64_t n = x.shape[0], c = equation.net.out(), at_once = 500, count = (n + at_once - 1) / at_once;
  Tensor u({n, c}, Dtype::f64);
  double* to = u.mutable_data<double>();
  parallel_for(count, [&](std::int64_t i) {
    const std::int64_t begin = i * at_once, end = std::min(n, begin + at_once);
    const Tensor part = field_of(*equation.pinn, equation.net, Var(x.rows(begin, end)), Var(s)).value();
    std::copy_n(part.data<double>(), part.size(), to + begin * c);
  });
  return u;
}

std::shared_ptr<const PinnPoints> tuning_points(const Pinn& pinn, std::int64_t n, const Stream& stream) {
  Pinn one = pinn;
  one.training.resize(1);
  return std::make_shared<const PinnPoints>(draw_points(one, n, Sampling::sobol, stream, Dtype::f64));
}

Var loss(const EquationAt& equation, const Var& s) {
  return sum_over_tiles(Tiles{std::ssize(equation.points->pieces), 1}, {s}, PieceLoss{equation});
}

ValueAndSlope loss_and_gradient(const EquationAt& equation, const Tensor& s) {
  return value_and_grad([&](const Var& p) { return loss(equation, p); }, s);
}

Residuals linearized(const EquationAt& equation, const Tensor& s, const Tensor& directions) {
  const auto& pieces = equation.points->pieces;
  const std::int64_t m = unknowns(s, directions);
  const Tensor zero = zeros({m}, Dtype::f64);
  Tensors values(pieces.size()), rows(pieces.size());
  parallel_for(std::ssize(pieces), [&](std::int64_t i) {
    const auto k = static_cast<std::size_t>(i);
    const Linearization line(
        [&](const Vars& c) {
          const Var r = residual(equation, k, moved(s, directions, c[0]));
          return reshape(r, {r.size()}) * std::sqrt(pieces[k].factor);
        },
        {zero});
    const Tensor& r = line.value();
    Tensor jacobian({r.size(), m}, Dtype::f64);
    double* to = jacobian.mutable_data<double>();
    if (r.size() < m) {
      for (std::int64_t j = 0; j < r.size(); ++j) {
        Tensor unit = zeros({r.size()}, Dtype::f64);
        unit.mutable_data<double>()[j] = 1;
        std::copy_n(line.pull(unit)[0].data<double>(), m, to + j * m);
      }
    } else {
      for (std::int64_t j = 0; j < m; ++j) {
        Tensor unit = zeros({m}, Dtype::f64);
        unit.mutable_data<double>()[j] = 1;
        const Tensor column = line.push({unit});
        for (std::int64_t p = 0; p < r.size(); ++p) to[p * m + j] = column.at(p);
      }
    }
    values[k] = r;
    rows[k] = std::move(jacobian);
  });
  std::int64_t count = 0;
  for (const Tensor& r : values) count += r.size();
  Residuals all{Tensor({count}, Dtype::f64), Tensor({count, m}, Dtype::f64)};
  double *r = all.r.mutable_data<double>(), *j = all.jacobian.mutable_data<double>();
  for (std::size_t k = 0; k < values.size(); ++k) {
    r = std::copy_n(values[k].data<double>(), values[k].size(), r);
    j = std::copy_n(rows[k].data<double>(), rows[k].size(), j);
  }
  return all;
}

const char* name_of(TuneBy by) {
  return by == TuneBy::gauss_newton ? "gauss-newton" : by == TuneBy::lbfgs ? "lbfgs" : "adam";
}

TuneBy tune_by_named(const std::string& name) {
  for (const TuneBy by : {TuneBy::gauss_newton, TuneBy::lbfgs, TuneBy::adam})
    if (name == name_of(by)) return by;
  throw InputError(fmt::format("unknown method '{}'; known are gauss-newton, lbfgs and adam", name));
}

Tuned tune(const EquationAt& equation, const Tensor& s, const TuneOptions& o) {
  const Clock::time_point start = Clock::now();
  Tuned out;
  Tensor c = zeros({unknowns(s, o.directions)}, Dtype::f64);
  const auto objective = [&](const Tensors& at) {
    return value_and_grad([&](const Vars& p) { return loss(equation, moved(s, o.directions, p[0])); }, at);
  };
  out.loss_before = objective({c}).value;
  Tensors parameters{c};
  if (o.by == TuneBy::gauss_newton) {
    out.steps = gauss_newton(equation, s, parameters[0], o, out.loss_before);
  } else if (o.by == TuneBy::lbfgs) {
    Lbfgs method{.history = 30, .max_iterations = o.steps, .max_evaluations = 2 * o.steps + 10};
    method.minimize(parameters, objective);
    out.steps = method.iterations;
  } else {
    Adam method{.lr = o.lr};
    for (; out.steps < o.steps; ++out.steps) method.step(parameters, objective(parameters).gradient);
  }
  out.s = moved(s, o.directions, Var(parameters[0])).value().clone();
  out.seconds = seconds_since(start);
  out.loss = loss_at(equation, out.s);
  return out;
}

}  // namespace lowtide
