// A model's file gives back the model, and nothing else passes for one.
#include <lowtide/experiments/recipe.h>
#include <lowtide/experiments/saved_model.h>
#include <lowtide/io/file.h>
#include <lowtide/io/safetensors.h>

#include <chrono>

#include "../run/support.h"
#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

// As training leaves one, but for the training.
SavedModel made(const std::string& name, std::int64_t parameters = 0) {
  Snapshots set = waves(7, 12, 2);
  if (parameters > 0) {
    set.mu = linspace(3, 4, 7, Dtype::f64).reshaped({7, 1});
    set.parameters = {"a"};
  }
  SavedModel model{.name = name, .scaling = scaling_of(set, "")};
  if (name == "pod") {
    model.pod = make_pod(set.u.reshaped({7, 12, 2}), set.t, 3, InTime::cubic, set.weight);
    model.grid = set.x;
    return model;
  }
  Settings settings({"model.width=8"});
  model.net = network_from(settings, "fast", name, Learning{});
  fit(model.net, 1, 2, parameters);
  model.theta = init(model.net, Stream(1, "model"));
  for (const auto& [key, value] : settings.values()) model.settings[key] = value;
  return model;
}

std::string message_for(const Folder& folder, const TensorFile& file) {
  write_safetensors(file, folder / "bad.safetensors");
  const std::string message = refusal([&] { read_model(folder / "bad.safetensors"); });
  BOOST_TEST(contains(message, "bad.safetensors"), message);
  return message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(saved_model_suite)

BOOST_AUTO_TEST_CASE(every_model_comes_back_with_its_bits) {
  const Folder folder;
  for (const std::string& name : model_names())
    for (const std::int64_t parameters : {0, 1}) BOOST_TEST_CONTEXT(name << " parameters " << parameters) {
        if (parameters > 0 && (name == "pod" || name == "lrnr-cheb")) continue;
        const SavedModel model = made(name, parameters);
        write_model(model, folder / "a.safetensors");
        const SavedModel back = read_model(folder / "a.safetensors");
        BOOST_TEST(back.name == name);
        BOOST_TEST((back.settings == model.settings));
        BOOST_TEST(back.parameter_count() == model.parameter_count());
        BOOST_TEST(back.coefficients() == model.coefficients());
        const std::vector<double> mu(static_cast<std::size_t>(parameters), 3.3);
        const Tensor x = from({3, 1}, {.1, .77, 1.9});
        for (const double t : {.5, 1.234, 3.5}) {
          const Tensor u = model.values(x, t, mu);
          BOOST_TEST((u.shape == Shape({3, 2}) && u.dtype == Dtype::f64));
          BOOST_TEST(max_abs(u) > 0);
          BOOST_TEST(same_bits(u, back.values(x, t, mu)));
        }
        write_model(back, folder / "b.safetensors");
        BOOST_TEST((read_file(folder / "a.safetensors") == read_file(folder / "b.safetensors")));
      }
}

BOOST_AUTO_TEST_CASE(damaged_files_are_refused) {
  const Folder folder;
  for (const char* name : {"lrnr", "pod"}) {
    write_model(made(name), folder / "good.safetensors");
    const std::string good = read_file(folder / "good.safetensors");
    for (std::size_t at = 0; at < good.size(); at += 1 + good.size() / 97) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 4);
      write_file(folder / "bad.safetensors", bad);
      BOOST_TEST(contains(refusal([&] { read_model(folder / "bad.safetensors"); }), "bad.safetensors"),
                 "byte " << at);
      write_file(folder / "bad.safetensors", good.substr(0, at));
      BOOST_TEST(contains(refusal([&] { read_model(folder / "bad.safetensors"); }), "bad.safetensors"),
                 "cut at " << at);
    }
  }
  BOOST_TEST(contains(refusal([&] { read_model(folder / "none.safetensors"); }), "none.safetensors"));
}

BOOST_AUTO_TEST_CASE(foreign_files_are_refused) {
  const Folder folder;
  write_model(made("lrnr"), folder / "good.safetensors");
  const TensorFile good = read_safetensors(folder / "good.safetensors");
  const auto with = [&](const std::string& key, const std::string& value) {
    TensorFile bad = good;
    bad.metadata[key] = value;
    return message_for(folder, bad);
  };
  BOOST_TEST(
      contains(message_for(folder, TensorFile{{{"weight", ones({2, 2}, Dtype::f32)}}, {}, {}}), "not a model"));
  BOOST_TEST(contains(with("kind", "lowtide checkpoint 1"), "not a model"));
  BOOST_TEST(contains(with("model", "lrrn"), "lrnr"));
  BOOST_TEST(contains(with("model", "siren"), "another size"));
  BOOST_TEST(contains(with("model.rank", "5"), "another size"));
  BOOST_TEST(contains(with("model.rank", "many"), "model.rank"));
  BOOST_TEST(contains(with("model.depth", "6"), "another size"));
  BOOST_TEST(contains(with("scaling.size", "1"), "scaling.size"));
  BOOST_TEST(contains(with("scaling.x", "0,1,0,1"), "another size"));
  for (std::size_t k = 0; k < good.tensors.size(); ++k) {
    TensorFile missing = good, wide = good, broken = good;
    missing.tensors[k].first = "Z";
    const std::string& name = good.tensors[k].first;
    BOOST_TEST(contains(message_for(folder, missing), name));
    wide.tensors[k].second = wide.tensors[k].second.cast(Dtype::f64);
    BOOST_TEST(contains(message_for(folder, wide), name));
    broken.tensors[k].second = broken.tensors[k].second.clone();
    broken.tensors[k].second.mutable_data<float>()[0] = NAN;
    BOOST_TEST(contains(message_for(folder, broken), name));
  }
}

