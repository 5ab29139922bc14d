#include "check_model.h"

#include <lowtide/models/mlp_xt.h>
#include <lowtide/models/siren_hyper.h>
#include <lowtide/models/siren_shift.h>

#include <vector>

using namespace lowtide;

BOOST_AUTO_TEST_SUITE(siren_suite)

const SirenHyper hyper{
    .in = 2, .width = 4, .depth = 3, .hyper_width = 5, .hyper_depth = 3, .mu = 1, .frequency = 3};
const SirenShift shift{
    .in = 2, .width = 4, .depth = 3, .latent = 2, .hyper_width = 3, .hyper_depth = 3, .mu = 1, .frequency = 3};

Vector sine_of(Vector z, double frequency) {
  for (double& x : z) x = std::sin(frequency * x);
  return z;
}
double positive_part(double x) { return x > 0 ? x : 0; }

BOOST_AUTO_TEST_CASE(hypernetwork_form_is_the_formula) {
  const Tensors theta = some_parameters(hyper);
  const auto p = [&](int k) { return theta[static_cast<std::size_t>(k)].data<double>(); };
  Vector h = map(affine_of({0.3, -0.6}, p(0), p(1), 5), positive_part);
  h = map(affine_of(h, p(2), p(3), 5), positive_part);
  const Vector s = affine_of(h, p(4), p(5), 12 + 20 + 5);
  Vector z = sine_of(affine_of({0.2, 0.9}, s.data(), s.data() + 8, 4), 3);
  z = sine_of(affine_of(z, s.data() + 12, s.data() + 28, 4), 3);
  const double u = affine_of(z, s.data() + 32, s.data() + 36, 1)[0];
  const Tensor x = from({1, 2}, {0.2, 0.9}), t = from({1, 2}, {0.3, -0.6});
  BOOST_TEST(std::abs(evaluate(hyper, vars(theta), Var(x), Var(t)).item() - u) <= 1e-14);
}

BOOST_AUTO_TEST_CASE(shifted_form_is_the_formula) {
  const Tensors theta = some_parameters(shift);
  const auto p = [&](int k) { return theta[static_cast<std::size_t>(k)].data<double>(); };
  Vector h = map(affine_of({0.3, -0.6}, p(6), p(7), 3), std::tanh);
  h = map(affine_of(h, p(8), p(9), 2), std::tanh);
  const Vector beta = affine_of(h, p(10), p(11), 8);
  Vector z = {0.2, 0.9};
  for (int l = 0; l < 2; ++l) {
    z = affine_of(z, p(2 * l), p(2 * l + 1), 4);
    for (std::size_t j = 0; j < 4; ++j) z[j] += beta[static_cast<std::size_t>(4 * l) + j];
    z = sine_of(z, 3);
  }
  const double u = affine_of(z, p(4), p(5), 1)[0];
  const Tensor x = from({1, 2}, {0.2, 0.9}), t = from({1, 2}, {0.3, -0.6});
  BOOST_TEST(std::abs(evaluate(shift, vars(theta), Var(x), Var(t)).item() - u) <= 1e-14);
}

BOOST_AUTO_TEST_CASE(network_in_space_and_time_is_the_formula) {
  const MlpXt net = siren_xt(2, 1, 4, 3, 1, 3);
  const Tensors theta = some_parameters(net);
  const auto p = [&](int k) { return theta[static_cast<std::size_t>(k)].data<double>(); };
  Vector z = sine_of(affine_of({0.2, 0.9, 0.3, -0.6}, p(0), p(1), 4), 3);
  z = sine_of(affine_of(z, p(2), p(3), 4), 3);
  const double u = affine_of(z, p(4), p(5), 1)[0];
  const Tensor x = from({2, 2}, {0.7, 0.7, 0.2, 0.9}), t = from({1, 2}, {0.3, -0.6});
  BOOST_TEST(std::abs(evaluate(net, vars(theta), Var(x), Var(t)).value().at(1) - u) <= 1e-14);
}

