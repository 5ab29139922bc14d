#include <fmt/format.h>
#include <lowtide/models/about_svd.h>

#include <string_view>

namespace lowtide {

std::string about_svd(const MlpXt& model) {
  const std::string_view word = std::string_view(model.weights).substr(0, model.weights.find(':'));
  const char* names =
      word == "thin"   ? "all singular values, thin in ANN-SVD's summary and in its code"
      : word == "rank" ? "the largest singular values, compact in ANN-SVD's summary, truncated in its code"
      : word == "tol"
          ? "singular values from a threshold on, truncated in ANN-SVD's summary, compact in its code"
          : nullptr;
  if (!names) return "";
  const Mlp net = model.net();
  std::string ranks;
  std::int64_t numbers = 0, before = 0;
  for (std::size_t l = 0; l < model.forms.size(); ++l) {
    if (model.forms[l].kind != WeightForm::Kind::svd) continue;
    ranks += fmt::format("{}{}", ranks.empty() ? "" : " ", model.forms[l].rank);
    numbers += model.forms[l].entries(net.widths[l], net.widths[l + 1]);
    before += net.widths[l] * net.widths[l + 1];
  }
  return fmt::format("{}: {}; ranks {}, {} numbers where dense weights have {}", model.weights, names, ranks,
                     numbers, before);
}

}  // namespace lowtide
