#include <fmt/format.h>
#include <lowtide/pde/laws.h>
#include <lowtide/physics/equations.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace lowtide {
namespace {

template <class L>
std::vector<std::string> fields_of(const L& law) {
  return law_info(law).fields;
}

Var along(const Jet& u, int field, int axis) { return column(u.d(axis), field); }

// Numbers of cells, a field after the other, with room for the packs that run over the end.
struct Cells {
  std::int64_t n = 0, stride = 0;
  std::vector<double> numbers{};

  Cells(std::int64_t cells, int fields)
      : n(cells),
        stride(cells + pde::pack_slack),
        numbers(static_cast<std::size_t>(stride) * static_cast<std::size_t>(fields), 1.0) {}
  double* row(int field) { return numbers.data() + field * stride; }
  pde::Row rows(int fields) {
    pde::Row all;
    for (int c = 0; c < fields; ++c) all.of[c] = row(c);
    return all;
  }
};

// The points moved by `steps` cells along an axis. Beyond a periodic side they come in again on the other;
// beyond a wall they are mirrored, and the velocity across it is turned; beyond an open side the outermost cell
// answers.
struct Moved {
  Tensor x{};
  std::vector<bool> turned{};
};

Moved moved(const pde::Grid& grid, const Tensor& x, int axis, int steps) {
  const auto a = static_cast<std::size_t>(axis);
  const double low = grid.low[a], high = grid.high[a], h = grid.size(axis);
  Moved out{x.clone(), std::vector<bool>(static_cast<std::size_t>(x.shape[0]), false)};
  double* to = out.x.mutable_data<double>() + axis;
  for (std::int64_t i = 0; i < x.shape[0]; ++i, to += x.shape[1]) {
    *to += steps * h;
    if (*to >= low && *to <= high) continue;
    switch (grid.sides[2 * a + (*to > high ? 1 : 0)]) {
      case pde::Boundary::periodic:
        *to += *to > high ? low - high : high - low;
        break;
      case pde::Boundary::wall:
        *to = 2 * (*to > high ? high : low) - *to;
        out.turned[static_cast<std::size_t>(i)] = true;
        break;
      case pde::Boundary::outflow:
        *to = std::clamp(*to, low + h / 2, high - h / 2);
        break;
    }
  }
  return out;
}

// What the law interpolates, at the points moved by `steps` cells.
Cells states(const Equation& equation, const pde::Grid& grid, const FieldAt& field, const Tensor& x, int axis,
             int steps) {
  const int c = equation.law.info->equations, normal = equation.law.info->normal[axis];
  const Moved there = moved(grid, x, axis, steps);
  const Tensor u = field(there.x);
  Cells out(x.shape[0], c);
  std::array<double, pde::max_equations> q{};
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    std::copy_n(u.data<double>() + i * c, c, q.begin());
    if (there.turned[static_cast<std::size_t>(i)] && normal >= 0) q[static_cast<std::size_t>(normal)] *= -1;
    if (equation.primitive) equation.primitive(q.data());
    for (int k = 0; k < c; ++k) out.row(k)[i] = q[static_cast<std::size_t>(k)];
  }
  return out;
}

// The velocity through the faces on the low (-1) or the high (1) side of the cells around x.
std::vector<double> face_velocities(const Equation& equation, const pde::Grid& grid, const Tensor& x, int axis,
                                    int side) {
  std::vector<double> out(static_cast<std::size_t>(x.shape[0] + pde::pack_slack), 0.0);
  const pde::LawInfo& info = *equation.law.info;
  if (!info.has_velocity) return out;
  const std::int64_t d = x.shape[1];
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    pde::Point a{x.at(i * d), d > 1 ? x.at(i * d + 1) : 0};
    a[static_cast<std::size_t>(axis)] += .5 * side * grid.size(axis);
    pde::Point b = a;
    const auto other = static_cast<std::size_t>(1 - axis);
    const double half = grid.dims > 1 ? .5 * grid.size(1 - axis) : .5;
    a[other] -= half;
    b[other] += half;
    out[static_cast<std::size_t>(i)] = info.face_velocity(equation.law.self.get(), axis, a, b);
  }
  return out;
}

}  // namespace

Equation advection_equation(std::vector<double> velocity) {
  const auto make = [&](const auto& law) {
    Equation out{.name = "advection", .fields = fields_of(law), .law = law};
    out.strong = [velocity](const Jet& u, double) {
      Var f = -velocity[0] * u.d(0);
      for (std::size_t a = 1; a < velocity.size(); ++a) f = f - velocity[a] * u.d(static_cast<int>(a));
      return f;
    };
    return out;
  };
  if (velocity.size() == 1) return make(pde::Advection<1>{{velocity[0]}});
  if (velocity.size() == 2) return make(pde::Advection<2>{{velocity[0], velocity[1]}});
  fail<ShapeError>("advection_equation", fmt::format("a velocity in {} dimensions", velocity.size()));
}

