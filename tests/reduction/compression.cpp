#include <lowtide/autodiff.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/reduction/network_compression.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace lowtide;

namespace {

constexpr CompressBy methods[] = {CompressBy::hmatrix, CompressBy::svd, CompressBy::prune, CompressBy::int8};

Tensor difference(const Tensor& a, const Tensor& b) {
  return (Var(a.cast(Dtype::f64)) - Var(b.cast(Dtype::f64))).value();
}

// A random matrix, one whose singular values fall, a smooth kernel, one of rank 3 and noise.
Tensor weight_of_kind(int kind, std::int64_t m, std::int64_t n) {
  const Stream root = Stream(1, "weights").child("kind", static_cast<std::uint64_t>(kind));
  Tensor w = root.child("a").normal({m, n}, Dtype::f64);
  if (kind == 1 || kind == 3) {
    const Tensor u = root.child("u").normal({m, 12}, Dtype::f64),
                 v = root.child("v").normal({12, n}, Dtype::f64);
    Tensor scaled = u;
    for (std::int64_t i = 0; i < u.size(); ++i)
      scaled.mutable_data<double>()[i] *= kind == 1 ? std::pow(.3, i % 12) : i % 12 < 3;
    w = (Var(multiply(scaled, v)) + Var(w) * (kind == 1 ? 1e-6 : 1e-2)).value();
  }
  if (kind == 2)
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j)
        w.mutable_data<double>()[i * n + j] =
            1 / (.02 + std::abs(static_cast<double>(i) / static_cast<double>(m) -
                                static_cast<double>(j) / static_cast<double>(n)));
  return w.cast(Dtype::f32);
}

Network dense_network(std::int64_t width, std::int64_t depth, Activation activation = Activation::tanh) {
  return MlpXt{.in = 1, .out = 1, .width = width, .depth = depth, .activation = activation};
}

Tensor sample_points(std::int64_t n) { return Stream(1, "sample").uniform({n, 2}, Dtype::f32, -1, 1); }

Tensor output(const Network& net, const Tensors& theta, const Tensor& xt) {
  const Vars p(theta.begin(), theta.end());
  return std::get<MlpXt>(net).net()(p, Var(xt)).value();
}

// Wide layers whose weights are smooth functions of places of their neurons, which stand in disorder.
Tensors shuffled_kernels(const Mlp& net) {
  Tensors theta = net.init(Stream(1, "net"));
  const Stream root(1, "places");
  for (std::size_t l = 1; l + 1 < net.layers(); ++l) {
    const std::int64_t m = net.widths[l], n = net.widths[l + 1];
    const Tensor a = root.child("a", l).uniform({m}, Dtype::f64),
                 b = root.child("a", l + 1).uniform({n}, Dtype::f64);
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j)
        theta[2 * l].mutable_data<float>()[i * n + j] =
            static_cast<float>(.05 / (.02 + std::abs(a.at(i) - b.at(j))));
  }
  return theta;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(compression_suite)

BOOST_AUTO_TEST_CASE(promises_are_kept) {
  for (const CompressBy by : methods)
    for (int kind = 0; kind < 4; ++kind) BOOST_TEST_CONTEXT(name_of(by) << " kind " << kind) {
        const Tensor w = weight_of_kind(kind, 70, 90);
        const WeightCandidates c = weight_candidates(w, {.by = by});
        std::int64_t before = 0;
        for (const double tolerance : {1e-8, 1e-5, 1e-3, 3e-2, .3, .9}) {
          const CompressedWeight made = compress_to_error(c, tolerance * c.size);
          const double error = norm(difference(w, weight_of(made.form, made.parameters, 70, 90)));
          if (by != CompressBy::int8) BOOST_TEST(error == made.error, boost::test_tools::tolerance(1e-9));
          BOOST_TEST(made.error <= made.bound);
          if (by != CompressBy::int8) BOOST_TEST(made.bound <= tolerance * c.size);
          BOOST_TEST(made.bytes <= 4 * 70 * 90);
          if (before > 0) BOOST_TEST(made.bytes <= before);
          before = made.bytes;
        }
        if (by != CompressBy::int8) BOOST_TEST(before < 2 * 70 * 90);  // at 0.9
      }
}

