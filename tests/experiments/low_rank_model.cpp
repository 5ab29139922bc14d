// A trained low-rank model as plain matrices is the model, and its study says what is so.
#include <lowtide/experiments/low_rank_model.h>
#include <lowtide/experiments/recipe.h>
#include <lowtide/experiments/reduction_study.h>
#include <lowtide/io/file.h>

#include <cmath>

#include "../run/support.h"
#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

SavedModel made(const std::string& name, std::int64_t parameters = 0,
                const std::vector<std::string>& sizes = {"model.width=10", "model.rank=3"}) {
  Snapshots set = waves(7, 12, 2);
  if (parameters > 0) {
    set.mu = linspace(3, 5, 7, Dtype::f64).reshaped({7, 1});
    set.parameters = {"a"};
  }
  SavedModel model{.name = name, .scaling = scaling_of(set, "")};
  Settings settings(sizes);
  model.net = network_from(settings, "fast", name, Learning{});
  fit(model.net, 1, 2, parameters);
  model.theta = init(model.net, Stream(1, "model"));
  return model;
}

// At physical points and a physical time.
Tensor values_of(const LowRankModel& model, const Tensor& x, double t) {
  Tensor now({1}, Dtype::f64);
  now.mutable_data<double>()[0] = model.scaled_time(t);
  return model.physical_values(values(model.weights, model.scaled_points(x), model.coefficients(now)));
}

void check_same(const Tensor& a, const Tensor& b) {
  BOOST_REQUIRE((a.shape == b.shape));
  const double size = max_abs(b);
  BOOST_TEST(size > 0);
  for (std::int64_t i = 0; i < a.size(); ++i) BOOST_TEST(std::abs(a.at(i) - b.at(i)) <= 2e-5 * size);
}

const StudyOptions quick{.points = 3, .times = 41, .unseen = 50, .timings = false};

}  // namespace

BOOST_AUTO_TEST_SUITE(low_rank_model_suite)

BOOST_AUTO_TEST_CASE(it_is_the_saved_model) {
  const Tensor x = linspace(.1, 1.9, 9, Dtype::f64).reshaped({9, 1});
  for (const char* name : {"lrnr", "lrnr-cheb"})
    for (const char* activation : {"tanh", "relu", "silu", "sin"}) {
      const SavedModel saved =
          made(name, 0, {"model.width=10", "model.rank=3", std::string("model.activation=") + activation});
      const LowRankModel model = low_rank_model(saved);
      BOOST_TEST(model.name == name);
      for (const double t : {.5, 1.3, 3.5}) check_same(values_of(model, x, t), saved.values(x, t));
      BOOST_TEST(near(model.physical_time(model.scaled_time(1.3)), 1.3, 1e-15));
      BOOST_TEST(model.physical_time(-1) == .5);
    }
}

