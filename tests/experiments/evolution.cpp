// Trained models moved on by their equation: right sides, tangents, least squares, and whole evolutions.
#include <lowtide/experiments/evolution_study.h>
#include <lowtide/experiments/job.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>

#include <cmath>

#include "../run/support.h"
#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

using Wave = std::function<std::vector<double>(const double* x, double t)>;

Tensor sampled(const Wave& wave, const Tensor& x, double t) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < x.shape[0]; ++i)
    for (const double u : wave(x.data<double>() + i * x.shape[1], t)) all.push_back(u);
  return from({x.shape[0], std::ssize(all) / x.shape[0]}, all);
}

double largest_difference(const Tensor& a, const Tensor& b) {
  BOOST_REQUIRE((a.shape == b.shape));
  double most = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a.at(i) - b.at(i)));
  return most;
}

// u_t of a solution that is known, by a central difference of fourth order.
Tensor time_derivative(const Wave& wave, const Tensor& x, double t) {
  const double h = 1e-3;
  Tensor out = zeros(sampled(wave, x, t).shape, Dtype::f64);
  const double factor[] = {1. / 12, -8. / 12, 8. / 12, -1. / 12}, steps[] = {-2, -1, 1, 2};
  for (int k = 0; k < 4; ++k)
    blas::axpy(out.size(), factor[k] / h, sampled(wave, x, t + steps[k] * h).data<double>(),
               out.mutable_data<double>());
  return out;
}

struct Known {  // an equation, a smooth solution of it as numbers and as Vars at time t
  Equation equation;
  Wave wave;
  std::function<Var(const Var& x)> recorded;
};
constexpr double now = .3;

std::vector<Known> known() {
  const double k = 2, l = -1, density = .8, bulk = 3, omega = std::sqrt((k * k + l * l) * bulk / density);
  return {
      {advection_equation({.7}),
       [](const double* x, double t) { return std::vector{std::sin(3 * (x[0] - .7 * t))}; },
       [](const Var& x) { return sin(3.0 * (x - .7 * now)); }},
      {advection_equation({.7, -.4}),
       [](const double* x, double t) { return std::vector{std::sin(x[0] + 2 * x[1] + .1 * t)}; },
       [](const Var& x) { return sin(column(x, 0) + 2.0 * column(x, 1) + .1 * now); }},
      {burgers_equation(1), [](const double* x, double t) { return std::vector{(2 + x[0]) / (1 + t)}; },
       [](const Var& x) { return (2.0 + x) / (1 + now); }},
      {burgers_equation(2),
       [](const double* x, double t) { return std::vector{(2 + x[0] + x[1]) / (1 + 2 * t)}; },
       [](const Var& x) { return (2.0 + column(x, 0) + column(x, 1)) / (1 + 2 * now); }},
      {acoustics_equation(2, density, bulk),
       [=](const double* x, double t) {
         const double p = std::cos(k * x[0] + l * x[1] - omega * t);
         return std::vector{p, k * p / (density * omega), l * p / (density * omega)};
       },
       [=](const Var& x) {
         const Var p = cos(k * column(x, 0) + l * column(x, 1) - omega * now);
         return concatenate({p, (k / (density * omega)) * p, (l / (density * omega)) * p}, 1);
       }},
      {euler_equation(1.4),  // gas of one velocity and pressure: density is carried along
       [](const double* x, double t) {
         const double rho = 1.5 + std::sin(2 * (x[0] - .9 * t));
         return std::vector{rho, .9 * rho, 2 / .4 + .5 * .81 * rho};
       },
       [](const Var& x) {
         const Var rho = 1.5 + sin(2.0 * (x - .9 * now));
         return concatenate({rho, .9 * rho, 2 / .4 + (.5 * .81) * rho}, 1);
       }},
  };
}

Tensor points_in(int dims, std::int64_t n = 40) {
  return Stream(3, "points").uniform({n, dims}, Dtype::f64, .2, .8);
}

pde::Grid grid_of(int dims, std::int64_t cells, pde::Boundary side) {
  return {.dims = dims,
          .cells = {cells, dims > 1 ? cells : 1},
          .low = {0, 0},
          .high = {1, 1},
          .sides = {side, side, side, side}};
}

