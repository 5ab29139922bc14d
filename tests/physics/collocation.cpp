// Points: inside of the box, evenly spread where they say so, dense where the residual is large.
#include <lowtide/physics/collocation.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <set>

using namespace lowtide;

namespace {

// | mean of f - its integral | for f = prod (1 + (x_k - 1/2) / 2) on the unit box, whose integral is 1.
double integration_error(const Tensor& x) {
  const std::int64_t n = x.shape[0], d = x.shape[1];
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    double product = 1;
    for (std::int64_t k = 0; k < d; ++k) product *= 1 + (x.at(i * d + k) - .5) / 2;
    sum += product;
  }
  return std::abs(sum / static_cast<double>(n) - 1);
}

Box unit(std::int64_t d) {
  return {std::vector<double>(static_cast<std::size_t>(d), 0.0),
          std::vector<double>(static_cast<std::size_t>(d), 1.0)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(points)

BOOST_AUTO_TEST_CASE(are_inside_and_spread) {
  const Box box{{-1, 2}, {1, 5}};
  for (const Sampling sampling : {Sampling::uniform, Sampling::sobol}) {
    const Tensor x = collocation(box, 1000, sampling, Stream(1, "x"));
    BOOST_TEST(same_bits(x, collocation(box, 1000, sampling, Stream(1, "x"))));
    BOOST_TEST(!same_bits(x, collocation(box, 1000, sampling, Stream(2, "x"))));
    int quadrants[4] = {};
    for (std::int64_t i = 0; i < 1000; ++i) {
      const double a = x.at(2 * i), b = x.at(2 * i + 1);
      BOOST_TEST((a >= -1 && a < 1 && b >= 2 && b < 5));
      ++quadrants[(a > 0 ? 1 : 0) + (b > 3.5 ? 2 : 0)];
    }
    for (const int count : quadrants)
      BOOST_TEST(std::abs(count - 250) < (sampling == Sampling::sobol ? 6 : 60));
  }
}

// The mean error over shifts falls like 1/n, that of independent points like 1/sqrt(n).
BOOST_AUTO_TEST_CASE(sobol_points_integrate_better) {
  for (const std::int64_t d : {2, 10}) {
    double sobol = 0, uniform = 0;
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      sobol += integration_error(collocation(unit(d), 4096, Sampling::sobol, Stream(seed, "s")));
      uniform += integration_error(collocation(unit(d), 4096, Sampling::uniform, Stream(seed, "s")));
    }
    BOOST_TEST(sobol < uniform / 5);
  }
}

BOOST_AUTO_TEST_CASE(adaptive_points_follow_the_residual) {
  const std::int64_t m = 4000;
  const Tensor x = collocation({{0}, {1}}, m, Sampling::sobol, Stream(3, "x"));
  Tensor r({m}, Dtype::f64);
  for (std::int64_t i = 0; i < m; ++i) r.mutable_data<double>()[i] = x.at(i) < .1 ? -9 : 0;
  const auto share = [&](double power, double floor) {
    const Tensor chosen = adaptive_points(x, r, 400, Stream(4, "draw"), power, floor);
    std::set<double> different;
    double inside = 0;
    for (std::int64_t i = 0; i < 400; ++i) {
      different.insert(chosen.at(i));
      inside += chosen.at(i) < .1 ? 1 : 0;
    }
    BOOST_TEST(different.size() == 400U);
    return inside / 400;
  };
  // Weights 11 on a tenth of the points and 1 elsewhere: 11 / 20 of the first draw, less once they are used up.
  BOOST_TEST(std::abs(share(1, 1) - .5) < .08);
  BOOST_TEST(share(1, 0) == 1);
  BOOST_TEST(std::abs(share(0, 0) - .1) < .05);
  BOOST_CHECK_THROW(adaptive_points(x, r, m + 1, Stream(1, "x")), ShapeError);
  r.mutable_data<double>()[7] = NAN;
  BOOST_CHECK_THROW(adaptive_points(x, r, 10, Stream(1, "x")), NonFiniteError);
}

BOOST_AUTO_TEST_SUITE_END()
