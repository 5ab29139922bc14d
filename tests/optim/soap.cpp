#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/optim/adam.h>
#include <lowtide/optim/soap.h>

#include <algorithm>
#include <cmath>

#include "optimizers.h"

using namespace lowtide;
using boost::test_tools::tolerance;

namespace {

using Matrix = std::vector<std::vector<double>>;

Matrix matrix(std::size_t m, std::size_t n) { return Matrix(m, std::vector<double>(n, 0.0)); }
Matrix of(const Tensor& x) {
  Matrix a = matrix(static_cast<std::size_t>(x.shape[0]), static_cast<std::size_t>(x.shape[1]));
  for (std::int64_t i = 0; i < x.size(); ++i)
    a[static_cast<std::size_t>(i / x.shape[1])][static_cast<std::size_t>(i % x.shape[1])] = x.at(i);
  return a;
}
Tensor tensor(const Matrix& a) {
  std::vector<double> flat;
  for (const auto& row : a) flat.insert(flat.end(), row.begin(), row.end());
  return from({std::ssize(a), std::ssize(a[0])}, flat);
}
Matrix operator*(const Matrix& a, const Matrix& b) {
  Matrix c = matrix(a.size(), b[0].size());
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < b[0].size(); ++j)
      for (std::size_t k = 0; k < b.size(); ++k) c[i][j] += a[i][k] * b[k][j];
  return c;
}
Matrix turned(const Matrix& a) {
  Matrix t = matrix(a[0].size(), a.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < a[0].size(); ++j) t[j][i] = a[i][j];
  return t;
}
Matrix unit(std::size_t n) {
  Matrix e = matrix(n, n);
  for (std::size_t i = 0; i < n; ++i) e[i][i] = 1;
  return e;
}

// SOAP of one matrix as the paper's Algorithm 3 prints it: the first moment stays in the space of the
// gradient and is rotated at every step. With the settings of the recipe.
struct Printed {
  std::size_t m, n;
  bool use_left, use_right;
  Matrix L, R, QL, QR, M, V;
  int t = -1;

  Printed(std::size_t rows, std::size_t columns, bool left, bool right)
      : m(rows),
        n(columns),
        use_left(left),
        use_right(right),
        L(matrix(m, m)),
        R(matrix(n, n)),
        QL(unit(m)),
        QR(unit(n)),
        M(matrix(m, n)),
        V(matrix(m, n)) {}

  static void average(Matrix& a, const Matrix& b) {
    for (std::size_t i = 0; i < a.size(); ++i)
      for (std::size_t j = 0; j < a.size(); ++j) a[i][j] = .95 * a[i][j] + .05 * b[i][j];
  }
  static Matrix eigenvectors(const Matrix& a) {
    Matrix q = of(eigh(tensor(a)).vectors);
    for (auto& row : q) std::reverse(row.begin(), row.end());
    return q;
  }
  // Sorts the columns of q by their Rayleigh quotients, and with them the rows of v.
  static Matrix iterate(const Matrix& a, const Matrix& q, Matrix& v) {
    const Matrix d = turned(q) * a * q;
    std::vector<std::size_t> order(q.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return d[i][i] > d[j][j]; });
    Matrix sorted, rows;
    for (const std::size_t i : order) {
      sorted.push_back(turned(q)[i]);
      rows.push_back(v[i]);
    }
    v = rows;
    return of(qr(tensor(a * turned(sorted))).q);
  }

  void step(Matrix& w, const Matrix& g, double lr) {
    ++t;
    if (t > 0) {
      for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j) M[i][j] = .95 * M[i][j] + .05 * g[i][j];
      const Matrix g1 = turned(QL) * g * QR, m1 = turned(QL) * M * QR;
      Matrix u = matrix(m, n);
      for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j) {
          V[i][j] = .95 * V[i][j] + .05 * g1[i][j] * g1[i][j];
          const double correction = 1 - std::pow(.95, t);
          u[i][j] = m1[i][j] / correction / (std::sqrt(V[i][j] / correction) + 1e-8);
        }
      u = QL * u * turned(QR);
      for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j) w[i][j] = w[i][j] * (1 - lr * .1) - lr * u[i][j];
    }
    average(L, g * turned(g));
    average(R, turned(g) * g);
    if (t == 0) {
      if (use_left) QL = eigenvectors(L);
      if (use_right) QR = eigenvectors(R);
    } else if (t % 10 == 0) {
      if (use_left) QL = iterate(L, QL, V);
      if (use_right) {
        Matrix vt = turned(V);
        QR = iterate(R, QR, vt);
        V = turned(vt);
      }
    }
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(soap_is_the_published_one_on_its_small_sides) {
  struct Case {
    Shape shape;
    bool left, right;
  };
  // One side, the other, both, neither, a side of 1.
  for (const auto& [shape, left, right] :
       {Case{{5, 40}, true, false}, Case{{40, 5}, false, true}, Case{{6, 6}, true, true},
        Case{{20, 30}, false, false}, Case{{1, 8}, false, false}}) {
    Stream stream(1, "soap");
    Soap soap{.lr = .01, .weight_decay = .1, .largest_side = shape[0] == 1 ? 7 : 8};
    Tensors theta = {stream.normal(shape, Dtype::f64)};
    Matrix w = of(theta[0]);
    Printed printed(static_cast<std::size_t>(shape[0]), static_cast<std::size_t>(shape[1]), left, right);
    // Gradients whose directions are of very different sizes, and turn slowly.
    const Tensor a = stream.normal({shape[0], shape[0]}, Dtype::f64),
                 b = stream.normal({shape[0], shape[0]}, Dtype::f64);
    for (int step = 0; step < 45; ++step) {
      Tensor mix = a.clone();
      for (std::int64_t i = 0; i < mix.size(); ++i) mix.mutable_data<double>()[i] += .02 * step * b.at(i);
      const Tensor g = multiply(mix, stream.normal(shape, Dtype::f64));
      soap.step(theta, {g});
      printed.step(w, of(g), .01);
      const Matrix got = of(theta[0]);
      double error = 0;
      for (std::size_t i = 0; i < w.size(); ++i)
        for (std::size_t j = 0; j < w[0].size(); ++j)
          if (const double d = std::abs(got[i][j] - w[i][j]); !(d <= error))
            error = std::isnan(d) ? INFINITY : d;
      BOOST_TEST(error < 1e-10, to_string(shape) << " step " << step << ": " << error);
    }
    BOOST_TEST(soap.steps == 44);
    BOOST_TEST((soap.left[0].size() > 0) == left);
    BOOST_TEST((soap.right[0].size() > 0) == right);
  }
}