Tensor centres(const pde::Grid& grid) {
  Tensor x({grid.cells[0], 1}, Dtype::f64);
  for (std::int64_t i = 0; i < grid.cells[0]; ++i)
    x.mutable_data<double>()[i] = grid.place(0, static_cast<double>(i) + .5);
  return x;
}

// u = cos(a) sin(pi x) + sin(a) cos(pi x) on [-1,1] is one layer of sines and a last layer whose coefficients
// (cos a, sin a) go round a circle: waves that travel, exactly.
LowRankModel circling(double t_end) {
  LowRankModel model{.name = "exact"};
  model.scaling.x = {{0, 2}};
  model.scaling.t = {{0, t_end}};
  model.scaling.fields = {"q"};
  model.scaling.size = {2};
  model.weights.activation = Activation::sin;
  model.weights.layers = {{from({1, 2}, {1, 1}), from({1, 1}, {M_PI}), from({1, 2}, {0, M_PI / 2})},
                          {from({2, 1}, {1, 1}), from({2, 2}, {1, 0, 0, 1}), from({1, 1}, {1})}};
  model.coefficients = [t_end](const Tensor& t) {  // s1, s2; cos a, sin a; 0
    Tensor s({t.size(), 5}, Dtype::f64);
    double* to = s.mutable_data<double>();
    for (std::int64_t i = 0; i < t.size(); ++i, to += 5) {
      const double a = -M_PI * t_end * (t.at(i) + 1) / 2;
      to[0] = to[1] = 1;
      to[2] = std::cos(a);
      to[3] = std::sin(a);
      to[4] = 0;
    }
    return s;
  };
  return model;
}

ModeProblem exact_problem(Form form = Form::strong) {
  pde::Grid grid = grid_of(1, 400, pde::Boundary::periodic);
  grid.high[0] = 2;
  ModeProblem problem = mode_problem(circling(.8), advection_equation({1}), grid, form, 3);
  problem.regularization = 1e-9;
  problem.limiter = pde::Limiter::none;
  return problem;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(evolution_suite)

BOOST_AUTO_TEST_CASE(right_sides_are_the_time_derivatives_of_solutions) {
  for (const Known& each : known()) {
    const Tensor x = points_in(each.equation.dims()), f = time_derivative(each.wave, x, now);
    const Tensor strong =
        value([&](const Vars&) { return each.equation.strong(Jet(each.recorded, x), now); }, {});
    BOOST_TEST(largest_difference(strong, f) < 1e-8, each.equation.name);
    double error[2] = {};
    for (const int k : {0, 1}) {
      const pde::Grid grid = grid_of(each.equation.dims(), k == 0 ? 40 : 80, pde::Boundary::outflow);
      error[k] = largest_difference(
          flux_rate(
              each.equation, grid, [&](const Tensor& at) { return sampled(each.wave, at, now); }, x, now,
              pde::Limiter::none),
          f);
    }
    BOOST_TEST(error[1] < 2e-2, each.equation.name);
    BOOST_TEST((error[1] < error[0] / 3 || error[0] < 1e-9), each.equation.name);  // second order
  }
}

// A gas in which everything varies: no solution is known, but the fluxes know the law and nothing of the
// formulas of the strong form.
BOOST_AUTO_TEST_CASE(both_forms_agree_on_gas) {
  const Wave wave = [](const double* x, double) {
    const double rho = 1.5 + .5 * std::sin(2 * x[0]), u = .3 + .4 * std::cos(x[0]),
                 p = 2 + .5 * std::sin(3 * x[0]);
    return std::vector{rho, rho * u, p / .4 + .5 * rho * u * u};
  };
  const auto recorded = [](const Var& x) {
    const Var rho = 1.5 + .5 * sin(2.0 * x), u = .3 + .4 * cos(x), p = 2.0 + .5 * sin(3.0 * x);
    return concatenate({rho, rho * u, p / .4 + .5 * rho * u * u}, 1);
  };
  const Equation euler = euler_equation(1.4);
  const Tensor x = points_in(1),
               strong = value([&](const Vars&) { return euler.strong(Jet(recorded, x), now); }, {}),
               flux = flux_rate(
                   euler, grid_of(1, 800, pde::Boundary::outflow),
                   [&](const Tensor& at) { return sampled(wave, at, now); }, x, now, pde::Limiter::none);
  BOOST_TEST(largest_difference(strong, flux) < 1e-4);
}

// What moves with the vortex keeps its value: f = -v . grad q, v from differences of the stream function.
BOOST_AUTO_TEST_CASE(the_vortex_carries_values_along) {
  const Equation swirl = swirl_equation(4);
  const double t = .4, h = 1e-5;
  const auto psi = [](double x, double y) {
    return std::pow(std::sin(M_PI * x) * std::sin(M_PI * y), 2) / M_PI * std::cos(2 * M_PI * .4 / 4);
  };
  const Wave wave = [](const double* x, double) { return std::vector{std::sin(3 * x[0] + x[1])}; };
  const Tensor x = points_in(2);
  std::vector<double> f;
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    const double a = x.at(2 * i), b = x.at(2 * i + 1);
    const double u = -(psi(a, b + h) - psi(a, b - h)) / (2 * h), v = (psi(a + h, b) - psi(a - h, b)) / (2 * h);
    const double before[] = {a - h * u, b - h * v}, after[] = {a + h * u, b + h * v};
    f.push_back((wave(before, t)[0] - wave(after, t)[0]) / (2 * h));
  }
  const Tensor expected = from({x.shape[0], 1}, f);
  const auto recorded = [](const Var& at) { return sin(3.0 * column(at, 0) + column(at, 1)); };
  BOOST_TEST(largest_difference(value([&](const Vars&) { return swirl.strong(Jet(recorded, x), t); }, {}),
                                expected) < 1e-7);
  const pde::Grid grid = grid_of(2, 200, pde::Boundary::periodic);
  BOOST_TEST(largest_difference(flux_rate(
                                    swirl, grid, [&](const Tensor& at) { return sampled(wave, at, t); }, x, t),
                                expected) < 2e-3);
}

