#include <fmt/format.h>
#include <lowtide/experiments/mode_evolution.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/physics/embedded_rk.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace lowtide {
namespace {

constexpr std::int64_t per_tile = 128;
// What a mode may move at least, of the first: those that the training hardly used are there for what is new.
constexpr double least_size = 1e-3;
constexpr const char* form_names[] = {"strong", "flux"};

// Fluxes change averages over cells, and the network's front may be thinner than a cell: a point sees it or
// does not, an average sees where in the cell it is. In two dimensions fronts cross many cells, each somewhere
// else, and the least squares average by themselves.
std::int64_t places_in_cell(const ModeProblem& problem) {
  return problem.form == Form::flux && problem.grid.dims == 1 ? 8 : 1;
}

// The middles of `parts` equal parts of the cells around x (n,1), point after point.
Tensor within_cells(const pde::Grid& grid, const Tensor& x, std::int64_t parts) {
  if (parts == 1) return x;
  Tensor out({x.shape[0] * parts, 1}, Dtype::f64);
  double* to = out.mutable_data<double>();
  for (std::int64_t i = 0; i < x.shape[0]; ++i)
    for (std::int64_t k = 0; k < parts; ++k)
      *to++ = x.at(i) + grid.size(0) * ((static_cast<double>(k) + .5) / static_cast<double>(parts) - .5);
  return out;
}

// The means of `parts` blocks of rows each, (n parts c, r) -> (n c, r).
Tensor cell_means(const Tensor& rows, std::int64_t parts, std::int64_t c) {
  if (parts == 1) return rows;
  const std::int64_t block = c * rows.shape[1], n = rows.size() / (block * parts);
  Tensor out = zeros({n * c, rows.shape[1]}, Dtype::f64);
  for (std::int64_t i = 0; i < n * parts; ++i)
    blas::axpy(block, 1 / static_cast<double>(parts), rows.data<double>() + i * block,
               out.mutable_data<double>() + i / parts * block);
  return out;
}

// du/dc as the form of the equation sees it: at the points, or averaged over their cells.
Tensor tangents_of_form(const ModeProblem& problem, const Tensor& x, const Tensor& c) {
  const std::int64_t parts = places_in_cell(problem);
  return cell_means(problem.tangents(within_cells(problem.grid, x, parts), c).by_mode, parts,
                    problem.model.weights.out());
}

Tensor row_of(const Tensor& vector) { return vector.reshaped({1, vector.size()}); }

// The field in physical units as a function of physical points, recorded.
Var physical_field(const LowRankModel& model, const Var& x, const Tensor& s) {
  const std::int64_t d = model.scaling.dims();
  Tensor slope({1, d}, Dtype::f64), offset({1, d}, Dtype::f64);
  for (std::int64_t a = 0; a < d; ++a) {
    const Range& range = model.scaling.x[static_cast<std::size_t>(a)];
    slope.mutable_data<double>()[a] = 2 / (range.high - range.low);
    offset.mutable_data<double>()[a] = -1 - 2 * range.low / (range.high - range.low);
  }
  const Var inside = x * Var(slope) + Var(offset);
  return recorded_values(model.weights, inside, s) *
         Var(from({1, std::ssize(model.scaling.size)}, model.scaling.size));
}

// Columns, or a vector, times the numbers of d.
Tensor by_columns(const Tensor& a, const Tensor& d) {
  Tensor out = a.clone();
  double* to = out.mutable_data<double>();
  for (std::int64_t i = 0; i < a.size(); ++i) to[i] *= d.at(i % d.size());
  return out;
}

}  // namespace

const char* name_of(Form form) { return form_names[static_cast<int>(form)]; }

Form form_named(const std::string& name) {
  for (int i = 0; i < 2; ++i)
    if (name == form_names[i]) return static_cast<Form>(i);
  throw InputError(fmt::format("unknown form {}; there are strong, flux", name));
}

