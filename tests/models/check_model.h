// What every model must pass.
#pragma once
#include <lowtide/autodiff.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/models/frame.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

namespace lowtide {

inline Vars vars(const Tensors& xs) { return Vars(xs.begin(), xs.end()); }

inline std::int64_t count(const Tensors& xs) {
  std::int64_t n = 0;
  for (const Tensor& x : xs) n += x.size();
  return n;
}

using Vector = std::vector<double>;

// For transcriptions, one number at a time: y W + b for W (m,n), row-major, from flat numbers.
inline Vector affine_of(const Vector& y, const double* w, const double* b, std::size_t n) {
  Vector z(b, b + n);
  for (std::size_t i = 0; i < y.size(); ++i)
    for (std::size_t j = 0; j < n; ++j) z[j] += y[i] * w[i * n + j];
  return z;
}
inline Vector map(Vector z, double (*f)(double)) {
  for (double& x : z) x = f(x);
  return z;
}

// Parameters near those that a model starts with, but general: nothing is zero.
template <class M>
Tensors some_parameters(const M& model, double size = 0.1) {
  Tensors theta = model.init(Stream(1, "model"), Dtype::f64);
  for (std::size_t k = 0; k < theta.size(); ++k) {
    const Tensor noise = Stream(2, "noise").child("p", k).normal(theta[k].shape, Dtype::f64, 0, size);
    for (std::int64_t i = 0; i < noise.size(); ++i) theta[k].mutable_data<double>()[i] += noise.at(i);
  }
  return theta;
}

// The smallest of the Taylor remainder's orders |f(x+hv) - f(x) - h f'(x) v| = O(h^2) in 20 directions.
template <class F>
double taylor_order(const F& f, const Tensors& theta, double h = 1e-4) {
  const auto at = [&](const Tensors& v, double step) {
    Tensors moved = theta;
    for (std::size_t k = 0; k < theta.size(); ++k)
      for (std::int64_t i = 0; i < theta[k].size(); ++i)
        moved[k].mutable_data<double>()[i] += step * v[k].at(i);
    return value(f, moved).item();
  };
  const ValueAndGradient g = value_and_grad(f, theta);
  double worst = 100;
  for (std::uint64_t d = 0; d < 20; ++d) {
    Tensors v;
    double slope = 0;
    for (std::size_t k = 0; k < theta.size(); ++k) {
      v.push_back(Stream(d, "direction").child("p", k).normal(theta[k].shape, Dtype::f64));
      for (std::int64_t i = 0; i < v[k].size(); ++i) slope += v[k].at(i) * g.gradient[k].at(i);
    }
    const double coarse = std::abs(at(v, h) - g.value - h * slope),
                 fine = std::abs(at(v, h / 4) - g.value - h / 4 * slope);
    worst = std::min(worst, std::log(coarse / fine) / std::log(4.0));
  }
  return worst;
}

// Count of parameters, gradients in both modes and every nesting, Taylor's order, the same bits on any
// number of threads, the shapes of s, and a derivative in t. The seed is for directions of `check`, whose
// order along one direction may miss by chance.
template <FrameModel M>
void check_model(const M& model, std::int64_t in, std::int64_t times, const char* name, bool smooth = true,
                 std::uint64_t seed = 1) {
  BOOST_TEST_CONTEXT(name) {
    const Tensors theta = some_parameters(model);
    BOOST_TEST(count(theta) == model.parameter_count());
    BOOST_TEST(model.flops(100) > model.flops(10));
    for (const Tensor& p : model.init(Stream(1, "model"), Dtype::f32)) BOOST_TEST((p.dtype == Dtype::f32));

    Stream numbers(1, "points");
    const Tensor x = numbers.uniform({3, in}, Dtype::f64, -1, 1),
                 u = numbers.uniform({3, 1}, Dtype::f64, -1, 1),
                 t = numbers.uniform({2, times}, Dtype::f64, -1, 1);
    const auto misfit = [&](const Vars& p) {
      const auto like = [&](const Tensor& a) { return Var(a.cast(p[0].dtype())); };
      return sum(square(evaluate(model, p, like(x), like(t.rows(0, 1))) - like(u)));
    };
    const CheckReport report = check(misfit, theta, {.label = name, .smooth = smooth, .seed = seed});
    BOOST_TEST(report.ok(), report.text());
    BOOST_TEST(taylor_order(misfit, theta) >= 1.9);

    // Coefficients of many times are those of each.
    const Vars p = vars(theta);
    const Tensor s = model.coefficients_at_times(p, Var(t)).value(),
                 s_1 = model.coefficients_at(p, Var(t.rows(1, 2))).value();
    BOOST_REQUIRE((s.shape == Shape({2, model.coefficients()})));
    BOOST_REQUIRE((s_1.shape == Shape({model.coefficients()})));
    for (std::int64_t i = 0; i < s_1.size(); ++i)
      BOOST_TEST(std::abs(s.at(s_1.size() + i) - s_1.at(i)) <= 1e-13);

    // u_t, as a physics residual takes it.
    Tensor along = zeros({1, times}, Dtype::f64);
    along.mutable_data<double>()[0] = 1;
    const auto u_at = [&](double step) {
      Tensor moved = t.rows(0, 1).clone();
      moved.mutable_data<double>()[0] += step;
      return evaluate(model, p, Var(x), Var(moved)).value();
    };
    Tape tape;
    const Var time = tape.leaf(t.rows(0, 1));
    const Tensor u_t = push(evaluate(model, p, Var(x), time), time, Var(along)).value(), after = u_at(1e-5),
                 before = u_at(-1e-5);
    BOOST_TEST(max_abs(u_t) > 1e-6);
    for (std::int64_t i = 0; i < u_t.size(); ++i)
      BOOST_TEST(std::abs((after.at(i) - before.at(i)) / 2e-5 - u_t.at(i)) <= 1e-6 * (1 + max_abs(u_t)));
  }

  BOOST_TEST_CONTEXT(name << " on threads") {
    Stream numbers(3, "many points");
    const Tensor x = numbers.uniform({400, in}, Dtype::f32, -1, 1), u = numbers.uniform({400, 1}, Dtype::f32),
                 t = numbers.uniform({1, times}, Dtype::f32, -1, 1);
    const auto loss = [&](const Vars& parameters) {
      Vars args = parameters;
      args.push_back(model.coefficients_at(parameters, Var(t)));
      return sum_over_tiles(Tiles{400, 20}, args, [=](const Vars& a, const Tile& tile) {
        const std::span<const Var> p(a.data(), a.size() - 1);
        return sum(square(model(p, Var(tile.rows(x)), a.back()) - Var(tile.rows(u))));
      });
    };
    const Tensors theta = model.init(Stream(1, "model"), Dtype::f32);
    ValueAndGradient one;
    for (const int threads : {1, 2, 4}) {
      const ThreadLimit limit(threads);
      ValueAndGradient now = value_and_grad(loss, theta);
      if (threads == 1) {
        one = std::move(now);
        continue;
      }
      BOOST_TEST(now.value == one.value);
      for (std::size_t k = 0; k < theta.size(); ++k) BOOST_TEST(same_bits(now.gradient[k], one.gradient[k]));
    }
  }
}

}  // namespace lowtide