// A step of Burgers' equation: derivatives know nothing of it, fluxes are those of the jump.
BOOST_AUTO_TEST_CASE(fluxes_are_conservative_and_know_jumps_and_walls) {
  const pde::Grid grid = grid_of(1, 50, pde::Boundary::periodic);
  const FieldAt step = [](const Tensor& x) {
    return sampled([](const double* at, double) { return std::vector{at[0] < .51 ? 2. : 1.}; }, x, 0);
  };
  const Tensor f = flux_rate(burgers_equation(1), grid, step, centres(grid), 0);
  double sum = 0, right = 0;
  for (std::int64_t i = 0; i < 50; ++i) {
    sum += f.at(i);
    if (i > 12 && i < 38) right += f.at(i);
  }
  BOOST_TEST(std::abs(sum) < 1e-10);                    // periodic: nothing is lost
  BOOST_TEST(std::abs(right / 50 - (2 - .5)) < 1e-12);  // what goes in at 2 less what leaves at 1

  const pde::Grid tube = grid_of(1, 50, pde::Boundary::wall);
  const FieldAt gas = [](const Tensor& x) {
    return sampled([](const double* at, double) { return std::vector{1 + at[0], .5 * at[0], 3.}; }, x, 0);
  };
  const Tensor g = flux_rate(euler_equation(1.4), tube, gas, centres(tube), 0);
  double mass = 0, energy = 0;
  for (std::int64_t i = 0; i < 50; ++i) mass += g.at(3 * i), energy += g.at(3 * i + 2);
  BOOST_TEST(std::abs(mass) < 1e-10);
  BOOST_TEST(std::abs(energy) < 1e-10);
}

