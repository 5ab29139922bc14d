#include <fmt/format.h>
#include <lowtide/experiments/evaluate.h>
#include <lowtide/experiments/recipe.h>
#include <lowtide/experiments/saved_model.h>
#include <lowtide/io/file.h>
#include <lowtide/io/safetensors.h>
#include <lowtide/linalg/quantized.h>

#include <algorithm>
#include <limits>
#include <set>

namespace lowtide {
namespace {

constexpr std::string_view kind_stem = "lowtide model ", kind = "lowtide model 1";

// POD's tensors by name, for both ways.
template <class P, class See>
void visit(P& pod, See&& see) {
  see("times", pod.times);
  see("modes", pod.modes);
  see("coefficients", pod.coefficients);
  see("bends", pod.bends);
  see("singular_values", pod.singular_values);
}

bool is_pod(const Pod& pod, const Tensor& grid, std::int64_t dims) {
  for (const Tensor* part : {&pod.times, &pod.modes, &pod.coefficients, &grid})
    if (!*part || part->dtype != Dtype::f64 || part->size() == 0 || !all_finite(*part)) return false;
  if (pod.bends && (pod.bends.dtype != Dtype::f64 || !all_finite(pod.bends))) return false;
  for (std::int64_t k = 1; k < pod.times.size(); ++k)
    if (!(pod.times.at(k - 1) < pod.times.at(k))) return false;
  return grid.shape.rank() == 2 && pod.modes.shape.rank() == 2 && pod.times.shape.rank() == 1 &&
         pod.coefficients.shape.rank() == 2 && grid.shape[1] == dims &&
         pod.modes.shape[1] == grid.shape[0] * pod.out &&
         pod.coefficients.shape == Shape({pod.times.size(), pod.modes.shape[0]}) &&
         (pod.in_time == InTime::linear || (pod.bends && pod.bends.shape == pod.coefficients.shape));
}

constexpr std::string_view codes = ".codes", scales = ".scales", places = ".places";

// Which entries of its weights a network keeps, if it keeps some.
void read_places(MlpXt& model, const TensorFile& file) {
  const Mlp net = model.net();
  for (std::size_t l = 0; l < model.forms.size(); ++l)
    if (WeightForm& form = model.forms[l]; form.kind == WeightForm::Kind::sparse)
      form.places = std::make_shared<const std::vector<std::int64_t>>(places_of(
          file.bytes_at(fmt::format("sparse{}{}", l + 1, places)), net.widths[l] * net.widths[l + 1]));
}

// Of its parameters.
std::set<std::string> in_eight_bits(const Network& net) {
  std::set<std::string> names;
  if (const auto* model = std::get_if<MlpXt>(&net))
    for (std::size_t l = 0; l < model->forms.size(); ++l)
      if (model->forms[l].kind == WeightForm::Kind::int8) names.insert(fmt::format("W{}", l + 1));
  return names;
}

Tensor from_codes(const TensorFile& file, const std::string& name, const Shape& shape) {
  const std::vector<std::uint8_t>& bytes = file.bytes_at(name + std::string(codes));
  Quantized q{shape[0], shape[1], {bytes.begin(), bytes.end()}, file.at(name + std::string(scales))};
  if (std::ssize(q.codes) != shape.size() || q.scales.shape != Shape({shape[1]}) ||
      q.scales.dtype != Dtype::f32)
    bad_input(file.source, name, fmt::format("its codes and scales are not those of {}", to_string(shape)));
  return dense(q);
}

// Parameters as a file holds them: weights in eight bits as codes and scales, others as they are.
void add_parameters(TensorFile& file, const Network& net, const Tensors& theta) {
  const std::vector<std::string> names = parameter_names(net);
  const std::set<std::string> rounded = in_eight_bits(net);
  for (std::size_t k = 0; k < theta.size(); ++k) {
    if (!rounded.contains(names.at(k))) {
      file.tensors.emplace_back(names[k], theta[k]);
      continue;
    }
    const Quantized q = quantized(theta[k]);
    file.tensors.emplace_back(names[k] + std::string(scales), q.scales);
    file.bytes.emplace_back(names[k] + std::string(codes),
                            std::vector<std::uint8_t>(q.codes.begin(), q.codes.end()));
  }
  if (const auto* model = std::get_if<MlpXt>(&net)) {
    const Mlp dense = model->net();
    for (std::size_t l = 0; l < model->forms.size(); ++l)
      if (model->forms[l].kind == WeightForm::Kind::sparse)
        file.bytes.emplace_back(fmt::format("sparse{}{}", l + 1, places),
                                bits_of(*model->forms[l].places, dense.widths[l] * dense.widths[l + 1]));
  }
}

// The network that the settings describe, if it has as many parameters as the file: no small file makes a large
// network.
Network network_of(const SavedModel& model, const TensorFile& file) {
  double present = 0, most = 1;  // an upper bound of the parameters, but for a small factor
  for (const auto& [name, part] : file.tensors)
    if (!name.ends_with(scales)) present += static_cast<double>(part.size());
  for (const auto& [name, part] : file.bytes)
    if (name.ends_with(codes)) present += static_cast<double>(part.size());
  std::vector<std::string> given;
  for (const auto& [key, value] : model.settings) given.push_back(key + "=" + value);
  Settings settings(given);
  Network net = network_from(settings, "fast", model.name, Learning{});
  const auto allow = [&](double size, bool squared) {
    most *= std::max(1.0, squared ? size * size : size);
    if (size > present) most = std::numeric_limits<double>::infinity();
  };
  for (const Settings::Used& used : settings.used())
    if (used.kind == Settings::Kind::whole &&
        used.name != "model.term_rank")  // which counts as the width at most
      allow(std::stod(used.value), used.name.ends_with("width"));
  if (const auto* dense = std::get_if<MlpXt>(&net))
    for (const std::int64_t width : dense->hidden) allow(static_cast<double>(width), false);
  if (const auto factors = low_rank(net)) {
    std::int64_t largest = 1;
    for (const auto* ranks : {&factors->ranks.weight, &factors->ranks.bias})
      for (const std::int64_t rank : *ranks) largest = std::max(largest, rank);
    allow(static_cast<double>(largest), false);
  }
  if (most < 1e17) {  // it can be counted
    fit(net, model);
    if (auto* dense = std::get_if<MlpXt>(&net)) read_places(*dense, file);
    if (static_cast<double>(parameter_count(net)) == present) return net;
  }
  throw InputError(
      fmt::format("its settings are those of a network of another size than its {} numbers", present));
}

// As its settings say, if its tensors fit them.
Evolved evolved_of(const SavedModel& model, const TensorFile& file) {
  std::vector<std::string> given;
  for (const auto& [key, value] : model.settings) given.push_back(key + "=" + value);
  Settings settings(given);
  Evolved out{.net = embedded_from(settings, {}), .times = file.at("times"), .theta = file.at("theta")};
  out.net.in = model.scaling.dims();
  out.net.out = std::ssize(model.scaling.fields);
  out.net.walls = file.metadata.contains("walls") && file.metadata.at("walls") == "zero";
  const std::int64_t T = out.times.size(), p = out.net.parameter_count();
  bool good = T > 0 && out.times.shape == Shape({T}) && out.theta.shape == Shape({T, p}) &&
              out.times.dtype == Dtype::f64 && out.theta.dtype == Dtype::f64 && all_finite(out.times) &&
              all_finite(out.theta);
  for (std::int64_t k = 1; good && k < T; ++k) good = out.times.at(k - 1) < out.times.at(k);
  if (!good) bad_input(file.source, "", "its tensors do not make a network at several times");
  return out;
}

}  // namespace

std::int64_t SavedModel::coefficients() const {
  return pod ? pod->rank() : evolved ? evolved->net.parameter_count() : lowtide::coefficients(net);
}

std::int64_t SavedModel::parameter_count() const {
  return pod       ? pod->parameter_count()
         : evolved ? evolved->net.parameter_count()
                   : lowtide::parameter_count(net);
}

std::optional<LowRankNet> low_rank(const SavedModel& model) {
  if (model.pod || model.evolved || model.from_equation) return std::nullopt;
  const auto factors = low_rank(model.net);
  return factors && factors->ranks.term == 1 ? factors : std::nullopt;
}

void fit(Network& net, const SavedModel& model) {
  const Scaling& scaling = model.scaling;
  const std::int64_t fields = std::ssize(scaling.fields), p = scaling.parameters();
  if (!model.from_equation) return fit(net, scaling.dims(), fields, p);
  fit(net, scaling.dims() + (model.time_is_input ? 1 : 0), fields, std::max<std::int64_t>(0, p - 1));
}

namespace {

// The columns of x, then t in all rows.
Tensor with_time(const Tensor& x, double t) {
  const std::int64_t n = x.shape[0], d = x.shape[1];
  Tensor all({n, d + 1}, x.dtype);
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = all.mutable_data<T>();
    for (std::int64_t i = 0; i < n; ++i) {
      to = std::copy_n(x.data<T>() + i * d, d, to);
      *to++ = static_cast<T>(t);
    }
  });
  return all;
}

