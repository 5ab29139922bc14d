#include <lowtide/autodiff.h>
#include <lowtide/models/lrnr.h>

#include <boost/test/unit_test.hpp>

using namespace lowtide;

BOOST_AUTO_TEST_SUITE(lrnr_suite)

const Lrnr model{.in = 1, .out = 1, .width = 6, .depth = 3, .rank = 2, .hyper_width = 4, .hyper_depth = 3};

// The dense network with W = U diag(s1) VT and b = B s2, assembled outside.
BOOST_AUTO_TEST_CASE(is_the_dense_network_it_stands_for) {
  const Tensors theta = model.init(Stream(1, "lrnr"), Dtype::f64);
  const Vars p(theta.begin(), theta.end());
  Stream stream(1, "points");
  const Var x(stream.uniform({5, 1}, Dtype::f64, -1, 1)), t(from({1, 1}, {0.3}));
  const Var s = model.coefficients_at(p, t);
  Var z = x;
  for (std::int64_t l = 0; l < 3; ++l) {
    const Var *u = &p[static_cast<std::size_t>(3 * l)], *v = u + 1, *b = u + 2;
    const Var s1 = reshape(slice(s, 0, 4 * l, 4 * l + 2), {2, 1}), s2 = slice(s, 0, 4 * l + 2, 4 * l + 4);
    const Var w = matmul(*v, s1 * *u, Trans::yes);
    z = matmul(z, w) + sum(reshape(s2, {2, 1}) * *b, 0);
    if (l < 2) z = tanh(z);
  }
  const Var y = model(p, x, s);
  BOOST_TEST(max_abs((y - z).value()) <= 1e-14 * max_abs(y.value()) + 1e-15);
}

BOOST_AUTO_TEST_CASE(derivatives_of_the_whole_model) {
  Stream stream(1, "points");
  const Tensor x = stream.uniform({3, 1}, Dtype::f64, -1, 1), u = stream.uniform({3, 1}, Dtype::f64, -1, 1);
  const auto loss = [&](const Vars& p) {
    const Var s = model.coefficients_at(p, Var(from({1, 1}, {0.3}).cast(p[0].dtype())));
    return sum(square(model(p, Var(x.cast(p[0].dtype())), s) - Var(u.cast(p[0].dtype()))));
  };
  const CheckReport report = check(loss, model.init(Stream(1, "lrnr"), Dtype::f64), {"lrnr"});
  BOOST_TEST(report.ok(), report.text());
}

// Factors of Table 1's Euler row: M = 1200, r = 150, L = 5, one input and one output.
BOOST_AUTO_TEST_CASE(has_the_parameters_of_table_1) {
  const Lrnr euler{.in = 1, .out = 1, .width = 1200, .depth = 5, .rank = 150};
  const Tensors theta = euler.init(Stream(1, "lrnr"));
  std::int64_t factors = 0, all = 0;
  for (std::size_t k = 0; k < theta.size(); ++k) (k < 15 ? factors : all) += theta[k].size();
  BOOST_TEST(factors == 2160450);
  BOOST_TEST(factors + all == 2200800);
  BOOST_TEST(euler.coefficients() == 1500);
}

BOOST_AUTO_TEST_SUITE_END()