Tensor ModeProblem::field(const Tensor& x, const Tensor& c) const {
  return values(model.weights, model.scaled_points(x), from_coordinates(modes, row_of(c)));
}

ModeTangents ModeProblem::tangents(const Tensor& x, const Tensor& c) const {
  return mode_tangents(model.weights, modes, model.scaled_points(x), from_coordinates(modes, row_of(c)));
}

Tensor ModeProblem::rate(const Tensor& x, const Tensor& c, double t) const {
  const Tensor s = from_coordinates(modes, row_of(c));
  const std::int64_t n = x.shape[0], fields = model.weights.out(), parts = places_in_cell(*this);
  Tensor out({n, fields}, Dtype::f64);
  double* to = out.mutable_data<double>();
  parallel_for((n + per_tile - 1) / per_tile, [&](std::int64_t tile) {
    const std::int64_t begin = tile * per_tile, end = std::min(n, begin + per_tile);
    const Tensor here = x.rows(begin, end);
    Tensor f;
    if (form == Form::strong)
      f = value(
          [&](const Vars&) {
            return equation.strong(Jet([&](const Var& at) { return physical_field(model, at, s); }, here), t);
          },
          {});
    else
      f = flux_rate(
          equation, grid,
          [&](const Tensor& at) {
            const Tensor u = values(model.weights, model.scaled_points(within_cells(grid, at, parts)), s);
            return model.physical_values(cell_means(u, parts, 1));
          },
          here, t, limiter);
    for (std::int64_t i = 0; i < f.size(); ++i)
      to[begin * fields + i] = f.at(i) / model.scaling.size[static_cast<std::size_t>(i % fields)];
  });
  return out;
}

Tensor ModeProblem::coordinates_at(double t) const {
  return coordinates(modes, model.coefficients(full({1}, model.scaled_time(t), Dtype::f64)))
      .reshaped({count()});
}

ModeProblem mode_problem(const LowRankModel& model, const Equation& equation, const pde::Grid& grid, Form form,
                         std::int64_t count, std::int64_t snapshots) {
  const Tensor times = linspace(-1, 1, snapshots, Dtype::f64), s = model.coefficients(times);
  require_finite("coefficients", s);
  const Hypermodes found = hypermodes(times, s);
  const std::int64_t most = found.modes.shape[1],
                     r = count > 0 ? count : std::max<std::int64_t>(1, found.significant());
  if (r > most) throw InputError(fmt::format("{} modes asked for; there are {}", r, most));
  ModeProblem problem{
      .model = model, .modes = found.first(r), .equation = equation, .grid = grid, .form = form};
  problem.sizes = Tensor({r}, Dtype::f64);
  const double first = found.singular_values.at(0), root = std::sqrt(static_cast<double>(snapshots));
  for (std::int64_t j = 0; j < r; ++j)
    problem.sizes.mutable_data<double>()[j] = std::max(found.singular_values.at(j), least_size * first) / root;
  return problem;
}

Fit regularized_fit(const Tensor& a, const Tensor& b, const Tensor& sizes, double regularization) {
  const Qr parts = qr(by_columns(a, sizes));
  const Svd r = svd(parts.r);
  const Tensor right = multiply(r.u, multiply(parts.q, b, Trans::yes), Trans::yes);
  const double largest = r.s.at(0), mu = std::pow(regularization * largest, 2);
  const std::int64_t k = r.s.size();
  Tensor y({k}, Dtype::f64);
  for (std::int64_t j = 0; j < k; ++j) {
    const double sigma = r.s.at(j);
    y.mutable_data<double>()[j] = sigma > 0 ? sigma * right.at(j) / (sigma * sigma + mu) : 0;
  }
  Fit fit{.x = by_columns(multiply(r.vt, y, Trans::yes), sizes)};
  fit.condition = r.s.at(k - 1) > 0 ? largest / r.s.at(k - 1) : std::numeric_limits<double>::infinity();
  Tensor rest = multiply(a, fit.x);
  double* to = rest.mutable_data<double>();
  for (std::int64_t i = 0; i < rest.size(); ++i) to[i] -= b.at(i);
  const double size = norm(b);
  fit.residual = size > 0 ? norm(rest) / size : norm(rest);
  return fit;
}

