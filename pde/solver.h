// The finite-volume solver: MUSCL with Hancock's predictor, without splitting of the directions.
//
// Every cell's state varies linearly, with limited slopes; the state is advanced half a step by the cell's own
// slopes in all directions; numerical fluxes between the states at both sides of each face then update the
// averages (van Leer 1979, 1984; Toro 2009, sections 14.4 and 16.5). Second order in space and time where the
// solution is smooth, one evaluation of the fluxes a step, conservative to rounding.
#pragma once
#include <lowtide/linalg/function_ref.h>
#include <lowtide/linalg/tensor.h>
#include <lowtide/pde/grid.h>
#include <lowtide/pde/law.h>
#include <lowtide/pde/slopes.h>

#include <limits>
#include <memory>
#include <span>
#include <type_traits>

namespace lowtide::pde {

struct SolverOptions {
  Limiter limiter = Limiter::mc;
  double cfl = 0.9;  // of the step, against the sum over the directions of speed / cell size
  double dt_max = std::numeric_limits<double>::infinity();
};

// Writes the state at a point to q, as far as there is room, and says how many numbers it has.
using InitialState = FunctionRef<std::size_t(const Point& x, std::span<double> q)>;

class Solver {
 public:
  // `initial` gives a number or an array of them from (x) or (x, y); it is sampled at cell centres.
  template <class Initial>
  Solver(const Law& law, const Grid& grid, const Initial& initial, const SolverOptions& options = {})
      : Solver(law, grid, options, [&](const Point& x, std::span<double> q) {
          if constexpr (std::is_invocable_v<const Initial&, double, double>)
            return put(initial(x[0], x[1]), q);
          else
            return put(initial(x[0]), q);
        }) {}
  Solver(const Law& law, const Grid& grid, const SolverOptions& options, InitialState initial);
  Solver(Solver&&) noexcept;
  Solver& operator=(Solver&&) noexcept;
  ~Solver();

  void step(double t_limit);   // one step, at most to t_limit
  void advance(double t_end);  // steps that land on t_end exactly
  double time() const;
  std::int64_t steps() const;        // so far
  std::int64_t corrections() const;  // steps repeated because a state was not admissible

  const Grid& grid() const;
  const LawInfo& law() const;
  Tensor values() const;                        // (cells, equations), f64, x fastest
  std::vector<double> integral() const;         // of each conserved quantity over the domain
  std::vector<double> outflow(int side) const;  // what has left through a side so far (low x, high x, ...)

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;

  template <class Result>
  static std::size_t put(const Result& state, std::span<double> q) {
    if constexpr (std::is_arithmetic_v<Result>) {
      q[0] = state;
      return 1;
    } else if constexpr (requires { state.at[0]; }) {
      return put(std::span<const double>(state.at), q);
    } else {
      std::size_t count = 0;
      for (const double value : state) {
        if (count < q.size()) q[count] = value;
        ++count;
      }
      return count;
    }
  }
};

}  // namespace lowtide::pde
