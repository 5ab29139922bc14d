#include <lowtide/linalg/block_spectra.h>
#include <lowtide/linalg/cluster_order.h>
#include <lowtide/linalg/parallel.h>

#include "hierarchical.h"

namespace lowtide::test {
namespace {

using Order = std::vector<std::int64_t>;

bool is_order(Order order, std::int64_t n) {
  std::sort(order.begin(), order.end());
  Order plain(static_cast<std::size_t>(n));
  std::iota(plain.begin(), plain.end(), 0);
  return order == plain;
}

Order shuffled(std::int64_t n, std::uint64_t index) {
  const PoolVector<std::int64_t> p = Stream(8, "shuffled").child("one", index).permutation(n);
  return {p.begin(), p.end()};
}

// exp(-|x_i - y_j|) for points of [0,1], the rows times signs.
Tensor layer(const Order& row_order, const Order& col_order, bool signs) {
  const auto n = static_cast<double>(row_order.size()), m = static_cast<double>(col_order.size());
  std::vector<double> a;
  for (std::size_t i = 0; i < row_order.size(); ++i)
    for (std::size_t j = 0; j < col_order.size(); ++j)
      a.push_back((signs && Stream(8, "signs").bits(i) % 2 ? -1 : 1) *
                  std::exp(-10 * std::abs(static_cast<double>(row_order[i]) / n -
                                          static_cast<double>(col_order[j]) / m)));
  return from({std::ssize(row_order), std::ssize(col_order)}, a);
}

std::int64_t entries(const Tensor& a) {
  return choose_for_error(block_spectra(a), 1e-4 * norm(a)).structure.entries();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(orders_of_clusters)

BOOST_AUTO_TEST_CASE(points_on_a_line_are_sorted) {
  for (std::int64_t n : {0, 1, 2, 37, 300}) {
    const Order places = shuffled(n, 1);
    const Tensor points = from({n, 1}, std::vector<double>(places.begin(), places.end()));
    const Order order = order_by_position(points, 1);
    BOOST_TEST_REQUIRE(is_order(order, n));
    for (std::size_t k = 0; k < order.size(); ++k)
      BOOST_TEST(places[static_cast<std::size_t>(order[k])] == static_cast<std::int64_t>(k));
  }
}

// A box of 4 by 1 is cut across its longer side twice, then both ways.
BOOST_AUTO_TEST_CASE(the_longest_side_is_cut) {
  Stream rng(1, "box");
  const std::int64_t n = 400;
  Tensor points = rng.uniform({n, 2}, Dtype::f32);
  for (std::int64_t i = 0; i < n; ++i) points.mutable_data<float>()[2 * i] *= 4;
  const Order order = order_by_position(points, 100);
  BOOST_TEST_REQUIRE(is_order(order, n));
  double edge = -1;
  for (std::int64_t quarter = 0; quarter < 4; ++quarter) {
    double low = infinity, high = -infinity;
    for (std::int64_t k = 100 * quarter; k < 100 * quarter + 100; ++k) {
      const double x = points.at(2 * order[static_cast<std::size_t>(k)]);
      low = std::min(low, x), high = std::max(high, x);
    }
    BOOST_TEST(low >= edge);
    edge = high;
  }
  // Items of a leaf keep their order, and so do equal points.
  BOOST_TEST(std::is_sorted(order.begin(), order.begin() + 100));
  const Order same = order_by_position(zeros({9, 3}, Dtype::f64), 1);
  BOOST_TEST(std::is_sorted(same.begin(), same.end()));
}

BOOST_AUTO_TEST_CASE(similar_vectors_come_together) {
  // Four bundles of directions: 0 and 1 near each other, 2 and 3 too.
  const std::int64_t n = 64, k = 20;
  const Tensor centres =
      multiply(orthonormal(k, 4, Dtype::f64), from({4, 4}, {1, 1, 0, 0, 0, .7, 0, 0, 0, 0, 1, 1, 0, 0, 0, .7}));
  const Order bundle = shuffled(n, 2);
  for (Alike alike : {Alike::line, Alike::vector}) {
    std::vector<double> v;
    for (std::int64_t i = 0; i < n; ++i) {
      const double size = std::pow(10, 3 * Stream(1, "sizes").normal(static_cast<std::uint64_t>(i)));
      const double sign = alike == Alike::line && i % 3 == 0 ? -1 : 1;
      for (std::int64_t j = 0; j < k; ++j)
        v.push_back(sign * size *
                    (centres.at(j * 4 + bundle[static_cast<std::size_t>(i)] % 4) +
                     .05 * Stream(2, "noise").normal(static_cast<std::uint64_t>(i * k + j))));
    }
    const Order order = order_by_similarity(from({n, k}, v), 16, alike);
    BOOST_TEST_REQUIRE(is_order(order, n));
    for (std::size_t place = 0; place < order.size(); ++place)
      BOOST_TEST(bundle[static_cast<std::size_t>(order[place])] % 4 ==
                 bundle[static_cast<std::size_t>(order[place / 16 * 16])] % 4);
    BOOST_TEST(order[0] == 0);
  }
}

// Neurons in no order, with signs: lines find what was there, vectors only if there are no signs.
BOOST_AUTO_TEST_CASE(an_order_of_neurons_is_found_again) {
  const std::int64_t n = 256;
  for (bool signs : {false, true}) {
    const Tensor a = layer(shuffled(n, 3), shuffled(n, 4), signs);
    Order plain(static_cast<std::size_t>(n));
    std::iota(plain.begin(), plain.end(), 0);
    const std::int64_t best = entries(layer(plain, plain, signs)), none = entries(a);
    const auto ordered = [&](Alike alike) {
      return entries(
          permuted(a, order_by_similarity(a, 16, alike), order_by_similarity(transposed(a), 16, alike)));
    };
    const std::int64_t line = ordered(Alike::line), vector = ordered(Alike::vector);
    BOOST_TEST_MESSAGE("entries " << (signs ? "with" : "without") << " signs: known order " << best
                                  << ", lines " << line << ", vectors " << vector << ", none " << none);
    BOOST_TEST(line < 1.3 * static_cast<double>(best));
    BOOST_TEST(2 * line < none);
    if (signs) BOOST_TEST(line < vector);
  }
}

BOOST_AUTO_TEST_CASE(same_bits_on_any_number_of_threads) {
  const Tensor v = gaussian({300, 7}, Dtype::f32);
  const auto both_orders = [&](int threads) {
    ThreadLimit limit(threads);
    return std::pair(order_by_position(v, 5), order_by_similarity(v, 5));
  };
  const auto alone = both_orders(1);
  for (int threads : {2, 4}) BOOST_TEST((both_orders(threads) == alone));
}

BOOST_AUTO_TEST_CASE(edges_and_misuse) {
  for (const auto& order :
       {order_by_position, +[](const Tensor& v, std::int64_t leaf) { return order_by_similarity(v, leaf); }}) {
    BOOST_TEST(order(zeros({0, 3}, Dtype::f64), 1).empty());
    BOOST_TEST(is_order(order(zeros({20, 3}, Dtype::f64), 2), 20));
    BOOST_TEST(is_order(order(zeros({20, 0}, Dtype::f32), 2), 20));
    BOOST_TEST(is_order(order(full({20, 2}, 1e300, Dtype::f64), 2), 20));
    BOOST_TEST(is_order(order(columns_times(gaussian({20, 2}, Dtype::f64), {1e-320, 1e300}), 2), 20));
    BOOST_TEST(!thrown<NonFiniteError>([&] { order(full({4, 2}, nan, Dtype::f32), 1); }).empty());
    BOOST_TEST(!thrown<ShapeError>([&] { order(ones({4}, Dtype::f32), 1); }).empty());
    BOOST_TEST(!thrown<ShapeError>([&] { order(ones({4, 2}, Dtype::f32), 0); }).empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