BOOST_AUTO_TEST_CASE(points_are_scaled_by_direction) {
  LowRankModel model;
  model.scaling.x = {{0, 2}, {-1, 3}};
  const Tensor x = model.scaled_points(from({2, 2}, {1, 3, 2, 1}));
  BOOST_TEST(to_vector(x) == (std::vector<double>{0, 1, 1, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(parameters_beside_time_are_fixed) {
  const Tensor x = linspace(.1, 1.9, 9, Dtype::f64).reshaped({9, 1});
  const SavedModel saved = made("lrnr", 1);
  check_same(values_of(low_rank_model(saved, {3.25}), x, 1.3), saved.values(x, 1.3, {3.25}));
  check_same(values_of(low_rank_model(saved), x, 1.3), saved.values(x, 1.3, {4}));  // the middle
  BOOST_CHECK_THROW(low_rank_model(saved, {3, 4}), InputError);
  BOOST_CHECK_THROW(low_rank_model(made("lrnr"), {3}), InputError);
  BOOST_CHECK_THROW(low_rank_model(made("siren")), InputError);
}

BOOST_AUTO_TEST_CASE(truncated_it_has_fewer_coefficients_of_the_same_terms) {
  const LowRankModel whole = low_rank_model(made("lrnr"));
  const Tensor t = linspace(-1, 1, 11, Dtype::f64), x = full({1, 1}, .3, Dtype::f64);
  Tensor s = whole.coefficients(t);
  const std::int64_t n = s.shape[1];
  for (std::int64_t i = 0; i < s.size(); ++i)
    if (i % n % 4 == 2) s.mutable_data<double>()[i] = 0;
  const LowRankModel fewer = truncated(whole, truncation(whole.weights, s));
  BOOST_TEST(fewer.weights.coefficients() == n - (n + 1) / 4);
  const Tensor u = values(whole.weights, x, s), v = values(fewer.weights, x, fewer.coefficients(t));
  BOOST_TEST(largest_row_difference(u, v) <= 1e-13 * max_abs(u));
}

// Two layers, a rank of one: nothing is too small to be studied.
BOOST_AUTO_TEST_CASE(the_smallest_networks_can_be_studied) {
  for (const char* head : {"linear", "relu", "softplus"}) {
    const LowRankModel model = low_rank_model(
        made("lrnr", 0, {"model.depth=2", "model.rank=1", "model.width=3", std::string("model.head=") + head}));
    const ReductionStudy found = study(model, quick);
    BOOST_TEST(found.fast.back().rank == 2);
    BOOST_TEST(found.by_error.holds);
    BOOST_TEST(std::isfinite(found.truncation.front().rel_l2));
  }
}

// What a table calls rank 80 is rank 80, though pieces are usually sampled at fewer times than that; and where
// states have fewer directions, it says so.
BOOST_AUTO_TEST_CASE(ranks_are_what_the_table_says) {
  LowRankModel model = low_rank_model(made("lrnr", 0, {"model.depth=2", "model.rank=40", "model.width=96"}));
  StudyOptions options = quick;
  options.rank = 80;
  options.tolerance = 1;
  BOOST_TEST(study(model, options).fast.back().mean_rank < 70);  // a small hypernetwork
  model.coefficients = [n = model.weights.coefficients()](const Tensor& t) {
    Tensor s({t.size(), n}, Dtype::f64);
    for (std::int64_t i = 0; i < s.size(); ++i)
      s.mutable_data<double>()[i] = std::cos(static_cast<double>(i % n + 1) * (t.at(i / n) + .1));
    return s;
  };
  const ReductionStudy found = study(model, options);
  for (const FastRow& row : found.fast) BOOST_TEST(row.mean_rank == static_cast<double>(row.rank));
  BOOST_TEST(found.fast.back().rank == 80);
}

BOOST_AUTO_TEST_CASE(a_field_of_zeros_gives_numbers) {
  for (const bool all : {false, true}) {  // coefficients, or the last layer alone
    LowRankModel model = low_rank_model(made("lrnr"));
    for (double& u : model.weights.layers.back().u.mutable_view<double>()) u = 0;
    for (double& b : model.weights.layers.back().b.mutable_view<double>()) b = 0;
    if (all)
      model.coefficients = [n = model.weights.coefficients()](const Tensor& t) {
        return zeros({t.size(), n}, Dtype::f64);
      };
    StudyOptions options = quick;
    options.timings = all;  // which folds
    const ReductionStudy found = study(model, options);
    for (const TruncationRow& row : found.truncation) BOOST_TEST(row.rel_l2 == 0);
    for (const ModesRow& row : found.projection) BOOST_TEST(row.rel_l2 == 0);
    for (const FastRow& row : found.fast) BOOST_TEST(row.rel_l2 == 0);
    BOOST_TEST(found.series_rel_l2 == 0);
  }
}

BOOST_AUTO_TEST_CASE(numbers_that_are_none_are_refused) {
  LowRankModel model = low_rank_model(made("lrnr"));
  model.weights.layers.back().u.mutable_data<double>()[0] = NAN;
  BOOST_CHECK_THROW(study(model, quick), NonFiniteError);
}

BOOST_AUTO_TEST_SUITE_END()