// What comes in is weighed: the error is that of the output, and the bound holds where blocks meet.
BOOST_AUTO_TEST_CASE(errors_of_the_output_are_promised) {
  const Tensor z = Stream(1, "z").normal({300, 70}, Dtype::f64);
  Tensor uneven = z;
  for (std::int64_t i = 0; i < z.size(); ++i) uneven.mutable_data<double>()[i] *= std::pow(.9, i % 70);
  const Tensor gram = multiply(uneven, uneven, Trans::yes);
  for (int kind = 0; kind < 4; ++kind) BOOST_TEST_CONTEXT("kind " << kind) {
      const Tensor w = weight_of_kind(kind, 70, 90);
      const WeightCandidates aware = weight_candidates(w, {}, gram), blind = weight_candidates(w, {});
      for (const double tolerance : {1e-3, 1e-2, .1, .5}) {
        const CompressedWeight made = compress_to_error(aware, tolerance * aware.size);
        const Tensor d = difference(w, weight_of(made.form, made.parameters, 70, 90));
        BOOST_TEST(norm(multiply(uneven, d)) == made.error, boost::test_tools::tolerance(1e-6));
        BOOST_TEST(made.error <= made.bound);
        BOOST_TEST(made.bound <= tolerance * aware.size);
      }
      // Those bytes do more for the output than for the weight.
      const CompressedWeight at = compress_at_rate(aware, 1e-5 * aware.size * aware.size);
      double low = 0, high = blind.size;
      for (int k = 0; k < 60; ++k)
        (compress_to_error(blind, (low + high) / 2).bytes > at.bytes ? low : high) = (low + high) / 2;
      const CompressedWeight rival = compress_to_error(blind, high);
      const Tensor d = difference(w, weight_of(rival.form, rival.parameters, 70, 90));
      BOOST_TEST(at.error <= 1.05 * norm(multiply(uneven, d)));
    }
}

BOOST_AUTO_TEST_CASE(bytes_are_kept_to) {
  const Network net = dense_network(64, 4);
  const Tensors theta = shuffled_kernels(std::get<MlpXt>(net).net());
  for (const CompressBy by : {CompressBy::hmatrix, CompressBy::svd, CompressBy::prune})
    for (const bool aware : {false, true}) {
      if (aware && by == CompressBy::prune) continue;
      const NetworkCandidates c(net, theta, {.by = by, .data_aware = aware}, sample_points(200));
      double before = 0;
      for (const int percent : {60, 30, 20}) BOOST_TEST_CONTEXT(name_of(by) << aware << " " << percent) {
          const std::int64_t whole = 4 * parameter_count(net), bytes = whole * percent / 100;
          const CompressedNetwork made = c.to_bytes(bytes);
          BOOST_TEST(made.bytes <= bytes);
          BOOST_TEST(made.bytes > .6 * static_cast<double>(bytes));
          BOOST_TEST(made.dense_bytes == whole);
          BOOST_TEST(made.error() >= before);
          BOOST_TEST(made.error() <= made.bound());
          before = made.error();
          BOOST_TEST(parameter_count(made.net) <= parameter_count(net));
          const Tensor d = difference(output(net, theta, sample_points(200)),
                                      output(made.net, made.theta, sample_points(200)));
          BOOST_TEST(norm(d) > 0);
          BOOST_TEST(norm(d) <= made.output_bound * (1 + 1e-5) + 1e-5);
        }
    }
  const NetworkCandidates eight(net, theta, {.by = CompressBy::int8}, sample_points(50));
  BOOST_TEST(eight.to_tolerance(0).bytes < .3 * 4 * static_cast<double>(parameter_count(net)));
}

BOOST_AUTO_TEST_CASE(neurons_that_are_alike_stand_side_by_side) {
  const Network net = dense_network(128, 4);
  const Mlp dense = std::get<MlpXt>(net).net();
  const Tensors theta = shuffled_kernels(dense), other = reordered(dense, theta, 16);
  const Tensor x = sample_points(40), u = output(net, theta, x);
  BOOST_TEST(max_abs(difference(u, output(net, other, x))) <= 1e-5 * max_abs(u));
  BOOST_TEST(!same_bits(theta[2], other[2]));
  std::int64_t bytes[2];
  for (const bool reorder : {false, true})
    bytes[reorder] = NetworkCandidates(net, theta, {.reorder = reorder}).to_tolerance(1e-3).bytes;
  BOOST_TEST(static_cast<double>(bytes[1]) < .8 * static_cast<double>(bytes[0]));
  const CompressedNetwork made = NetworkCandidates(net, theta, {}).to_tolerance(1e-4);
  BOOST_TEST(max_abs(difference(u, output(made.net, made.theta, x))) <= 2e-3 * max_abs(u));
}

