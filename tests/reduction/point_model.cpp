#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/folded.h>
#include <lowtide/reduction/folded_kernels.h>
#include <lowtide/reduction/one_point.h>
#include <lowtide/reduction/truncation.h>

#include <algorithm>

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

// What a piece says of itself is so at each of its points.
BOOST_AUTO_TEST_CASE(errors_are_those_of_the_validation_times) {
  const Example net = example(plane, 2, 10);
  const Tensor x = from({2, 2}, {.2, .3, -.5, .1});
  const PointModel model =
      point_model(net.weights, net.coefficients, x, {.tolerance = 1e-2, .rank = 9, .halvings = 2});
  double square = 0;
  for (std::int64_t k = 0; k < 2; ++k)
    square += std::pow(
        norm(values(net.weights, x.rows(k, k + 1), net.coefficients(linspace(-1, 1, 257, Dtype::f64)))), 2);
  BOOST_TEST(std::abs(model.size / std::sqrt(square / (2 * 257)) - 1) <= 1e-12);
  for (const Piece& piece : model.pieces) {
    const double half = (piece.end - piece.begin) / 128;
    const Tensor s = net.coefficients(linspace(piece.begin + half, piece.end - half, 64, Dtype::f64));
    double error = 0, bound = 0;
    for (std::int64_t k = 0; k < 2; ++k) {
      const Tensor point = x.rows(k, k + 1);
      error = std::max(error,
                       largest_row_difference(values(piece.fast.net, point, s), values(net.weights, point, s)));
      bound = std::max(bound, max_abs(error_bounds(net.weights, piece.fast, pass(net.weights, point, s), s)));
    }
    BOOST_TEST(std::abs(piece.error * model.size / error - 1) <= 1e-6);
    BOOST_TEST(std::abs(piece.bound * model.size / bound - 1) <= 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(a_piece_holds_by_what_was_asked_for) {
  const Example net = example(plane, 2, 10);
  const Tensor x = random({1, 2}, 3);
  PieceOptions options{.tolerance = 1, .rank = 8, .halvings = 0};
  const PointModel first = point_model(net.weights, net.coefficients, x, options);
  options.tolerance = std::sqrt(first.error() * first.bound());  // in between
  BOOST_REQUIRE(first.bound() > 2 * first.error());
  options.ranks = Ranks::bound;
  BOOST_TEST(!point_model(net.weights, net.coefficients, x, options).holds());
  options.ranks = Ranks::error;
  BOOST_TEST(point_model(net.weights, net.coefficients, x, options).holds());
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

BOOST_AUTO_TEST_CASE(folded_is_the_point_model) {
  bool factored = false;
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
        for (const FoldedLayer& layer : fold.pieces[0].layers) factored = factored || layer.factored;
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

double largest_error(const Folded& fold, const PointModel& model, std::int64_t k, const Tensor& times) {
  const Tensor truth = model.values(k, times);
  const auto room = static_cast<std::size_t>(fold.room.all);
  std::vector<float> scratch(room + 64, 7.0f), u(static_cast<std::size_t>(fold.out));
  double most = 0;
  for (std::int64_t i = 0; i < times.size(); ++i) {
    fold.evaluate(times.at(i), u.data(), scratch);
    for (std::int64_t o = 0; o < fold.out; ++o) {
      const double error = std::abs(u[static_cast<std::size_t>(o)] - truth.at(fold.out * i + o));
      if (!(error <= most)) most = error;  // also takes a NaN
    }
  }
  BOOST_TEST(std::count(scratch.begin() + fold.room.all, scratch.end(), 7.0f) == 64);  // as much as it says
  return most / model.size;
}

// Two layers, three coordinates, more fields than a pack is long, widths of no whole number of packs.
BOOST_AUTO_TEST_CASE(folded_in_all_sizes) {
  for (const std::int64_t depth : {2, 3})
    for (const std::int64_t out : {1, 16, 19})
      for (const Activation activation : {Activation::tanh, Activation::relu}) {
        const Lrnr shape{.in = 3,
                         .out = out,
                         .width = 17,
                         .depth = depth,
                         .rank = 4,
                         .hyper_width = 8,
                         .hyper_depth = 3,
                         .activation = activation};
        const Example net = example(shape, 5, 1);
        const PointModel model =
            point_model(net.weights, net.coefficients, random({1, 3}, 3), {.tolerance = 1e-4, .rank = 17});
        BOOST_REQUIRE(model.holds());
        BOOST_TEST(largest_error(folded(model, 0, 1e-5), model, 0, random({100}, 6)) <= 3e-5);
      }
}

// A few modes, or one, for a wide rank: hidden layers that are multiplied out.
BOOST_AUTO_TEST_CASE(folded_layers_that_are_multiplied_out) {
  Lrnr shape = plane;
  shape.rank = 20;
  const Example net = example(shape, 5, .3);
  const CoefficientsAt still = [&](const Tensor& t) { return net.coefficients(zeros(t.shape, Dtype::f64)); };
  for (const CoefficientsAt& coefficients : {net.coefficients, still}) {
    const PointModel model =
        point_model(net.weights, coefficients, random({1, 2}, 3), {.tolerance = 1e-3, .rank = 4});
    BOOST_REQUIRE(model.holds());
    const Folded fold = folded(model, 0, 1e-4);
    const FoldedPiece& piece = fold.pieces[0];
    BOOST_TEST(!piece.layers[1].factored);
    BOOST_TEST(piece.layers[1].tensor.columns == piece.series.rows * (1 + piece.layers[0].tensor.rows));
    BOOST_TEST(largest_error(fold, model, 0, random({100}, 6)) <= 2e-4);
  }
}

// By hand: c = 2 at all times, z = 1, 2, ..., 100 of c / 2, u = 3 + z_1 + ... + z_100.
BOOST_AUTO_TEST_CASE(a_wide_layer_keeps_to_its_room) {
  const auto filled = [](std::int64_t rows, std::int64_t columns, const auto& value) {
    const std::int64_t stride = (rows + folded_pad - 1) / folded_pad * folded_pad;
    Columns out{rows, columns, stride, std::vector<float>(static_cast<std::size_t>(stride * columns), 0.0f)};
    for (std::int64_t j = 0; j < columns; ++j)
      for (std::int64_t i = 0; i < rows; ++i)
        out.numbers[static_cast<std::size_t>(j * stride + i)] = value(i, j);
    return out;
  };
  FoldedPiece piece{.series = filled(1, 1, [](auto, auto) { return 2.f; })};
  piece.layers = {{.tensor = filled(100, 1, [](auto i, auto) { return .5f * static_cast<float>(i + 1); })},
                  {.tensor = filled(1, 101, [](auto, auto j) { return j == 0 ? 1.5f : .5f; })}};
  Folded fold{.activation = Activation::none};
  fold.add(std::move(piece));
  const auto room = static_cast<std::size_t>(fold.room.all);
  std::vector<float> scratch(room + 128, 7.0f);
  float u = 0;
  fold.evaluate(.3, &u, scratch);
  BOOST_TEST(u == 3 + 5050);
  BOOST_TEST(fold.bytes() == 4 * (16 + 112 + 16 * 101));
  BOOST_TEST(fold.flops() == 2 * (1 + 100 + 101));
  BOOST_TEST(std::count(scratch.begin() + fold.room.all, scratch.end(), 7.0f) == 128);
}

BOOST_AUTO_TEST_CASE(folding_keeps_its_tolerance) {
  for (const std::uint64_t seed : {1, 2, 3, 4})
    for (const double tolerance : {1e-2, 1e-3, 1e-4}) {
      const Example net = example(plane, seed, 20);
      const PointModel model =
          point_model(net.weights, net.coefficients, random({1, 2}, seed), {.tolerance = 1e-3, .rank = 12});
      BOOST_REQUIRE(model.holds());
      BOOST_TEST(folded(model, 0, tolerance).bound <= model.bound() + 1.01 * tolerance);
    }
}

// At its end a piece hands over to the next, which is that far from it: not what folding has changed.
BOOST_AUTO_TEST_CASE(folding_adds_little_to_the_bound) {
  const Example net = example(plane, 2, 40);
  const PointModel model =
      point_model(net.weights, net.coefficients, random({1, 2}, 3), {.tolerance = 1e-2, .rank = 6});
  BOOST_REQUIRE(model.pieces.size() > 1);
  const Folded fold = folded(model, 0, 1e-5);
  BOOST_TEST(fold.bound > model.bound());
  BOOST_TEST(fold.bound <= model.bound() + 3e-5);
  BOOST_TEST(std::abs(fold.error - model.error()) <=
             .5 * model.error());  // against the network, not the pieces
  BOOST_TEST(largest_error(fold, model, 0, random({200}, 6)) <= 3e-5);
  for (const Piece& piece : model.pieces) {  // from the left to the right piece, no further away than they are
    const Tensor ends = from({2}, {piece.begin, piece.end});
    BOOST_TEST(largest_error(fold, model, 0, ends) <= 2e-2);
  }
}

// Time runs fast: all terms of a series are needed, and where they do not do, shorter pieces.
BOOST_AUTO_TEST_CASE(folded_with_all_terms) {
  const Example net = example(plane, 2, 1);
  const CoefficientsAt fast = [&](const Tensor& t) {
    Tensor s = net.coefficients(zeros(t.shape, Dtype::f64));
    for (std::int64_t i = 0; i < s.size(); ++i)
      s.mutable_data<double>()[i] *= 1 + .05 * std::cos(63 * std::acos(t.at(i / s.shape[1])));
    return s;
  };
  const Tensor x = random({1, 2}, 3);
  const PieceOptions whole{.tolerance = 1e-3, .rank = 24, .halvings = 0, .samples = 257};
  const PointModel model = point_model(net.weights, fast, x, whole);
  BOOST_REQUIRE(model.holds());
  const Folded fold = folded(model, 0, 1e-4);
  BOOST_TEST(fold.pieces.size() == 1);
  BOOST_TEST(fold.pieces[0].series.columns == 64);
  BOOST_TEST(largest_error(fold, model, 0, random({100}, 6)) <= 1e-4);

  const Example faster = example(plane, 2, 60);
  PointModel more = point_model(faster.weights, faster.coefficients, x, whole);
  for (Piece& piece : more.pieces) piece.holds = true;
  const Folded cut = folded(more, 0, 1e-3);
  BOOST_TEST(cut.pieces.size() > 1);
  double at = -1;
  for (const FoldedPiece& piece : cut.pieces) {
    BOOST_TEST(piece.begin == at);
    at = piece.end;
  }
  BOOST_TEST(at == 1);
  BOOST_TEST(largest_error(cut, more, 0, random({100}, 6)) <= 2e-3);
}

// Truncation may leave layers without terms, or nothing at all.
BOOST_AUTO_TEST_CASE(layers_without_terms) {
  const Example net = example(plane, 2, 3);
  const std::int64_t n = net.weights.coefficients();
  for (const std::int64_t layer : {0, 1, 3, -1}) {
    const CoefficientsAt some = [&](const Tensor& t) {
      Tensor s = net.coefficients(t);
      for (std::int64_t i = 0; i < s.size(); ++i)
        if (layer < 0 || (i % n >= net.weights.weight_begin(layer) && i % n < net.weights.bias_begin(layer)))
          s.mutable_data<double>()[i] = 0;
      return s;
    };
    const Truncation kept = truncation(net.weights, some(linspace(-1, 1, 33, Dtype::f64)));
    const CoefficientsAt fewer = [&](const Tensor& t) { return truncated(net.weights, some(t), kept); };
    const PointModel model =
        point_model(truncated(net.weights, kept), fewer, random({1, 2}, 3), {.tolerance = 1e-4, .rank = 20});
    BOOST_TEST(model.net.coefficients() == (layer < 0 ? 0 : n - plane.rank));
    BOOST_TEST(model.holds());
    const Tensor times = random({50}, 6), truth = values(net.weights, model.x, some(times));
    BOOST_TEST(difference(model.values(0, times), truth) <= 2e-4 * model.size);
    BOOST_TEST(largest_error(folded(model, 0, 2e-5), model, 0, times) <= 1e-4);
    // As one point by itself: nothing of what was there before.
    OnePoint one(model.net);
    const Tensor x = model.x.cast(Dtype::f32), s = fewer(times).cast(Dtype::f32);
    std::vector<float> u(3);
    for (std::int64_t i = 0; i < 3; ++i) {
      one.evaluate(x.data<float>(), s.data<float>() + i * s.shape[1], u.data());
      BOOST_TEST(std::abs(u[0] - truth.at(3 * i)) <= 1e-5);
    }
  }
}

BOOST_AUTO_TEST_CASE(numbers_that_are_none_are_errors) {
  const Tensor x = random({1, 2}, 3);
  Example net = example(plane, 2, 3);
  net.weights.layers.back().u.mutable_data<double>()[0] = NAN;  // hidden states do not see it
  BOOST_CHECK_THROW(point_model(net.weights, net.coefficients, x), NonFiniteError);
  net = example(plane, 2, 3);
  for (double& u : net.weights.layers.back().u.mutable_view<double>()) u *= 1e39;  // beyond f32
  const PointModel model = point_model(net.weights, net.coefficients, x, {.tolerance = 1e-3});
  BOOST_TEST(model.holds());
  BOOST_CHECK_THROW(folded(model, 0, 1e-4), NonFiniteError);
}

BOOST_AUTO_TEST_CASE(rows_beyond_the_rank_on_pieces) {
  const Example net = example(plane, 2, 10);
  const FastOptions more{.oversample = 2};
  const PointModel model = point_model(net.weights, net.coefficients, random({1, 2}, 3),
                                       {.tolerance = 1e-3, .rank = 8, .fast = more});
  for (const PointModel& each : {model, with_rank(model, 8, 1e-3, more)}) {
    BOOST_TEST(each.pieces[0].fast.ranks[0] == 8);
    BOOST_TEST(std::ssize(each.pieces[0].fast.rows[0]) == 10);
  }
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
  const TimeSeries four = time_series(net.weights, net.coefficients, x, 4);
  for (std::int64_t i = 0; i < 4; ++i) {  // where they were stored
    four.evaluate(-1 + 2. / 3 * static_cast<double>(i), u.data());
    for (std::size_t o = 0; o < 3; ++o)
      BOOST_TEST(std::abs(u[o] - four.values[static_cast<std::size_t>(3 * i) + o]) <= 1e-5);
  }
  BOOST_CHECK_THROW(time_series(net.weights, net.coefficients, x, 3), Error);
}

BOOST_AUTO_TEST_SUITE_END()
