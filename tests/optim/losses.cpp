#include <lowtide/autodiff.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/linalg/random.h>
#include <lowtide/optim/losses.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace lowtide;
using boost::test_tools::tolerance;

namespace {

const Misfit kinds[] = {{}, {.kind = Misfit::Kind::absolute}, {.kind = Misfit::Kind::charbonnier, .delta = .3}};

double term(const Misfit& m, double d) {
  if (m.kind == Misfit::Kind::squares) return d * d;
  if (m.kind == Misfit::Kind::absolute) return std::abs(d);
  return std::sqrt(d * d + m.delta * m.delta) - m.delta;
}

}  // namespace

BOOST_AUTO_TEST_CASE(misfits_are_their_formulas) {
  Stream stream(1, "misfit");
  const Tensor a = stream.normal({7, 3}, Dtype::f64), y = stream.normal({7, 3}, Dtype::f64),
               w = stream.uniform({7}, Dtype::f64, .5, 2);
  for (const Misfit& m : kinds) {
    double numerator = 0, denominator = 0, weighted = 0, weight = 0;
    for (std::int64_t i = 0; i < 21; ++i) {
      const double d = term(m, a.at(i) - y.at(i)),
                   size = m.kind == Misfit::Kind::squares ? y.at(i) * y.at(i) : std::abs(y.at(i));
      numerator += d;
      denominator += size;
      weighted += w.at(i / 3) * d;
      weight += w.at(i / 3) * size;
    }
    BOOST_TEST(m.numerator(Var(a), Var(y)).item() == numerator, tolerance(1e-13));
    BOOST_TEST(m.denominator(y) == denominator, tolerance(1e-13));
    BOOST_TEST(misfit(m, Var(a), y).item() == numerator / denominator, tolerance(1e-13));
    BOOST_TEST(misfit(m, Var(a), y, w).item() == weighted / weight, tolerance(1e-13));
    BOOST_TEST(misfit(m, Var(a), y, w.reshaped({7, 1})).item() == weighted / weight, tolerance(1e-13));
    // One field as a vector.
    const Tensor b = a.reshaped({21}), z = y.reshaped({21});
    BOOST_TEST(misfit(m, Var(b), z, ones({21}, Dtype::f64)).item() == numerator / denominator,
               tolerance(1e-13));
    // Differences must not step over the kink of q = 1.
    const Tensor away = value([](const Vars& x) { return x[0] + select(greater(x[0], x[1]), x[2], -x[2]); },
                              {y, zeros(y.shape, Dtype::f64), ones(y.shape, Dtype::f64)});
    const CheckReport report = check([&](const Vars& x) { return misfit(m, x[0], y, w); }, {away},
                                     {.label = "misfit", .smooth = false, .in_f32 = false});
    BOOST_TEST(report.ok(), report.text());
  }
}

BOOST_AUTO_TEST_CASE(charbonnier_keeps_its_digits_where_the_misfit_is_small) {
  const Misfit m{.kind = Misfit::Kind::charbonnier, .delta = .1};
  const double d = 1e-5;
  const double got = m.numerator(Var(full({1, 1}, d, Dtype::f32)), Var(zeros({1, 1}, Dtype::f32))).item();
  BOOST_TEST(got == d * d / .2, tolerance(1e-5));  // by difference it would be 0 in f32
}

BOOST_AUTO_TEST_CASE(misfits_add_up_over_tiles_with_the_same_bits_on_any_number_of_threads) {
  Stream stream(2, "misfit");
  const Tensor y = stream.normal({5000, 2}, Dtype::f32), w = stream.uniform({5000}, Dtype::f32, .5, 2);
  const Tensors theta = {stream.normal({5000, 2}, Dtype::f32)};
  for (const Misfit& m : kinds) {
    const double scale = 1 / m.denominator(y, w);
    const auto loss = [&](const Vars& p) {
      const Var a = p[0];
      return sum_over_tiles(Tiles{5000, 300}, p,
                            [=](const Vars& q, const Tile& tile) {
                              return m.numerator(slice(q[0], 0, tile.begin, tile.end), Var(tile.rows(y)),
                                                 Var(tile.rows(w)));
                            }) *
             scale;
    };
    const auto whole = value_and_grad([&](const Vars& p) { return misfit(m, p[0], y, w); }, theta);
    ValueAndGradient first;
    for (const int threads : {1, 2, 4}) {
      const ThreadLimit limit(threads);
      const auto tiled = value_and_grad(loss, theta);
      BOOST_TEST(tiled.value == whole.value, tolerance(1e-5));
      if (threads == 1) first = tiled;
      BOOST_TEST(same_bits(tiled.gradient[0], first.gradient[0]));
      BOOST_TEST(tiled.value == first.value);
    }
    for (std::int64_t i = 0; i < 100; ++i)
      BOOST_TEST(first.gradient[0].at(i) == whole.gradient[0].at(i), tolerance(1e-4));
  }
}

