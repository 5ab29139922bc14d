#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/pde/field.h>
#include <lowtide/pde/solver.h>

#include <algorithm>
#include <cmath>

namespace lowtide::pde {
namespace {

struct Tile {
  std::int64_t i0, i1, j0, j1;
};

// The larger; NaN goes in and stays.
void raise(double& largest, double value) {
  if (!std::isnan(largest) && !(value <= largest)) largest = value;
}

}  // namespace

struct Solver::Impl {
  Law law;
  Grid grid;
  SolverOptions options;
  int equations;
  double t = 0;
  std::int64_t steps = 0, corrections = 0;
  double rate = 0;  // the largest sum over the directions of speed / size, of the present state

  Field q, q_next;    // conserved; without primitive variables also what is interpolated
  Field w, w_next;    // interpolated, if the law has primitive variables
  Field velocity[2];  // through the low faces of the cells along x and y, if the law has one
  std::vector<Tile> tiles;
  std::vector<double> side_flux[4];  // of the last step, equation by equation
  std::vector<double> outflow[4];

  Impl(const Law& l, const Grid& g, const SolverOptions& o);
  void sample(InitialState initial);
  void sample_velocity();
  Field& state() { return law.info->has_primitive ? w : q; }
  double find_primitive();
  void fill_ghosts();
  double try_step(double dt, Limiter limiter);
  double advance_tile(const Tile& tile, double dt, double factor, Limiter limiter);
  void note_side_fluxes(const Tile& tile, std::int64_t j, const Row& fx, const Row& fy);
  LawKernels::Update update_of(double dt, std::int64_t i, std::int64_t j, std::int64_t n);
};

Solver::Impl::Impl(const Law& l, const Grid& g, const SolverOptions& o)
    : law(l), grid(g), options(o), equations(l.info->equations) {
  const LawInfo& info = *law.info;
  check(grid);
  if (info.dims != grid.dims)
    throw InputError(fmt::format("the law {} has {} dimensions, its grid {}", info.name, info.dims, grid.dims));
  for (int side = 0; side < 2 * grid.dims; ++side)
    if (grid.sides[static_cast<std::size_t>(side)] == Boundary::wall && info.normal[side / 2] < 0)
      throw InputError(fmt::format("the law {} has no velocity that a wall could turn round", info.name));
  if (!(options.cfl > 0 && options.cfl <= 1))
    throw InputError(fmt::format("cfl {} does not lie in (0, 1]", options.cfl));
  if (!(options.dt_max > 0)) throw InputError(fmt::format("dt_max {} is not positive", options.dt_max));

  q = q_next = Field(grid, equations);
  if (info.has_primitive) w = w_next = q;
  for (std::size_t side = 0; side < 4; ++side) {
    outflow[side].assign(static_cast<std::size_t>(equations), 0);
    side_flux[side].assign(static_cast<std::size_t>(equations * grid.cells[side < 2 ? 1 : 0]), 0);
  }
  // Borders of tiles depend on the grid alone. A tile's rows of scratch stay in the first or second cache.
  const std::int64_t wide = grid.dims == 2 ? 256 : 1024, high = grid.dims == 2 ? 16 : 1;
  for (std::int64_t j = 0; j < grid.cells[1]; j += high)
    for (std::int64_t i = 0; i < grid.cells[0]; i += wide)
      tiles.push_back({i, std::min(i + wide, grid.cells[0]), j, std::min(j + high, grid.cells[1])});
}

void Solver::Impl::sample(InitialState initial) {
  double cell[max_equations];
  for (std::int64_t j = 0; j < grid.cells[1]; ++j)
    for (std::int64_t i = 0; i < grid.cells[0]; ++i) {
      const Point centre{grid.place(0, static_cast<double>(i) + 0.5),
                         grid.place(1, static_cast<double>(j) + 0.5)};
      if (const std::size_t given = initial(centre, cell); given != static_cast<std::size_t>(equations))
        throw InputError(fmt::format("the initial state has {} numbers, the law {} {} equations", given,
                                     law.info->name, equations));
      for (int c = 0; c < equations; ++c) {
        if (!std::isfinite(cell[c]))
          throw NonFiniteError(fmt::format("[pde] initial {} of cell ({}, {}) is {}",
                                           law.info->fields[static_cast<std::size_t>(c)], i, j, cell[c]));
        if (i == 0 && j == 0) {  // loops look beyond the ends of rows: a usual state shall be there
          q.fill(c, cell[c]);
          q_next.fill(c, cell[c]);
        }
        *q.at(c, i, j) = cell[c];
      }
    }
}

// Through the faces of the domain; beyond it as the state continues, round a periodic side and else as at the
// side.
void Solver::Impl::sample_velocity() {
  const std::int64_t nx = grid.cells[0], ny = grid.cells[1];
  for (int axis = 0; axis < 2; ++axis) {
    Field& field = velocity[axis] = Field(grid, 1);
    const std::int64_t faces[2] = {nx + (axis == 0), ny + (axis == 1)};
    double largest = 0;
    for (std::int64_t j = 0; j < faces[1]; ++j)
      for (std::int64_t i = 0; i < faces[0]; ++i) {
        const double x = static_cast<double>(i), y = static_cast<double>(j);
        const Point a{grid.place(0, x), grid.place(1, y)};
        const Point b{grid.place(0, x + (axis == 1)), grid.place(1, y + (axis == 0))};
        const double v = law.info->face_velocity(law.self.get(), axis, a, b);
        if (!std::isfinite(v))
          throw NonFiniteError(
              fmt::format("[pde] the velocity between ({}, {}) and ({}, {}) is {}", a[0], a[1], b[0], b[1], v));
        *field.at(0, i, j) = v;
        largest = std::max(largest, std::abs(v));
      }
    if (grid.sides[static_cast<std::size_t>(2 * axis)] == Boundary::periodic) {
      const std::int64_t along = grid.cells[static_cast<std::size_t>(1 - axis)];
      for (std::int64_t k = 0; k < along; ++k) {  // both sides are the same face
        double* const first = axis == 0 ? field.at(0, 0, k) : field.at(0, k, 0);
        double* const last = axis == 0 ? field.at(0, nx, k) : field.at(0, k, ny);
        if (!(std::abs(*last - *first) <= 1e-6 * largest))
          throw InputError(fmt::format("the velocity along {} is {} on one periodic side and {} on the other",
                                       "xy"[axis], *first, *last));
        *last = *first;
      }
    }
    const auto inside = [&](int a, std::int64_t i) {
      const std::int64_t n = grid.cells[static_cast<std::size_t>(a)], count = faces[a];
      if (grid.sides[static_cast<std::size_t>(2 * a)] == Boundary::periodic) return (i + n) % n;
      return std::clamp<std::int64_t>(i, 0, count - 1);
    };
    for (std::int64_t j = -1; j <= ny + 1; ++j)
      for (std::int64_t i = -1; i <= nx + 1; ++i)
        if (i < 0 || i >= faces[0] || j < 0 || j >= faces[1])
          *field.at(0, i, j) = *field.at(0, inside(0, i), inside(1, j));
  }
}

// The update of n cells from (i, j) on, but for the fluxes.
LawKernels::Update Solver::Impl::update_of(double dt, std::int64_t i, std::int64_t j, std::int64_t n) {
  LawKernels::Update u{.q = q.row(i, j), .q_new = q_next.row(i, j), .n = n};
  u.inverse_dx = 1 / grid.size(0);
  u.rx = dt * u.inverse_dx;
  if (grid.dims == 2) {
    u.inverse_dy = 1 / grid.size(1);
    u.ry = dt * u.inverse_dy;
  }
  if (law.info->has_primitive) u.w_new = w_next.row(i, j);
  if (law.info->has_velocity) {
    u.ax = velocity[0].at(0, i, j);
    u.ay_low = velocity[1].at(0, i, j);
    u.ay_high = velocity[1].at(0, i, j + 1);
  }
  return u;
}

// What is interpolated, and the rate, of the initial state: an update without fluxes.
double Solver::Impl::find_primitive() {
  std::vector<double> zeros(static_cast<std::size_t>(grid.cells[0] + 1 + 2 * pack_slack));
  Row none;
  for (int c = 0; c < equations; ++c) none.of[c] = zeros.data();
  double largest = 0;
  const auto update = [&](std::int64_t j, std::int64_t n) {
    LawKernels::Update u = update_of(0, 0, j, n);
    u.fx = u.fy_low = u.fy_high = none;
    return law.info->kernels.update(law.self.get(), u);
  };
  if (law.info->has_primitive) {
    update(0, 1);
    for (int c = 0; c < equations; ++c) {
      const double usual = *w_next.at(c, 0, 0);
      w.fill(c, usual);
      w_next.fill(c, usual);
    }
  }
  for (std::int64_t j = 0; j < grid.cells[1]; ++j) {
    const double row = update(j, grid.cells[0]);
    if (!std::isfinite(row))
      throw InputError(
          fmt::format("row {} of the initial state is not admissible for the law {}, or has no finite speed", j,
                      law.info->name));
    raise(largest, row);
  }
  std::swap(w, w_next);
  return largest;
}

void Solver::Impl::fill_ghosts() {
  Field& field = state();
  for (int side = 0; side < 2 * grid.dims; ++side) {
    const int axis = side / 2;
    const bool high = side % 2 == 1;
    const Boundary boundary = grid.sides[static_cast<std::size_t>(side)];
    const std::int64_t n = grid.cells[static_cast<std::size_t>(axis)];
    for (std::int64_t k = 1; k <= ghosts; ++k) {
      const std::int64_t ghost = high ? n - 1 + k : -k;
      const std::int64_t source = boundary == Boundary::periodic ? (high ? k - 1 : n - k)
                                  : boundary == Boundary::wall   ? (high ? n - k : k - 1)
                                                                 : (high ? n - 1 : 0);
      for (int c = 0; c < equations; ++c) {
        const double sign = boundary == Boundary::wall && c == law.info->normal[axis] ? -1 : 1;
        if (axis == 0) {
          for (std::int64_t j = 0; j < grid.cells[1]; ++j)
            *field.at(c, ghost, j) = sign * *field.at(c, source, j);
        } else {
          const double* from = field.at(c, -ghosts, source);
          double* to = field.at(c, -ghosts, ghost);
          for (std::int64_t i = 0; i < field.stride(); ++i) to[i] = sign * from[i];
        }
      }
    }
  }
}

// What leaves the domain through the faces of row j of a tile; fy is the flux through its low faces.
void Solver::Impl::note_side_fluxes(const Tile& tile, std::int64_t j, const Row& fx, const Row& fy) {
  const std::int64_t nx = grid.cells[0], ny = grid.cells[1];
  for (int c = 0; c < equations; ++c) {
    if (fx.of[c] && tile.i0 == 0) side_flux[0][static_cast<std::size_t>(c * ny + j)] = -fx.of[c][0];
    if (fx.of[c] && tile.i1 == nx) side_flux[1][static_cast<std::size_t>(c * ny + j)] = fx.of[c][nx - tile.i0];
    if (!fy.of[c] || (j != 0 && j != ny)) continue;
    for (std::int64_t i = tile.i0; i < tile.i1; ++i)
      side_flux[j == 0 ? 2 : 3][static_cast<std::size_t>(c * nx + i)] =
          (j == 0 ? -1 : 1) * fy.of[c][i - tile.i0];
  }
}

// Row by row: slopes and half step of row j; the fluxes between rows j - 1 and j, which complete row j - 1; the
// fluxes inside row j. Rows of scratch start one cell before the tile.
double Solver::Impl::advance_tile(const Tile& tile, double dt, double factor, Limiter limiter) {
  const LawKernels& kernels = law.info->kernels;
  const void* self = law.self.get();
  const bool two = grid.dims == 2;
  const std::int64_t n = tile.i1 - tile.i0;
  HalfSlopes* const slopes = half_slopes(limiter);
  Field& field = state();

  Scratch scratch(equations, 9, n + 2);
  Row h = scratch.row(0), sx = scratch.row(1), sy = scratch.row(2);  // of row j
  Row h_below = scratch.row(3), sy_below = scratch.row(4);           // of row j - 1
  Row fx = scratch.row(5), fx_below = scratch.row(6);                // inside rows j and j - 1
  Row fy = scratch.row(7), fy_below = scratch.row(8);                // between j - 1 and j, j - 2 and j - 1
  double largest = 0;
  const auto complete = [&](std::int64_t j, const Row& inside, const Row& low, const Row& high) {
    LawKernels::Update u = update_of(dt, tile.i0, j, n);
    u.fx = inside;
    u.fy_low = low;
    u.fy_high = high;
    const double row = kernels.update(self, u);
    raise(largest, row);
  };

  for (std::int64_t j = two ? tile.j0 - 1 : 0; j < tile.j1 + two; ++j) {
    const Row centre = field.row(tile.i0 - 1, j);
    LawKernels::Predict p{.w = centre, .sx = sx, .sy = sy, .h = h, .factor = factor, .n = n + 2};
    p.rx = dt / grid.size(0);
    if (two) p.ry = dt / grid.size(1);
    for (int c = 0; c < equations; ++c) {
      const double* w0 = centre.of[c];
      slopes(w0 - 1, w0, w0 + 1, sx.of[c], n + 2);
      if (two) slopes(w0 - field.stride(), w0, w0 + field.stride(), sy.of[c], n + 2);
    }
    if (law.info->has_velocity) {
      p.ax = velocity[0].at(0, tile.i0 - 1, j);
      p.ay_low = velocity[1].at(0, tile.i0 - 1, j);
      p.ay_high = velocity[1].at(0, tile.i0 - 1, j + 1);
    }
    kernels.predict(self, p);

    if (two && j >= tile.j0) {
      LawKernels::Flux f{.l = shifted(h_below, 1),
                         .ls = shifted(sy_below, 1),
                         .r = shifted(h, 1),
                         .rs = shifted(sy, 1),
                         .f = fy,
                         .factor = factor,
                         .n = n};
      if (law.info->has_velocity) f.a = velocity[1].at(0, tile.i0, j);
      kernels.flux_y(self, f);
      note_side_fluxes(tile, j, Row{}, fy);
      if (j > tile.j0) complete(j - 1, fx_below, fy_below, fy);
    }
    if (j >= tile.j0 && j < tile.j1) {
      LawKernels::Flux f{
          .l = h, .ls = sx, .r = shifted(h, 1), .rs = shifted(sx, 1), .f = fx, .factor = factor, .n = n + 1};
      if (law.info->has_velocity) f.a = velocity[0].at(0, tile.i0, j);
      kernels.flux_x(self, f);
      note_side_fluxes(tile, j, fx, Row{});
      if (!two) complete(j, fx, fy, fy);
    }
    std::swap(h, h_below);
    std::swap(sy, sy_below);
    std::swap(fx, fx_below);
    std::swap(fy, fy_below);
  }
  return largest;
}

// The state after dt into q_next and w_next, and its rate; NaN if a state is not admissible.
double Solver::Impl::try_step(double dt, Limiter limiter) {
  double factor = 1;
  if (law.info->has_velocity) {
    factor = law.info->factor(law.self.get(), t + dt / 2);
    if (!(std::abs(factor) <= 1 + 1e-12))  // steps are as long as 1 allows
      throw InputError(
          fmt::format("the factor of the velocity is {} at t = {}, not between -1 and 1", factor, t + dt / 2));
  }
  std::vector<double> rates(tiles.size());
  const auto body = [&](std::int64_t k) {
    rates[static_cast<std::size_t>(k)] = advance_tile(tiles[static_cast<std::size_t>(k)], dt, factor, limiter);
  };
  const auto count = static_cast<std::int64_t>(tiles.size());
  if (grid.count() * equations < 8192)  // sooner done than handed out
    for (std::int64_t k = 0; k < count; ++k) body(k);
  else
    parallel_for(count, body);
  double largest = 0;
  for (const double r : rates) raise(largest, r);
  return largest;
}

Solver::Solver(const Law& law, const Grid& grid, const SolverOptions& options, InitialState initial)
    : impl_(std::make_unique<Impl>(law, grid, options)) {
  impl_->sample(initial);
  if (law.info->has_velocity) impl_->sample_velocity();
  impl_->rate = impl_->find_primitive();
}

Solver::Solver(Solver&&) noexcept = default;
Solver& Solver::operator=(Solver&&) noexcept = default;
Solver::~Solver() = default;

void Solver::step(double t_limit) {
  Impl& s = *impl_;
  const double left = t_limit - s.t;
  if (!(left > 0)) return;
  double dt = std::min(s.options.dt_max, s.rate > 0 ? s.options.cfl / s.rate : left);
  if (dt < 1e-9 * left)
    throw SolverError(fmt::format(
        "[pde] {}: steps of {:.3g} are too short to get from t = {} to {}: speeds have grown too large",
        s.law.info->name, dt, s.t, t_limit));
  // Two equal steps to the end rather than a long and a very short one.
  bool lands = dt >= left;
  dt = lands ? left : 2 * dt > left ? left / 2 : dt;

  s.fill_ghosts();
  double rate = s.try_step(dt, s.options.limiter);
  // A state without positive density or pressure: a shorter step, and then without slopes, for which Einfeldt's
  // wave speeds keep them positive at half the longest stable step.
  for (int attempt = 1; !std::isfinite(rate); ++attempt) {
    if (attempt > 4 || s.t + dt / 2 == s.t)
      throw SolverError(fmt::format(
          "[pde] {}: no admissible state after t = {} (step {}, dt {:.3g}); is the cfl {} too large?",
          s.law.info->name, s.t, s.steps, dt, s.options.cfl));
    if (attempt != 2) dt /= 2;
    lands = false;
    ++s.corrections;
    rate = s.try_step(dt, attempt == 1 ? s.options.limiter : Limiter::zero);
  }
  std::swap(s.q, s.q_next);
  std::swap(s.w, s.w_next);
  s.rate = rate;
  s.t = lands || t_limit - (s.t + dt) < 1e-14 * std::abs(t_limit) ? t_limit : s.t + dt;
  ++s.steps;
  for (int side = 0; side < 2 * s.grid.dims; ++side) {
    const auto a = static_cast<std::size_t>(side);
    const double face = s.grid.dims == 1 ? 1 : s.grid.size(1 - side / 2);
    const auto per = static_cast<std::int64_t>(s.side_flux[a].size()) / s.equations;
    for (int c = 0; c < s.equations; ++c) {
      double sum = 0;
      for (std::int64_t k = 0; k < per; ++k) sum += s.side_flux[a][static_cast<std::size_t>(c * per + k)];
      s.outflow[a][static_cast<std::size_t>(c)] += dt * face * sum;
    }
  }
}

void Solver::advance(double t_end) {
  while (impl_->t < t_end) step(t_end);
}

double Solver::time() const { return impl_->t; }
std::int64_t Solver::steps() const { return impl_->steps; }
std::int64_t Solver::corrections() const { return impl_->corrections; }
const Grid& Solver::grid() const { return impl_->grid; }
const LawInfo& Solver::law() const { return *impl_->law.info; }
std::vector<double> Solver::outflow(int side) const { return impl_->outflow[static_cast<std::size_t>(side)]; }

Tensor Solver::values() const {
  Impl& s = *impl_;
  Tensor values({s.grid.count(), s.equations}, Dtype::f64);
  double* out = values.mutable_data<double>();
  for (std::int64_t j = 0; j < s.grid.cells[1]; ++j)
    for (std::int64_t i = 0; i < s.grid.cells[0]; ++i)
      for (int c = 0; c < s.equations; ++c) *out++ = *s.q.at(c, i, j);
  return values;
}

std::vector<double> Solver::integral() const {
  Impl& s = *impl_;
  std::vector<double> sums(static_cast<std::size_t>(s.equations));
  for (int c = 0; c < s.equations; ++c) {
    double sum = 0;
    for (std::int64_t j = 0; j < s.grid.cells[1]; ++j) {
      double row = 0;
      for (std::int64_t i = 0; i < s.grid.cells[0]; ++i) row += *s.q.at(c, i, j);
      sum += row;
    }
    sums[static_cast<std::size_t>(c)] = sum * s.grid.area();
  }
  return sums;
}

}  // namespace lowtide::pde
