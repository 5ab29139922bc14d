#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/folded.h>
#include <lowtide/reduction/folded_kernels.h>
#include <lowtide/reduction/one_point.h>

#include "support.h"

using namespace support;

BOOST_AUTO_TEST_SUITE(point_model_suite)

double relative(const PointModel& model, const Tensor& times) {
  double most = 0;
  for (std::int64_t k = 0; k < model.x.shape[0]; ++k) {
    const Tensor u = values(model.net, model.x.rows(k, k + 1), model.coefficients(times));
    most = std::max(most, difference(model.values(k, times), u) / model.size);
  }
  return most;
}

// Fast motion: one basis does not do, pieces of time do.
BOOST_AUTO_TEST_CASE(time_is_cut_until_the_tolerance_holds) {
  const Example net = example(plane, 2, 40);
  const Tensor x = random({1, 2}, 3), times = random({300}, 4);
  const PointModel whole = point_model(net.weights, net.coefficients, x,
                                       {.tolerance = 1e-4, .rank = 6, .halvings = 0}),
                   cut = point_model(net.weights, net.coefficients, x, {.tolerance = 1e-4, .rank = 6});
  BOOST_TEST(whole.pieces.size() == 1);
  BOOST_TEST(!whole.holds());
  BOOST_TEST(cut.holds());
  BOOST_TEST(cut.pieces.size() > 2);
  BOOST_TEST(relative(cut, times) <= 2e-4);  // between the times that were looked at
  BOOST_TEST(cut.error() <= 1e-4);
  double at = -1;
  for (const Piece& piece : cut.pieces) {  // without gaps
    BOOST_TEST(piece.begin == at);
    at = piece.end;
  }
  BOOST_TEST(at == 1);
}

BOOST_AUTO_TEST_CASE(the_network_itself_where_a_piece_fails) {
  const Example net = example(plane, 2, 40);
  const Tensor x = random({1, 2}, 3), times = random({100}, 4);
  const PointModel model =
      point_model(net.weights, net.coefficients, x, {.tolerance = 1e-4, .rank = 3, .halvings = 1});
  BOOST_TEST(!model.holds());
  std::int64_t full = -1;
  model.values(0, times, &full);
  BOOST_TEST(full == 100);  // neither half holds
  BOOST_TEST(relative(model, times) <= 1e-13);
  const PointModel good = point_model(net.weights, net.coefficients, x, {.tolerance = 1e-2, .rank = 12});
  good.values(0, times, &full);
  BOOST_TEST(full == 0);
  const Tensor outside = from({2}, {-1.5, 1.2});  // of all pieces
  good.values(0, outside, &full);
  BOOST_TEST(full == 2);
  BOOST_TEST(relative(good, outside) <= 1e-13);
}

BOOST_AUTO_TEST_CASE(ranks_by_the_bound) {
  const Example net = example(plane, 2, 10);
  const PointModel model = point_model(net.weights, net.coefficients, random({1, 2}, 3),
                                       {.tolerance = 1e-3, .rank = 20, .ranks = Ranks::bound});
  BOOST_TEST(model.holds());
  BOOST_TEST(model.bound() <= 1e-3);
  BOOST_TEST(model.error() <= model.bound());
  BOOST_TEST(model.pieces[0].fast.ranks[0] < 20);
  const PointModel fewer = point_model(net.weights, net.coefficients, model.x,
                                       {.tolerance = 1e-3, .rank = 20, .ranks = Ranks::error});
  BOOST_TEST(fewer.holds());
  BOOST_TEST(fewer.error() <= 1e-3);
  BOOST_TEST(fewer.error() > model.error());  // they are as small as may be
}

// A few points close to each other share one model, and points between them profit.
BOOST_AUTO_TEST_CASE(a_cluster_of_points) {
  const Example net = example(plane, 2, 10);
  const Tensor x = from({3, 2}, {.2, .3, .22, .3, .2, .32});
  const PointModel model = point_model(net.weights, net.coefficients, x, {.tolerance = 1e-4, .rank = 16});
  BOOST_TEST(model.holds());
  BOOST_TEST(relative(model, random({100}, 4)) <= 2e-4);
  const Tensor middle = from({1, 2}, {.207, .307}), s = net.coefficients(from({1}, {.1}));
  const Piece& piece = model.pieces[0].end >= .1 ? model.pieces[0] : model.pieces[1];
  BOOST_TEST(difference(values(piece.fast.net, middle, s), values(net.weights, middle, s)) <=
             1e-3 * model.size);
}

BOOST_AUTO_TEST_CASE(other_ranks_on_the_same_pieces) {
  const Example net = example(plane, 2, 20);
  const PointModel base =
      point_model(net.weights, net.coefficients, random({1, 2}, 3), {.tolerance = 1e-3, .rank = 8});
  double before = 1e300;
  for (const std::int64_t rank : {2, 5, 9}) {
    const PointModel model = with_rank(base, rank, 1e-3);
    BOOST_TEST(model.pieces.size() == base.pieces.size());
    BOOST_TEST(model.pieces[0].fast.ranks[1] == rank);
    BOOST_TEST(model.error() < before);
    before = model.error();
  }
  BOOST_TEST(difference(with_rank(base, 8, 1e-3).values(0, random({9}, 5)), base.values(0, random({9}, 5))) <=
             1e-12);
}

