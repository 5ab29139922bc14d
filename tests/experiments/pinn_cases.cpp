// Cases that are learned from their equation: their residuals vanish at known solutions, their references solve
// the equation, and training brings every one of them nearer to its reference.
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/job.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/parallel.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "../run/support.h"

using namespace lowtide;

namespace {

constexpr double pi = std::numbers::pi;

std::shared_ptr<const Pinn> pinn_of(const std::string& name, const std::vector<std::string>& settings = {}) {
  CaseRun run(name, Preset::demo, Settings(settings));
  run.only_settings();
  BOOST_CHECK_THROW(case_named(name).make(run), CaseRun::OnlySettings);
  BOOST_REQUIRE(run.pinn());
  return run.pinn();
}

// The largest residual of one term, or of all, at a field.
double residual(const Pinn& pinn, const std::function<Var(const Var&)>& field, const std::string& term = "") {
  double most = -1;
  const PinnPoints points = draw_points(pinn, 400, Sampling::sobol, Stream(1, "points"), Dtype::f64);
  for (const PinnPoints::Piece& piece : points.pieces) {
    const PinnTerm& t = pinn.terms[piece.term];
    if (!term.empty() && t.name != term) continue;
    const Tensor r = value([&](const Vars&) { return t.residual(Jet(field, piece.x)); }, {});
    for (std::int64_t i = 0; i < r.size(); ++i) most = std::max(most, std::abs(r.at(i)));
  }
  return most;
}

// What is built in, at points of the low end of an input, for a network that is 3 everywhere.
double built_in_misfit(const Pinn& pinn, std::size_t axis, bool high,
                       const std::function<double(const double*)>& u) {
  Box face = pinn.box;
  (high ? face.low : face.high)[axis] = high ? face.high[axis] : face.low[axis];
  const Tensor x = collocation(face, 50, Sampling::sobol, Stream(2, "face"));
  const Tensor at = pinn.trial(Var(x), Var(full({50, 1}, 3, Dtype::f64))).value();
  double most = 0;
  for (std::int64_t i = 0; i < 50; ++i)
    most = std::max(most, std::abs(at.at(i) - u(x.data<double>() + i * x.shape[1])));
  return most;
}

Snapshots reference_of(const std::string& name) {
  CaseRun run(name, Preset::demo, Settings(std::vector<std::string>{}));
  run.quiet();
  return case_named(name).make(run);
}

// All frames, relative.
double error_of(const SavedModel& model, const Snapshots& set) {
  double above = 0, below = 0;
  for (std::int64_t k = 0; k < set.frames(); ++k) {
    const Tensor u = set.values(k), v = model.values(set.points(k), set.time(k));
    for (std::int64_t i = 0; i < u.size(); ++i) {
      above += (u.at(i) - v.at(i)) * (u.at(i) - v.at(i));
      below += u.at(i) * u.at(i);
    }
  }
  return std::sqrt(above / below);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pinn_cases)

BOOST_AUTO_TEST_CASE(burgers_vanishes_at_a_travelling_front) {
  const auto pinn = pinn_of("pinn_burgers1d", {"nu=0.05"});
  const double a = .8, c = .3;
  const auto front = [=](double shift) {
    return
        [=](const Var& p) { return c - a * tanh(a / (2 * .05) * (column(p, 0) - c * column(p, 1) - shift)); };
  };
  BOOST_TEST(residual(*pinn, front(0)) < 1e-11);
  BOOST_TEST(residual(*pinn_of("pinn_burgers1d", {"nu=0.06"}), front(0)) > 1e-2);
  const auto initial = [](const double* x) { return -std::sin(pi * x[0]); };
  BOOST_TEST(built_in_misfit(*pinn, 1, false, initial) < 1e-13);
  BOOST_TEST(built_in_misfit(*pinn, 0, false, initial) < 1e-13);
  BOOST_TEST(built_in_misfit(*pinn, 0, true, initial) < 1e-13);
}

BOOST_AUTO_TEST_CASE(convection_vanishes_at_its_solution) {
  const auto pinn = pinn_of("pinn_convection1d");
  const auto wave = [](double beta) {
    return [beta](const Var& p) { return sin(column(p, 0) - beta * column(p, 1)); };
  };
  for (const char* term : {"equation", "initial", "periodic"})
    BOOST_TEST(residual(*pinn, wave(30), term) < 1e-12);
  BOOST_TEST(residual(*pinn, wave(29), "equation") > 1e-2);
  BOOST_TEST(residual(
                 *pinn, [](const Var& p) { return column(p, 0); }, "periodic") > 6);
}

BOOST_AUTO_TEST_CASE(allen_cahn_vanishes_at_fronts_and_constants) {
  const auto pinn = pinn_of("pinn_allencahn1d", {"diffusion=0.01"});
  BOOST_TEST(residual(
                 *pinn, [](const Var& p) { return tanh(std::sqrt(5 / .02) * column(p, 0)); }, "equation") <
             1e-11);
  const auto constant = [](const Var& p) {
    return pow(1.0 + 8.0 * exp(-10.0 * column(p, 1)), -.5) + 0.0 * column(p, 0);
  };
  BOOST_TEST(residual(*pinn, constant) < 1e-12);
  BOOST_TEST(residual(
                 *pinn, [](const Var& p) { return column(p, 0); }, "equation") > .1);
  const auto initial = [](const double* x) { return x[0] * x[0] * std::cos(pi * x[0]); };
  BOOST_TEST(built_in_misfit(*pinn, 1, false, initial) < 1e-13);
}

BOOST_AUTO_TEST_CASE(poisson_vanishes_at_its_solution) {
  const auto solution = [](const Var& p) {
    return (1.0 - column(p, 0)) * (1.0 - column(p, 1)) * sin(5.0 * column(p, 1));
  };
  const auto pinn = pinn_of("pinn_poisson2d");
  for (const char* term : {"equation", "left", "right", "bottom", "top"})
    BOOST_TEST(residual(*pinn, solution, term) < 1e-12);
  for (const char* term : {"equation", "left", "right", "bottom", "top"})
    BOOST_TEST(residual(
                   *pinn, [](const Var& p) { return 1.0 + column(p, 0); }, term) > .5);
  // The lift of the source is the solution, so that its network learns zero.
  const auto lifted = pinn_of("pinn_poisson2d", {"lift=true"});
  BOOST_TEST(lifted->terms.size() == 1U);
  const auto without_network = [&](const Var& p) { return lifted->trial(p, 0.0 * column(p, 0)); };
  BOOST_TEST(residual(*lifted, without_network) < 1e-11);
  for (const std::size_t axis : {0U, 1U})
    for (const bool high : {false, true})
      BOOST_TEST(built_in_misfit(*lifted, axis, high, [](const double* x) {
                   return (1 - x[0]) * (1 - x[1]) * std::sin(5 * x[1]);
                 }) < 1e-13);
}

// Differences of order two on the grid of the reference.
BOOST_AUTO_TEST_CASE(references_solve_their_equation) {
  const Snapshots poisson = reference_of("pinn_poisson2d");
  const std::int64_t n = 100;
  const Tensor u = poisson.values(0), x = poisson.points(0);
  double worst = 0;
  for (std::int64_t j = 1; j + 1 < n; ++j)
    for (std::int64_t i = 1; i + 1 < n; ++i) {
      const std::int64_t k = j * n + i;
      const double laplacian = (u.at(k - 1) + u.at(k + 1) + u.at(k - n) + u.at(k + n) - 4 * u.at(k)) * n * n,
                   a = x.at(2 * k) - 1, b = x.at(2 * k + 1);
      worst =
          std::max(worst, std::abs(laplacian - 10 * a * std::cos(5 * b) + 25 * a * (b - 1) * std::sin(5 * b)));
    }
  BOOST_TEST(worst < 2e-2);

  const Snapshots wave = reference_of("pinn_convection1d");
  BOOST_TEST(wave.frames() == 41);
  const double step = 2 * pi / 200, dt = 1. / 40;
  for (std::int64_t i = 0; i < 200; ++i) {  // in 1/40 of time it moves by 0.75, that is 23.87 cells
    const double s = .75 / step - 23;
    const auto at = [&](std::int64_t k) { return wave.values(3).at((i + 200 - k) % 200); };
    BOOST_TEST(std::abs((1 - s) * at(23) + s * at(24) - wave.values(4).at(i)) < step * step);
  }
  BOOST_TEST(wave.time(1) == dt);
}

// A few steps of each, by each kind of model: nearer than at first, and the same bits on one thread.
BOOST_AUTO_TEST_CASE(training_helps) {
  struct Quick {
    std::string name, model;
    std::vector<std::string> settings;
    double part;  // of the error at first that may be left, whatever the compiler's rounding
    std::string gauss_newton = "0", lbfgs = "0";
  };
  for (const Quick& quick : {Quick{"pinn_burgers1d", "mlp", {}, .85},
                             {"pinn_convection1d", "siren-xt", {"beta=2"}, .3, "3"},
                             {"pinn_convection1d", "mlp", {"beta=2"}, .9},
                             {"pinn_allencahn1d", "siren-xt", {"t_end=0.2"}, .9},
                             {"pinn_poisson2d", "mlp", {}, .3, "0", "10"},
                             {"annsvd_poisson2d", "mlp", {"model.weights=thin"}, .5},
                             {"pinn_poisson2d", "siren-xt", {}, .5},
                             {"pinn_poisson2d", "lrnr", {"model.rank=8"}, .5}}) {
    const auto trained = [&](const std::vector<std::string>& how, int threads) {
      std::vector<std::string> all = {"run.case=" + quick.name, "run.model=" + quick.model, "pinn.points=300",
                                      "model.width=20"};
      for (const auto* more : {&quick.settings, &how})
        for (const std::string& setting : *more) all.push_back(setting);
      const ThreadLimit limit(threads);
      Prepared prepared = prepare(Settings(all), true);
      const testing::Folder folder;
      Run run({.folder = folder.path, .force = true, .quiet = true});
      Outcome outcome = train(run, prepared);
      const double error = error_of(outcome.model, prepared.set);
      return std::pair{std::move(outcome.model.theta), error};
    };
    const std::vector<std::string> many = {"train.steps=150", "train.gauss_newton=" + quick.gauss_newton,
                                           "train.lbfgs=" + quick.lbfgs},
                                   one = {"train.steps=1", "train.gauss_newton=0"};
    const auto [theta, error] = trained(many, 2);
    const double at_first = trained(one, 2).second;
    BOOST_TEST_CONTEXT(quick.name << " " << quick.model << ": " << at_first << " -> " << error) {
      BOOST_TEST(error < quick.part * at_first);
      const Tensors again = trained(many, 1).first;
      for (std::size_t k = 0; k < theta.size(); ++k) BOOST_TEST(same_bits(theta[k], again[k]));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