BOOST_AUTO_TEST_CASE(tangents_are_differences) {
  for (const Activation activation : {Activation::tanh, Activation::sin, Activation::silu, Activation::relu}) {
    const LowRankNet net{.in = 2, .out = 3, .width = 11, .depth = 4, .rank = 4, .activation = activation};
    const LowRankWeights weights = weights_of(net, net.init(Stream(7, "net"), Dtype::f64));
    Stream numbers(8, "numbers");
    const Tensor x = numbers.uniform({150, 2}, Dtype::f64, -1, 1),  // more than two tiles
        s = numbers.normal({1, weights.coefficients()}, Dtype::f64, 1, .2),
                 modes = qr(numbers.normal({weights.coefficients(), 5}, Dtype::f64)).q;
    const ModeTangents found = mode_tangents(weights, modes, x, s);
    BOOST_TEST(largest_difference(found.u, values(weights, x, s)) < 1e-12);
    const Tensor recorded = value([&](const Vars&) { return recorded_values(weights, variable(x), s); }, {});
    BOOST_TEST(largest_difference(found.u, recorded) < 1e-12);
    const double h = 1e-6;
    for (std::int64_t j = 0; j < 5; ++j) {
      Tensor low = s.clone(), high = s.clone();
      for (std::int64_t i = 0; i < s.size(); ++i) {
        low.mutable_data<double>()[i] -= h * modes.at(5 * i + j);
        high.mutable_data<double>()[i] += h * modes.at(5 * i + j);
      }
      const Tensor a = values(weights, x, low), b = values(weights, x, high);
      double most = 0, size = 0;
      for (std::int64_t i = 0; i < a.size(); ++i) {
        most = std::max(most, std::abs((b.at(i) - a.at(i)) / (2 * h) - found.by_mode.at(5 * i + j)));
        size = std::max(size, std::abs(found.by_mode.at(5 * i + j)));
      }
      BOOST_TEST(most < 1e-6 * std::max(1., size));
    }
  }
}

BOOST_AUTO_TEST_CASE(fits_are_least_squares_unless_regularized) {
  Stream numbers(1, "fit");
  const Tensor a = numbers.normal({30, 4}, Dtype::f64), b = numbers.normal({30}, Dtype::f64),
               sizes = from({4}, {1, .1, 3, .01});
  const Fit fit = regularized_fit(a, b, sizes, 0);
  const Tensor exact = least_squares(a, b);
  BOOST_TEST(largest_difference(fit.x, exact) < 1e-12);
  BOOST_TEST(norm(regularized_fit(a, b, sizes, .1).x) < norm(exact));
  Tensor twice = a.clone();  // two directions that do the same
  for (std::int64_t i = 0; i < 30; ++i) twice.mutable_data<double>()[4 * i + 1] = a.at(4 * i);
  const Fit flat = regularized_fit(twice, b, full({4}, 1, Dtype::f64), 1e-6);
  BOOST_TEST(flat.condition > 1e12);
  BOOST_TEST(std::abs(flat.x.at(0) - flat.x.at(1)) < 1e-3);
}

// Round the circle and beyond what was learned: at every tolerance the error is about as large as that, and
// steps become more numerous as they do at fifth order.
BOOST_AUTO_TEST_CASE(a_wave_that_the_network_can_be_travels_exactly) {
  const ModeProblem problem = exact_problem();
  const Tensor x = rows_of(centres(problem.grid), {3, 77, 150, 222, 301, 370});
  double error[3] = {};
  std::int64_t steps[3] = {};
  for (const int k : {0, 1, 2}) {
    const ModePath path = evolved(problem, x, x, problem.coordinates_at(0), {0, 2},
                                  {.tolerance = k == 0   ? 1e-3
                                                : k == 1 ? 1e-5
                                                         : 1e-7});
    BOOST_REQUIRE(path.stopped.empty());
    BOOST_TEST(path.residual < 1e-6);
    steps[k] = path.steps;
    // At t = 2, a period, it is where it was.
    error[k] = largest_difference(problem.field(x, path.states.rows(1, 2).reshaped({3})),
                                  problem.field(x, problem.coordinates_at(0)));
  }
  BOOST_TEST(error[0] < 2e-2);
  BOOST_TEST(error[0] > 20 * error[1]);
  BOOST_TEST(error[1] > 20 * error[2]);
  const double ratio = static_cast<double>(steps[2]) / static_cast<double>(steps[1]);
  BOOST_TEST(ratio > 1.5);  // 100^(1/5) = 2.5
  BOOST_TEST(ratio < 4);

  const ModeProblem by_fluxes = exact_problem(Form::flux);
  const ModePath path = evolved(by_fluxes, x, x, by_fluxes.coordinates_at(0), {0, 1}, {.tolerance = 1e-6});
  Tensor half = by_fluxes.field(x, path.states.rows(1, 2).reshaped({3}));
  for (double& u : half.mutable_view<double>()) u *= -1;  // half a period
  BOOST_TEST(largest_difference(half, by_fluxes.field(x, by_fluxes.coordinates_at(0))) < 2e-3);
}

