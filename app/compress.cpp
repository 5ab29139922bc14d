// `lowtide compress`: a trained model in fewer bytes, and what that costs.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/experiments/compression_study.h>
#include <lowtide/io/file.h>
#include <lowtide/run/block_figure.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "comparison.h"
#include "compress_figure.h"
#include "verbs.h"

namespace lowtide::app {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

Json number(double x) { return std::isfinite(x) ? Json(x) : Json(); }

// A model of a budget with what it is worth against the truth.
struct Result {
  CompressedModel made;
  std::string label;  // "hmatrix-tol-0.01", of its folder
  Compared before, after;
  std::optional<Compared> tuned{};
};

std::string label_of(const CompressOptions& how, const CompressionBudget& budget) {
  const std::string method = fmt::format("{}{}", name_of(how.by), how.data_aware ? "-aware" : "");
  return how.by == CompressBy::int8 || budget.name.empty() ? method : fmt::format("{}-{}", method, budget.name);
}

// "20000", or "25%" of all.
std::int64_t bytes_of(const std::string& text, std::int64_t all) {
  std::size_t end = 0;
  double value = 0;
  try {
    value = std::stod(text, &end);
  } catch (const std::exception&) {
  }
  const bool share = end > 0 && text.substr(end) == "%";
  const double bytes = share ? value / 100 * static_cast<double>(all) : value;
  if (end == 0 || !(share || end == text.size()) || !(bytes >= 1) || bytes > 9e15)
    throw InputError(fmt::format("--bytes {}: a number of bytes, or a share as 25%, expected", text));
  return static_cast<std::int64_t>(bytes);
}

std::vector<CompressOptions> methods_of(const CompressRunOptions& o) {
  std::vector<CompressOptions> all;
  try {
    for (const std::string& name : o.methods) {
      if (name != "all") {
        all.push_back(o.how);
        all.back().by = compress_by_named(name);
        continue;
      }
      for (const CompressBy by : {CompressBy::hmatrix, CompressBy::svd, CompressBy::prune, CompressBy::int8}) {
        all.push_back(o.how);
        all.back().by = by;
      }
    }
  } catch (const ShapeError& error) {
    throw InputError(error.what());
  }
  for (CompressOptions& how : all)
    if (how.data_aware && (how.by == CompressBy::prune || how.by == CompressBy::int8)) how.data_aware = false;
  return all;
}

std::vector<CompressionBudget> budgets_of(const CompressRunOptions& o, std::int64_t all) {
  std::vector<CompressionBudget> budgets;
  for (const double tolerance : o.tolerances) {
    if (!(tolerance > 0 && tolerance < 1))
      throw InputError(fmt::format("--tol {}: a relative error between 0 and 1 expected", tolerance));
    budgets.push_back({.name = fmt::format("tol-{}", tolerance), .tolerance = tolerance});
  }
  for (const std::string& bytes : o.bytes) budgets.push_back({.name = bytes, .bytes = bytes_of(bytes, all)});
  if (budgets.empty()) budgets.push_back({.name = "tol-0.01", .tolerance = .01});
  return budgets;
}

double size_of(const CompressedNetwork& network) {
  double square = 0;
  for (const CompressedLayer& layer : network.layers) square += layer.size * layer.size;
  return std::sqrt(square);
}

double relative_error(const CompressedNetwork& network) {
  const double size = size_of(network);
  return size > 0 ? network.error() / size : 0;
}

// C in drift of the tangent kernel = C times the relative error of the weights: the geometric mean over a
// method's budgets. NaN of fewer than two.
double kernel_constant(const std::vector<Result>& results, const CompressOptions& how) {
  double sum = 0;
  int count = 0;
  for (const Result& r : results) {
    const double error = relative_error(r.made.network), drift = r.made.kernel_drift;
    if (r.made.how.by != how.by || !(error > 0) || !(drift > 0)) continue;
    sum += std::log(drift / error);
    ++count;
  }
  return count < 2 ? NAN : std::exp(sum / count);
}

// Layers, then the whole network.
void append(Json& list, const Result& r, double kernel_constant) {
  const CompressedModel& made = r.made;
  const char* method = name_of(made.how.by);
  const bool promised = made.budget.tolerance > 0 && made.how.by != CompressBy::int8;  // which has no choice
  const Json tolerance = promised ? Json(made.budget.tolerance) : Json();
  for (std::size_t l = 0; l < made.network.layers.size(); ++l) {
    const CompressedLayer& layer = made.network.layers[l];
    list.push_back({{"layer", layer.name},
                    {"method", method},
                    {"tol", tolerance},
                    {"bytes", layer.weight.bytes},
                    {"dense_bytes", layer.dense_bytes},
                    {"weight_error", layer.weight.error},
                    {"bound", layer.weight.bound},
                    {"output_rel_l2", made.layer_rel_l2[l]},
                    {"weight_size", layer.size},
                    {"form", text_of(layer.weight.form)}});
  }
  Json all{{"layer", "all"},
           {"method", method},
           {"tol", tolerance},
           {"bytes", made.network.bytes},
           {"dense_bytes", made.network.dense_bytes},
           {"weight_error", made.network.error()},
           {"bound", made.network.bound()},
           {"output_rel_l2", made.output_rel_l2},
           {"weight_size", size_of(made.network)},
           {"data_aware", made.how.data_aware},
           {"reordered", made.how.reorder && made.how.by == CompressBy::hmatrix},
           {"output_bound", number(made.output_bound)},
           {"kernel_drift", number(made.kernel_drift)},
           {"kernel_constant", number(kernel_constant)},
           {"params", r.after.run.model.parameter_count()},
           {"truth_rel_l2", number(r.after.heldout.rel_l2)},
           {"truth_rel_l2_before", number(r.before.heldout.rel_l2)},
           {"ns_per_point", r.after.ns_per_point},
           {"ns_per_point_before", r.before.ns_per_point},
           {"saved", r.after.run.name}};
  if (r.tuned) all["truth_rel_l2_tuned"] = number(r.tuned->heldout.rel_l2);
  list.push_back(std::move(all));
}

void print(const std::vector<Result>& results, const std::vector<CompressOptions>& methods,
           const std::string& run) {
  const Result& first = results.front();
  fmt::print("{}: {}, {} bytes of weights and biases; {:.1f} ns a point; error {:.2e} to the truth\n\n", run,
             first.before.run.model.name, first.made.network.dense_bytes, first.before.ns_per_point,
             first.before.heldout.rel_l2);
  fmt::print("{:<26} {:>10} {:>7} {:>10} {:>10} {:>10} {:>10} {:>10} {:>8}{}\n", "method", "bytes", "%",
             "weights", "promised", "output", "to truth", "kernel", "ns/point",
             first.tuned ? "      tuned" : "");
  for (const Result& r : results) {
    double square = 0;
    for (const CompressedLayer& layer : r.made.network.layers) square += layer.size * layer.size;
    const double size = square > 0 ? std::sqrt(square) : 1;
    fmt::print(
        "{:<26} {:>10} {:>7.2f} {:>10.2e} {:>10.2e} {:>10.2e} {:>10.2e} {:>10} {:>8.1f}", r.label,
        r.made.network.bytes,
        100. * static_cast<double>(r.made.network.bytes) / static_cast<double>(r.made.network.dense_bytes),
        r.made.network.error() / size, r.made.network.bound() / size, r.made.output_rel_l2,
        r.after.heldout.rel_l2,
        std::isfinite(r.made.kernel_drift) ? fmt::format("{:.2e}", r.made.kernel_drift) : "-",
        r.after.ns_per_point);
    if (r.tuned) fmt::print(" {:>10.2e}", r.tuned->heldout.rel_l2);
    fmt::print("\n");
    for (std::size_t l = 0; l < r.made.network.layers.size(); ++l) {
      const CompressedLayer& layer = r.made.network.layers[l];
      fmt::print("  {:<24} {:>10} {:>7.2f} {:>10.2e} {:>10.2e} {:>10.2e}\n", layer.name, layer.weight.bytes,
                 100. * static_cast<double>(layer.weight.bytes) / static_cast<double>(layer.dense_bytes),
                 layer.size > 0 ? layer.weight.error / layer.size : 0,
                 layer.size > 0 ? layer.weight.bound / layer.size : 0, r.made.layer_rel_l2[l]);
    }
  }
  std::string constants;
  for (const CompressOptions& how : methods)
    if (const double constant = kernel_constant(results, how); std::isfinite(constant))
      constants += fmt::format(" {} {:.3g}", name_of(how.by), constant);
  if (!constants.empty()) fmt::print("\nkernel over weights, geometric mean:{}\n", constants);
  fmt::print(
      "\nerrors of weights and what was promised of them: relative, Frobenius norm; output: against the model "
      "before, "
      "of all layers or of this one alone\n");
}

// A folder that compare, eval and report take for a run.
void save(const fs::path& folder, const FinishedRun& run, const SavedModel& model, const Result& r) {
  make_folder(folder);
  Json manifest = Json::parse(read_file(fs::path(run.name) / "manifest.json"), nullptr, false);
  if (!manifest.is_object()) manifest = Json::object();
  manifest["compressed"] = {{"from", run.name}, {"method", r.label}, {"bytes", r.made.network.bytes}};
  manifest["parameters"] = model.parameter_count();
  if (const fs::path config = fs::path(run.name) / "config.toml"; fs::exists(config))
    write_file(folder / "config.toml", read_file(config));
  write_model(model, folder / "model.safetensors");
  write_file(folder / "manifest.json", manifest.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

// Output against bytes, over budgets of each method.
std::vector<CompressionCurve> curves_of(const CompressionStudy& study,
                                        const std::vector<CompressOptions>& methods,
                                        const std::vector<NetworkCandidates>& candidates) {
  std::vector<CompressionCurve> curves;
  for (std::size_t m = 0; m < methods.size(); ++m) {
    CompressionCurve curve{label_of(methods[m], {}), {}};
    for (const double share : {.75, .5, .35, .25, .18, .12, .08, .05, .03}) {
      const CompressedModel made =
          study.compressed(candidates[m], methods[m],
                           {.bytes = std::llround(share * static_cast<double>(study.dense_bytes()))}, false);
      const double bytes =
          static_cast<double>(made.network.bytes) / static_cast<double>(made.network.dense_bytes);
      if (!curve.points.empty() && curve.points.back().first <= bytes) break;  // it cannot do with less
      curve.points.emplace_back(bytes, made.output_rel_l2);
    }
    curves.push_back(std::move(curve));
  }
  return curves;
}

}  // namespace

void compress_run(const CompressRunOptions& o, const Common& common) {
  const FinishedRun run = read_run(o.run);
  const std::vector<CompressOptions> methods = methods_of(o);
  const fs::path folder = o.out.empty() ? o.run / "compression" : o.out;
  if (fs::exists(folder / "compression.json") && !o.force && !o.out.empty())
    throw InputError(fmt::format("{} exists; --force replaces what is in it", folder.string()));
  Prepared prepared;
  if (o.tune > 0 && !std::holds_alternative<MlpXt>(run.model.net))
    throw InputError(fmt::format("--tune keeps the forms of dense networks; {} is none", run.model.name));
  if (run.settings.values().empty() && !fs::exists(o.run / "config.toml"))
    throw InputError(fmt::format("{} does not say what it was trained on: it has no config.toml", run.name));
  prepared = prepare(run.settings, true);

  const CompressionStudy study(run.model, prepared.set);
  const std::vector<CompressionBudget> budgets = budgets_of(o, study.dense_bytes());
  std::vector<NetworkCandidates> candidates;
  for (const CompressOptions& how : methods) candidates.push_back(study.candidates(how));

  const Compared before = compared(run, prepared.set);
  std::vector<Result> results;
  for (std::size_t m = 0; m < methods.size(); ++m)
    for (const CompressionBudget& budget : budgets) {
      if (methods[m].by == CompressBy::int8 && &budget != &budgets.front()) continue;  // it has no choice
      Result r{.made = study.compressed(candidates[m], methods[m], budget),
               .label = label_of(methods[m], budget),
               .before = before,
               .after = {}};
      FinishedRun after = run;
      after.name = (folder / r.label).string();
      after.model = r.made.model;
      r.after = compared(after, prepared.set);
      SavedModel kept = r.made.model;
      if (o.tune > 0) {
        const double lr = o.tune_rate > 0 ? o.tune_rate : fine_tuning_rate(prepared);
        kept = study.model_of(r.made.network.net,
                              fine_tuned(prepared, r.made.network.net, r.made.network.theta, o.tune, lr));
        after.model = kept;
        r.tuned = compared(after, prepared.set);
      }
      save(folder / r.label, run, kept, r);
      for (const CompressedLayer& layer : r.made.network.layers)
        if (layer.weight.form.kind == WeightForm::Kind::blocks)
          draw(block_figure(*layer.weight.form.blocks,
                            folder / r.label / fmt::format("blocks-{}.svg", layer.name)));
      results.push_back(std::move(r));
    }

  Json list = Json::array();
  for (const Result& r : results) append(list, r, kernel_constant(results, r.made.how));
  const std::string text = list.dump(2, ' ', false, Json::error_handler_t::replace);
  write_file(folder / "compression.json", text + "\n");
  std::vector<LayerErrors> layers;
  for (const Result& r : results) {
    layers.push_back({name_of(r.made.how.by), r.label, {}, r.made.layer_rel_l2});
    for (const CompressedLayer& layer : r.made.network.layers) layers.back().names.push_back(layer.name);
  }
  const bool drawn = draw_compression(curves_of(study, methods, candidates), folder / "error-bytes.svg") &&
                     draw_layers(layers, folder / "layers.svg");
  if (common.json) {
    fmt::print("{}\n", text);
    return;
  }
  print(results, methods, run.name);
  if (!drawn) fmt::print("no pictures, gnuplot is not installed; their scripts and data are there\n");
  fmt::print("saved in {}: each model as a run of its own, for {} compare and eval\n", folder.string(),
             program_name());
}

}  // namespace lowtide::app