Tensor values_from_equation(const SavedModel& model, const Tensor& x, double t, const std::vector<double>& mu) {
  if (model.needs_trial && !model.trial)
    throw InputError("a part of this model's field is built in by its case; the folder of its run is needed");
  const Scaling& scaling = model.scaling;
  const Tensor time = scaling.time(t, mu), points = scaling.points(x);
  const std::int64_t p = scaling.parameters();
  Tensor parameters = zeros({1, std::max<std::int64_t>(1, p)}, Dtype::f32);
  for (std::int64_t k = 0; k < p; ++k) parameters.mutable_data<float>()[k] = static_cast<float>(time.at(1 + k));
  const Tensor inputs = model.time_is_input ? with_time(points, time.at(0)) : points,
               u = scaling.physical_values(predict(model.net, model.theta, inputs, parameters));
  if (!model.trial) return u;
  return model.trial(Var(model.time_is_input ? with_time(x, t) : x), Var(u)).value();
}

}  // namespace

Tensor SavedModel::values(const Tensor& x, double t, const std::vector<double>& mu) const {
  if (evolved) return scaling.physical_values(evolved->at(x, t));
  if (from_equation) return values_from_equation(*this, x, t, mu);
  if (!pod) return scaling.physical_values(predict(net, theta, scaling.points(x), scaling.time(t, mu)));
  if (same_bits(x, grid)) return scaling.physical_values(pod->field(t));
  if (grid.shape[1] != 1) throw InputError("pod in two dimensions has values at its own points only");
  return scaling.physical_values(pod->field(t, grid.reshaped({grid.shape[0]}), x));
}

