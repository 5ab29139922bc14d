#include "check_model.h"

#include <lowtide/models/colora.h>
#include <lowtide/models/nif.h>

using namespace lowtide;

BOOST_AUTO_TEST_SUITE(colora_nif_suite)

const Colora colora{.in = 2, .width = 5, .depth = 3, .rank = 2, .hyper_width = 4, .hyper_depth = 3, .mu = 1};
const Nif nif{.in = 2, .width = 4, .hidden = 1, .hyper_width = 3, .hyper_hidden = 1, .latent = 2, .mu = 1};

double swish(double x) { return x / (1 + std::exp(-x)); }

// The dense network with W + VT diag(alpha) U, assembled outside.
BOOST_AUTO_TEST_CASE(colora_is_the_dense_network_it_stands_for) {
  Colora one = colora;
  one.one_a_layer = true;
  for (const Colora& model : {colora, one}) {
    const Tensors theta = some_parameters(model);
    const auto p = [&](int k) { return theta[static_cast<std::size_t>(k)].data<double>(); };
    Vector h = map(affine_of({0.3, -0.6}, p(12), p(13), 4), std::tanh);
    h = map(affine_of(h, p(14), p(15), 4), std::tanh);
    const Vector alpha = affine_of(h, p(16), p(17), static_cast<std::size_t>(model.coefficients()));
    Vector z = {0.2, 0.9};
    for (int l = 0; l < 3; ++l) {
      const std::size_t m = z.size(), w = l < 2 ? 5 : 1;
      Vector weight(p(4 * l), p(4 * l) + m * w);
      for (std::size_t r = 0; r < 2; ++r)
        for (std::size_t i = 0; i < m; ++i)
          for (std::size_t j = 0; j < w; ++j)
            weight[i * w + j] +=
                p(4 * l + 3)[r * m + i] * p(4 * l + 2)[r * w + j] *
                alpha[model.one_a_layer ? static_cast<std::size_t>(l) : static_cast<std::size_t>(2 * l) + r];
      z = affine_of(z, weight.data(), p(4 * l + 1), w);
      if (l < 2) z = map(z, std::tanh);
    }
    const Tensor x = from({1, 2}, {0.2, 0.9}), t = from({1, 2}, {0.3, -0.6});
    BOOST_TEST(std::abs(evaluate(model, vars(theta), Var(x), Var(t)).item() - z[0]) <= 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(colora_starts_constant_in_time) {
  const Vars p = vars(colora.init(Stream(1, "colora"), Dtype::f64));
  const Var x(Stream(1, "x").uniform({6, 2}, Dtype::f64, -1, 1));
  const Tensor a = evaluate(colora, p, x, Var(from({1, 2}, {0.3, 0}))).value(),
               b = evaluate(colora, p, x, Var(from({1, 2}, {-0.9, 0.4}))).value();
  BOOST_TEST(same_bits(a, b));
  BOOST_TEST(max_abs(a) > 0.01);
}

BOOST_AUTO_TEST_CASE(nif_is_the_formula) {
  const Tensors theta = some_parameters(nif, 0.3);
  const auto p = [&](int k) { return theta[static_cast<std::size_t>(k)].data<double>(); };
  const auto plus = [](Vector a, const Vector& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
    return a;
  };
  Vector h = map(affine_of({0.3, -0.6}, p(0), p(1), 3), swish);
  h = plus(map(affine_of(h, p(2), p(3), 3), swish), h);
  const Vector latent = affine_of(h, p(4), p(5), 2);
  const Vector s = affine_of(latent, p(6), p(7), 37);  // 16 + (2 + 1 + 1 + 1) 4 + 1
  Vector z = map(affine_of({0.2, 0.9}, s.data(), s.data() + 8, 4), swish);
  z = plus(map(affine_of(z, s.data() + 12, s.data() + 28, 4), swish), z);
  const double u = affine_of(z, s.data() + 32, s.data() + 36, 1)[0];
  const Tensor x = from({1, 2}, {0.2, 0.9}), t = from({1, 2}, {0.3, -0.6});
  BOOST_TEST(std::abs(evaluate(nif, vars(theta), Var(x), Var(t)).item() - u) <= 1e-14);
  BOOST_TEST(std::abs(nif.latent_at_times(vars(theta), Var(t)).value().at(1) - latent[1]) <= 1e-14);
}

// po of the paper, for one input and one output of 30 units and 2 layers.
BOOST_AUTO_TEST_CASE(nif_has_the_size_of_its_formula) {
  BOOST_TEST(Nif{}.coefficients() == 2 * 900 + (1 + 1 + 1 + 2) * 30 + 1);
  const Tensors theta = Nif{}.init(Stream(1, "nif"), Dtype::f64);
  double square = 0;
  for (const double x : theta.back().view<double>()) square += x * x / static_cast<double>(theta.back().size());
  BOOST_TEST(max_abs(theta.back()) <= 0.2);
  BOOST_TEST(std::abs(std::sqrt(square) - 0.088) < 0.005);  // of a normal cut off at 2
}

BOOST_AUTO_TEST_CASE(pass_what_every_model_must) {
  check_model(colora, 2, 2, "colora");
  Colora one = colora;
  one.one_a_layer = true;
  check_model(one, 2, 2, "colora with one number a layer");
  check_model(nif, 2, 2, "nif");
}

BOOST_AUTO_TEST_CASE(refuse_what_does_not_fit) {
  const Var x(zeros({2, 2}, Dtype::f64));
  const Vars p = vars(colora.init(Stream(1, "colora"), Dtype::f64));
  BOOST_CHECK_THROW(colora(p, x, Var(zeros({3}, Dtype::f64))), ShapeError);
  BOOST_CHECK_THROW(nif(p, x, Var(zeros({3}, Dtype::f64))), ShapeError);
  BOOST_CHECK_THROW(nif.coefficients_at(p, Var(zeros({1, 2}, Dtype::f64))), ShapeError);
  BOOST_CHECK_THROW(Colora{.rank = 0}.init(Stream(1, "colora")), ShapeError);
}

BOOST_AUTO_TEST_SUITE_END()
