// The time derivative of parameters theta whose field u(theta; x) is to follow u_t = f(u): the least-squares
// (Dirac and Frenkel's) projection of f at n points on what the parameters can do,
//
//   (M + mu I) theta' = F,   M = JT J / n,   F = JT f / n,   J = du/dtheta,
//
// without M as a matrix: preconditioned conjugate gradients in f64 on products in J's own dtype (Finzi et al.,
// A stable and scalable method for solving initial value PDEs with neural networks, 2023, section 4). The dense
// solve is there for comparison (Du and Zaki, Evolutional deep neural network, 2021).
#pragma once
#include <lowtide/linalg/krylov.h>
#include <lowtide/linalg/nystrom.h>
#include <lowtide/physics/tiled_jacobian.h>

namespace lowtide {

enum class ProjectionSolver : std::uint8_t { pcg, dense };
const char* name_of(ProjectionSolver solver);
ProjectionSolver projection_solver_named(const std::string& name);  // Error

struct ProjectionOptions {
  double shift = 1e-7;      // mu, in units of the largest eigenvalue of M
  double tolerance = 1e-4;  // on |F - (M + mu) theta'| / |F|
  int iterations = 100;     // of one solve; that many are enough wherever it stops, unless it is hopeless:
  double hopeless = 0.3;    // a residual above this is a failure
};

// What is known of M in advance, of the parameters here or of near ones: its largest eigenvalue and, if rank >
// 0, a Nystrom approximation, from which comes the preconditioner.
struct Sketch {
  double largest = 0;
  Nystrom f{};
  std::int64_t products = 0;  // with M that it took

  explicit operator bool() const { return largest > 0; }
  std::int64_t rank() const { return f.values ? f.values.size() : 0; }
  LinOp inverse(double mu) const;     // empty without rank
  double condition(double mu) const;  // estimate of that of the preconditioned M + mu I
};
// Rank 0: only the largest eigenvalue, by the power method.
Sketch sketch_of(const TiledJacobian& J, std::int64_t rank, const Stream& stream);

struct Projection {
  Tensor rate{};  // theta', (p), f64
  int iterations = 0;
  double residual = 0;        // of the system, relative
  std::int64_t products = 0;  // with M
};

// theta' for f (n,c), starting from `guess` if there is one. Throws SolverError if the solve is hopeless or
// finds what is not finite.
Projection project(const TiledJacobian& J, const Tensor& f, const Sketch& sketch,
                   const ProjectionOptions& options, const Tensor& guess = {});

// The same by J as a matrix (n c, p) and f (n,c): Cholesky of M + mu I, or least squares of J with rows
// sqrt(mu) I below it where that has lost its digits. Fields that share no parameters are solved for one by
// one. Here mu is in units of M's trace.
Tensor project_dense(const Tensor& J, const Tensor& f, double shift);

// |J theta' - f| / |f|: the part of f that the parameters cannot follow. 0 where f is.
double projection_misfit(const TiledJacobian& J, const Tensor& f, const Tensor& rate);

}  // namespace lowtide