BOOST_AUTO_TEST_CASE(the_same_bits_on_any_number_of_threads) {
  const ModeProblem problem = exact_problem(Form::flux);
  const Tensor x = centres(problem.grid);
  Tensor states[2];
  for (const int threads : {1, 2}) {
    const ThreadLimit limit(threads);
    states[threads - 1] = evolved(problem, x, x, problem.coordinates_at(0), {0, .1, .2}).states;
  }
  BOOST_TEST(same_bits(states[0], states[1]));
}

BOOST_AUTO_TEST_CASE(chosen_points_see_what_all_points_see) {
  const ModeProblem problem = exact_problem();
  const Tensor all = centres(problem.grid), c = problem.coordinates_at(.3).reshaped({1, 3});
  for (const Selector selector : {Selector::eim, Selector::qdeim, Selector::s_opt}) {
    const std::vector<std::int64_t> few = chosen_points(problem, all, c, {.3}, 9, selector);
    BOOST_REQUIRE(few.size() == 9);
    BOOST_TEST(std::is_sorted(few.begin(), few.end()));
    BOOST_TEST((std::adjacent_find(few.begin(), few.end()) == few.end()));
    const Fit some = velocity(problem, rows_of(all, few), c.reshaped({3}), .3),
              every = velocity(problem, all, c.reshaped({3}), .3);
    BOOST_TEST(largest_difference(some.x, every.x) < 1e-5);
    BOOST_TEST(some.condition < 20 * every.condition);
  }
  BOOST_TEST(chosen_points(problem, all, c, {.3}, 1000).size() == 400);
}

BOOST_AUTO_TEST_CASE(the_nearest_coordinates_are_found) {
  const ModeProblem problem = exact_problem();
  const Tensor x = centres(problem.grid), there = problem.coordinates_at(.5);
  const Tensor found = nearest_coordinates(problem, x, problem.field(x, there), problem.coordinates_at(.1));
  BOOST_TEST(largest_difference(problem.field(x, found), problem.field(x, there)) < 1e-6);
}

// The step shortens to nothing, or numbers end: what there is stays.
BOOST_AUTO_TEST_CASE(an_evolution_that_cannot_go_on_says_why) {
  const auto blow_up = [](double, const Tensor& y) { return full({1}, y.at(0) * y.at(0), Dtype::f64); };
  const Tensor one = full({1}, 1, Dtype::f64);
  const ModePath path = integrated(blow_up, one, one, {0, .5, .9, 1.5}, {.max_steps = 300});
  BOOST_TEST(path.times.size() == 3);
  BOOST_TEST(std::abs(path.states.at(1) - 2) < 1e-3);  // 1 / (1 - t)
  BOOST_TEST(contains(path.stopped, "t = "));
  const auto no_number = [](double t, const Tensor& y) {
    if (t > .6) fail<NonFiniteError>("f", "no number");
    return y;
  };
  const ModePath short_path = integrated(no_number, one, one, {0, .5, 1}, {});
  BOOST_TEST(short_path.times.size() == 2);
  BOOST_TEST(contains(short_path.stopped, "no number"));
}

// All modes of a wave: the projected finite volumes are the finite volumes.
BOOST_AUTO_TEST_CASE(pod_travels_with_the_finite_volumes) {
  const pde::Grid grid = grid_of(1, 100, pde::Boundary::periodic);
  const Tensor x = centres(grid), weights = full({100}, .01, Dtype::f64);
  const Wave wave = [](const double* x, double t) { return std::vector{std::sin(2 * M_PI * (x[0] - t))}; };
  Tensor u({5, 100, 1}, Dtype::f64);
  for (std::int64_t k = 0; k < 5; ++k)
    std::copy_n(sampled(wave, x, .05 * static_cast<double>(k)).data<double>(), 100,
                u.mutable_data<double>() + 100 * k);
  const PodProblem problem{make_pod(u, linspace(0, .2, 5, Dtype::f64), 2, InTime::linear, weights),
                           advection_equation({1}),
                           grid,
                           x,
                           weights,
                           {3},
                           pde::Limiter::none};
  const Tensor a = problem.coordinates(sampled(wave, problem.x, 0));
  BOOST_TEST(largest_difference(problem.field(a), sampled(wave, problem.x, 0)) < 1e-12);
  const ModePath path = evolved(problem, a, {0, 1.25}, {.tolerance = 1e-7});
  const Tensor end = problem.field(path.states.rows(1, 2).reshaped({2}));
  BOOST_TEST(largest_difference(end, sampled(wave, problem.x, 1.25)) < 2e-2);
}

