#include <lowtide/io/file.h>
#include <lowtide/pde/adaptive.h>

#include "support.h"

#include <boost/test/unit_test.hpp>

using namespace lowtide;
using namespace lowtide::pde;

namespace {

Tensor sampled(const Grid& grid, const std::function<double(double, double)>& f) {
  std::vector<double> values;
  for (std::int64_t j = 0; j < grid.cells[1]; ++j)
    for (std::int64_t i = 0; i < grid.cells[0]; ++i)
      values.push_back(
          f(grid.place(0, static_cast<double>(i) + 0.5), grid.place(1, static_cast<double>(j) + 0.5)));
  return from({grid.count(), 1}, values);
}

const Grid square = Grid2D{{160, 80}, {0, 0}, {2, 1}};
const auto disc = [](double x, double y) { return std::hypot(x - 0.7, y - 0.5) < 0.2 ? 1.0 : 0.1 * x * y; };
const Refinement three{.ratios = {2, 4}, .tolerance = 0.2, .buffer = 1};

}  // namespace

BOOST_AUTO_TEST_SUITE(adaptive)

BOOST_AUTO_TEST_CASE(integral_and_area_are_kept) {
  const Tensor values = sampled(square, disc);
  const Sample sample = sample_adaptively(square, values, three);
  double fine = 0, integral = 0, area = 0;
  for (std::int64_t k = 0; k < values.size(); ++k) fine += values.at(k) * square.area();
  for (std::int64_t k = 0; k < sample.weight.size(); ++k) {
    integral += sample.u.at(k) * sample.weight.at(k);
    area += sample.weight.at(k);
  }
  BOOST_TEST(std::abs(integral - fine) < 1e-13);
  BOOST_TEST(std::abs(area - 2) < 1e-13);
  BOOST_TEST(sample.weight.size() < values.size() / 2);
}

// Every fine cell lies in one sample, whose value is the mean of its fine cells.
BOOST_AUTO_TEST_CASE(every_place_is_covered_once) {
  const Tensor values = sampled(square, disc), sizes = cell_sizes(three, square);
  const Sample sample = sample_adaptively(square, values, three);
  std::vector<int> covered(static_cast<std::size_t>(values.size()));
  for (std::int64_t k = 0; k < sample.weight.size(); ++k) {
    const std::int64_t l = sample.level[static_cast<std::size_t>(k)] - 1;
    const double dx = sizes.at(2 * l), dy = sizes.at(2 * l + 1);
    BOOST_TEST(std::abs(dx * dy - sample.weight.at(k)) < 1e-15);
    const auto i0 = std::lround((sample.x.at(2 * k) - dx / 2) / square.size(0)),
               i1 = i0 + std::lround(dx / square.size(0));
    const auto j0 = std::lround((sample.x.at(2 * k + 1) - dy / 2) / square.size(1)),
               j1 = j0 + std::lround(dy / square.size(1));
    double mean = 0;
    for (std::int64_t j = j0; j < j1; ++j)
      for (std::int64_t i = i0; i < i1; ++i) {
        ++covered[static_cast<std::size_t>(j * 160 + i)];
        mean += values.at(j * 160 + i) / static_cast<double>((i1 - i0) * (j1 - j0));
      }
    BOOST_TEST(std::abs(mean - sample.u.at(k)) < 1e-14);
  }
  for (const int times : covered) BOOST_TEST(times == 1);
}

BOOST_AUTO_TEST_CASE(jumps_are_fine_and_plains_coarse) {
  const Sample sample = sample_adaptively(square, sampled(square, disc), three);
  for (std::int64_t k = 0; k < sample.weight.size(); ++k) {
    const double from_jump = std::abs(std::hypot(sample.x.at(2 * k) - 0.7, sample.x.at(2 * k + 1) - 0.5) - 0.2);
    const int level = sample.level[static_cast<std::size_t>(k)];
    if (from_jump < 1.0 / 80) BOOST_TEST(level == 3);
    if (from_jump > 0.5) BOOST_TEST(level == 1);
  }
}

