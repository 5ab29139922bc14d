// The whole loop on a small problem: it follows the equation, goes on with the same bits after a stop, starts
// afresh, and says where it cannot go on.
#include <lowtide/experiments/evolution_reference.h>
#include <lowtide/experiments/evolve.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/parallel.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <csignal>
#include <filesystem>

using namespace lowtide;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(evolve_suite)

// A bump that moves to the left.
InitialValueProblem advection() {
  InitialValueProblem problem{.dims = 1, .t_end = 0.3};
  problem.initial = [](const Tensor& x) { return gaussian(x, 1, 0.15); };
  problem.rate = [](const Jet& u, double) { return u.d(0); };
  return problem;
}
const std::vector<double> times{0, 0.1, 0.3};
const IvpOptions small{.width = 12,
                       .depth = 3,
                       .points = 200,
                       .renew = 2,
                       .per_tile = 40,
                       .tolerance = 1e-3,
                       .rank = 40,
                       .shift = 1e-7,
                       .fit_points = 300,
                       .fit_steps = 25,
                       .fit_tolerance = 1e-3};

struct Folder {
  explicit Folder(const char* name)
      : path(fs::temp_directory_path() / ("lowtide-evolve-" + std::to_string(::getpid()) + name)) {}
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

Evolved run_in(const Folder& folder, const InitialValueProblem& problem, const IvpOptions& options,
               bool resume = false) {
  Run run({.folder = folder.path, .seed = 3, .resume = resume, .quiet = true});
  return evolve(run, problem, options, times);
}

double error_at(const Evolved& u, double t) {
  const Tensor x = linspace(-0.98, 0.98, 99, Dtype::f64).reshaped({99, 1}), found = u.at(x, t),
               exact = gaussian(x, 1, 0.15, 1, -t);
  double sum = 0, all = 0;
  for (std::int64_t i = 0; i < 99; ++i) {
    sum += std::pow(found.at(i) - exact.at(i), 2);
    all += std::pow(exact.at(i), 2);
  }
  return std::sqrt(sum / all);
}

BOOST_AUTO_TEST_CASE(follows_a_bump_and_goes_on_after_a_stop) {
  const Folder whole("-whole"), parts("-parts");
  Evolved expected;
  {
    const ThreadLimit limit(1);
    expected = run_in(whole, advection(), small);
  }
  BOOST_TEST(error_at(expected, 0) <= 5e-3);
  BOOST_TEST(error_at(expected, 0.3) <= 3e-2);
  BOOST_TEST(error_at(expected, 0.3) <
             0.1 * error_at(Evolved{expected.net, from({1}, {0.0}), expected.theta.rows(0, 1)}, 0.3));
  BOOST_TEST(!same_bits(expected.theta.rows(0, 1), expected.theta.rows(2, 3)));

  // Stopped in the fit, and twice between steps of time; on another number of threads.
  std::atomic<int> calls{0};
  InitialValueProblem stopping = advection();
  stopping.initial = [&](const Tensor& x) {
    if (++calls == 8) std::raise(SIGTERM);
    return gaussian(x, 1, 0.15);
  };
  stopping.rate = [&](const Jet& u, double) {
    if (const int n = ++calls; n == 60 || n == 150) std::raise(SIGTERM);
    return u.d(0);
  };
  const ThreadLimit limit(2);
  int stops = 0;
  Evolved found;
  for (bool done = false; !done;) {
    try {
      found = run_in(parts, stopping, small, stops > 0);
      done = true;
    } catch (const Stopped&) {
      BOOST_REQUIRE(++stops <= 3);
    }
  }
  BOOST_TEST(stops == 3);
  BOOST_TEST(same_bits(found.theta, expected.theta));
}

BOOST_AUTO_TEST_CASE(restarts_and_dense_solves_follow_it_too) {
  const Folder restarted("-restarted"), dense("-dense");
  IvpOptions often = small;
  often.restart = 0.3;
  often.restart_tolerance = 0.02;
  BOOST_TEST(error_at(run_in(restarted, advection(), often), 0.3) <= 4e-2);
  const std::string log = read_file(restarted.path / "metrics.jsonl");
  BOOST_TEST(log.find("\"fits\": 2") != std::string::npos);

  IvpOptions baseline = small;
  baseline.solver = "dense";
  baseline.wide = true;
  baseline.method = "rk45";
  BOOST_TEST(error_at(run_in(dense, advection(), baseline), 0.3) <= 3e-2);
}

BOOST_AUTO_TEST_CASE(says_where_it_cannot_go_on) {
  const Folder folder("-failed");
  InitialValueProblem problem = advection();
  problem.rate = [](const Jet& u, double t) { return t > 0.05 ? (0.0 / 0.0) * u() : u.d(0); };
  try {
    run_in(folder, problem, small);
    BOOST_TEST(false, "nothing was thrown");
  } catch (const SolverError& e) {
    const std::string text = e.what();
    BOOST_TEST(text.find("[evolve] t = 0.0") == 0u, text);
    BOOST_TEST(text.find("step ") != std::string::npos, text);
    BOOST_TEST(text.find("finite") != std::string::npos, text);
    BOOST_TEST(text.find('\n') == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(settings_that_cannot_be_are_refused) {
  for (const char* bad : {"ivp.method=rk4", "ivp.solver=lu", "ivp.precision=f16", "ivp.points=0"}) {
    Settings settings(std::vector<std::string>{bad});
    BOOST_CHECK_THROW(ivp_options(settings, {}), InputError);
  }
  Settings settings(std::vector<std::string>{"ivp.method=rk45", "model.width=7"});
  const IvpOptions o = ivp_options(settings, small);
  BOOST_TEST(o.method == "rk45");
  BOOST_TEST(o.width == 7);
  BOOST_TEST(o.points == small.points);
}

BOOST_AUTO_TEST_SUITE_END()
