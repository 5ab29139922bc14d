// Derivatives of derivatives, against each other, against mathematics, and against differences.
#include <lowtide/linalg/krylov.h>
#include <lowtide/linalg/matrix.h>

#include <functional>

#include "networks.h"

namespace lowtide::test {
namespace {

// The derivative of g at xs along vs: central differences of fourth order.
Tensor difference(const std::function<Tensor(const Tensors&)>& g, const Tensors& xs, const Tensors& vs,
                  double h = 1e-3) {
  const auto at = [&](double s) {
    Tensors moved;
    for (std::size_t k = 0; k < xs.size(); ++k) moved.push_back((Var(xs[k]) + s * Var(vs[k])).peek());
    return Var(g(moved));
  };
  return ((8.0 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)).peek();
}

Tensors unit(const Tensors& xs, std::int64_t i) {
  std::int64_t n = 0;
  for (const Tensor& x : xs) n += x.size();
  Tensor flat = zeros({n}, xs[0].dtype);
  flat.mutable_data<double>()[i] = 1;
  return unflatten(flat, xs);
}

// A scalar of second order or more of the loss, by sweeps that all are recorded.
Var third(const Var& loss, const Vars& xs, const Vars& vs) {
  return push(push(loss, xs, vs, Graph::keep), xs, vs, Graph::keep);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(compositions)

BOOST_AUTO_TEST_CASE(hessian_of_a_network_by_four_nestings) {
  const Tensors params = dense({2, 4, 3, 1});
  const Tensor points = uniform({6, 2}, "points");
  const auto loss = [&](const Vars& p) { return sum(square(tanh(run(p, Var(points), tanh)) - 0.3)); };
  const std::int64_t n = flatten(params).size();

  Tape tape;
  const Vars xs = leaves_on(tape, params);
  const Var y = loss(xs);
  const Vars slope = gradient(y, xs, Graph::keep);
  Tensor hessian[4] = {zeros({n, n}, Dtype::f64), zeros({n, n}, Dtype::f64), zeros({n, n}, Dtype::f64),
                       zeros({n, n}, Dtype::f64)};
  double worst_hvp = 0, worst_difference = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const Tensors direction = unit(params, i);
    const Vars e = constants(direction);
    const Var ydot = push(y, xs, e, Graph::keep);
    const auto row = [&](int k, const Tensor& flat) {
      std::copy_n(flat.data<double>(), n, hessian[k].mutable_data<double>() + i * n);
    };
    for (std::int64_t j = 0; j < n; ++j)
      hessian[0].mutable_data<double>()[i * n + j] = push(ydot, xs, constants(unit(params, j))).peek().item();
    row(1, flatten(values(gradient(ydot, xs))));  // pull of push
    row(2, flatten(values(push(slope, xs, e))));  // push of pull
    row(3, flatten(values(pull(slope, e, xs))));  // pull of pull
    const auto product = hvp(loss, params, direction);
    worst_hvp = std::max(worst_hvp, gap(flatten(product.product), hessian[0].rows(i, i + 1).reshaped({n})));
    if (i % 5) continue;
    const auto gradient_at = [&](const Tensors& at) { return flatten(value_and_grad(loss, at).gradient); };
    worst_difference =
        std::max(worst_difference, gap(flatten(product.product), difference(gradient_at, params, direction)));
  }
  for (int k = 1; k < 4; ++k) BOOST_TEST(gap(hessian[k], hessian[0]) < 1e-10, "nesting " << k);
  for (int k = 0; k < 4; ++k) BOOST_TEST(gap(transposed(hessian[k]), hessian[k]) < 1e-10, "symmetry " << k);
  BOOST_TEST(worst_hvp < 1e-10);
  BOOST_TEST(worst_difference < 1e-8);
  BOOST_TEST_MESSAGE(n << "x" << n << " Hessian: nestings differ by " << gap(hessian[1], hessian[0]) << ", "
                       << gap(hessian[2], hessian[0]) << ", " << gap(hessian[3], hessian[0])
                       << "; differences by " << worst_difference);
}

// u = c . sin(w0 (x A + b)) has the Laplacian -w0^2 sum_j c_j |a_j|^2 sin(.).
BOOST_AUTO_TEST_CASE(laplacian_of_a_siren) {
  constexpr double w0 = 30;
  for (const Dtype dtype : {Dtype::f64, Dtype::f32}) {
    const Tensors params = dense({2, 16, 1}, dtype);
    const Tensor points = uniform({9, 2}, "points", dtype);
    Tape tape;
    const Var x = tape.leaf(points);
    const Var u = run(constants(params), x, [](const Var& z) { return sin(w0 * z); });
    Var laplacian = zeros(u.shape(), dtype);
    for (std::int64_t k = 0; k < 2; ++k) {
      Tensor e = zeros(points.shape, Dtype::f64);
      for (std::int64_t i = 0; i < 9; ++i) e.mutable_data<double>()[2 * i + k] = 1;
      const Var along(e.cast(dtype));
      laplacian = laplacian + push(push(u, x, along, Graph::keep), x, along);
    }
    const Tensor a = params[0].cast(Dtype::f64), b = params[1].cast(Dtype::f64), c = params[2].cast(Dtype::f64),
                 p = points.cast(Dtype::f64);
    Tensor exact = zeros({9, 1}, Dtype::f64);
    for (std::int64_t i = 0; i < 9; ++i)
      for (std::int64_t j = 0; j < 16; ++j) {
        const double a0 = a.at(j), a1 = a.at(16 + j);
        exact.mutable_data<double>()[i] -= w0 * w0 * c.at(j) * (a0 * a0 + a1 * a1) *
                                           std::sin(w0 * (p.at(2 * i) * a0 + p.at(2 * i + 1) * a1 + b.at(j)));
      }
    const double error = gap(laplacian.peek().cast(Dtype::f64), exact);
    BOOST_TEST(error < (dtype == Dtype::f64 ? 1e-12 : 1e-4));
    BOOST_TEST_MESSAGE("Laplacian of a SIREN in " << name_of(dtype) << ": relative error " << error);
  }
}

// Two hidden layers, by the chain rule written out: s = w0 (z B + c), z = sin(w0 (x A + b)).
BOOST_AUTO_TEST_CASE(second_derivative_of_a_deeper_siren) {
  constexpr double w0 = 5;
  constexpr std::int64_t width = 7;
  const Tensors params = dense({1, width, width, 1});
  const Tensor points = uniform({11, 1}, "points");
  Tape tape;
  const Var x = tape.leaf(points), one = ones_like(x);
  const Var u = run(constants(params), x, [](const Var& z) { return sin(w0 * z); });
  const Var u_x = push(u, x, one, Graph::keep);
  const Tensor by_push = push(u_x, x, one).peek();
  const Tensor by_pull = pull(u_x, one, x).peek();  // rows do not mix
  Tensor exact({11, 1}, Dtype::f64);
  for (std::int64_t i = 0; i < 11; ++i) {
    double sum = 0;
    for (std::int64_t k = 0; k < width; ++k) {
      double s = params[3].at(k), ds = 0, dds = 0;
      for (std::int64_t j = 0; j < width; ++j) {
        const double a = params[0].at(j), z = w0 * (points.at(i) * a + params[1].at(j)),
                     b = params[2].at(j * width + k);
        s += b * std::sin(z), ds += b * w0 * a * std::cos(z), dds -= b * w0 * a * w0 * a * std::sin(z);
      }
      s *= w0, ds *= w0, dds *= w0;
      sum += params[4].at(k) * (std::cos(s) * dds - std::sin(s) * ds * ds);
    }
    exact.mutable_data<double>()[i] = sum;
  }
  BOOST_TEST(gap(by_push, exact) < 1e-12);
  BOOST_TEST(gap(by_pull, exact) < 1e-12);
}

BOOST_AUTO_TEST_CASE(gradient_of_a_physics_loss) {
  const Tensors params = dense({2, 6, 5, 1});
  const Tensor points = uniform({8, 2}, "collocation");
  const auto loss = [&](const Vars& p) { return burgers(p, points); };
  const Tensor slope = flatten(value_and_grad(loss, params).gradient);
  const auto at = [&](const Tensors& p) {
    const Tape tape;
    return loss(constants(p)).peek();
  };
  double worst = 0;
  for (std::int64_t i = 0; i < slope.size(); ++i)
    worst = std::max(worst, std::abs(difference(at, params, unit(params, i)).item() - slope.at(i)));
  BOOST_TEST(worst < 1e-9 * max_abs(slope));
  BOOST_TEST_MESSAGE("PINN gradient against differences: " << worst / max_abs(slope) << " of the largest");
  const CheckReport report = check(loss, params);  // to third order, of derivatives of second order
  BOOST_TEST(report.ok(), report.text());
}

BOOST_AUTO_TEST_CASE(linearization_again_and_again) {
  const Tensors params = dense({2, 5, 3});
  const Tensor points = uniform({4, 2}, "points");
  const auto f = [&](const Vars& p) { return sin(run(p, Var(points), tanh)); };
  const Linearization linear(f, params);
  for (int round = 0; round < 3; ++round) {
    const Tensors v = uniform_like(params, round == 1 ? "other" : "v");
    const Tensor w = uniform({4, 3}, round == 1 ? "other w" : "w");
    const auto tangent = jacobian_vector(f, params, v);
    const auto pulled = vector_jacobian(f, params, w);
    BOOST_TEST(same_bits(linear.value(), tangent.value));
    BOOST_TEST(same_bits(linear.push(v), tangent.tangent));
    const Tensors cotangents = linear.pull(w);
    for (std::size_t k = 0; k < params.size(); ++k) BOOST_TEST(same_bits(cotangents[k], pulled.cotangents[k]));
    BOOST_TEST(std::abs(inner(w, linear.push(v)) - inner(cotangents, v)) < 1e-13);
    const auto at = [&](const Tensors& p) { return f(constants(p)).peek(); };
    BOOST_TEST(gap(linear.push(v), difference(at, params, v)) < 1e-9);
  }
  // J(2 v) = 2 J v, and other tapes in between do no harm.
  const Tensors v = uniform_like(params, "v");
  const Tensor once = linear.push(v);
  hvp([](const Vars& x) { return sum(exp(x[0])); }, {v[0]}, {v[0]});
  Tensors doubled;
  for (const Tensor& t : v) doubled.push_back((2.0 * Var(t)).peek());
  BOOST_TEST(gap(linear.push(doubled), (2.0 * Var(once)).peek()) < 1e-14);
}

// (JT J + mu I) x = b by conjugate gradients, against the dense matrix of J column by column.
BOOST_AUTO_TEST_CASE(linearization_in_a_krylov_solver) {
  const Tensors params = dense({2, 3, 2});
  const Tensor points = uniform({4, 2}, "points");
  const Linearization linear([&](const Vars& p) { return run(p, Var(points), tanh); }, params);
  const LinOp J = linear.op();
  Tensor matrix({J.rows, J.cols}, Dtype::f64);
  for (std::int64_t k = 0; k < J.cols; ++k) {
    Tensor unit = zeros({J.cols}, Dtype::f64);
    unit.mutable_data<double>()[k] = 1;
    const Tensor column = times(J, unit);
    for (std::int64_t i = 0; i < J.rows; ++i) matrix.mutable_data<double>()[i * J.cols + k] = column.at(i);
  }
  const Tensor b = uniform({J.cols}, "b");
  const PcgResult solved = pcg(shifted(product(transposed(J), J), 0.1), b, {.tolerance = 1e-12});
  BOOST_TEST(solved.converged);
  const Tensor left = multiply(matrix, multiply(matrix, solved.x), Trans::yes);
  for (std::int64_t k = 0; k < J.cols; ++k)
    BOOST_TEST(std::abs(left.at(k) + 0.1 * solved.x.at(k) - b.at(k)) < 1e-10);
}

// A linearization that lives on is not what later variables are written on.
BOOST_AUTO_TEST_CASE(linearization_steps_aside) {
  const Tensors x = {uniform({3}, "x")};
  const Linearization linear([](const Vars& v) { return sin(v[0]); }, x);
  BOOST_CHECK_THROW(variable(x[0]), TapeError);
  BOOST_TEST(same_bits(linear.push(x), linear.push(x)));
}

// A physics loss without derivatives in its parameters: variable() finds a tape.
BOOST_AUTO_TEST_CASE(value_of_a_function_with_variables) {
  const auto slope = [](const Vars& a) {
    const Var x = variable(from({2}, {0.1, 0.2}));
    return push(a[0] * square(x), x, Var(ones({2}, Dtype::f64)), Graph::keep);
  };
  const Tensor y = value(slope, {from({}, {3})});
  BOOST_TEST(std::abs(y.at(0) - 0.6) < 1e-15);
  BOOST_TEST(std::abs(y.at(1) - 1.2) < 1e-15);
}

// y = f(x, h(x)) with respect to x and h: total derivatives, in both sweeps.
BOOST_AUTO_TEST_CASE(overlapping_variables) {
  const Tensor x0 = uniform({5}, "x"), dx = uniform({5}, "dx"), dh = uniform({5}, "dh"),
               ybar = uniform({5}, "ybar");
  Tape tape;
  const Var x = tape.leaf(x0), h = sin(2.0 * x), y = exp(x * h) + square(h);
  // ydot = (h dx + x hdot) exp(x h) + 2 h hdot with hdot = dh + 2 cos(2 x) dx
  const Var hdot = Var(dh) + 2.0 * cos(2.0 * Var(x0)) * Var(dx), h0(h.peek()), e = exp(Var(x0) * h0);
  const Tensor exact = ((h0 * Var(dx) + Var(x0) * hdot) * e + 2.0 * h0 * hdot).peek();
  for (const bool turned : {false, true})
    for (const Graph graph : {Graph::drop, Graph::keep}) {
      const Vars xs = turned ? Vars{h, x} : Vars{x, h};
      const Vars xdots = turned ? Vars{dh, dx} : Vars{dx, dh};
      const Var ydot = push(y, xs, xdots, graph);
      const Vars bars = pull(y, ybar, xs, graph);
      BOOST_TEST(gap(ydot.peek(), exact) < 1e-14);
      BOOST_TEST(std::abs(inner(ybar, ydot.peek()) - inner(values(bars), values(xdots))) < 1e-13);
    }
  // The same variable twice moves by the sum; each gets the whole cotangent.
  BOOST_TEST(gap(push(y, {x, x}, {Var(dx), Var(dx)}).peek(), (2.0 * push(y, x, Var(dx))).peek()) < 1e-14);
  const Vars twice = pull(y, Var(ybar), Vars{x, x});
  BOOST_TEST(same_bits(twice[0].peek(), twice[1].peek()));
  BOOST_TEST(std::abs(inner(ybar, push(y, {x, x}, {Var(dx), Var(dh)}).peek()) - inner(twice[0].peek(), dx) -
                      inner(twice[1].peek(), dh)) < 1e-13);
  // A result among the variables, a variable among the results.
  BOOST_TEST(same_bits(pull(y, Var(ybar), y).peek(), ybar));
  BOOST_TEST(same_bits(push(x, x, Var(dx)).peek(), dx));
  BOOST_TEST(max_abs(pull(x, Var(ybar), h).peek()) == 0);
  BOOST_TEST(max_abs(push(x, h, Var(dh)).peek()) == 0);
}

BOOST_AUTO_TEST_CASE(several_results_at_once) {
  const Tensor x0 = uniform({3}, "x"), xdot = uniform({3}, "xdot"), a = uniform({3}, "a"), b = uniform({}, "b");
  Tape tape;
  const Var x = tape.leaf(x0), y = sin(x), z = sum(y * x);
  const Vars dots = push(Vars{y, z}, Vars{x}, Vars{xdot});
  const Var both = pull(Vars{y, z}, Vars{a, b}, Vars{x})[0];
  BOOST_TEST(same_bits(dots[0].peek(), push(y, x, Var(xdot)).peek()));
  // One result twice, with a cotangent each.
  BOOST_TEST(gap(pull(Vars{y, y}, Vars{a, xdot}, Vars{x})[0].peek(), pull(y, Var(a) + Var(xdot), x).peek()) <
             1e-15);
  BOOST_TEST(gap(both.peek(), (pull(y, Var(a), x) + pull(z, Var(b), x)).peek()) < 1e-15);
  BOOST_TEST(std::abs(inner(both.peek(), xdot) - inner(a, dots[0].peek()) - inner(b, dots[1].peek())) < 1e-14);
}

// One physics loss, all points at once and tile by tile.
BOOST_AUTO_TEST_CASE(tiled_is_untiled) {
  const Tensors params = dense({2, 6, 5, 1}), v = uniform_like(params, "v");
  const Tensor points = uniform({23, 2}, "collocation");
  const auto whole = [&](const Vars& p) { return burgers(p, points); };
  const auto tiled = [&](const Vars& p) {
    return sum_over_tiles(Tiles{23, 5}, p,
                          [points](const Vars& q, const Tile& tile) { return burgers(q, tile.rows(points)); });
  };
  const auto one = value_and_grad(whole, params), many = value_and_grad(tiled, params);
  BOOST_TEST(gap(many.value, one.value) < 1e-14);
  BOOST_TEST(gap(many.gradient, one.gradient) < 1e-13);
  const auto product = hvp(whole, params, v);
  const auto tiled_product = hvp(tiled, params, v);  // push of pull
  BOOST_TEST(gap(tiled_product.value, product.value) < 1e-14);
  BOOST_TEST(gap(tiled_product.gradient, product.gradient) < 1e-13);
  BOOST_TEST(gap(tiled_product.product, product.product) < 1e-12);

  const auto nested = [&](Function f, auto order) {
    Tape tape;
    const Vars xs = leaves_on(tape, params);
    return values(gradient(order(f(xs), xs, constants(v)), xs));
  };
  const auto pull_of_push = [](const Var& y, const Vars& xs, const Vars& u) {
    return push(y, xs, u, Graph::keep);
  };
  BOOST_TEST(gap(nested(tiled, pull_of_push), product.product) < 1e-12);
  const auto pull_of_pull = [](const Var& y, const Vars& xs, const Vars& u) {
    const Vars slope = gradient(y, xs, Graph::keep);
    Var along = dot(slope[0], u[0]);
    for (std::size_t k = 1; k < xs.size(); ++k) along = along + dot(slope[k], u[k]);
    return along;
  };
  BOOST_TEST(gap(nested(tiled, pull_of_pull), product.product) < 1e-12);
  const Tensors expected = nested(whole, &third);
  BOOST_TEST(gap(nested(tiled, &third), expected) < 1e-11);
  BOOST_TEST(std::sqrt(inner(expected, expected)) > 1);  // and says something
  BOOST_TEST_MESSAGE("tiled against untiled: gradient " << gap(many.gradient, one.gradient) << ", hvp "
                                                        << gap(tiled_product.product, product.product)
                                                        << ", third " << gap(nested(tiled, &third), expected));
}

// Arguments beside the parameters, constants among the arguments, and a sum that is scaled.
BOOST_AUTO_TEST_CASE(tiles_within_a_larger_function) {
  const Tensors params = dense({2, 4, 1});
  const Tensor points = uniform({17, 2}, "points");
  const auto f = [&](std::int64_t per_tile) {
    return [=](const Vars& p) {
      const Var scale = exp(p[1]);
      Vars args = p;
      args.push_back(scale);                            // depends on a parameter
      args.push_back(uniform({1}, "c", p[0].dtype()));  // a constant
      const Var s = sum_over_tiles(Tiles{17, per_tile}, args, [points](const Vars& q, const Tile& tile) {
        return sum(square(run({q[0], q[1] * q[4], q[2], q[3]}, Var(tile.rows(points).cast(q[0].dtype())), sin) *
                          q[5]));
      });
      return sum(p[2]) * log(1.0 + s) + dot(scale, p[1]);
    };
  };
  const CheckReport report = check(f(4), params);
  BOOST_TEST(report.ok(), report.text());
  BOOST_TEST(gap(value_and_grad(f(4), params).gradient, value_and_grad(f(17), params).gradient) < 1e-13);
}

BOOST_AUTO_TEST_CASE(tiles_within_tiles) {
  const Tensors params{uniform({3}, "p")};
  const Tensor points = uniform({6, 3}, "points");
  const auto f = [&](const Vars& p) {
    return sum_over_tiles(Tiles{6, 2}, p, [points](const Vars& q, const Tile& outer) {
      const Tensor mine = outer.rows(points).cast(q[0].dtype());
      return square(sum_over_tiles(Tiles{mine.shape.rows(), 1}, q, [mine](const Vars& r, const Tile& tile) {
        return sum(sin(r[0] * Var(tile.rows(mine))));
      }));
    });
  };
  const CheckReport report = check(f, params);
  BOOST_TEST(report.ok(), report.text());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