BOOST_AUTO_TEST_CASE(a_trained_model_evolves_as_the_solution_does) {
  const Folder folder;
  const std::vector<std::string> words{
      "run.case=advection2d", "cells=40",      "frames=21",       "t_end=1",           "ratios=",
      "model.width=40",       "model.rank=10", "train.epochs=40", "train.l1_epochs=5", "model.hyper_width=12"};
  Prepared prepared = prepare(Settings(words), true);
  Run run({.folder = folder.path, .force = true, .quiet = true});
  const Outcome outcome = train(run, prepared);
  EvolvedCase trained{
      .model = low_rank_model(outcome.model), .case_name = "advection2d", .settings = prepared.settings};
  const EvolutionStudy study =
      evolution_study(trained, {.from = .4, .to = .8, .points = 60, .candidates = 400, .nearest = true});
  BOOST_REQUIRE(study.ways.size() == 6);
  BOOST_TEST(study.times.front() == .4);
  BOOST_TEST(study.times.back() == .8);
  const auto last = [&](std::size_t way) { return study.ways[way].rel_l2.back(); };
  BOOST_TEST(study.ways[0].name == "evolved");
  BOOST_TEST(study.ways[0].points == 60);
  BOOST_TEST(study.ways[0].rel_l2.size() == study.times.size());
  BOOST_TEST(last(0) < .25 * last(1));   // frozen
  BOOST_TEST(last(4) < last(0) + 1e-6);  // nearest of all
  BOOST_TEST(last(5) < last(3) + 1e-6);  // POD: nearest of all its modes

  // A slower vortex: the network knows nothing of it, its equation does. Twenty points a mode, out of all
  // cells: over six trainings a quarter to a half of the network's error is left; with eight a mode once all of
  // it.
  const EvolutionStudy slower =
      evolution_study(trained, {.to = .6, .points = 160, .candidates = 1600, .changed = {"period=8"}});
  BOOST_TEST(slower.times.front() == 0);
  BOOST_TEST(slower.ways[0].rel_l2.back() < .75 * slower.ways[2].rel_l2.back());

  const auto refused = [&](const EvolvedCase& of, const EvolutionOptions& options, const char* words_of_it) {
    const std::string what = refusal([&] { evolution_study(of, options); });
    BOOST_TEST(contains(what, words_of_it), what);
  };
  refused(trained, {.from = 2}, "--from 2 is not within");
  refused(trained, {.to = .5}, "--to 0.5");
  refused(trained, {.changed = {"speed=2"}}, "speed");
  refused(trained, {.changed = {"cells=80"}}, "cells cannot be changed");
  refused(trained, {.changed = {"period"}}, "name=value");
  refused(trained, {.modes = 100000}, "modes asked for");
  EvolvedCase other = trained;
  other.case_name = "nothing";
  refused(other, {}, "unknown case nothing");
  other = trained;
  other.model.scaling.fields = {"p"};
  refused(other, {}, "has learned p");
  refused(trained, {.points = 3}, "too few");
}

BOOST_AUTO_TEST_CASE(equations_of_cases) {
  BOOST_TEST(equation_of("euler1d", {{"gamma", "1.3"}}).fields.size() == 3);
  BOOST_TEST(contains(refusal([] { equation_of("mine", {}); }), "the equation of mine is not known"));
  BOOST_TEST(contains(refusal([] { form_named("weak"); }), "unknown form weak"));
}

BOOST_AUTO_TEST_SUITE_END()
