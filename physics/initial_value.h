// An initial-value problem u_t = f(u) on the box [-1,1]^d.
#pragma once
#include <lowtide/linalg/random.h>
#include <lowtide/physics/jet.h>

#include <functional>

namespace lowtide {

struct InitialValueProblem {
  std::int64_t dims = 1, fields = 1;
  bool walls = true;  // zero on all sides, built into the network
  double t_end = 1;

  std::function<Tensor(const Tensor& x)> initial{};   // (n,d) -> (n,c), f64
  std::function<Var(const Jet& u, double t)> rate{};  // f(u), (n,c)
  // Where the equation is to hold at time t: (n,d), f64. None: uniform over the box.
  std::function<Tensor(Stream stream, std::int64_t n, double t)> points{};
};

}  // namespace lowtide