// One layer at a time; other networks by the matrices that they have.
BOOST_AUTO_TEST_CASE(layers_and_other_networks) {
  const Network net = dense_network(40, 5);
  const Tensors theta = init(net, Stream(1, "x"));
  const NetworkCandidates c(net, theta, {.by = CompressBy::svd});
  const CompressedNetwork all = c.to_tolerance(.5), one = c.only(all, 1);
  BOOST_TEST(all.layers.size() == 3u);
  BOOST_TEST(one.layers[0].weight.error == 0);
  BOOST_TEST(one.layers[1].weight.error == all.layers[1].weight.error);
  BOOST_TEST(all.layers[1].name == "W3");
  BOOST_TEST(std::isnan(all.output_bound));
  BOOST_TEST(one.bytes > all.bytes);

  const Network lrnr = Lrnr{.width = 48, .depth = 3, .rank = 12};
  const Tensors factors = init(lrnr, Stream(1, "x"));
  for (const CompressBy by : methods) {
    const CompressedNetwork made = NetworkCandidates(lrnr, factors, {.by = by}).to_tolerance(.3);
    BOOST_TEST(made.theta.size() == factors.size());
    BOOST_TEST(made.error() <= made.bound());
    for (std::size_t k = 0; k < factors.size(); ++k) BOOST_TEST((made.theta[k].shape == factors[k].shape));
  }
  BOOST_CHECK_THROW(NetworkCandidates(lrnr, factors, {.data_aware = true}, sample_points(5)), ShapeError);
  BOOST_CHECK_THROW(NetworkCandidates(dense_network(8, 3), init(dense_network(8, 3), Stream(1, "x")), {}),
                    ShapeError);
}

// Against the Jacobian, an output and a point at a time.
BOOST_AUTO_TEST_CASE(tangent_kernel_is_that_of_all_parameters) {
  for (const Activation activation : {Activation::tanh, Activation::sin}) {
    const Mlp net{{2, 9, 7, 2}, activation, activation == Activation::sin ? 3. : 1.};
    const Tensors theta = net.init(Stream(1, "net"), Dtype::f64);
    const std::int64_t n = 5;
    const Tensor x = Stream(1, "x").uniform({n, 2}, Dtype::f64, -1, 1);
    const Tensor kernel = tangent_kernel(net, theta, x);
    const auto gradient = [&](std::int64_t point, std::int64_t of) {
      const auto f = [&](const Vars& p) {
        return sum(slice(slice(net(p, Var(x)), 0, point, point + 1), 1, of, of + 1));
      };
      return value_and_grad(f, theta).gradient;
    };
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        double expected = 0;
        for (const std::int64_t of : {0, 1}) {
          const Tensors a = gradient(i, of), b = gradient(j, of);
          for (std::size_t k = 0; k < a.size(); ++k)
            expected += dot(a[k].reshaped({a[k].size()}), b[k].reshaped({b[k].size()}));
        }
        BOOST_TEST(kernel.at(i * n + j) == expected, boost::test_tools::tolerance(1e-11));
      }
  }
}

// Singular values less a tenth of the largest, or zero.
BOOST_AUTO_TEST_CASE(singular_values_are_shrunk) {
  const Tensor w = weight_of_kind(1, 70, 90);
  for (const CompressBy by : {CompressBy::svd, CompressBy::hmatrix}) {
    CompressedWeight made = compress_to_error(weight_candidates(w, {.by = by, .leaf = 20}), 1e-3 * norm(w));
    const Tensor before = weight_of(made.form, made.parameters, 70, 90);
    shrink_singular_values(made.form, made.parameters, .1);
    const Tensor after = weight_of(made.form, made.parameters, 70, 90);
    if (made.form.kind != WeightForm::Kind::svd) {
      BOOST_TEST(norm(after) < norm(before));
      continue;
    }
    const Tensor s = svd(before).s, t = svd(after).s;
    for (std::int64_t j = 0; j < s.size(); ++j)
      BOOST_TEST(std::abs(t.at(j) - std::max(0.0, s.at(j) - .1 * s.at(0))) <= 1e-5 * s.at(0));
  }
}

// Inputs that are alike in all units: errors of blocks that meet in a column add up, and the promise knows it.
BOOST_AUTO_TEST_CASE(errors_that_add_up_are_promised) {
  const Tensor gram = (Var(ones({70, 70}, Dtype::f64)) + Var(eye(70, Dtype::f64)) * 1e-2).value();
  for (int kind = 0; kind < 4; ++kind) {
    const WeightCandidates c = weight_candidates(weight_of_kind(kind, 70, 90), {}, gram);
    for (const double part : {1e-7, 1e-6, 1e-5, 1e-4, 1e-3}) {
      const CompressedWeight made = compress_at_rate(c, part * c.size * c.size);
      BOOST_TEST(made.error <= made.bound);
    }
  }
}

BOOST_AUTO_TEST_CASE(gains_are_products_of_norms_and_slopes) {
  const Mlp net{{2, 9, 7, 3}, Activation::sin, 5.};
  const Tensors theta = net.init(Stream(1, "net"), Dtype::f64);
  const double first = svd(theta[2]).s.at(0), last = svd(theta[4]).s.at(0);
  const std::vector<double> gains = error_gains(net, theta);
  BOOST_TEST(gains[2] == 1);
  BOOST_TEST(gains[1] == 5 * last, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(gains[0] == 25 * first * last, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_SUITE_END()
