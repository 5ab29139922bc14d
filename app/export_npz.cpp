// A model as an archive of numpy: what one needs to evaluate it, and for low-rank models how far it can be
// reduced.
#include "export.h"

#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/npy.h>
#include <lowtide/reduction/hypermodes.h>

#include "export_low_rank.h"

namespace lowtide::app {
namespace {

using Members = std::vector<std::pair<std::string, NpzValue>>;

constexpr const char* about_low_rank =
    "inside(y, r) = 2 (y - r[:,0]) / (r[:,1] - r[:,0]) - 1; z = inside(x, x_range), tau = inside((t, mu), "
    "t_range).\n"
    "lrnr: a network of tanh layers, h -> h @ hyper.W + hyper.b (no tanh behind the last), then `head`, makes "
    "s of "
    "tau; lrnr-cheb: s = sum_k T_k(tau) series[k].\n"
    "s.reshape(layers, 2, rank) holds s1 and s2 of each layer l = 1, 2, ...: z -> activation(((z @ V_l.T) * "
    "s1) @ "
    "U_l + s2 @ B_l), without activation in the last; u = z * size, a column a field.\n"
    "kept: the entries of s that truncation keeps (threshold `truncation`), weight_ranks and bias_ranks how "
    "many of "
    "each layer. hypermodes (columns) and singular_values: of s at hypermode_inputs (tau).";
constexpr const char* about_other =
    "inputs are scaled to [-1,1] by x_range and t_range, outputs are multiplied by size; the rest are the "
    "parameters of the model and the settings that rebuild it.";
constexpr const char* about_pod =
    "u(t, grid) = (c(t) @ modes).reshape(points, fields) * size, where c interpolates the rows of coefficients "
    "in "
    "times; `in_time` says how, bends are the second derivatives of the cubic spline.";

Tensor ranges(const std::vector<Range>& all) {
  Tensor out({std::ssize(all), 2}, Dtype::f64);
  double* to = out.mutable_data<double>();
  for (const Range& range : all) *to++ = range.low, *to++ = range.high;
  return out;
}

Tensor row_of(const std::vector<double>& numbers) {
  Tensor out({std::ssize(numbers)}, Dtype::f64);
  std::copy(numbers.begin(), numbers.end(), out.mutable_data<double>());
  return out;
}

void add_pod(Members& members, const SavedModel& model) {
  const Pod& pod = *model.pod;
  members.emplace_back("grid", model.grid);
  members.emplace_back("times", pod.times);
  members.emplace_back("modes", pod.modes);
  members.emplace_back("coefficients", pod.coefficients);
  if (pod.bends) members.emplace_back("bends", pod.bends);
  if (pod.singular_values) members.emplace_back("singular_values", pod.singular_values);
  members.emplace_back("in_time", std::string(pod.in_time == InTime::linear ? "linear" : "cubic"));
}

void add_reduction(Members& members, const LowRankPart& part) {
  members.emplace_back("activation", std::string(name_of(part.net.activation)));
  if (!part.head.empty()) members.emplace_back("head", part.head);
  const Truncation cut = truncation(part.net, part.s, paper_threshold);
  members.emplace_back("truncation", scalar(paper_threshold, Dtype::f64));
  members.emplace_back("kept", kept_coefficients(part.net, cut));
  members.emplace_back("weight_ranks", cut.weight_ranks());
  members.emplace_back("bias_ranks", cut.bias_ranks());
  const std::int64_t rows = part.inputs.shape[0];
  const Hypermodes modes = hypermodes(linspace(0, static_cast<double>(rows - 1), rows, Dtype::f64), part.s);
  members.emplace_back("hypermode_inputs", part.inputs);
  members.emplace_back("hypermodes", modes.modes);
  members.emplace_back("singular_values", modes.singular_values);
}

}  // namespace

Exported export_npz(const Export& order) {
  const SavedModel& model = order.run.model;
  const std::optional<LowRankPart> part = low_rank_part(model);
  std::vector<std::string> settings;
  for (const auto& [name, value] : model.settings) settings.push_back(name + "=" + value);
  Members members{{"about", std::string(model.pod ? about_pod
                                        : part    ? about_low_rank
                                                  : about_other)},
                  {"model", model.name},
                  {"settings", settings},
                  {"fields", model.scaling.fields},
                  {"size", row_of(model.scaling.size)},
                  {"x_range", ranges(model.scaling.x)},
                  {"t_range", ranges(model.scaling.t)}};
  if (model.pod) {
    add_pod(members, model);
  } else if (model.evolved) {
    members.emplace_back("times", model.evolved->times);
    members.emplace_back("theta", model.evolved->theta);
  } else {
    const std::vector<std::string> names = parameter_names(model.net);
    for (std::size_t k = 0; k < names.size(); ++k) members.emplace_back(names[k], model.theta[k]);
  }
  if (part) add_reduction(members, *part);
  make_folder(order.out.parent_path());
  write_npz(members, order.out);
  std::vector<std::string> names;
  for (const auto& [name, value] : members) names.push_back(name);
  return {{{"arrays", names}},
          fmt::format("{} arrays; numpy.load gives them, `about` says what they are", names.size())};
}

}  // namespace lowtide::app
