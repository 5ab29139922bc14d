// Contour lines, steps of a given effect, and the figures of tiny runs.
#define BOOST_TEST_MODULE report_figures
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/models/network.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>

#include "../../app/contours.h"
#include "../../app/model_field.h"
#include "../../app/raster.h"
#include "../../app/report_figures.h"
#include "../../app/sheet.h"

using namespace lowtide;
using namespace lowtide::app;
namespace fs = std::filesystem;

namespace {

Lattice square(std::int64_t n) { return {.dims = 2, .first = {-1, -1}, .last = {1, 1}, .n = {n, n}}; }

std::vector<double> on(const Lattice& lattice, double (*f)(double, double)) {
  std::vector<double> values;
  for (std::int64_t j = 0; j < lattice.n[1]; ++j)
    for (std::int64_t i = 0; i < lattice.n[0]; ++i)
      values.push_back(f(lattice.place(0, i), lattice.place(1, j)));
  return values;
}

struct Folder {
  fs::path path{};
  Folder() {
    std::string name = (fs::temp_directory_path() / "lowtide-figures-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

// A pulse that moves, as a set with every third frame held out.
Snapshots pulse(std::int64_t dims) {
  const std::int64_t side = dims == 1 ? 40 : 16, n = dims == 1 ? side : side * side, frames = 13;
  Snapshots set;
  set.case_name = "pulse";
  set.fields = {"height"};
  set.low.assign(static_cast<std::size_t>(dims), 0);
  set.high.assign(static_cast<std::size_t>(dims), 2);
  set.grid.assign(static_cast<std::size_t>(dims), side);
  set.t = linspace(0, 3, frames, Dtype::f64);
  const double h = 2 / static_cast<double>(side);
  set.x = Tensor({n, dims}, Dtype::f64);
  set.weight = full({n}, dims == 1 ? h : h * h, Dtype::f64);
  set.u = Tensor({frames * n, 1}, Dtype::f64);
  for (std::int64_t i = 0; i < n; ++i) {
    set.x.mutable_data<double>()[i * dims] = (static_cast<double>(i % side) + .5) * h;
    if (dims == 2) set.x.mutable_data<double>()[2 * i + 1] = (static_cast<double>(i / side) + .5) * h;
  }
  for (std::int64_t k = 0; k < frames; ++k) {
    set.offsets.push_back(k * n);
    for (std::int64_t i = 0; i < n; ++i)
      set.u.mutable_data<double>()[k * n + i] = std::tanh(20 * (set.x.at(i * dims) - .4 - .3 * set.time(k)));
  }
  set.offsets.push_back(frames * n);
  hold_out(set, 3);
  check(set, "pulse");
  return set;
}

// An untrained network, which is as good as any to be drawn.
ReportRun untrained(const std::string& name, const Network& net, const Snapshots& set) {
  ReportRun run{.run = {.name = name}};
  run.run.model.name = std::holds_alternative<SirenHyper>(net) ? "siren" : "lrnr";
  run.run.model.scaling = scaling_of(set, "");
  run.run.model.net = net;
  run.run.model.theta = init(net, Stream(3, "figures"));
  if (low_rank(net)) run.low_rank = low_rank_model(run.run.model);
  return run;
}

ReportRun tiny_lrnr(const Snapshots& set) {
  return untrained(
      "runs/tiny",
      Lrnr{.in = set.dims(), .width = 24, .depth = 3, .rank = 6, .hyper_width = 8, .hyper_depth = 3}, set);
}

ReportRun tiny_siren(const Snapshots& set) {
  return untrained("runs/siren",
                   SirenHyper{.in = set.dims(), .width = 12, .depth = 4, .hyper_width = 8, .hyper_depth = 3},
                   set);
}

// Every figure is there, shows something, and is not too large for a page.
void check_drawn(const Figures& figures, std::size_t expected) {
  BOOST_TEST(figures.size() == expected);
  if (std::system("gnuplot --version > /dev/null 2>&1") != 0) return;
  for (const ReportFigure& figure : figures) {
    BOOST_TEST_CONTEXT(figure.svg.filename().string()) {
      BOOST_TEST(!figure.title.empty());
      BOOST_TEST(figure.caption.size() > 30U);
      BOOST_TEST(figure.caption.find("nan") == std::string::npos);
      const std::string svg = read_file(figure.svg),
                        csv = read_file(fs::path(figure.svg).replace_extension(".csv"));
      BOOST_TEST(svg.find("</svg>") != std::string::npos);
      std::size_t lines = 0;
      for (std::size_t at = svg.find("<path"); at != std::string::npos; at = svg.find("<path", at + 1)) ++lines;
      BOOST_TEST(lines > 8U);
      BOOST_TEST(svg.size() < 300'000U);
      BOOST_TEST(csv.size() > 60U);
      BOOST_TEST(csv.size() < 160'000U);
      BOOST_TEST(csv.find("inf") == std::string::npos);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(contours_of_a_circle_lie_on_it) {
  double before = 0;
  for (const std::int64_t n : {21, 41, 81}) {
    const Lattice lattice = square(n);
    const auto values = on(lattice, [](double x, double y) { return x * x + y * y; });
    const std::vector<Line> lines = contours(values, lattice, 0.49);
    BOOST_REQUIRE(lines.size() == 1U);
    const Line& line = lines[0];
    BOOST_TEST((line.front() == line.back()));  // it is closed
    double worst = 0, length = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      worst = std::max(worst, std::abs(std::hypot(line[i][0], line[i][1]) - 0.7));
      if (i > 0) length += std::hypot(line[i][0] - line[i - 1][0], line[i][1] - line[i - 1][1]);
    }
    const double h = lattice.step(0);
    BOOST_TEST(worst < h * h);  // f'' is 2: at most h^2 / 4 of f, over a slope of 1.4
    BOOST_TEST(std::abs(length - 2 * 0.7 * M_PI) < 2 * h);
    if (before > 0) BOOST_TEST(worst < before / 2.5);  // second order
    before = worst;

    const Line few = simplified(line, 1e-3);
    BOOST_TEST(few.size() < line.size());
    for (const auto& [x, y] : few) BOOST_TEST(std::abs(std::hypot(x, y) - 0.7) < h * h);
  }
}

BOOST_AUTO_TEST_CASE(contours_that_end_saddles_and_holes) {
  const Lattice lattice = square(11);
  auto values = on(lattice, [](double x, double) { return x; });
  std::vector<Line> lines = contours(values, lattice, 0.23);
  BOOST_REQUIRE(lines.size() == 1U);
  BOOST_TEST(lines[0].size() == 11U);
  for (const auto& point : lines[0]) BOOST_TEST(std::abs(point[0] - 0.23) < 1e-12);
  BOOST_TEST(simplified(lines[0], 1e-6).size() == 2U);
  values[5 * 11 + 6] = NAN;  // a node beside the line: it is cut in two
  BOOST_TEST(contours(values, lattice, 0.23).size() == 2U);
  BOOST_TEST(contours(values, lattice, 2).empty());

  // Both branches of a hyperbola go through the middle square, and do not meet there.
  const Lattice even = square(10);
  for (const double level : {0.003, -0.003}) {
    lines = contours(on(even, [](double x, double y) { return x * y; }), even, level);
    BOOST_REQUIRE(lines.size() == 2U);
    for (const Line& line : lines)
      for (const auto& [x, y] : line) BOOST_TEST((x * y * level > 0 && x * line[0][0] > 0));
  }
  // Levels stay away from a plateau.
  const auto plateau = on(square(41), [](double x, double) { return x < 0.5 ? 0.5 : x; });
  for (const double level : levels_between(plateau, 5)) BOOST_TEST((level > 0.5 + 1e-3 && level < 1));
}

BOOST_AUTO_TEST_CASE(steps_have_the_effect_that_was_asked_for) {
  for (const std::int64_t dims : {1, 2}) {
    const Snapshots set = pulse(dims);
    const ReportRun run = tiny_lrnr(set);
    const LowRankModel& model = *run.low_rank;
    const Hypermodes modes = modes_of(run);
    const Lattice lattice = nodes_of(model.scaling, dims == 1 ? 101 : 21);
    const Tensor s = coefficients_at(model, 1.7);
    const std::vector<double> u = field_on(model, lattice, s);
    double last = 0;
    for (const double target : {0.003, 0.03, 0.1}) {
      const double eta = eta_for(model, lattice, s, modes.modes, 1, target);
      Tensor stepped = s.clone();
      for (std::int64_t i = 0; i < s.size(); ++i)
        stepped.mutable_data<double>()[i] += eta * modes.modes.at(i * modes.modes.shape[1] + 1);
      BOOST_TEST(std::abs(change(u, field_on(model, lattice, stepped)) / target - 1) < 0.01);
      BOOST_TEST(eta > 1.5 * last);
      last = eta;
    }
    // Two evaluations of the same field, in physical units.
    const std::vector<double> other = field_on(run.run.model, lattice, 1.7);
    for (std::size_t i = 0; i < u.size(); ++i) BOOST_TEST(std::abs(u[i] - other[i]) < 1e-4);
    // Speeds of coordinates against differences.
    const std::vector<double> speed = speeds(model, modes.modes, 2, 1.7);
    const double dt = 1e-3, scaled = 2 * dt / 3;  // of a range of 3 that is 2 for the network
    const Tensor after = coordinates(modes.modes, coefficients_at(model, 1.7 + dt / 2));
    const Tensor before = coordinates(modes.modes, coefficients_at(model, 1.7 - dt / 2));
    for (std::int64_t i = 0; i < 2; ++i)
      BOOST_TEST(std::abs(speed[static_cast<std::size_t>(i)] - (after.at(i) - before.at(i)) / scaled) <
                 1e-4 + 0.01 * std::abs(speed[static_cast<std::size_t>(i)]));
  }
}

BOOST_AUTO_TEST_CASE(figures_of_tiny_runs) {
  for (const std::int64_t dims : {1, 2}) {
    const Folder folder;
    const Snapshots set = pulse(dims);
    const ReportRun lrnr = tiny_lrnr(set), siren = tiny_siren(set);
    const std::size_t line = dims == 1 ? 1 : 0;
    check_drawn(data_figures(lrnr, set, folder.path), 1);
    check_drawn(training_figures({lrnr}, set, folder.path), 1 + line);  // no history: there are no metrics
    check_drawn(training_figures({lrnr, siren}, set, folder.path), 1 + line);
    check_drawn(coefficient_figures(lrnr, folder.path), 2);
    check_drawn(spectrum_figures({lrnr, siren}, set, folder.path), 2);
    check_drawn(tangent_figures(lrnr, set, folder.path), dims == 1 ? 1 : 2);
    check_drawn(extrapolation_figures(lrnr, set, folder.path), 2);
    check_drawn(outside_figures(lrnr, folder.path), 1);
    check_drawn(fast_figures(lrnr, folder.path), 0);  // no study, no figure
    BOOST_TEST(fs::exists(folder.path / "runs-tiny-outside.svg"));
  }
}

BOOST_AUTO_TEST_CASE(figures_of_a_siren_alone) {
  const Folder folder;
  const Snapshots set = pulse(1);
  const ReportRun run = tiny_siren(set);
  check_drawn(data_figures(run, set, folder.path), 1);
  check_drawn(training_figures({run}, set, folder.path), 2);
  check_drawn(spectrum_figures({run}, set, folder.path), 2);
  check_drawn(outside_figures(run, folder.path), 1);
  check_drawn(coefficient_figures(run, folder.path), 0);
  check_drawn(tangent_figures(run, set, folder.path), 0);
  check_drawn(extrapolation_figures(run, set, folder.path), 0);
  check_drawn(fast_figures(run, folder.path), 0);
}

BOOST_AUTO_TEST_CASE(fast_lrnrs_against_rank) {
  const Folder folder;
  ReportRun run = tiny_lrnr(pulse(1));
  run.study = ReductionStudy{.points = zeros({3, 1}, Dtype::f64)};
  for (std::int64_t r = 2; r < 8; ++r) {
    run.study->one_basis.push_back({.rank = r, .rel_l2 = std::pow(.3, r), .bound = 10 * std::pow(.3, r)});
    run.study->fast.push_back({.rank = r, .rel_l2 = r == 7 ? 0 : std::pow(.1, r), .bound = std::pow(.1, r)});
  }
  check_drawn(fast_figures(run, folder.path), 1);
}

// Points without cells: every pixel has the value of the point nearest to its middle.
BOOST_AUTO_TEST_CASE(pixels_of_points_take_the_nearest) {
  for (const std::int64_t n : {1, 7, 200}) {
    Snapshots set;
    set.t = from({1}, {0.});
    set.x = Stream(1, "points").uniform({n, 2}, Dtype::f64, 0, 1);
    set.u = linspace(0, static_cast<double>(n - 1), n, Dtype::f64).reshaped({n, 1});
    set.weight = ones({n}, Dtype::f64);
    set.offsets = {0, n};
    set.fields = {"u"};
    const Raster raster = rasterize(set, 0, 0, {.low = {0, -.2}, .high = {1, 1.5}, .pixels = {23, 41}});
    for (std::int64_t pixel = 0; pixel < 23 * 41; ++pixel) {
      const double px = (static_cast<double>(pixel % 23) + .5) / 23,
                   py = -.2 + 1.7 * (static_cast<double>(pixel / 23) + .5) / 41;
      double nearest = 1e300;
      std::int64_t found = 0;
      for (std::int64_t i = 0; i < n; ++i)
        if (const double d = std::hypot(set.x.at(2 * i) - px, set.x.at(2 * i + 1) - py); d < nearest) {
          nearest = d;
          found = i;
        }
      BOOST_TEST(raster.values[static_cast<std::size_t>(pixel)] == static_cast<double>(found));
    }
  }
}

BOOST_AUTO_TEST_CASE(pixels_of_cells_have_no_gaps) {
  // Cells of 1/100 on 50 and 51 pixels: borders of cells lie in the middle of pixels.
  Snapshots set;
  set.fields = {"u"};
  set.low = {0, 0}, set.high = {1, 1}, set.grid = {100, 100};
  set.x = Tensor({10'000, 2}, Dtype::f64);
  set.u = Tensor({10'000, 1}, Dtype::f64);
  set.weight = full({10'000}, 1e-4, Dtype::f64);
  set.t = zeros({1}, Dtype::f64);
  set.offsets = {0, 10'000};
  for (std::int64_t i = 0; i < 10'000; ++i) {
    set.x.mutable_data<double>()[2 * i] = (static_cast<double>(i % 100) + .5) / 100;
    set.x.mutable_data<double>()[2 * i + 1] = (static_cast<double>(i / 100) + .5) / 100;
    set.u.mutable_data<double>()[i] = 1;
  }
  for (const std::int64_t pixels : {40, 50, 51, 100}) {
    const Raster raster = rasterize(set, 0, 0, {.low = {0, 0}, .high = {1, 1}, .pixels = {pixels, pixels}});
    for (const double value : raster.values) BOOST_TEST(value == 1);
  }
}