Fit velocity(const ModeProblem& problem, const Tensor& x, const Tensor& c, double t) {
  const Tensor f = problem.rate(x, c, t);
  require_finite("f", f);
  return regularized_fit(tangents_of_form(problem, x, c), f.reshaped({f.size()}), problem.sizes,
                         problem.regularization);
}

Tensor nearest_coordinates(const ModeProblem& problem, const Tensor& x, const Tensor& u, Tensor c, int steps) {
  const auto missing = [&](const Tensor& v) {
    Tensor out = u.clone();
    double* to = out.mutable_data<double>();
    for (std::int64_t i = 0; i < u.size(); ++i) to[i] -= v.at(i);
    return out.reshaped({u.size()});
  };
  Tensor rest = missing(problem.field(x, c));
  double now = norm(rest);
  for (int step = 0; step < steps; ++step) {
    const Fit fit =
        regularized_fit(problem.tangents(x, c).by_mode, rest, problem.sizes, problem.regularization);
    double share = 1, gained = 0;
    for (; share > 1e-3; share /= 2) {
      Tensor there = c.clone();
      blas::axpy(c.size(), share, fit.x.data<double>(), there.mutable_data<double>());
      const Tensor left = missing(problem.field(x, there));
      if (const double size = norm(left); size < now) {
        gained = now - size;
        c = there;
        rest = left;
        now = size;
        break;
      }
    }
    if (!(gained > 1e-4 * now)) break;
  }
  return c;
}

std::vector<std::int64_t> chosen_points(const ModeProblem& problem, const Tensor& candidates, const Tensor& c,
                                        const std::vector<double>& times, std::int64_t count,
                                        Selector selector) {
  const std::int64_t m = candidates.shape[0], fields = problem.model.weights.out(), r = problem.count(),
                     block = r + 1, columns = block * c.shape[0];
  if (count >= m) {
    std::vector<std::int64_t> all(static_cast<std::size_t>(m));
    for (std::int64_t i = 0; i < m; ++i) all[static_cast<std::size_t>(i)] = i;
    return all;
  }
  Tensor a({columns, m * fields}, Dtype::f64);  // snapshots in rows
  for (std::int64_t k = 0; k < c.shape[0]; ++k) {
    const Tensor state = c.rows(k, k + 1).reshaped({r});
    const Tensor tangents = transposed(tangents_of_form(problem, candidates, state));
    const Tensor f = problem.rate(candidates, state, times[static_cast<std::size_t>(k)]);
    double* to = a.mutable_data<double>() + k * block * m * fields;
    to = std::copy_n(tangents.data<double>(), tangents.size(), to);
    std::copy_n(f.data<double>(), f.size(), to);
  }
  require_finite("tangents", a);
  for (std::int64_t k = 0; k < columns; ++k) {
    double* row = a.mutable_data<double>() + k * m * fields;
    if (const double size = blas::nrm2(m * fields, row); size > 0) blas::scal(m * fields, 1 / size, row);
  }
  const Svd parts = svd(a);
  std::int64_t rank = 0;
  const std::int64_t most = std::min({columns, m * fields, std::max<std::int64_t>(1, count * fields / 2)});
  while (rank < most && parts.s.at(rank) > 1e-8 * parts.s.at(0)) ++rank;
  const Tensor basis = transposed(parts.vt.rows(0, rank).clone());
  std::vector<std::int64_t> points;
  for (std::int64_t rows = std::max(count, rank); std::ssize(points) < count;) {
    points.clear();
    for (const std::int64_t row : select_rows(basis, selector, std::min(rows, m * fields)))
      if (const std::int64_t point = row / fields;
          std::ssize(points) < count && std::find(points.begin(), points.end(), point) == points.end())
        points.push_back(point);
    if (rows >= m * fields) break;
    rows += std::max<std::int64_t>(1, count - std::ssize(points));
  }
  std::sort(points.begin(), points.end());
  return points;
}