// The cells of the coarse level that are refined, as rows of 0 and 1 from below.
std::string refined(const Grid& grid, const Tensor& values, const Refinement& refinement) {
  const Sample sample = sample_adaptively(grid, values, refinement);
  const Tensor sizes = cell_sizes(refinement, grid);
  const auto nx = grid.cells[0] / refinement.ratios[0], ny = grid.cells[1] / refinement.ratios[0];
  std::string mask(static_cast<std::size_t>((nx + 1) * ny), '1');
  for (std::int64_t j = 0; j < ny; ++j) mask[static_cast<std::size_t>(j * (nx + 1) + nx)] = '/';
  for (std::int64_t k = 0; k < sample.weight.size(); ++k)
    if (sample.level[static_cast<std::size_t>(k)] == 1) {
      const auto i = static_cast<std::int64_t>(sample.x.at(2 * k) / sizes.at(0));
      const auto j = static_cast<std::int64_t>(sample.x.at(2 * k + 1) / sizes.at(1));
      mask[static_cast<std::size_t>(j * (nx + 1) + i)] = '0';
    }
  return mask;
}

// Exactly the cells that Clawpack's rule flags: of a single different cell its neighbours along the axes, not
// itself.
BOOST_AUTO_TEST_CASE(flags_by_the_rule) {
  constexpr Boundary out = Boundary::outflow;
  const Grid grid = Grid2D{{12, 8}, {0, 0}, {3, 1}, {out, out, out, out}};
  Tensor values = zeros({96, 2}, Dtype::f64);  // coarse cell (2,1) differs in the second component
  for (const std::int64_t j : {2, 3})
    for (const std::int64_t i : {4, 5}) values.mutable_data<double>()[(j * 12 + i) * 2 + 1] = 1;
  const auto mask = [&](double tolerance, std::int64_t buffer) {
    return refined(grid, values, {.ratios = {2}, .tolerance = tolerance, .buffer = buffer});
  };
  BOOST_TEST(mask(0.9, 0) == "001000/010100/001000/000000/");
  BOOST_TEST(mask(0.9, 1) == "111110/111110/111110/011100/");
  BOOST_TEST(mask(0.9, 2) == "111111/111111/111111/111111/");
  BOOST_TEST(mask(1.1, 0) == "000000/000000/000000/000000/");

  Tensor corner = zeros({96, 1}, Dtype::f64);  // the last cell before two open sides
  for (const std::int64_t j : {6, 7})
    for (const std::int64_t i : {10, 11}) corner.mutable_data<double>()[j * 12 + i] = 1;
  BOOST_TEST(refined(grid, corner, {.ratios = {2}, .tolerance = 0.5, .buffer = 0}) ==
             "000000/000000/000001/000011/");

  const Tensor sizes = cell_sizes({.ratios = {2}}, grid);
  BOOST_TEST((to_vector(sizes) == std::vector<double>{0.5, 0.25, 0.25, 0.125}));
}

// A jump across the seam of a periodic direction is seen, one at an open side is none.
BOOST_AUTO_TEST_CASE(neighbours_beyond_the_sides) {
  const auto ramp = [](double x, double) { return x < 1 ? 0.0 : 1.0; };
  const auto finest_at_left_side = [&](const Grid& grid) {
    const Sample sample = sample_adaptively(grid, sampled(grid, ramp), three);
    return sample.level.front();
  };
  constexpr Boundary out = Boundary::outflow;
  BOOST_TEST(finest_at_left_side(square) == 3);
  BOOST_TEST(finest_at_left_side(Grid2D{{160, 80}, {0, 0}, {2, 1}, {out, out, out, out}}) == 1);
}

BOOST_AUTO_TEST_CASE(one_dimension_and_no_levels) {
  const Grid line = Grid1D{64};
  const Tensor values = sampled(line, [](double x, double) { return x < 0.51 ? 1.0 : 0.0; });
  const Sample sample = sample_adaptively(line, values, {.ratios = {2, 2}, .tolerance = 0.1, .buffer = 0});
  BOOST_TEST(sample.x.shape[1] == 1);
  BOOST_TEST(sample.weight.size() < 40);
  const Sample all = sample_adaptively(line, values, {});
  BOOST_TEST(same_bits(all.u, values));
}

BOOST_AUTO_TEST_CASE(levels_that_do_not_fit_are_refused) {
  const Tensor values = sampled(square, disc);
  for (const Refinement& bad :
       {Refinement{.ratios = {3}}, Refinement{.ratios = {1}}, Refinement{.ratios = {64, 64}},
        Refinement{.ratios = {2}, .tolerance = std::nan("")},
        Refinement{.ratios = {2}, .tolerance = 1, .buffer = -1}})
    BOOST_CHECK_THROW(sample_adaptively(square, values, bad), InputError);
  BOOST_CHECK_THROW(sample_adaptively(square, values.rows(0, 100), three), InputError);
}

BOOST_AUTO_TEST_SUITE_END()
