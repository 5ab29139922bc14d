// `lowtide reduce`: what a trained low-rank model can be reduced to.
#include <fmt/format.h>
#include <lowtide/experiments/reduction_study.h>
#include <lowtide/io/file.h>

#include "gnuplot.h"
#include "paper.h"
#include "run_folder.h"
#include "verbs.h"

#include <nlohmann/json.hpp>

namespace lowtide::app {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

Json json_of(const FastRow& row) {
  return {{"rank", row.rank},
          {"mean_rank", row.mean_rank},
          {"rel_l2", row.rel_l2},
          {"bound", row.bound},
          {"ns_per_point", row.ns_per_point},
          {"pieces", row.pieces},
          {"median_rel_l2", row.median},
          {"max", row.max},
          {"effectivity", {row.effectivity_low, row.effectivity_high}},
          {"kilobytes", row.kilobytes},
          {"folded_max", row.folded}};
}

Json json_of(const ChosenRanks& chosen) {
  Json json = json_of(chosen.row);
  json["rank"] = chosen.row.mean_rank;
  json["holds"] = chosen.holds;
  return json;
}

Json json_of(const std::vector<FastRow>& rows) {
  Json all = Json::array();
  for (const FastRow& row : rows) all.push_back(json_of(row));
  return all;
}

Json json_of(const FinishedRun& run, const std::vector<double>& mu, const ReductionStudy& study,
             const StudyOptions& options) {
  Json truncation = Json::array(), projection = Json::array();
  for (const TruncationRow& row : study.truncation)
    truncation.push_back({{"relative", name_of(row.relative)},
                          {"weights", row.kept.weight_ranks()},
                          {"biases", row.kept.bias_ranks()},
                          {"rel_l2", row.rel_l2}});
  for (const ModesRow& row : study.projection)
    projection.push_back({{"modes", row.modes}, {"rel_l2", row.rel_l2}});
  const TruncationRow& global = study.truncation.front();
  return {{"run", run.name},
          {"model", run.model.name},
          {"mu", mu},
          {"threshold", options.threshold},
          {"tolerance", options.tolerance},
          {"selector", name_of(options.fast.selector)},
          {"oversample", options.fast.oversample},
          {"points", study.points.shape[0]},
          {"unseen_times", options.unseen},
          {"ranks", {{"weights", global.kept.weight_ranks()}, {"biases", global.kept.bias_ranks()}}},
          {"hypermodes", study.significant},
          {"singular_values", to_vector(study.modes.singular_values)},
          {"degrees", study.degrees},
          {"degrees_to_roundoff", study.degrees_to_roundoff},
          {"truncation", truncation},
          {"projection", projection},
          {"full_ns_per_point", study.full_ns + study.coefficients_ns},
          {"truncated_ns_per_point", study.truncated_ns + study.coefficients_ns},
          {"coefficients_ns", study.coefficients_ns},
          {"smallest_rank", study.smallest_rank},
          {"fastlrnr", json_of(study.fast)},
          {"one_basis", json_of(study.one_basis)},
          {"by_error", json_of(study.by_error)},
          {"by_bound", json_of(study.by_bound)},
          {"stored_series",
           {{"times", study.series_times},
            {"rel_l2", study.series_rel_l2},
            {"ns_per_point", study.series_ns},
            {"kilobytes", study.series_kilobytes}}}};
}

void print(const char* by, const ChosenRanks& chosen) {
  fmt::print("ranks of each layer by the {}: {:.1f} on {:.1f} pieces, rel l2 {:.1e}, bound {:.1e}, ", by,
             chosen.row.mean_rank, chosen.row.pieces, chosen.row.rel_l2, chosen.row.bound);
  if (chosen.holds)
    fmt::print("{:.0f} ns\n", chosen.row.ns_per_point);
  else
    fmt::print("not everywhere: there the network itself is asked\n");
}

void print(const FinishedRun& run, const std::string& case_name, const ReductionStudy& study,
           const StudyOptions& options) {
  fmt::print("{}: {}, {} coefficients; errors of u are those at the {} points of the last table\n\n", run.name,
             run.model.name, run.model.coefficients(), study.points.shape[0]);
  fmt::print("truncation at {:.0e}, ranks by layer{:>34}{:>28}{:>12}\n", options.threshold, "weights", "biases",
             "rel l2");
  for (const TruncationRow& row : study.truncation)
    fmt::print("  relative to {:<12}{:>43}{:>28}{:>12.1e}\n", name_of(row.relative),
               listed(row.kept.weight_ranks()), listed(row.kept.bias_ranks()), row.rel_l2);
  if (const auto paper = paper_row(case_name))
    fmt::print("  the paper (width {}, rank {}){:>35}{:>28}{:>4} hypermodes\n", paper->width, paper->rank,
               listed(paper->weights), listed(paper->biases), paper->hypermodes);

  fmt::print(
      "\n{} hypermodes above {:.0e}; singular values, degrees of the temporal modes in t (to 1e-6, 1e-12), and "
      "error of u with as many modes\n",
      study.significant, options.threshold);
  const double largest = study.modes.singular_values.at(0), first = largest > 0 ? largest : 1;
  for (std::size_t j = 0; j < study.projection.size(); ++j) {
    const auto at = static_cast<std::int64_t>(j);
    const std::string degree = j < study.degrees.size()
                                   ? fmt::format("{}, {}", study.degrees[j], study.degrees_to_roundoff[j])
                                   : std::string();
    fmt::print("  {:>3}{:>11.1e}{:>10}{:>11.1e}\n", at + 1, study.modes.singular_values.at(at) / first, degree,
               study.projection[j].rel_l2);
  }

  fmt::print(
      "\nFastLRNR at {} points, half of them where the field jumps; errors over {} times not seen before\n"
      "on pieces of time:                                                  one basis for all times:\n"
      "rank  pieces   rel l2 (median)      bound   bound/error     ns    kB    rel l2      bound     ns\n",
      study.points.shape[0], options.unseen);
  for (std::size_t k = 0; k < study.fast.size(); ++k) {
    const FastRow &row = study.fast[k], &one = study.one_basis[k];
    fmt::print(
        "{:>4}{:>8.1f}{:>9.1e} ({:.0e}){:>11.1e}{:>6.1f} to "
        "{:<6.0f}{:>5.0f}{:>6.0f}{:>10.1e}{:>11.1e}{:>7.0f}\n",
        row.rank, row.pieces, row.rel_l2, row.median, row.bound, row.effectivity_low, row.effectivity_high,
        row.ns_per_point, row.kilobytes, one.rel_l2, one.bound, one.ns_per_point);
  }
  fmt::print("the bound is the largest at validation times: between them an estimate\n");
  print("error", study.by_error);
  print("bound", study.by_bound);
  for (const FastRow& row : study.fast)
    if (row.rank == study.smallest_rank && row.ns_per_point > 0) {
      const double network = study.full_ns + study.coefficients_ns;
      fmt::print(
          "\nns from a time to u: network {:.0f}, truncated {:.0f}, FastLRNR of rank {} {:.0f} ({:.1f}x; in "
          "f32, with errors of {:.0e} at most)\n",
          network, study.truncated_ns + study.coefficients_ns, row.rank, row.ns_per_point,
          network / row.ns_per_point, row.folded);
    }
  if (study.smallest_rank == 0) fmt::print("\nno rank of the table holds {:.0e}\n", options.tolerance);
  if (study.series_times > 0)
    fmt::print(
        "a table of {} stored values of the point, cubic between them: {:.0f} ns, {:.0f} kB, rel l2 {:.1e}\n",
        study.series_times, study.series_ns, study.series_kilobytes, study.series_rel_l2);
}

std::string csv_of(const std::vector<FastRow>& rows) {
  std::string csv =
      "rank,pieces,rel_l2,median,max,bound,effectivity_low,effectivity_high,"
      "ns_per_point,kilobytes,folded_max\n";
  for (const FastRow& row : rows)
    append_row(csv, {static_cast<double>(row.rank), row.pieces, row.rel_l2, row.median, row.max, row.bound,
                     row.effectivity_low, row.effectivity_high, row.ns_per_point, row.kilobytes, row.folded});
  return csv;
}

// Times, then a column a mode.
std::string csv_of(const LowRankModel& model, const Tensor& times, const Tensor& columns, std::int64_t most) {
  std::string csv = "t";
  for (std::int64_t j = 0; j < most; ++j) csv += fmt::format(",{}", j + 1);
  csv += '\n';
  for (std::int64_t i = 0; i < times.size(); ++i) {
    std::vector<double> row{model.physical_time(times.at(i))};
    for (std::int64_t j = 0; j < most; ++j) row.push_back(columns.at(i * columns.shape[1] + j));
    append_row(csv, row);
  }
  return csv;
}

}  // namespace

