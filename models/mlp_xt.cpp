#include <fmt/format.h>
#include <lowtide/models/mlp_xt.h>

#include <algorithm>

namespace lowtide {

Mlp MlpXt::net() const {
  Mlp net = dense(in + 1 + mu, width, depth, out, activation, frequency);
  if (!hidden.empty()) {
    net.widths = hidden;
    net.widths.insert(net.widths.begin(), in + 1 + mu);
    net.widths.push_back(out);
  }
  net.forms = forms;
  return net;
}

bool forms_are_texts(const MlpXt& model) { return model.weights.find(';') != std::string::npos; }

void set_forms(MlpXt& model, const Stream& init) {
  model.forms.clear();
  if (model.weights == "dense") return;
  const Mlp net = model.net();
  std::vector<WeightForm> forms;
  if (forms_are_texts(model)) {
    std::string_view left = model.weights;
    for (std::size_t l = 0; l < net.layers(); ++l) {
      const std::size_t cut = left.find(';');
      if ((cut == std::string_view::npos) != (l + 1 == net.layers()))
        fail<ShapeError>("weights", fmt::format("not a form for each of {} layers", net.layers()));
      forms.push_back(weight_form(left.substr(0, cut), net.widths[l], net.widths[l + 1]));
      left.remove_prefix(std::min(left.size(), cut == std::string_view::npos ? left.size() : cut + 1));
    }
  } else {
    const Tensors start = net.init(init);
    for (std::size_t l = 0; l < net.layers(); ++l)
      forms.push_back(l == 0 || l + 1 == net.layers() ? WeightForm{}
                                                      : form_asked(model.weights, start[2 * l], model.middle));
  }
  model.forms = std::move(forms);
}

std::string texts_of(const std::vector<WeightForm>& forms) {
  std::string text;
  for (const WeightForm& form : forms) text += (text.empty() ? "" : ";") + text_of(form);
  return text;
}

Var MlpXt::operator()(std::span<const Var> parameters, const Var& x, const Var& s) const {
  const Var everywhere = broadcast_to(s, {x.shape()[0], coefficients()});
  return net()(parameters, concatenate({x, everywhere}, 1));
}

}  // namespace lowtide