BOOST_AUTO_TEST_CASE(pass_what_every_model_must) {
  SirenHyper slow = hyper;  // differences see the fourth power of the frequency
  slow.frequency = 1;
  check_model(slow, 2, 2, "siren_hyper", false, 3);
  check_model(shift, 2, 2, "siren_shift", true, 3);
  check_model(siren_xt(2, 1, 4, 3, 1, 3), 2, 2, "siren_xt");
  check_model(MlpXt{.in = 1, .width = 4, .depth = 3}, 1, 1, "mlp_xt");
}

// Sizes of the paper's baseline.
BOOST_AUTO_TEST_CASE(have_the_sizes_of_the_paper) {
  BOOST_TEST(SirenHyper{}.coefficients() == 789505);
  BOOST_TEST(SirenHyper{}.parameter_count() == 789505 * 257 + 3 * 256 * 257 + 2 * 256);
  BOOST_TEST(siren_xt(1, 1, 256, 5).parameter_count() == 3 * 256 + 3 * 256 * 257 + 257);
}

// As in the SIREN paper, theorem 1.8: what enters each sine is N(0,1), apart from the bias, and what leaves
// it has the distribution of arcsine. It holds at other times as well.
BOOST_AUTO_TEST_CASE(layers_start_with_unit_variance) {
  const SirenHyper wide{.in = 1, .width = 256, .depth = 5, .hyper_width = 16, .hyper_depth = 3};
  const Tensors theta = wide.init(Stream(1, "siren"), Dtype::f64);
  for (const double t : {-1.0, 0.0, 0.7}) {
    const Vars p = wide.siren().from_vector(wide.coefficients_at(vars(theta), Var(from({1, 1}, {t}))));
    Var z(linspace(-1, 1, 300, Dtype::f64).reshaped({300, 1}));
    for (std::size_t l = 0; l < 4; ++l) {
      const Var product = 30.0 * matmul(z, p[2 * l]);
      const double variance = mean(square(product)).item(),
                   fourth = mean(square(square(product))).item() / (variance * variance);
      if (l > 0) {
        BOOST_TEST(std::abs(variance - 1) < 0.25, "layer " << l << ", t " << t << ": variance " << variance);
        BOOST_TEST(std::abs(fourth - 3) < 0.6, "layer " << l << ", t " << t << ": kurtosis " << fourth);
      }
      z = sin(product + 30.0 * p[2 * l + 1]);
      const double out = mean(square(z)).item();
      BOOST_TEST(std::abs(out - 0.5) < 0.06, "layer " << l << ", t " << t << ": output " << out);
    }
  }
}

// The weights vary in t by the asked fraction.
BOOST_AUTO_TEST_CASE(hypernetwork_starts_near_a_siren) {
  SirenHyper wide{.in = 1, .width = 64, .depth = 4, .hyper_width = 64, .hyper_depth = 4};
  const auto difference = [&] {
    const Tensors theta = wide.init(Stream(1, "siren"), Dtype::f64);
    const Tensor s = wide.coefficients_at(vars(theta), Var(from({1, 1}, {0.8}))).value(), &start = theta.back();
    double off = 0, size = 0;
    for (std::int64_t i = 128; i < 128 + 64 * 64; ++i) {  // W2
      off += (s.at(i) - start.at(i)) * (s.at(i) - start.at(i));
      size += start.at(i) * start.at(i);
    }
    return std::sqrt(off / size);
  };
  const double tenth = difference();
  BOOST_TEST((tenth > 0.02 && tenth < 0.2));
  wide.variation = 0.2;
  BOOST_TEST(difference() == 2 * tenth, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(shifts_start_within_some_radians) {
  const SirenShift usual{};
  const Tensors theta = usual.init(Stream(1, "siren"), Dtype::f64);
  const Tensor s = usual.coefficients_at(vars(theta), Var(from({1, 1}, {0.8}))).value();
  BOOST_TEST(30 * max_abs(s) < 2);
  BOOST_TEST(30 * max_abs(s) > 0.05);
  BOOST_CHECK_THROW(usual(vars(theta), Var(zeros({2, 1}, Dtype::f64)), Var(zeros({3}, Dtype::f64))),
                    ShapeError);
  BOOST_CHECK_THROW(SirenHyper{.hyper_depth = 1}.init(Stream(1, "siren")), ShapeError);
  BOOST_CHECK_THROW(SirenShift{.width = 0}.init(Stream(1, "siren")), ShapeError);
}

BOOST_AUTO_TEST_SUITE_END()
