#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/quantized.h>
#include <lowtide/models/about_svd.h>
#include <lowtide/models/mlp_xt.h>

#include "check_model.h"

using namespace lowtide;
using Kind = WeightForm::Kind;
using Middle = WeightForm::Middle;

namespace {

Tensor some_weight(std::int64_t in, std::int64_t out) {
  return Stream(1, "weight").normal({in, out}, Dtype::f64);
}

Tensor difference(const Tensor& a, const Tensor& b) { return (Var(a) - Var(b)).value(); }

// |W - what the form makes of it|
double error_of(const WeightForm& form, const Tensor& w) {
  return norm(difference(weight_of(form, parameters_for(form, w, Stream(1, "x")), w.shape[0], w.shape[1]), w));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(weight_form_suite)

BOOST_AUTO_TEST_CASE(parameters_are_the_nearest) {
  const Tensor w = some_weight(20, 31), s = svd(w).s;
  for (const Middle middle : {Middle::none, Middle::diagonal, Middle::full}) {
    BOOST_TEST(error_of(form_asked("thin", w, middle), w) < 1e-12 * norm(w));
    double tail = 0;
    for (std::int64_t j = 7; j < s.size(); ++j) tail += s.at(j) * s.at(j);
    BOOST_TEST(error_of(form_asked("rank:7", w, middle), w) == std::sqrt(tail),
               boost::test_tools::tolerance(1e-10));
  }
  const WeightForm some = form_asked("tol:4", w, Middle::diagonal);
  BOOST_TEST(s.at(some.rank - 1) >= 4);
  BOOST_TEST(s.at(some.rank) < 4);

  const WeightForm sparse = form_asked("prune:.25", w, Middle::none);
  BOOST_TEST(std::ssize(*sparse.places) == 155);
  double least_kept = 1e300, largest_dropped = 0;
  const Tensor pruned = weight_of(sparse, parameters_for(sparse, w, Stream()), 20, 31);
  for (std::int64_t i = 0; i < w.size(); ++i)
    if (pruned.at(i) == w.at(i))
      least_kept = std::min(least_kept, std::abs(w.at(i)));
    else
      largest_dropped = std::max(largest_dropped, std::abs(w.at(i)));
  BOOST_TEST(least_kept >= largest_dropped);

  const double rounding = error_of(form_asked("int8", w, Middle::none), w);
  BOOST_TEST(rounding <= quantized(w).error_bound());
  BOOST_TEST(rounding > .1 * quantized(w).error_bound());

  const Tensor large = some_weight(70, 80);
  const WeightForm blocks = form_asked("hmatrix:40", large, Middle::none);
  BOOST_TEST(blocks.blocks->blocks.size() > 4u);
  BOOST_TEST(error_of(blocks, large) < 1e-12 * norm(large));
}

// Of the layer of ANN-SVD, 50 x 70: what is called thin takes more numbers than W.
BOOST_AUTO_TEST_CASE(numbers_of_the_svd_layer) {
  const Tensor w = some_weight(50, 70);
  const auto count = [&](const char* request, Middle middle) {
    return form_asked(request, w, middle).entries(50, 70);
  };
  BOOST_TEST(count("dense", Middle::full) == 3500);
  BOOST_TEST(count("thin", Middle::full) == 8500);
  BOOST_TEST(count("thin", Middle::diagonal) == 6050);
  BOOST_TEST(count("rank:3", Middle::full) == 369);
  BOOST_TEST(count("rank:28", Middle::diagonal) < 3500);  // k (m + n + 1) < m n
  BOOST_TEST(count("rank:29", Middle::diagonal) > 3500);
}

BOOST_AUTO_TEST_CASE(texts_and_bytes_go_there_and_back) {
  const Tensor w = some_weight(70, 50);
  for (const char* request : {"dense", "thin", "rank:5", "hmatrix:3", "int8"}) {
    const WeightForm form = form_asked(request, w, Middle::diagonal), back = weight_form(text_of(form), 70, 50);
    BOOST_TEST(text_of(back) == text_of(form));
    BOOST_TEST(back.entries(70, 50) == form.entries(70, 50));
    BOOST_TEST(back.names().size() == form.tensors());
    const Tensors parameters = parameters_for(form, w, Stream());
    const auto shapes = form.shapes(70, 50);
    for (std::size_t k = 0; k < parameters.size(); ++k) BOOST_TEST((parameters[k].shape == shapes[k]));
  }
  const WeightForm sparse = form_asked("prune:.1", w, Middle::none);
  const auto bits = bits_of(*sparse.places, 3500);
  BOOST_TEST(bits.size() == 438u);
  BOOST_TEST((places_of(bits, 3500) == *sparse.places));
  BOOST_CHECK_THROW(places_of(bits, 3600), ShapeError);
  BOOST_TEST(sparse.bytes(70, 50) == 4 * 350 + 438);
  BOOST_TEST(form_asked("int8", w, Middle::none).bytes(70, 50) == 3500 + 200);
  BOOST_TEST(form_asked("rank:5", w, Middle::none).bytes(70, 50) == 4 * 5 * 120);
}

BOOST_AUTO_TEST_CASE(what_is_no_form_is_refused) {
  const Tensor w = some_weight(8, 9);
  for (const char* request : {"", "rank", "rank:", "rank:x", "rank:2x", "tol:", "prune:0", "prune:2",
                              "hmatrix:-1", "Thin", "dense;dense"})
    BOOST_CHECK_THROW(form_asked(request, w, Middle::none), ShapeError);
  for (const char* text : {"", "svd", "svd 0 none", "svd 9 none", "svd 3 some", "svd 3 full x", "blocks",
                           "blocks x", "blocks sddd", "blocks r9", "int8 ", "rank:3"})
    BOOST_CHECK_THROW(weight_form(text, 8, 9), ShapeError);
}

BOOST_AUTO_TEST_CASE(networks_of_every_form) {
  using Pair = std::pair<const char*, std::uint64_t>;  // and a seed, see check_model
  for (const auto& [request, seed] : {Pair{"thin", 3}, {"rank:4", 1}, {"hmatrix:2", 1}, {"prune:.5", 2}}) {
    MlpXt model{.in = 1, .out = 1, .width = 36, .depth = 3, .weights = request};
    set_forms(model, Stream(1, "model"));
    BOOST_TEST(model.forms.size() == 3u);
    BOOST_TEST(text_of(model.forms[0]) == "dense");
    BOOST_TEST(text_of(model.forms[1]) != "dense");
    check_model(model, 1, 1, request, true, seed);

    MlpXt again = model;
    again.weights = texts_of(model.forms);
    BOOST_TEST(forms_are_texts(again));
    set_forms(again, Stream());
    BOOST_TEST(texts_of(again.forms) == texts_of(model.forms));
  }
  MlpXt wrong{.width = 36, .depth = 3, .weights = "dense;dense"};
  BOOST_CHECK_THROW(set_forms(wrong, Stream()), ShapeError);
  wrong.weights = "dense;dense;dense;dense";
  BOOST_CHECK_THROW(set_forms(wrong, Stream()), ShapeError);
}

// A network of thin factors starts as the dense one does.
BOOST_AUTO_TEST_CASE(starts_as_the_dense_network) {
  MlpXt dense{.in = 1, .out = 1, .depth = 4, .hidden = {12, 17, 9}}, factors = dense;
  factors.weights = "thin";
  set_forms(factors, Stream(3, "init"));
  BOOST_TEST(dense.net().widths.size() == 5u);
  const Tensor x = Stream(1, "x").uniform({5, 1}, Dtype::f64), t = from({1, 1}, {.3});
  const auto at = [&](const MlpXt& model) {
    return evaluate(model, vars(model.init(Stream(3, "init"), Dtype::f64)), Var(x), Var(t)).value();
  };
  BOOST_TEST(max_abs(difference(at(dense), at(factors))) < 1e-12);
  BOOST_TEST(max_abs(at(dense)) > 1e-3);
}

// Both sources of the names, and that thin factors are more numbers than the weight.
BOOST_AUTO_TEST_CASE(decompositions_are_told) {
  MlpXt net{.in = 1, .out = 1, .hidden = {50, 70}};
  const auto told = [&](const char* weights, Middle middle, const char* words) {
    net.weights = weights;
    net.middle = middle;
    set_forms(net, Stream(0, "init"));
    const std::string about = about_svd(net);
    BOOST_TEST(about.find(words) != std::string::npos, about);
  };
  told("thin", Middle::full, "ranks 50, 8500 numbers where dense weights have 3500");
  told("thin", Middle::diagonal, "ranks 50, 6050 numbers");
  told("rank:3", Middle::full, "compact in ANN-SVD's summary, truncated in its code; ranks 3, 369 numbers");
  told("tol:0.5", Middle::full, "truncated in ANN-SVD's summary, compact in its code");
  for (const char* other : {"dense", "hmatrix:4", "int8"}) {
    net.weights = other;
    set_forms(net, Stream(0, "init"));
    BOOST_TEST(about_svd(net).empty());
  }
}

// Rounded whenever it is used; the gradient is that of the rounded weights.
BOOST_AUTO_TEST_CASE(eight_bits_are_trained_straight_through) {
  const Mlp net{.widths = {2, 9, 9, 1}, .forms = {WeightForm{}, {.kind = Kind::int8}, WeightForm{}}};
  const Tensors theta = net.init(Stream(1, "net"), Dtype::f64);
  Tensors rounded = theta;
  rounded[2] = dense(quantized(theta[2]));
  const Mlp plain{{2, 9, 9, 1}};
  const Tensor x = Stream(1, "x").uniform({7, 2}, Dtype::f64, -1, 1);
  const auto loss = [&](const Mlp& m) { return [&](const Vars& p) { return sum(square(m(p, Var(x)))); }; };
  const ValueAndGradient a = value_and_grad(loss(net), theta), b = value_and_grad(loss(plain), rounded);
  BOOST_TEST(a.value == b.value, boost::test_tools::tolerance(1e-13));
  for (std::size_t k = 0; k < theta.size(); ++k)
    BOOST_TEST(max_abs(difference(a.gradient[k], b.gradient[k])) <= 1e-12 * max_abs(b.gradient[k]));
}

BOOST_AUTO_TEST_SUITE_END()
