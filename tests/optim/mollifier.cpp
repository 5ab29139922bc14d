#include <lowtide/linalg/parallel.h>
#include <lowtide/linalg/random.h>
#include <lowtide/optim/mollifier.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace lowtide;
using boost::test_tools::tolerance;

namespace {

// The value in cell k, which may be anywhere.
double beyond(const Tensor& y, std::int64_t field, std::int64_t k, Edge edge) {
  const std::int64_t n = y.shape[0], c = y.shape[1];
  double sign = 1;
  if (edge == Edge::periodic) {
    k = ((k % n) + n) % n;
  } else {
    while (k < 0 || k >= n) {
      k = k < 0 ? -1 - k : 2 * n - 1 - k;
      if (edge == Edge::odd) sign = -sign;
    }
  }
  return sign * y.at(k * c + field);
}

// The average over the window, cell by cell, by how much of each lies within.
double by_quadrature(const Tensor& y, std::int64_t field, std::int64_t i, double w, double length, Edge edge) {
  const double h = length / static_cast<double>(y.shape[0]), x = (static_cast<double>(i) + .5) * h;
  const auto reach = static_cast<std::int64_t>(w / h) + 2;
  double sum = 0;
  for (std::int64_t k = i - reach; k <= i + reach; ++k) {
    const double begin = std::max(x - w, static_cast<double>(k) * h),
                 end = std::min(x + w, static_cast<double>(k + 1) * h);
    if (end > begin) sum += (end - begin) * beyond(y, field, k, edge);
  }
  return sum / (2 * w);
}

double mean_of(const Tensor& y, std::int64_t field) {
  double sum = 0;
  for (std::int64_t i = field; i < y.size(); i += y.shape[1]) sum += y.at(i);
  return sum / static_cast<double>(y.shape[0]);
}

const Edge edges[] = {Edge::periodic, Edge::even, Edge::odd};

}  // namespace

BOOST_AUTO_TEST_CASE(mollified_is_the_average_over_the_window) {
  Stream stream(1, "mollifier");
  const double length = 2;
  for (const std::int64_t n : {1, 2, 7, 40}) {
    const Tensor y = stream.normal({n, 3}, Dtype::f64);
    const double h = length / static_cast<double>(n);
    // Windows within a cell, to the edges of cells, through them, as wide as the domain, and several times.
    for (const double w :
         {.3 * h, .5 * h, .51 * h, h, 1.5 * h, 2.2 * h, .3, 1.0, 1.999, 2.0, 2.7, 5.0, 13.37}) {
      const Tensor smooth = mollified(y, w, length, edges);
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t field = 0; field < 3; ++field)
          BOOST_TEST(
              std::abs(smooth.at(3 * i + field) - by_quadrature(y, field, i, w, length, edges[field])) < 1e-12,
              "n " << n << " w " << w << " cell " << i << " field " << field);
      for (std::int64_t field = 0; field < 2; ++field)
        BOOST_TEST(std::abs(mean_of(smooth, field) - mean_of(y, field)) < 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(mollified_knows_what_does_not_change) {
  Stream stream(2, "mollifier");
  const Tensor y = stream.normal({50, 1}, Dtype::f32);
  for (const Edge edge : edges) {
    BOOST_TEST(same_bits(mollified(y, 0, 1, {&edge, 1}), y));
    BOOST_TEST(same_bits(mollified(y, .01, 1, {&edge, 1}), y));  // one cell
  }
  // Constants under even and periodic edges; a line in the middle; zero at an odd wall, in the limit.
  Tensor line({101, 1}, Dtype::f64);
  for (std::int64_t i = 0; i < 101; ++i) line.mutable_data<double>()[i] = static_cast<double>(i);
  const Tensor smooth = mollified(line, .0731, 1, {&edges[1], 1});
  for (std::int64_t i = 10; i < 91; ++i) BOOST_TEST(smooth.at(i) == line.at(i), tolerance(1e-12));
  for (const Edge edge : {Edge::periodic, Edge::even})
    for (const double v : to_vector(mollified(full({9, 1}, 3, Dtype::f32), .37, 1, {&edge, 1})))
      BOOST_TEST(v == 3, tolerance(1e-6));
  const Tensor wall = mollified(ones({1000, 1}, Dtype::f64), .1, 1, {&edges[2], 1});
  BOOST_TEST(std::abs(wall.at(0)) < .01);
  BOOST_TEST(wall.at(50) == .5, tolerance(.02));
  BOOST_TEST(std::abs(wall.at(999)) < .01);
}

BOOST_AUTO_TEST_CASE(frames_are_mollified_one_by_one_with_the_same_bits_on_any_number_of_threads) {
  Stream stream(3, "mollifier");
  const Tensor y = stream.normal({20, 64, 3}, Dtype::f32);
  Tensor first;
  for (const int threads : {1, 2, 4}) {
    const ThreadLimit limit(threads);
    const Tensor smooth = mollified(y, .123, 1, edges);
    if (threads == 1) first = smooth;
    BOOST_TEST(same_bits(smooth, first));
  }
  for (std::int64_t t = 0; t < 20; ++t)
    BOOST_TEST(same_bits(first.rows(t, t + 1).reshaped({64, 3}).clone(),
                         mollified(y.rows(t, t + 1).reshaped({64, 3}), .123, 1, edges)));
}

BOOST_AUTO_TEST_CASE(the_width_falls_to_zero_at_half_time) {
  BOOST_TEST(mollifier_width(.05, 0, 100) == .05);
  BOOST_TEST(mollifier_width(.05, 25, 100) == .025, tolerance(1e-15));
  BOOST_TEST(mollifier_width(.05, 49, 100) == .001, tolerance(1e-12));
  BOOST_TEST(mollifier_width(.05, 50, 100) == 0);
  BOOST_TEST(mollifier_width(.05, 99, 100) == 0);
  BOOST_TEST(mollifier_width(.05, 0, 0) == 0);
}

BOOST_AUTO_TEST_CASE(mollified_refuses_what_it_cannot_read) {
  const Tensor y = ones({4, 2}, Dtype::f64);
  BOOST_CHECK_THROW(mollified(ones({4}, Dtype::f64), .1, 1, edges), ShapeError);
  BOOST_CHECK_THROW(mollified(y, .1, 1, edges), ShapeError);  // three edges, two fields
  BOOST_CHECK_THROW(mollified(y, -1, 1, {edges, 1}), Error);
  BOOST_CHECK_THROW(mollified(y, std::nan(""), 1, {edges, 1}), Error);
  BOOST_CHECK_THROW(mollified(y, .1, 0, {edges, 1}), Error);
  BOOST_CHECK_THROW(mollified(y, 1e300, 1, {edges, 1}), Error);
}
