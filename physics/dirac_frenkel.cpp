#include <fmt/format.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/physics/dirac_frenkel.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lowtide {
namespace {

constexpr int power_steps = 12;

void add(double a, const Tensor& x, Tensor& y) {
  blas::axpy(x.size(), a, x.data<double>(), y.mutable_data<double>());
}

void require_values(const TiledJacobian& J, const Tensor& f) {
  if (!(f.shape == J.value().shape))
    fail<ShapeError>("project",
                     fmt::format("a rate {} for a field {}", to_string(f.shape), to_string(J.value().shape)));
}

// JT f / n
Tensor right_side(const TiledJacobian& J, const Tensor& f) {
  if (!all_finite(f)) fail<NonFiniteError>("project", "the rate f(u) is not finite");
  Tensor b = J.pull(f).cast(Dtype::f64);
  blas::scal(b.size(), 1 / static_cast<double>(J.points()), b.mutable_data<double>());
  if (!all_finite(b)) fail<NonFiniteError>("project", "a derivative by the parameters is not finite");
  return b;
}

// The lower triangle of JT J, by blocks of columns of it that depend on p alone.
Tensor gram_matrix(const Tensor& J) {
  const std::int64_t n = J.shape[0], p = J.shape[1], block = 256, blocks = (p + block - 1) / block;
  Tensor M = zeros({p, p}, J.dtype);
  dispatch(J.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* j = J.data<T>();
    T* m = M.mutable_data<T>();
    parallel_for(blocks, [&](std::int64_t k) {
      const std::int64_t begin = k * block, width = std::min(block, p - begin);
      blas::gemm(Trans::yes, Trans::no, p - begin, width, n, T{1}, j + begin, p, j + begin, p, T{0},
                 m + begin * p + begin, p);
    });
  });
  return M;
}

// Fields and the parameters that move them, none of which moves another field: a problem of its own.
struct IndependentPart {
  std::vector<std::int64_t> fields, columns;
};

// J (n c, p), the fields of a point one below the other. A parameter that moves nothing goes with the first
// part.
std::vector<IndependentPart> independent_parts(const Tensor& J, std::int64_t fields) {
  const std::int64_t rows = J.shape[0], p = J.shape[1];
  std::vector<std::int64_t> part(static_cast<std::size_t>(fields)), first(static_cast<std::size_t>(p), -1);
  std::iota(part.begin(), part.end(), 0);
  dispatch(J.dtype, [&](auto zero) {
    const auto* j = J.data<decltype(zero)>();
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t k = 0; k < p; ++k) {
        if (j[i * p + k] == zero) continue;
        std::int64_t& owner = first[static_cast<std::size_t>(k)];
        const std::int64_t mine = part[static_cast<std::size_t>(i % fields)];
        if (owner < 0) owner = i % fields;
        const std::int64_t other = part[static_cast<std::size_t>(owner)];
        if (other != mine) std::replace(part.begin(), part.end(), std::max(mine, other), std::min(mine, other));
      }
  });
  std::vector<IndependentPart> parts;
  for (std::int64_t root = 0; root < fields; ++root) {
    IndependentPart one;
    for (std::int64_t k = 0; k < fields; ++k)
      if (part[static_cast<std::size_t>(k)] == root) one.fields.push_back(k);
    for (std::int64_t k = 0; k < p; ++k)
      if (const std::int64_t owner = std::max<std::int64_t>(0, first[static_cast<std::size_t>(k)]);
          part[static_cast<std::size_t>(owner)] == root)
        one.columns.push_back(k);
    if (!one.fields.empty() && !one.columns.empty()) parts.push_back(std::move(one));
  }
  return parts;
}

Tensor rows_and_columns(const Tensor& J, std::int64_t fields, const IndependentPart& part) {
  const std::int64_t points = J.shape[0] / fields, p = J.shape[1];
  Tensor result({points * std::ssize(part.fields), std::ssize(part.columns)}, J.dtype);
  dispatch(J.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = result.mutable_data<T>();
    for (std::int64_t i = 0; i < points; ++i)
      for (const std::int64_t field : part.fields)
        for (const std::int64_t k : part.columns) *to++ = J.data<T>()[(i * fields + field) * p + k];
  });
  return result;
}

// (JT J + mu I)^-1 JT f for f of J's dtype.
Tensor solve_shifted(const Tensor& J, const Tensor& f, double mu) {
  const std::int64_t rows = J.shape[0], p = J.shape[1];
  Tensor M = gram_matrix(J).cast(Dtype::f64);
  for (std::int64_t i = 0; i < p; ++i) M.mutable_data<double>()[i * (p + 1)] += mu;
  try {
    const Tensor rate = solve_cholesky(cholesky(M), multiply(J, f, Trans::yes).cast(Dtype::f64).reshaped({p}));
    if (all_finite(rate)) return rate;
  } catch (const SolverError&) {  // M + mu I is not positive definite to working precision
  }
  Tensor above = zeros({rows + p, p}, Dtype::f64), wide = zeros({rows + p}, Dtype::f64);
  const Tensor exact = J.cast(Dtype::f64), rate = f.cast(Dtype::f64);
  std::copy_n(exact.data<double>(), rows * p, above.mutable_data<double>());
  std::copy_n(rate.data<double>(), rows, wide.mutable_data<double>());
  for (std::int64_t i = 0; i < p; ++i) above.mutable_data<double>()[(rows + i) * p + i] = std::sqrt(mu);
  return least_squares(above, wide);
}

}  // namespace

