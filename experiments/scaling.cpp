#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/experiments/scaling.h>
#include <lowtide/io/file.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

namespace lowtide {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ',');) words.push_back(word);
  return words;
}

Range widest(const Tensor& x, std::int64_t column) {
  const std::int64_t width = x.shape[1];
  Range range{x.at(column), x.at(column)};
  for (std::int64_t i = column; i < x.size(); i += width) {
    range.low = std::min(range.low, x.at(i));
    range.high = std::max(range.high, x.at(i));
  }
  return range;
}

std::string text_of(const std::vector<Range>& ranges) {
  std::string text;
  for (const Range& r : ranges) text += fmt::format("{}{},{}", text.empty() ? "" : ",", r.low, r.high);
  return text;
}

std::vector<double> numbers(const std::string& text, const std::string& source, const std::string& key) {
  if (text.ends_with(',')) bad_input(source, key, "a number expected after the last comma");
  std::vector<double> all;
  for (const std::string& word : split(text)) {
    double number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size() || !std::isfinite(number))
      bad_input(source, key, fmt::format("a number expected, found '{}'", word));
    all.push_back(number);
  }
  return all;
}

std::vector<Range> ranges(const std::string& text, const std::string& source, const std::string& key) {
  const std::vector<double> all = numbers(text, source, key);
  if (all.empty() || all.size() % 2 != 0) bad_input(source, key, "pairs of numbers expected");
  std::vector<Range> result;
  for (std::size_t i = 0; i < all.size(); i += 2) {
    if (all[i] > all[i + 1])
      bad_input(source, key, fmt::format("a range from {} down to {}", all[i], all[i + 1]));
    result.push_back({all[i], all[i + 1]});
  }
  return result;
}

}  // namespace

Tensor Scaling::points(const Tensor& physical) const {
  if (physical.shape.rank() != 2 || physical.shape[1] != dims())
    fail<ShapeError>("scaling", fmt::format("points {} in {} dimensions", to_string(physical.shape), dims()));
  Tensor scaled(physical.shape, Dtype::f32);
  float* to = scaled.mutable_data<float>();
  const double* from = physical.data<double>();
  for (std::int64_t i = 0; i < physical.size(); ++i)
    to[i] = static_cast<float>(x[static_cast<std::size_t>(i % dims())].inside(from[i]));
  return scaled;
}

Tensor Scaling::time(double physical, const std::vector<double>& mu) const {
  if (mu.size() + 1 != t.size())
    throw InputError(fmt::format("the model needs {} parameters beside time, got {}", t.size() - 1, mu.size()));
  Tensor row({1, std::ssize(t)}, Dtype::f32);
  float* to = row.mutable_data<float>();
  to[0] = static_cast<float>(t[0].inside(physical));
  for (std::size_t k = 0; k < mu.size(); ++k) to[k + 1] = static_cast<float>(t[k + 1].inside(mu[k]));
  return row;
}

Tensor Scaling::values(const Tensor& physical) const {
  Tensor scaled(physical.shape, Dtype::f32);
  float* to = scaled.mutable_data<float>();
  const double* from = physical.data<double>();
  for (std::int64_t i = 0; i < physical.size(); ++i)
    to[i] = static_cast<float>(from[i] / size[static_cast<std::size_t>(i % physical.shape[1])]);
  return scaled;
}

Tensor Scaling::physical_values(const Tensor& scaled) const {
  Tensor physical = scaled.cast(Dtype::f64);
  double* to = physical.mutable_data<double>();
  for (std::int64_t i = 0; i < physical.size(); ++i)
    to[i] *= size[static_cast<std::size_t>(i % scaled.shape[1])];
  return physical;
}

std::map<std::string, std::string> Scaling::metadata() const {
  return {{"scaling.x", text_of(x)},
          {"scaling.t", text_of(t)},
          {"scaling.fields", fmt::format("{}", fmt::join(fields, ","))},
          {"scaling.size", fmt::format("{}", fmt::join(size, ","))}};
}

Scaling scaling_from(const std::map<std::string, std::string>& metadata, const std::string& source) {
  const auto text = [&](const char* key) -> const std::string& {
    const auto found = metadata.find(key);
    if (found == metadata.end()) bad_input(source, key, "missing; this is not a model of lowtide");
    return found->second;
  };
  Scaling scaling{ranges(text("scaling.x"), source, "scaling.x"),
                  ranges(text("scaling.t"), source, "scaling.t"), split(text("scaling.fields")),
                  numbers(text("scaling.size"), source, "scaling.size")};
  if (scaling.fields.empty() || scaling.fields.size() != scaling.size.size())
    bad_input(source, "scaling.size", "fields and sizes differ in number");
  for (const double size : scaling.size)
    if (!(size > 0)) bad_input(source, "scaling.size", fmt::format("{} is not positive", size));
  return scaling;
}

std::vector<std::int64_t> columns_of(const Snapshots& set, const std::vector<std::string>& fields) {
  std::vector<std::int64_t> which;
  for (const std::string& name : fields) {
    const auto found = std::find(set.fields.begin(), set.fields.end(), name);
    if (found == set.fields.end())
      throw InputError(fmt::format("there is no field {}; there are {}", name, fmt::join(set.fields, ", ")));
    which.push_back(found - set.fields.begin());
  }
  return which;
}

Tensor columns(const Tensor& u, const std::vector<std::int64_t>& which) {
  const std::int64_t n = u.shape[0], all = u.shape[1], wanted = std::ssize(which);
  Tensor picked({n, wanted}, Dtype::f64);
  double* to = picked.mutable_data<double>();
  const double* from = u.data<double>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < wanted; ++k)
      to[i * wanted + k] = from[i * all + which[static_cast<std::size_t>(k)]];
  return picked;
}

Scaling scaling_of(const Snapshots& set, const std::string& fields) {
  Scaling scaling;
  for (std::int64_t a = 0; a < set.dims(); ++a) {
    const auto axis = static_cast<std::size_t>(a);
    scaling.x.push_back(axis < set.low.size() ? Range{set.low[axis], set.high[axis]} : widest(set.x, a));
  }
  scaling.t.push_back(widest(set.t.reshaped({set.frames(), 1}), 0));
  if (set.mu)
    for (std::int64_t p = 0; p < set.mu.shape[1]; ++p) scaling.t.push_back(widest(set.mu, p));
  scaling.fields = fields.empty() ? set.fields : split(fields);
  const std::vector<std::int64_t> which = columns_of(set, scaling.fields);
  std::vector<double> most(which.size(), 0.0), square(which.size(), 0.0);
  double rows = 0;
  for (const std::int64_t frame : set.training()) {
    const Tensor u = columns(set.values(frame), which);
    rows += static_cast<double>(u.shape[0]);
    for (std::int64_t i = 0; i < u.size(); ++i) {
      const auto k = static_cast<std::size_t>(i) % which.size();
      most[k] = std::max(most[k], std::abs(u.at(i)));
      square[k] += u.at(i) * u.at(i);
    }
  }
  for (std::size_t k = 0; k < which.size(); ++k) {
    if (!(most[k] > 0)) throw InputError(fmt::format("field {} is zero everywhere", scaling.fields[k]));
    scaling.size.push_back(which.size() == 1 ? most[k] : std::sqrt(square[k] / rows));
  }
  return scaling;
}

std::vector<double> parameters_of(const Snapshots& set, std::int64_t frame) {
  std::vector<double> mu;
  if (set.mu)
    for (std::int64_t p = 0; p < set.mu.shape[1]; ++p) mu.push_back(set.mu.at(frame * set.mu.shape[1] + p));
  return mu;
}

}  // namespace lowtide
