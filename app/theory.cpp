// `lowtide theory`: networks of d + 3 coefficients by construction, and their errors as the width grows.
#include <fmt/format.h>
#include <lowtide/experiments/theory_study.h>
#include <lowtide/io/file.h>

#include <nlohmann/json.hpp>

#include "gnuplot.h"
#include "theory_figure.h"
#include "verbs.h"

namespace lowtide::app {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

Json json_of(const TheoryErrors& e) {
  return {{"h1", e.h1}, {"u_t_l2", e.u_t}, {"l2", e.l2}, {"rel_h1", e.rel_h1}, {"rel_l2", e.rel_l2}};
}

Json json_of(const TheoryStudy& study, const TheoryRunOptions& o) {
  const TheoryOptions& s = o.study;
  Json json{{"equation", o.equation}, {"speed", s.speed}, {"deviation", s.deviation},
            {"velocity", s.velocity}, {"t_end", s.t_end}, {"times", s.times},
            {"points", s.points},     {"seeds", s.seeds}, {"errors", Json::array()},
            {"rates", Json::array()}};
  for (const TheoryRow& row : study.rows) {
    Json one{{"dims", row.dims},
             {"sampling", name_of(row.sampling)},
             {"width", row.width},
             {"coefficients", row.coefficients},
             {"params", row.parameters}};
    one.update(json_of(row.errors));
    json["errors"].push_back(std::move(one));
  }
  for (const TheoryRate& rate : study.rates) {
    Json one{{"dims", rate.dims}, {"sampling", name_of(rate.sampling)}, {"promised", rate.promised}};
    one.update(json_of(rate.rates));
    json["rates"].push_back(std::move(one));
  }
  return json;
}

std::string csv_of(const TheoryStudy& study) {
  std::string csv = "dims,stratified,width,coefficients,h1,u_t_l2,l2,rel_h1,rel_l2\n";
  for (const TheoryRow& row : study.rows)
    append_row(csv, {static_cast<double>(row.dims), row.sampling == RidgeSampling::stratified ? 1. : 0.,
                     static_cast<double>(row.width), static_cast<double>(row.coefficients), row.errors.h1,
                     row.errors.u_t, row.errors.l2, row.errors.rel_h1, row.errors.rel_l2});
  return csv;
}

void print(const TheoryStudy& study, const std::string& equation) {
  fmt::print("{}: errors on the unit ball, the largest over time, rms over seeds\n\n", equation);
  fmt::print("{:>4} {:<12} {:>7} {:>12} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "d", "sampling", "width",
             "coefficients", "H1", "H1, rel.", "u_t in L2", "L2", "L2, rel.");
  for (const TheoryRow& row : study.rows)
    fmt::print("{:>4} {:<12} {:>7} {:>12} {:>10.2e} {:>10.2e} {:>10.2e} {:>10.2e} {:>10.2e}\n", row.dims,
               name_of(row.sampling), row.width, row.coefficients, row.errors.h1, row.errors.rel_h1,
               row.errors.u_t, row.errors.l2, row.errors.rel_l2);
  if (study.rates.empty()) return;
  fmt::print("\nrates p of width^-p\n\n{:>4} {:<12} {:>10} {:>10} {:>10} {:>10}\n", "d", "sampling", "promised",
             "H1", "u_t in L2", "L2");
  for (const TheoryRate& rate : study.rates)
    fmt::print("{:>4} {:<12} {:>10.3f} {:>10.3f} {:>10.3f} {:>10.3f}\n", rate.dims, name_of(rate.sampling),
               rate.promised, rate.rates.h1, rate.rates.u_t, rate.rates.l2);
}

}  // namespace

void run_theory(const TheoryRunOptions& options, const Common& common) {
  TheoryRunOptions o = options;
  if (o.equation != "wave" && o.equation != "advection")
    throw InputError(fmt::format("theory of {}: there are wave and advection", o.equation));
  o.study.equation = o.equation == "wave" ? TheoryOptions::Equation::wave : TheoryOptions::Equation::advection;
  const fs::path folder = o.out.empty() ? fs::path("theory-" + o.equation) : o.out;
  if (fs::exists(folder / "theory.json") && !o.force)
    throw InputError(fmt::format("{} exists; --force replaces what is in it", folder.string()));
  const TheoryStudy study = theory_study(o.study);

  make_folder(folder);
  const std::string json = json_of(study, o).dump(2, ' ', false, Json::error_handler_t::replace);
  write_file(folder / "theory.json", json + "\n");
  write_file(folder / "theory.csv", csv_of(study));
  const bool drawn = draw_theory(study, o.study, folder / "theory-rates.svg");
  if (common.json) {
    fmt::print("{}\n", json);
    return;
  }
  print(study, o.equation);
  fmt::print("\nsaved in {}{}\n", folder.string(), drawn ? "" : "; no figure, gnuplot is not installed");
}

}  // namespace lowtide::app
