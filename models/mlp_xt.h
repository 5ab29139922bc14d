// Dense networks in (x,t,mu), as physics-informed networks use them. With sin this is a SIREN in space and
// time (Sitzmann et al. 2020).
#pragma once
#include <lowtide/models/frame.h>
#include <lowtide/models/mlp.h>

namespace lowtide {

struct MlpXt {
  std::int64_t in = 1, out = 1, width = 64;
  std::int64_t depth = 5;  // layers
  std::int64_t mu = 0;     // parameters beside time
  Activation activation = Activation::tanh;
  double frequency = 1;
  std::vector<std::int64_t> hidden{};  // widths of the hidden layers, where these are not all `width`
  // How weights between hidden layers are stored: what form_asked() takes, or the text of a form for every
  // layer, with semicolons between them.
  std::string weights = "dense";
  WeightForm::Middle middle = WeightForm::Middle::full;  // of those that are asked for as U S VT
  std::vector<WeightForm> forms{};                       // what that comes to; set_forms() fills them in

  Mlp net() const;  // of inputs (x, t, mu)
  std::int64_t coefficients() const { return 1 + mu; }
  std::size_t field_tensors() const { return net().parameter_tensors(); }
  std::int64_t parameter_count() const { return net().parameter_count(); }
  double flops(double points) const { return net().flops(points); }

  Tensors init(const Stream& stream, Dtype dtype = Dtype::f32) const { return net().init(stream, dtype); }
  // The coefficients are (t, mu) itself.
  Var coefficients_at(std::span<const Var>, const Var& t) const { return reshape(t, {coefficients()}); }
  Var coefficients_at_times(std::span<const Var>, const Var& t) const { return identity(t); }
  Var operator()(std::span<const Var> parameters, const Var& x, const Var& s) const;
};

// The forms that `weights` names. What is asked for depends on the weights at the start, which the stream
// makes; a text for every layer does not.
void set_forms(MlpXt& model, const Stream& init);
bool forms_are_texts(const MlpXt& model);
std::string texts_of(const std::vector<WeightForm>& forms);  // with semicolons

inline MlpXt siren_xt(std::int64_t in, std::int64_t out, std::int64_t width, std::int64_t depth,
                      std::int64_t mu = 0, double frequency = 30) {
  return {in, out, width, depth, mu, Activation::sin, frequency};
}

}  // namespace lowtide