void reduce_run(const ReduceOptions& options, const Common& common) {
  const FinishedRun run = read_run(options.run);
  const LowRankModel model = low_rank_model(run.model, options.mu);
  std::vector<double> mu = options.mu;
  for (std::size_t k = 1; k < model.scaling.t.size() && options.mu.empty(); ++k)
    mu.push_back((model.scaling.t[k].low + model.scaling.t[k].high) / 2);
  const std::int64_t width = model.weights.layer(0).out();
  if (options.study.rank > width)
    throw InputError(fmt::format("rank {} is larger than the width {} of the network's hidden layers",
                                 options.study.rank, width));
  const ReductionStudy found = study(model, options.study);
  const fs::path folder = options.out.empty() ? options.run / "reduction" : options.out;
  make_folder(folder);
  const Json json = json_of(run, mu, found, options.study);
  write_file(folder / "reduction.json", json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  write_file(folder / "fastlrnr.csv", csv_of(found.fast));
  write_file(folder / "one_basis.csv", csv_of(found.one_basis));
  const std::int64_t most = std::min<std::int64_t>(found.significant, 40);
  write_file(folder / "temporal_modes.csv", csv_of(model, found.modes.times, found.modes.temporal, most));
  std::string values = "j,singular_value\n";
  for (std::int64_t j = 0; j < found.modes.singular_values.size(); ++j)
    append_row(values, {static_cast<double>(j + 1), found.modes.singular_values.at(j)});
  write_file(folder / "singular_values.csv", values);
  if (common.json)
    fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
  else {
    if (!mu.empty()) fmt::print("at parameters mu = {}\n", fmt::join(mu, ", "));
    print(run, run.case_name(), found, options.study);
    fmt::print("\nsaved in {}\n", folder.string());
  }
}

}  // namespace lowtide::app