Equation swirl_equation(double period) {
  const auto factor = [period](double t) { return std::cos(2 * M_PI * t / period); };
  const pde::StreamAdvection vortex{.psi =
                                        [](double x, double y) {
                                          const double a = std::sin(M_PI * x), b = std::sin(M_PI * y);
                                          return a * a * b * b / M_PI;
                                        },
                                    .g = factor};
  Equation out{.name = "swirl", .fields = fields_of(vortex), .law = vortex};
  out.strong = [factor](const Jet& q, double t) {  // psi_x = sin(2 pi x) sin^2(pi y), psi_y likewise
    const Var x = M_PI * q.x(0), y = M_PI * q.x(1);
    const Var psi_x = sin(2.0 * x) * square(sin(y)), psi_y = square(sin(x)) * sin(2.0 * y);
    return factor(t) * (psi_y * q.d(0) - psi_x * q.d(1));
  };
  return out;
}

Equation burgers_equation(int dims) {
  Equation out = dims == 1 ? Equation{.name = "burgers", .fields = {"u"}, .law = pde::Burgers<1>{}}
                           : Equation{.name = "burgers", .fields = {"u"}, .law = pde::Burgers<2>{}};
  out.strong = [dims](const Jet& u, double) {
    Var slope = u.d(0);
    for (int a = 1; a < dims; ++a) slope = slope + u.d(a);
    return -u() * slope;
  };
  return out;
}

Equation acoustics_equation(int dims, double density, double bulk_modulus) {
  const auto make = [&](const auto& law) {
    Equation out{.name = "acoustics", .fields = fields_of(law), .law = law};
    out.strong = [=](const Jet& u, double) {
      Var divergence = along(u, 1, 0);
      for (int a = 1; a < dims; ++a) divergence = divergence + along(u, 1 + a, a);
      Vars f{-bulk_modulus * divergence};
      for (int a = 0; a < dims; ++a) f.push_back(-(1 / density) * along(u, 0, a));
      return concatenate(f, 1);
    };
    return out;
  };
  if (dims == 1) return make(pde::Acoustics<1>{density, bulk_modulus});
  return make(pde::Acoustics<2>{density, bulk_modulus});
}

Equation euler_equation(double gamma) {
  const pde::Euler<1> gas{gamma};
  Equation out{.name = "euler", .fields = fields_of(gas), .law = gas};
  out.strong = [gamma](const Jet& q, double) {
    const Var rho = q(0), m = q(1), energy = q(2);
    const Var rho_x = along(q, 0, 0), m_x = along(q, 1, 0), energy_x = along(q, 2, 0);
    const Var u = m / rho, u_x = (m_x - u * rho_x) / rho;
    const Var p = (gamma - 1) * (energy - 0.5 * m * u);
    const Var p_x = (gamma - 1) * (energy_x - 0.5 * (m_x * u + m * u_x));
    return -concatenate({m_x, m_x * u + m * u_x + p_x, u_x * (energy + p) + u * (energy_x + p_x)}, 1);
  };
  out.primitive = [gas](double* state) {
    pde::State<double, 3> w = gas.primitive(pde::State<double, 3>{{state[0], state[1], state[2]}});
    // A network may overshoot to a vacuum ahead of a shock; the sound speed is to stay a number.
    w[0] = std::max(w[0], 1e-6);
    w[2] = std::max(w[2], 1e-6 * std::abs(state[2]));
    std::copy_n(w.at, 3, state);
  };
  return out;
}

Tensor flux_rate(const Equation& equation, const pde::Grid& grid, const FieldAt& field, const Tensor& x,
                 double t, pde::Limiter limiter) {
  const pde::LawInfo& info = *equation.law.info;
  const void* law = equation.law.self.get();
  const int c = info.equations;
  const std::int64_t n = x.shape[0];
  if (x.shape.rank() != 2 || x.shape[1] != grid.dims || info.dims != grid.dims)
    fail<ShapeError>("flux_rate", fmt::format("points {} of a law in {} dimensions on a grid in {}",
                                              to_string(x.shape), info.dims, grid.dims));
  Tensor f = zeros({n, c}, Dtype::f64);
  double* to = f.mutable_data<double>();
  const auto slopes = pde::half_slopes(limiter);
  const double factor = info.has_velocity ? info.factor(law, t) : 1;
  for (int axis = 0; axis < grid.dims; ++axis) {
    std::vector<Cells> w, half;  // at -2 ... 2, and of the inner three
    for (int step = -2; step <= 2; ++step) w.push_back(states(equation, grid, field, x, axis, step));
    for (std::size_t k = 1; k <= 3; ++k) {
      half.emplace_back(n, c);
      for (int e = 0; e < c; ++e) slopes(w[k - 1].row(e), w[k].row(e), w[k + 1].row(e), half.back().row(e), n);
    }
    for (const int side : {-1, 1}) {
      const std::size_t left = side < 0 ? 1 : 2;
      const std::vector<double> a = face_velocities(equation, grid, x, axis, side);
      Cells flux(n, c);
      const pde::LawKernels::Flux work{.l = w[left].rows(c),
                                       .ls = half[left - 1].rows(c),
                                       .r = w[left + 1].rows(c),
                                       .rs = half[left].rows(c),
                                       .f = flux.rows(c),
                                       .a = a.data(),
                                       .factor = factor,
                                       .n = n};
      (axis == 0 ? info.kernels.flux_x : info.kernels.flux_y)(law, work);
      for (int e = 0; e < c; ++e)
        for (std::int64_t i = 0; i < n; ++i) to[i * c + e] -= side * flux.row(e)[i] / grid.size(axis);
    }
  }
  return f;
}

}  // namespace lowtide