// A small file cannot ask for a large network.
BOOST_AUTO_TEST_CASE(hostile_sizes_are_refused_at_once) {
  const Folder folder;
  for (const char* name : {"lrnr", "lrnr-cheb", "siren", "siren-shift", "siren-xt", "nif", "colora", "mlp"}) {
    write_model(made(name), folder / "good.safetensors");
    TensorFile bad = read_safetensors(folder / "good.safetensors");
    for (const char* key :
         {"model.width", "model.rank", "model.depth", "model.hyper_width", "model.hyper_depth", "model.terms",
          "model.latent", "model.hidden", "model.hyper_hidden"})
      if (bad.metadata.contains(key)) bad.metadata[key] = "1048576";
    const auto start = std::chrono::steady_clock::now();
    message_for(folder, bad);
    BOOST_TEST((std::chrono::steady_clock::now() - start < std::chrono::seconds(5)), name);
  }
}

BOOST_AUTO_TEST_CASE(pods_that_are_none_are_refused) {
  const Folder folder;
  write_model(made("pod"), folder / "good.safetensors");
  const TensorFile good = read_safetensors(folder / "good.safetensors");
  for (std::size_t k = 0; k < good.tensors.size(); ++k) {
    if (good.tensors[k].first == "singular_values") continue;
    TensorFile missing = good, flat = good, narrow = good, broken = good;
    missing.tensors.erase(missing.tensors.begin() + static_cast<std::ptrdiff_t>(k));
    message_for(folder, missing);
    const Tensor& part = good.tensors[k].second;
    flat.tensors[k].second = zeros({0}, Dtype::f64);
    message_for(folder, flat);
    narrow.tensors[k].second = part.cast(Dtype::f32);
    message_for(folder, narrow);
    broken.tensors[k].second = part.clone();
    broken.tensors[k].second.mutable_data<double>()[0] = NAN;
    message_for(folder, broken);
  }
  for (TensorFile bad : {good})
    for (auto& [name, part] : bad.tensors)
      if (name == "times") {
        part = part.clone();
        std::swap(part.mutable_data<double>()[0], part.mutable_data<double>()[3]);
        message_for(folder, bad);
      }
}

// Weights in other forms, as a file holds them: eight bits as bytes, places as bits.
BOOST_AUTO_TEST_CASE(weights_of_every_form_come_back) {
  const Folder folder;
  for (const char* request : {"thin", "rank:3", "hmatrix:2", "prune:.2", "int8"}) BOOST_TEST_CONTEXT(request) {
      SavedModel model = made("mlp");
      Settings settings({"model.widths=40,48,36", std::string("model.weights=") + request});
      model.net = network_from(settings, "fast", "mlp", Learning{});
      fit(model.net, 1, 2, 0);
      resolve_forms(model.net, 1);
      const auto& net = std::get<MlpXt>(model.net);
      model.theta = init(model.net, Stream(1, "model"));
      for (std::size_t k = 0; k < model.theta.size(); ++k)  // as if it had been trained
        model.theta[k] = (Var(model.theta[k]) * 1.1).value();
      for (const auto& [key, value] : settings.values()) model.settings[key] = value;
      model.settings["model.weights"] = texts_of(net.forms);
      write_model(model, folder / "a.safetensors");
      const SavedModel back = read_model(folder / "a.safetensors");
      BOOST_TEST(back.parameter_count() == model.parameter_count());
      const Tensor x = from({3, 1}, {.1, .77, 1.9}), u = model.values(x, 1.2), v = back.values(x, 1.2);
      BOOST_TEST(max_abs((Var(u) - Var(v)).value()) <= 1e-6 * max_abs(u));
      if (std::string(request) != "int8") BOOST_TEST(same_bits(u, v));

      std::int64_t bytes = 0;  // of weights and biases, and a header
      for (std::size_t l = 0; l < net.net().layers(); ++l)
        bytes += net.forms[l].bytes(net.net().widths[l], net.net().widths[l + 1]) + 4 * net.net().widths[l + 1];
      const auto size = static_cast<std::int64_t>(std::filesystem::file_size(folder / "a.safetensors"));
      BOOST_TEST(size >= bytes);
      BOOST_TEST(size < bytes + 3200);

      TensorFile damaged = read_safetensors(folder / "a.safetensors");
      if (damaged.bytes.empty()) continue;
      damaged.bytes[0].second.pop_back();
      message_for(folder, damaged);
      damaged.bytes.clear();
      message_for(folder, damaged);
    }
}

BOOST_AUTO_TEST_SUITE_END()