void write_model(const SavedModel& model, const std::filesystem::path& path) {
  TensorFile file;
  file.metadata = model.scaling.metadata();
  file.metadata.insert(model.settings.begin(), model.settings.end());
  file.metadata["kind"] = kind;
  if (model.from_equation)
    file.metadata["equation"] =
        fmt::format("{}{}", model.time_is_input ? "t" : "", model.needs_trial ? " built in" : "");
  file.metadata["model"] = model.name;
  if (model.pod) {
    visit(*model.pod, [&](const char* name, const Tensor& part) {
      if (part) file.tensors.emplace_back(name, part);
    });
    file.tensors.emplace_back("grid", model.grid);
    file.metadata["pod.in_time"] = model.pod->in_time == InTime::linear ? "linear" : "cubic";
  } else if (model.evolved) {
    file.tensors.emplace_back("times", model.evolved->times);
    file.tensors.emplace_back("theta", model.evolved->theta);
    file.metadata["walls"] = model.evolved->net.walls ? "zero" : "";
  } else {
    add_parameters(file, model.net, model.theta);
  }
  write_safetensors(file, path);
}

SavedModel read_model(const std::filesystem::path& path) {
  const TensorFile file = read_safetensors(path);
  const std::string source = path.string();
  const auto text = [&](const std::string& key) {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? std::string() : found->second;
  };
  if (const std::string found = text("kind"); found != kind)
    bad_input(source, "",
              found.starts_with(kind_stem)
                  ? fmt::format("of a newer lowtide: '{}', where this one reads '{}'", found, kind)
                  : std::string("not a model of lowtide"));
  SavedModel model{.name = text("model"), .scaling = scaling_from(file.metadata, source)};
  for (const auto& [key, value] : file.metadata)
    if (key.starts_with("model.") || key.starts_with("init.")) model.settings[key] = value;
  if (file.metadata.contains("equation")) {
    model.from_equation = true;
    model.time_is_input = text("equation").starts_with("t");
    model.needs_trial = text("equation").ends_with("built in");
  }
  if (model.name == "pod") {
    Pod pod{.out = std::ssize(model.scaling.fields),
            .in_time = text("pod.in_time") == "linear" ? InTime::linear : InTime::cubic};
    visit(pod, [&](const char* name, Tensor& part) {
      if (file.has(name)) part = file.at(name);
    });
    model.grid = file.at("grid");
    if (!is_pod(pod, model.grid, model.scaling.dims())) bad_input(source, "", "its tensors do not make a POD");
    pod.points = model.grid.shape[0];
    model.pod = std::move(pod);
    return model;
  }
  if (model.name == "embedded") {
    model.evolved = evolved_of(model, file);
    return model;
  }
  try {
    model.net = network_of(model, file);
  } catch (const Error& error) {
    bad_input(source, "", error.what());
  }
  const std::vector<std::string> names = parameter_names(model.net);
  const std::vector<Shape> shapes = parameter_shapes(model.net);
  const std::set<std::string> rounded = in_eight_bits(model.net);
  for (std::size_t k = 0; k < shapes.size(); ++k) {
    const Tensor part = rounded.contains(names[k]) ? from_codes(file, names[k], shapes[k]) : file.at(names[k]);
    if (part.shape != shapes[k] || part.dtype != Dtype::f32)
      bad_input(source, names[k],
                fmt::format("shape {} expected, found {}", to_string(shapes[k]), to_string(part.shape)));
    if (!all_finite(part)) bad_input(source, names[k], "not finite");
    model.theta.push_back(part);
  }
  return model;
}

}  // namespace lowtide
