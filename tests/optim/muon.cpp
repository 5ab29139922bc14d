#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/optim/muon.h>

#include <cmath>

#include "optimizers.h"

using namespace lowtide;
using boost::test_tools::tolerance;

namespace {

double mapped(double s, int iterations) {
  for (int i = 0; i < iterations; ++i) s = 3.4445 * s - 4.7750 * std::pow(s, 3) + 2.0315 * std::pow(s, 5);
  return s;
}

// U diag(polynomial(s / |s|)) VT
Tensor by_svd(const Tensor& x, int iterations) {
  Svd d = svd(x.cast(Dtype::f64));
  const double size = norm(d.s);
  const std::int64_t k = d.s.size(), n = d.vt.shape[1];
  for (std::int64_t i = 0; i < k; ++i) {
    const double s = mapped(d.s.at(i) / size, iterations);
    for (std::int64_t j = 0; j < n; ++j) d.vt.mutable_data<double>()[i * n + j] *= s;
  }
  return multiply(d.u, d.vt);
}

double distance(const Tensor& a, const Tensor& b) {
  double most = 0;
  for (std::int64_t i = 0; i < a.size(); ++i)
    if (const double d = std::abs(a.at(i) - b.at(i)); !(d <= most)) most = std::isnan(d) ? INFINITY : d;
  return most;
}

// Singular values from 1 down to `least`.
Tensor with_spectrum(Stream& stream, std::int64_t m, std::int64_t n, double least) {
  const std::int64_t k = std::min(m, n);
  Tensor u = qr(stream.normal({m, k}, Dtype::f64)).q;
  const Tensor v = qr(stream.normal({n, k}, Dtype::f64)).q;
  for (std::int64_t i = 0; i < m * k; ++i)
    u.mutable_data<double>()[i] *= std::pow(least, static_cast<double>(i % k) / static_cast<double>(k - 1));
  return multiply(u, v, Trans::no, Trans::yes);
}

}  // namespace

BOOST_AUTO_TEST_CASE(newton_schulz_maps_singular_values_by_its_polynomial) {
  Stream stream(1, "muon");
  for (const Shape& shape : {Shape{6, 50}, Shape{50, 6}, Shape{9, 9}, Shape{1, 7}, Shape{7, 1}})
    for (const int iterations : {1, 2, 5}) {
      const NewtonSchulz polynomial{.iterations = iterations};
      const Tensor x = stream.normal(shape, Dtype::f64, 0, 3);
      BOOST_TEST(distance(polynomial(x), by_svd(x, iterations)) < 1e-12);
    }
  for (const Shape& shape : {Shape{12, 80}, Shape{80, 12}})
    for (const double least : {1e-2, 1e-5, 1e-9}) {
      const Tensor x = with_spectrum(stream, shape[0], shape[1], least);
      BOOST_TEST(distance(NewtonSchulz{}(x), by_svd(x, 5)) < 1e-12);
      // Where f32 loses small singular values in the Gram matrix, it maps them all the same.
      BOOST_TEST(distance(NewtonSchulz{}(x.cast(Dtype::f32)), by_svd(x.cast(Dtype::f32), 5)) < 1e-3);
      if (least == 1e-2)
        for (const double s : to_vector(svd(NewtonSchulz{}(x)).s)) BOOST_TEST((s > .65 && s < 1.25));
    }
  BOOST_TEST(max_abs(NewtonSchulz{}(zeros({3, 4}, Dtype::f32))) == 0);
  // Sizes at the ends of the range.
  for (const double size : {1e-42, 1e-30, 1e30, 1e37}) {  // the first has few digits left
    Tensor x = stream.normal({5, 20}, Dtype::f64);
    for (double& e : x.mutable_view<double>()) e *= size;
    x = x.cast(Dtype::f32);
    BOOST_TEST(distance(NewtonSchulz{}(x), by_svd(x, 5)) < 1e-4);
  }
}

// The recipe, one line after the other.
BOOST_AUTO_TEST_CASE(muon_is_the_recipe) {
  Stream stream(2, "muon");
  Tensors theta = {stream.normal({4, 30}, Dtype::f64), stream.normal({20, 3}, Dtype::f64)}, expected = theta;
  std::vector<Tensor> m = {zeros({4, 30}, Dtype::f64), zeros({20, 3}, Dtype::f64)};
  Muon muon{.lr = .01, .weight_decay = .1};
  for (int step = 0; step < 5; ++step) {
    const Tensors g = {stream.normal({4, 30}, Dtype::f64), stream.normal({20, 3}, Dtype::f64)};
    muon.step(theta, g);
    for (std::size_t k = 0; k < 2; ++k) {
      Tensor u(m[k].shape, Dtype::f64);
      for (std::int64_t i = 0; i < u.size(); ++i) {
        m[k].mutable_data<double>()[i] = .95 * m[k].at(i) + .05 * g[k].at(i);
        u.mutable_data<double>()[i] = .05 * g[k].at(i) + .95 * m[k].at(i);
      }
      const Tensor o = by_svd(u, 5);
      const double larger = k == 0 ? 30 : 20;
      for (std::int64_t i = 0; i < u.size(); ++i)
        expected[k].mutable_data<double>()[i] =
            (1 - .01 * .1) * expected[k].at(i) - .01 * std::sqrt(larger) * o.at(i);
      BOOST_TEST(distance(theta[k], expected[k]) < 1e-13);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_rms_of_an_update_is_about_lr) {
  Stream stream(3, "muon");
  for (const Shape& shape : {Shape{24, 128}, Shape{128, 24}, Shape{40, 40}}) {
    Tensors theta = {zeros(shape, Dtype::f32)};
    Muon muon{.lr = 2e-3};
    muon.step(theta, {stream.normal(shape, Dtype::f32)});
    const double rms = norm(theta[0]) / std::sqrt(static_cast<double>(theta[0].size()));
    BOOST_TEST((rms > .7 * muon.lr && rms < 1.2 * muon.lr));
  }
}

BOOST_AUTO_TEST_CASE(muon_finds_a_matrix) {
  Stream stream(4, "muon");
  const Tensor goal = stream.normal({5, 20}, Dtype::f64, 0, .3);
  Tensors theta = {zeros({5, 20}, Dtype::f64)};
  Muon muon;
  for (int step = 0; step < 600; ++step) {
    muon.lr = .02 * (1 - step / 600.0);
    muon.step(theta,
              value_and_grad([&](const Vars& x) { return sum(square(x[0] - Var(goal))); }, theta).gradient);
  }
  BOOST_TEST(distance(theta[0], goal) < 1e-3);
}

BOOST_AUTO_TEST_CASE(muon_obeys_the_rules) {
  testing::obeys_the_rules(Muon{}, {{6, 300}, {300, 6}, {1, 5}, {30, 200}, {3, 3}});
  Muon muon;
  Tensors vector = {zeros({3}, Dtype::f64)};
  BOOST_CHECK_THROW(muon.step(vector, vector), ShapeError);
  Tensors still = {ones({3, 3}, Dtype::f64)};  // no gradient, no step
  muon.step(still, {zeros({3, 3}, Dtype::f64)});
  BOOST_TEST(same_bits(still[0], ones({3, 3}, Dtype::f64)));
}