BOOST_AUTO_TEST_CASE(the_product_kernel_for_all_shapes) {
  for (const std::int64_t stride : {16, 32, 48, 64, 80, 96, 144})
    for (const std::int64_t columns : {0, 1, 2, 3, 7, 8, 9, 17}) {
      const Tensor a = random({std::max<std::int64_t>(1, columns), stride}, 1).cast(Dtype::f32),
                   x = random({32}, 2).cast(Dtype::f32);
      Tensor y = random({stride}, 3).cast(Dtype::f32);
      std::vector<double> truth = to_vector(y);
      for (std::int64_t k = 0; k < columns; ++k)
        for (std::int64_t i = 0; i < stride; ++i)
          truth[static_cast<std::size_t>(i)] += a.at(k * stride + i) * x.at(k);
      folded_kernels().add_product(a.data<float>(), stride, columns, x.data<float>(), y.mutable_data<float>());
      for (std::int64_t i = 0; i < stride; ++i)
        BOOST_TEST(std::abs(y.at(i) - truth[static_cast<std::size_t>(i)]) <= 4e-6);
    }
}

// Both forms of a layer occur: few modes for a wide rank, and many modes for a small one.
BOOST_AUTO_TEST_CASE(folded_is_the_point_model) {
  bool factored = false, together = false;
  for (const std::int64_t rank : {3, 20})
    for (const Activation activation : {Activation::tanh, Activation::sin, Activation::silu}) {
      Lrnr shape = plane;
      shape.rank = rank;
      shape.activation = activation;
      const Example net = example(shape, 5, 3);
      const PointModel model =
          point_model(net.weights, net.coefficients, random({2, 2}, 3), {.tolerance = 1e-4, .rank = 20});
      BOOST_REQUIRE(model.holds());
      for (const std::int64_t k : {0, 1}) {
        const Folded fold = folded(model, k, 1e-5);
        for (const FoldedLayer& layer : fold.pieces[0].layers) (layer.factored ? factored : together) = true;
        const Tensor times = random({200}, 6), truth = model.values(k, times);
        std::vector<float> scratch, u(3);
        double most = 0;
        for (std::int64_t i = 0; i < times.size(); ++i) {
          fold.evaluate(times.at(i), u.data(), scratch);
          for (std::int64_t o = 0; o < 3; ++o)
            most = std::max(most, std::abs(u[static_cast<std::size_t>(o)] - truth.at(3 * i + o)));
        }
        BOOST_TEST(most <= 2e-5 * model.size);
        BOOST_TEST(fold.error <= 1.3e-4);
        BOOST_TEST(fold.bound >= model.bound());
        BOOST_TEST(fold.bytes() > 1000);
        BOOST_TEST(fold.flops() > 1000);
        fold.evaluate(-7, u.data(), scratch);  // takes the first time
        BOOST_TEST(std::abs(u[0] - model.values(k, from({1}, {-1.})).at(0)) <= 2e-5 * model.size);
      }
    }
  BOOST_TEST(factored);
  BOOST_TEST(together);
  const Example net = example(plane, 2, 40);
  const PointModel bad =
      point_model(net.weights, net.coefficients, random({1, 2}, 3), {.rank = 3, .halvings = 0});
  BOOST_CHECK_THROW(folded(bad, 0, 1e-5), Error);
}

BOOST_AUTO_TEST_CASE(folded_coefficients_are_the_coefficients) {
  const Example net = example(plane, 2, 3);
  const FoldedCoefficients fold = folded_coefficients(net.coefficients, 1e-6);
  const Tensor times = random({50}, 6), truth = net.coefficients(times);
  const std::int64_t n = truth.shape[1];
  std::vector<float> s(static_cast<std::size_t>(fold.modes.stride)),
      c(static_cast<std::size_t>(fold.series.stride));
  double most = 0;
  for (std::int64_t i = 0; i < times.size(); ++i) {
    fold.evaluate(times.at(i), s.data(), c.data());
    for (std::int64_t k = 0; k < n; ++k)
      most = std::max(most, std::abs(s[static_cast<std::size_t>(k)] - truth.at(i * n + k)));
  }
  BOOST_TEST(most <= 2e-5 * max_abs(truth));
}

BOOST_AUTO_TEST_CASE(rivals_are_what_they_claim) {
  const Example net = example(plane, 2, 3);
  const Tensor x = random({1, 2}, 3), t = random({20}, 4), s = net.coefficients(t),
               truth = values(net.weights, x, s);
  OnePoint one(net.weights);
  const Tensor xf = x.cast(Dtype::f32), sf = s.cast(Dtype::f32);
  std::vector<float> u(3);
  for (std::int64_t i = 0; i < 20; ++i) {
    one.evaluate(xf.data<float>(), sf.data<float>() + i * s.shape[1], u.data());
    for (std::int64_t o = 0; o < 3; ++o)
      BOOST_TEST(std::abs(u[static_cast<std::size_t>(o)] - truth.at(3 * i + o)) <= 1e-5);
  }
  double before = 0;
  for (const std::int64_t times : {50, 100}) {  // order 4
    const TimeSeries series = time_series(net.weights, net.coefficients, x, times);
    double most = 0;
    for (std::int64_t i = 0; i < 20; ++i) {
      series.evaluate(t.at(i), u.data());
      most = std::max(most, std::abs(u[0] - truth.at(3 * i)));
    }
    if (before > 0) BOOST_TEST(most <= before / 8 + 1e-6);
    before = most;
  }
  BOOST_TEST(before <= 1e-4);
}

BOOST_AUTO_TEST_SUITE_END()
