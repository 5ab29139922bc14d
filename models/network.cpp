#include <fmt/format.h>
#include <lowtide/models/network.h>

namespace lowtide {
namespace {

using Names = std::vector<std::string>;

void add_layers(Names& names, const Mlp& net, const std::string& prefix = "") {
  for (std::size_t l = 1; l <= net.layers(); ++l) {
    for (const char* kind : net.form(l - 1).names()) names.push_back(fmt::format("{}{}{}", prefix, kind, l));
    names.push_back(fmt::format("{}b{}", prefix, l));
  }
}

Names factors(const LowRankNet& net) {
  Names names;
  for (std::int64_t l = 1; l <= net.depth; ++l)
    for (const char* kind : {"U", "V", "B"}) names.push_back(fmt::format("{}{}", kind, l));
  return names;
}

Names names_of(const Lrnr& model) {
  Names names = factors(model.factors());
  add_layers(names, model.hyper(), "hyper.");
  return names;
}

Names names_of(const LrnrCheb& model) {
  Names names = factors(model.factors());
  names.emplace_back("series");
  return names;
}

Names names_of(const SirenHyper& model) {
  Names names;
  add_layers(names, model.hyper(), "hyper.");
  return names;
}

Names names_of(const SirenShift& model) {
  Names names;
  add_layers(names, model.siren());
  add_layers(names, model.hyper(), "hyper.");
  return names;
}

Names names_of(const MlpXt& model) {
  Names names;
  add_layers(names, model.net());
  return names;
}

Names names_of(const Nif& model) {
  Names names;
  Mlp all = model.parameter_net();
  all.widths.push_back(model.coefficients());
  add_layers(names, all, "hyper.");
  return names;
}

Names names_of(const Colora& model) {
  Names names;
  for (std::int64_t l = 1; l <= model.depth; ++l)
    for (const char* kind : {"W", "b", "U", "V"}) names.push_back(fmt::format("{}{}", kind, l));
  add_layers(names, model.hyper(), "hyper.");
  return names;
}

}  // namespace

Tensors init(const Network& net, const Stream& stream, Dtype dtype) {
  return std::visit([&](const auto& m) { return m.init(stream, dtype); }, net);
}

std::int64_t coefficients(const Network& net) {
  return std::visit([](const auto& m) { return m.coefficients(); }, net);
}

std::int64_t parameter_count(const Network& net) {
  return std::visit([](const auto& m) { return m.parameter_count(); }, net);
}

std::size_t field_tensors(const Network& net) {
  return std::visit([](const auto& m) { return m.field_tensors(); }, net);
}

double flops(const Network& net, double points) {
  return std::visit([&](const auto& m) { return m.flops(points); }, net);
}

Var coefficients_at_times(const Network& net, std::span<const Var> theta, const Var& t) {
  return std::visit([&](const auto& m) { return m.coefficients_at_times(theta, t); }, net);
}

Var field(const Network& net, std::span<const Var> theta, const Var& x, const Var& s) {
  return std::visit([&](const auto& m) { return m(theta, x, s); }, net);
}

bool takes_several_times(const Network& net) { return low_rank(net).has_value(); }

std::optional<LowRankNet> low_rank(const Network& net) {
  if (const auto* model = std::get_if<Lrnr>(&net)) return model->factors();
  if (const auto* model = std::get_if<LrnrCheb>(&net)) return model->factors();
  return std::nullopt;
}

std::vector<Shape> parameter_shapes(const Network& net) {
  std::vector<Shape> shapes;
  if (const auto* model = std::get_if<MlpXt>(&net)) {  // its forms cost more to fill than to describe
    for (const Shape& shape : model->net().shapes()) shapes.push_back(shape);
  } else {
    for (const Tensor& part : init(net, Stream(0, "shapes"))) shapes.push_back(part.shape);
  }
  return shapes;
}

std::vector<std::string> parameter_names(const Network& net) {
  return std::visit([](const auto& m) { return names_of(m); }, net);
}

}  // namespace lowtide