BOOST_AUTO_TEST_CASE(misfits_refuse_what_does_not_fit) {
  const Var a(zeros({4, 1}, Dtype::f64)), y(ones({4}, Dtype::f64));
  const Misfit m;
  BOOST_CHECK_THROW(m.numerator(a, y), ShapeError);  // would broadcast to (4,4)
  BOOST_CHECK_THROW(m.numerator(a, a, Var(ones({3}, Dtype::f64))), ShapeError);
  BOOST_CHECK_THROW(m.denominator(ones({4, 2}, Dtype::f64), ones({4, 2}, Dtype::f64)), ShapeError);
  BOOST_CHECK_THROW(misfit(m, a, zeros({4, 1}, Dtype::f64)), Error);
  const Misfit sharp{.kind = Misfit::Kind::charbonnier, .delta = 0};
  BOOST_CHECK_THROW(sharp.numerator(a, a), Error);
}

BOOST_AUTO_TEST_CASE(sparsity_penalty_is_4_7) {
  Stream stream(3, "sparse");
  const Tensor s = stream.normal({2, 12}, Dtype::f64);
  const double gamma = 1.05;
  const auto direct = [&](std::span<const std::int64_t> blocks) {
    double total = 0;
    for (std::int64_t t = 0; t < 2; ++t) {
      std::int64_t begin = 12 * t;
      for (const std::int64_t b : blocks) {
        for (std::int64_t j = 0; j + 1 < b; ++j)
          total += std::max(0.0, gamma * s.at(begin + j + 1) - s.at(begin + j));
        begin += b;
      }
    }
    return total;
  };
  const std::vector<std::int64_t> even = {4, 4, 4}, uneven = {5, 1, 4, 2};
  BOOST_TEST(sparsity_penalty(Var(s), 4, gamma).item() == direct(even), tolerance(1e-13));
  BOOST_TEST(sparsity_penalty(Var(s), even, gamma).item() == direct(even), tolerance(1e-13));
  BOOST_TEST(sparsity_penalty(Var(s), uneven, gamma).item() == direct(uneven), tolerance(1e-13));
  BOOST_TEST(sparsity_penalty(Var(s.reshaped({24})), 4, gamma).item() == direct(even), tolerance(1e-13));
  // Zero exactly where each block falls by gamma at least; blocks do not see each other.
  const Var falling(from({4}, {1.0, .9, 7.0, 6.0}));
  BOOST_TEST(sparsity_penalty(falling, 2, gamma).item() == 0);
  BOOST_TEST(sparsity_penalty(falling, 4, gamma).item() == gamma * 7 - .9, tolerance(1e-14));
  for (const auto& blocks : {even, uneven}) {
    const CheckReport report = check([&](const Vars& x) { return sparsity_penalty(x[0], blocks, gamma); }, {s},
                                     {.label = "sparse", .smooth = false});
    BOOST_TEST(report.ok(), report.text());
  }
  BOOST_CHECK_THROW(sparsity_penalty(Var(s), 5, gamma), ShapeError);
  BOOST_CHECK_THROW(sparsity_penalty(Var(s), 24, gamma), ShapeError);
  BOOST_CHECK_THROW(sparsity_penalty(Var(s), std::vector<std::int64_t>{4, 4}, gamma), ShapeError);
}