const char* name_of(ProjectionSolver solver) { return solver == ProjectionSolver::pcg ? "pcg" : "dense"; }

ProjectionSolver projection_solver_named(const std::string& name) {
  for (const auto solver : {ProjectionSolver::pcg, ProjectionSolver::dense})
    if (name == name_of(solver)) return solver;
  fail<Error>("project", fmt::format("no solver is called '{}'; there are pcg, dense", name));
}

LinOp Sketch::inverse(double mu) const { return rank() > 0 ? preconditioner(f, mu) : LinOp(); }

double Sketch::condition(double mu) const {
  const double least = rank() > 0 ? f.values.at(rank() - 1) : largest;
  return mu > 0 ? (least + mu) / mu : INFINITY;
}

Sketch sketch_of(const TiledJacobian& J, std::int64_t rank, const Stream& stream) {
  const LinOp M = cast(J.gram(), Dtype::f64);
  Sketch sketch;
  Stream numbers = stream;
  if (rank > 0) {
    sketch.products = std::min(rank, M.rows);
    sketch.f = nystrom(M, sketch.products, numbers);
    sketch.largest = sketch.f.values.at(0);
  } else {
    Tensor v = numbers.normal({M.rows}, Dtype::f64);
    for (int i = 0; i < power_steps; ++i) {
      blas::scal(v.size(), 1 / norm(v), v.mutable_data<double>());
      Tensor w = times(M, v);
      sketch.largest = dot(v, w);
      if (!(sketch.largest > 0)) break;
      v = std::move(w);
    }
    sketch.products = power_steps;
  }
  if (!std::isfinite(sketch.largest)) fail<NonFiniteError>("project", "the matrix M is not finite");
  if (!(sketch.largest > 0)) fail<SolverError>("project", "the matrix M is zero: no parameter moves the field");
  return sketch;
}

Projection project(const TiledJacobian& J, const Tensor& f, const Sketch& sketch, const ProjectionOptions& o,
                   const Tensor& guess) {
  require_values(J, f);
  const double mu = o.shift * sketch.largest;
  const LinOp A = shifted(cast(J.gram(), Dtype::f64), mu);
  Tensor b = right_side(J, f);
  const double size = norm(b);
  Projection result;
  if (size == 0) {
    result.rate = zeros({J.parameter_count()}, Dtype::f64);
    return result;
  }
  if (guess) {  // the rest is solved for
    add(-1, times(A, guess), b);
    ++result.products;
  }
  const double left = norm(b) / size;
  const PcgResult solved = left > o.tolerance ? pcg(A, b,
                                                    {.tolerance = o.tolerance / left,
                                                     .max_iterations = o.iterations,
                                                     .preconditioner = sketch.inverse(mu)})
                                              : PcgResult{.x = zeros(b.shape, Dtype::f64), .residual = 1};
  result.iterations = solved.iterations;
  result.products += solved.iterations + (left > o.tolerance ? 1 : 0);
  result.residual = solved.residual * left;
  result.rate = solved.x;
  if (guess) add(1, guess, result.rate);
  if (!(result.residual <= o.hopeless) || !all_finite(result.rate))
    fail<SolverError>("project", fmt::format("conjugate gradients: {} after {} iterations, residual {:.1e}",
                                             name_of(solved.stop), solved.iterations, result.residual));
  return result;
}

Tensor project_dense(const Tensor& J, const Tensor& f, double shift) {
  const std::int64_t rows = J.shape[0], p = J.shape[1];
  if (f.size() != rows)
    fail<ShapeError>("project",
                     fmt::format("a rate of {} numbers for a matrix {}", f.size(), to_string(J.shape)));
  if (!all_finite(f) || !all_finite(J))
    fail<NonFiniteError>("project", "the rate or a derivative is not finite");
  const double trace =
      std::pow(norm(J), 2);  // of the order of the largest eigenvalue, since they fall off fast
  if (!(trace > 0)) fail<SolverError>("project", "the matrix M is zero: no parameter moves the field");
  const Tensor rate = f.cast(J.dtype).reshaped({rows});
  const std::int64_t fields = f.shape.rank() == 2 ? f.shape[1] : 1;
  Tensor result({p}, Dtype::f64);
  double* to = result.mutable_data<double>();
  for (const IndependentPart& part : independent_parts(J, fields)) {
    const bool whole = std::ssize(part.columns) == p && std::ssize(part.fields) == fields;
    const Tensor solved =
        whole ? solve_shifted(J, rate, shift * trace)
              : solve_shifted(rows_and_columns(J, fields, part),
                              rows_and_columns(rate.reshaped({rows, 1}), fields, {part.fields, {0}})
                                  .reshaped({rows / fields * std::ssize(part.fields)}),
                              shift * trace);
    for (std::int64_t k = 0; k < solved.size(); ++k)
      to[part.columns[static_cast<std::size_t>(k)]] = solved.at(k);
  }
  return result;
}

double projection_misfit(const TiledJacobian& J, const Tensor& f, const Tensor& rate) {
  require_values(J, f);
  const double size = norm(f);
  if (size == 0) return 0;
  Tensor rest = J.push(rate).cast(Dtype::f64);
  add(-1, f.cast(Dtype::f64), rest);
  return norm(rest) / size;
}

}  // namespace lowtide