BOOST_AUTO_TEST_CASE(soap_without_a_small_side_is_adam_one_step_later) {
  Stream stream(2, "soap");
  Tensors theta = {stream.normal({70, 80}, Dtype::f64), stream.normal({9}, Dtype::f64),
                   stream.normal({2, 3, 4}, Dtype::f64), stream.normal({}, Dtype::f64)},
          other = theta;
  Soap soap{.lr = .01};
  Adam adam{.lr = .01, .beta1 = .95, .beta2 = .95};
  for (int step = 0; step < 12; ++step) {
    Tensors g;
    for (const Tensor& p : theta) g.push_back(stream.normal(p.shape, Dtype::f64));
    soap.step(theta, g);
    if (step > 0) adam.step(other, g);
    BOOST_TEST(testing::same_bits(theta, other));
  }
}

// The bases follow the gradients: the average is nearly diagonal in them.
BOOST_AUTO_TEST_CASE(soap_finds_the_eigenvectors) {
  Stream stream(3, "soap");
  Tensor mix = qr(stream.normal({5, 5}, Dtype::f64)).q;
  for (std::int64_t i = 0; i < 25; ++i)
    mix.mutable_data<double>()[i] *= std::pow(3.0, static_cast<double>(-(i % 5)));
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    Soap soap{.decay = .999};
    Tensors theta = {zeros({5, 300}, dtype)};
    for (int step = 0; step < 400; ++step)
      soap.step(theta, {multiply(mix, stream.normal({5, 300}, Dtype::f64)).cast(dtype)});
    const Tensor q = soap.left_basis[0].cast(Dtype::f64),
                 d = multiply(q, multiply(soap.left[0], q), Trans::yes, Trans::no);
    for (std::int64_t i = 0; i < 5; ++i)
      for (std::int64_t j = 0; j < 5; ++j)
        if (i != j) BOOST_TEST(std::abs(d.at(5 * i + j)) < .01 * std::sqrt(d.at(6 * i) * d.at(6 * j)));
  }
}

BOOST_AUTO_TEST_CASE(soap_finds_the_minimum_of_a_narrow_valley) {
  Stream stream(4, "soap");
  const Tensor a = stream.normal({6, 6}, Dtype::f64), goal = stream.normal({6, 4}, Dtype::f64);
  Tensors theta = {zeros({6, 4}, Dtype::f64)};
  Soap soap;
  for (int step = 0; step < 3000; ++step) {
    soap.lr = .03 * (1 - step / 3000.0);
    soap.step(theta, value_and_grad(
                         [&](const Vars& x) { return sum(square(matmul(Var(a), x[0] - Var(goal)))); }, theta)
                         .gradient);
  }
  for (std::int64_t i = 0; i < 24; ++i) BOOST_TEST(std::abs(theta[0].at(i) - goal.at(i)) < 1e-3);
}

BOOST_AUTO_TEST_CASE(soap_obeys_the_rules) {
  Soap soap{.largest_side = 6, .vectors = true};
  Tensors theta = {ones({6, 7}, Dtype::f64), ones({7}, Dtype::f64), ones({6}, Dtype::f64)};
  soap.step(theta, theta);
  const std::int64_t left[] = {6, 0, 6};
  for (std::size_t k = 0; k < 3; ++k) {
    BOOST_TEST(soap.left[k].shape[0] == left[k]);
    BOOST_TEST(soap.right[k].shape[0] == 0);
  }
  testing::obeys_the_rules(Soap{.weight_decay = .01, .vectors = true},
                           {{6, 100}, {100, 6}, {25, 25}, {70, 80}, {1, 25}, {}, {0, 4}, {9}});
}
