// Models that have learned an equation, or followed one: as files, and what is refused.
#include <lowtide/experiments/job.h>
#include <lowtide/io/file.h>
#include <lowtide/io/safetensors.h>

#include <cmath>

#include "../run/support.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

// u = t + x network(x, t; a) on [0,2] x [1,3].
SavedModel from_equation(std::int64_t parameters) {
  SavedModel model{.name = "mlp",
                   .settings = {{"model.width", "8"}},
                   .scaling = {.x = {{0, 2}}, .t = {{1, 3}}, .fields = {"u"}, .size = {1.0}},
                   .from_equation = true,
                   .time_is_input = true,
                   .needs_trial = true,
                   .trial = [](const Var& x, const Var& net) { return column(x, 1) + column(x, 0) * net; }};
  for (std::int64_t k = 0; k < parameters; ++k) model.scaling.t.push_back({0, 10});
  Settings settings({"model.width=8"});
  model.net = network_from(settings, "fast", "mlp", Learning{});
  fit(model.net, model);
  model.theta = init(model.net, Stream(1, "model"));
  return model;
}

SavedModel evolved() {
  SavedModel model{
      .name = "embedded",
      .settings = {{"model.width", "6"}, {"model.depth", "3"}, {"model.bands", "2"}},
      .scaling = {.x = {{-1, 1}, {-1, 1}}, .t = {{0, 2}}, .fields = {"u", "v"}, .size = {1.0, 1.0}}};
  Evolved field{.net = {.in = 2, .out = 2, .width = 6, .depth = 3, .bands = 2, .walls = true},
                .times = from({3}, {0, 0.5, 2})};
  field.theta = Stream(2, "theta").normal({3, field.net.parameter_count()}, Dtype::f64);
  model.evolved = field;
  return model;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(physics_models)

BOOST_AUTO_TEST_CASE(a_model_from_an_equation_comes_back) {
  const Folder folder;
  const Tensor x = from({3, 1}, {0, 0.5, 2});
  for (const std::int64_t parameters : {0, 1, 2}) {
    const SavedModel model = from_equation(parameters);
    const std::vector<double> mu(static_cast<std::size_t>(parameters), 4.0);
    write_model(model, folder / "a.safetensors");
    SavedModel back = read_model(folder / "a.safetensors");
    BOOST_TEST((back.from_equation && back.time_is_input && back.needs_trial));
    BOOST_TEST(contains(refusal([&] { back.values(x, 1.5, mu); }), "built in by its case"));
    back.trial = model.trial;
    const Tensor u = back.values(x, 1.5, mu);
    BOOST_TEST(same_bits(u, model.values(x, 1.5, mu)));
    // The trial function sees physical inputs, the network scaled ones, and parameters in the place of time.
    BOOST_TEST(u.at(0) == 1.5);
    Vars theta;
    for (const Tensor& t : model.theta) theta.emplace_back(t);
    Tensor in = full({1, 2}, -.5, Dtype::f32), s = zeros({std::max<std::int64_t>(1, parameters)}, Dtype::f32);
    for (float& a : s.mutable_view<float>()) a = parameters > 0 ? -.2F : 0;
    const double network = field(model.net, theta, Var(in), Var(s)).value().at(0);
    BOOST_TEST(u.at(1) == 1.5 + .5 * network, boost::test_tools::tolerance(1e-6));
    BOOST_TEST(!low_rank(back).has_value());
  }
}

BOOST_AUTO_TEST_CASE(an_evolved_network_comes_back) {
  const Folder folder;
  const SavedModel model = evolved();
  write_model(model, folder / "a.safetensors");
  const SavedModel back = read_model(folder / "a.safetensors");
  const Tensor x = Stream(3, "x").uniform({5, 2}, Dtype::f64, -1, 1);
  for (const double t : {0.0, 0.3, 2.0}) BOOST_TEST(same_bits(back.values(x, t), model.values(x, t)));
  const Tensor corner = back.values(from({1, 2}, {1, 0.2}), 0.3);
  BOOST_TEST((corner.at(0) == 0 && corner.at(1) == 0));  // walls
  BOOST_TEST(back.parameter_count() == model.evolved->net.parameter_count());
  BOOST_TEST(!low_rank(back).has_value());

  TensorFile file = read_safetensors(folder / "a.safetensors");
  for (auto& [name, tensor] : file.tensors)
    if (name == "theta") tensor = tensor.rows(0, 2);
  write_safetensors(file, folder / "b.safetensors");
  BOOST_TEST(contains(refusal([&] { read_model(folder / "b.safetensors"); }), "several times"));
}

BOOST_AUTO_TEST_CASE(what_a_case_without_data_refuses) {
  const auto asked = [](std::vector<std::string> words) {
    words.emplace_back("run.case=pinn_burgers1d");
    return refusal([&] { settings_of(Settings(words)); });
  };
  BOOST_TEST(asked({}).empty());
  BOOST_TEST(contains(asked({"run.recipe=paper"}), "recipe paper is for data"));
  BOOST_TEST(contains(asked({"run.data=a.h5"}), "takes no --data"));
  for (const char* model : {"pod", "lrnr-cheb", "embedded"})
    BOOST_TEST(contains(asked({std::string("run.model=") + model}), "cannot do that"));
  BOOST_TEST(contains(asked({"heldout=2"}), "heldout"));
  BOOST_TEST(
      settings_of(Settings(std::vector<std::string>{"run.case=pinn_burgers1d"})).values().at("run.model") ==
      "mlp");
}

BOOST_AUTO_TEST_SUITE_END()