BOOST_AUTO_TEST_CASE(orthogonality_penalty_is_4_9) {
  Stream stream(4, "ortho");
  const Tensors factors = {stream.normal({3, 8}, Dtype::f64, 0, .5), stream.normal({4, 1}, Dtype::f64, 0, .5),
                           stream.normal({5, 2}, Dtype::f64, 0, .5)};
  double columns = 0, smaller = 0;
  for (const Tensor& a : factors) {
    const std::int64_t r = a.shape[0], m = a.shape[1];
    double term = 0, other = 0;
    for (std::int64_t i = 0; i < r; ++i)
      for (std::int64_t j = 0; j < r; ++j) {  // column i of the paper's A against column j
        double product = i == j ? -1 : 0;
        for (std::int64_t k = 0; k < m; ++k) product += a.at(i * m + k) * a.at(j * m + k);
        term += product * product;
      }
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < m; ++j) {
        double product = i == j ? -1 : 0;
        for (std::int64_t k = 0; k < r; ++k) product += a.at(k * m + i) * a.at(k * m + j);
        other += product * product;
      }
    columns += term / static_cast<double>(r * m);
    smaller += (m < r ? other : term) / static_cast<double>(r * m);
  }
  for (const Gram gram : {Gram::columns, Gram::smaller}) {
    const auto f = [&](const Vars& x) { return orthogonality_penalty(x, gram); };
    BOOST_TEST(value(f, factors).item() == (gram == Gram::columns ? columns : smaller), tolerance(1e-13));
    const CheckReport report = check(f, factors, {.label = "ortho"});
    BOOST_TEST(report.ok(), report.text());
  }
  BOOST_CHECK_THROW(orthogonality_penalty({}), ShapeError);
}

// Orthonormal columns where there is room for them, orthonormal rows of the paper's A where there is not:
// the penalty is at its floor, its gradient vanishes, and a step away raises it.
BOOST_AUTO_TEST_CASE(orthogonality_penalty_has_the_floor_that_is_stated) {
  Stream stream(5, "floor");
  const Tensor tall = transposed(qr(stream.normal({8, 3}, Dtype::f64)).q),  // (3,8)
      wide = qr(stream.normal({6, 2}, Dtype::f64)).q;                       // (6,2)
  const std::vector<Shape> shapes = {tall.shape, wide.shape};
  const auto f = [](const Vars& x) { return orthogonality_penalty(x); };
  const auto [least, gradient] = value_and_grad(f, {tall, wide});
  BOOST_TEST(orthogonality_floor(shapes) == 4.0 / 12);
  BOOST_TEST(least == 4.0 / 12, tolerance(1e-13));
  BOOST_TEST(norm(flatten(gradient)) < 1e-13);
  for (int k = 0; k < 20; ++k) {
    const Tensors near = {value([](const Vars& x) { return x[0] + x[1]; },
                                {tall, stream.normal(tall.shape, Dtype::f64, 0, 1e-3)}),
                          value([](const Vars& x) { return x[0] + x[1]; },
                                {wide, stream.normal(wide.shape, Dtype::f64, 0, 1e-3)})};
    BOOST_TEST(value(f, near).item() > least);
  }
  const auto g = [](const Vars& x) { return orthogonality_penalty(x, Gram::smaller); };
  BOOST_TEST(std::abs(value(g, {tall, wide}).item()) < 1e-13);
  // The two floors of Table 1's Euler network: V of the first layer and U of the last, r = 150.
  BOOST_TEST(orthogonality_floor(std::vector<Shape>{{150, 1}}) == 149.0 / 150, tolerance(1e-14));
  BOOST_TEST(orthogonality_floor(std::vector<Shape>{{150, 1200}}) == 0);
}

// The sum of log(1 + s^2 / delta) over the singular values of the blocks, whatever their shape, with its
// gradient.
BOOST_AUTO_TEST_CASE(rank_penalty_is_that_of_singular_values) {
  const Tensor w = Stream(1, "w").normal({7, 10}, Dtype::f64);
  for (const std::int64_t grid : {1, 3, 100}) {
    const std::int64_t cuts = std::min<std::int64_t>(grid, 7);
    double expected = 0;
    for (std::int64_t i = 0; i < cuts; ++i)
      for (std::int64_t j = 0; j < cuts; ++j) {
        const Tensor rows = w.rows(i * 7 / cuts, (i + 1) * 7 / cuts);
        const Tensor block = slice(Var(rows), 1, j * 10 / cuts, (j + 1) * 10 / cuts).value();
        for (const double s : to_vector(svd(block).s)) expected += std::log(1 + s * s / .3);
      }
    const auto f = [&](const Vars& x) { return rank_penalty(x[0], grid, .3); };
    BOOST_TEST(value(f, {w}).item() == expected, tolerance(1e-12));
    const CheckReport report = check(f, {w}, {"rank penalty"});
    BOOST_TEST(report.ok(), report.text());
  }
}