ModePath integrated(const std::function<Tensor(double t, const Tensor& y)>& f, const Tensor& y0,
                    const Tensor& weights, const std::vector<double>& times, const EvolveOptions& options,
                    const std::function<void(double t, const Tensor& y)>& at_time) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const Tableau& method = dormand_prince();
  const StepControl control;
  ModePath out;
  const std::int64_t r = y0.size();
  std::vector<double> reached, states;
  Tensor y = y0;
  double step = times.size() > 1 ? (times.back() - times.front()) / 1000 : 0;
  const auto rate = [&](double t, const Tensor& at) {
    ++out.rates;
    return f(t, at);
  };
  const auto note = [&](double t) {
    reached.push_back(t);
    states.insert(states.end(), y.data<double>(), y.data<double>() + r);
  };
  note(times.front());
  try {
    for (std::size_t k = 1; k < times.size() && out.stopped.empty(); ++k) {
      double t = times[k - 1];
      const double end = times[k], span = end - t;
      if (at_time) at_time(t, y);
      Tensor first = rate(t, y);
      while (t < end) {
        if (step < 1e-9 * span || out.steps + out.rejected >= options.max_steps) {
          out.stopped = fmt::format("{} steps, the last of length {:.1e}, led to t = {:.4g}",
                                    out.steps + out.rejected, step, t);
          break;
        }
        const bool last = t + step >= end - 1e-12 * span;
        const double h = last ? end - t : step;
        const RkStep next = rk_step(method, rate, t, y, h, first);
        double square = 0;
        for (std::int64_t i = 0; i < r; ++i) square += std::pow(next.error.at(i) * weights.at(i), 2);
        const double ratio = std::sqrt(square) / options.tolerance,
                     factor = control.factor(ratio, method.order);
        if (ratio <= 1) {
          t = last ? end : t + h;
          y = next.y;
          first = next.last;
          ++out.steps;
          if (!last || factor < 1) step = h * factor;  // the rest before a time says nothing of the next step
        } else {
          step = h * factor;
          ++out.rejected;
        }
      }
      if (out.stopped.empty()) note(end);
    }
  } catch (const NonFiniteError& error) {
    out.stopped = error.what();
  } catch (const SolverError& error) {
    out.stopped = error.what();
  }
  out.times = from({std::ssize(reached)}, reached);
  out.states = from({std::ssize(reached), r}, states);
  out.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return out;
}

ModePath evolved(const ModeProblem& problem, const Tensor& x, const Tensor& candidates, const Tensor& c,
                 const std::vector<double>& times, const EvolveOptions& options) {
  Tensor at = x;
  double condition = 0, residual = 0;
  std::int64_t count = 0;
  // What a change of each coordinate does to the field, at first and relative to the field.
  const ModeTangents first = problem.tangents(candidates, c);
  const double size = norm(first.u);
  Tensor weights({c.size()}, Dtype::f64);
  for (std::int64_t j = 0; j < c.size(); ++j) {
    double square = 0;
    for (std::int64_t i = 0; i < first.by_mode.shape[0]; ++i)
      square += std::pow(first.by_mode.at(i * c.size() + j), 2);
    weights.mutable_data<double>()[j] = std::sqrt(square) / (size > 0 ? size : 1);
  }
  ModePath out = integrated(
      [&](double t, const Tensor& y) {
        const Fit fit = velocity(problem, at, y, t);
        condition = std::max(condition, fit.condition);
        residual += fit.residual;
        ++count;
        return fit.x;
      },
      c, weights, times, options,
      [&](double t, const Tensor& y) {
        if (options.refresh > 0)
          at = rows_of(candidates, chosen_points(problem, candidates, row_of(y), {t}, options.refresh));
      });
  out.condition = condition;
  out.residual = count > 0 ? residual / static_cast<double>(count) : 0;
  return out;
}

}  // namespace lowtide
