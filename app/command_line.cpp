#include "command_line.h"
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/run/run.h>
#include "verbs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <new>
#include <system_error>

using namespace lowtide;
using namespace lowtide::app;

namespace {

std::string& called() {
  static std::string name = "lowtide";
  return name;
}

void add_output(CLI::App& verb, Output& output, const std::string& standard) {
  verb.add_option("-o,--out", output.path, "file to write; " + standard)->type_name("FILE.h5");
  verb.add_flag("--force", output.force, "overwrite it");
  verb.add_flag("--plot", output.plot, "draw it too: FILE.svg, with FILE.gnuplot and FILE.csv");
}

void add_import_options(CLI::App& verb, ImportOptions& options) {
  verb.add_option("--fields", options.fields, "names of the components, with commas between")->delimiter(',');
  verb.add_option("--name", options.name, "of the case");
  verb.add_option("--heldout", options.heldout, "every so many frames one is kept from training; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_output(verb, options.output, "by default named after what is read");
}

int one_line(const char* kind, std::string what, int code) {
  std::replace(what.begin(), what.end(), '\n', ' ');
  fmt::print(stderr, "{}: {}{}\n", program_name(), kind, what);
  return code;
}

int run(int argc, char** argv) {
  CLI::App program("Low-rank neural representations of wave dynamics", program_name());
  const std::string see_list = fmt::format("see `{} list`", program_name());
  program.set_version_flag("--version", LOWTIDE_VERSION);
  Common common;
  program.fallthrough();
  program.require_subcommand(0, 1);  // one verb: the "data" of `train data` is none
  program.add_option("--threads", common.threads, "threads to use; by default as many as there are cores")
      ->check(CLI::Range(1, 1024));
  program.add_flag("--json", common.json, "print the result as JSON");

  CLI::App& list = *program.add_subcommand("list", "what there is: cases, models, recipes, optimizers");

  DataOptions data;
  CLI::App& data_verb = *program.add_subcommand("data", "solve a case and write its snapshots");
  data_verb.add_option("case", data.name, see_list)->required()->type_name("CASE");
  std::string preset = "demo";
  data_verb.add_option("--preset", preset, "demo, study or paper")->type_name("PRESET")->capture_default_str();
  data_verb.add_option("--set", data.settings, "a setting, as cells=200 or limiter=minmod; may be repeated")
      ->type_name("NAME=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  data_verb.add_flag("--settings", data.list_settings, "list the settings of the case and stop");
  add_output(data_verb, data.output, "by default CASE-PRESET.h5");

  TrainOptions train;
  CLI::App& train_verb = *program.add_subcommand("train", "train a model on a case, or on a file of snapshots");
  train_verb.add_option("case", train.case_name, see_list + "; data: only a file")->type_name("CASE");
  train_verb.add_option("--model", train.model, "lrnr (default), siren, ...; " + see_list);
  train_verb.add_option("--preset", train.preset, "sizes: demo (default) or paper");
  train_verb.add_option("--recipe", train.recipe, "fast (default) or paper");
  train_verb.add_option("--data", train.data, "snapshots in place of the case's own")->type_name("FILE.h5");
  train_verb.add_option("--config", train.config, "settings from a file; --set wins over it")
      ->type_name("FILE.toml");
  train_verb.add_option("--set", train.settings, "a setting, as model.rank=16; may be repeated")
      ->type_name("NAME=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  train_verb.add_flag("--settings", train.list_settings, "list the settings and stop");
  train_verb.add_option("--seed", train.seed, "of all random numbers")->check(CLI::NonNegativeNumber);
  train_verb.add_option("-o,--out", train.out, "folder of the run; by default run-CASE-MODEL")
      ->type_name("DIR");
  train_verb.add_flag("--force", train.force, "replace a run that is there");
  train_verb.add_option("--resume", train.resume, "go on with a run that was stopped")->type_name("DIR");
  train_verb.add_option("--checkpoint", train.checkpoint_every, "seconds between checkpoints")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();

  EvalOptions eval;
  CLI::App& eval_verb = *program.add_subcommand("eval", "values of a trained model, as an array of numpy");
  eval_verb.add_option("run", eval.run, "folder of the run")->required()->type_name("DIR");
  eval_verb.add_option("--t", eval.times, "times, with commas between")->delimiter(',')->required();
  eval_verb.add_option("--mu", eval.mu, "parameters beside time")->delimiter(',');
  eval_verb.add_option("--x", eval.points, "points (n,d), an array of numpy")->type_name("FILE.npy");
  eval_verb.add_option("--grid", eval.grid, "or so many cells a side; 100")->check(CLI::Range(1, 100000));
  eval_verb
      .add_option("--fast", eval.fast,
                  "by a FastLRNR at each point, of this relative error; for few points and many times")
      ->check(CLI::Range(1e-12, 1.0));
  eval_verb.add_option("-o,--out", eval.out, "file to write (times, points, fields)")
      ->required()
      ->type_name("FILE.npy");
  eval_verb.add_flag("--force", eval.force, "overwrite it");

  CompareOptions compare;
  CLI::App& compare_verb = *program.add_subcommand("compare", "errors and costs of runs, side by side");
  compare_verb.add_option("runs", compare.runs, "folders of runs")->required()->type_name("DIR...");
  compare_verb.add_option("--data", compare.data, "snapshots to compare on; by default those of the first run")
      ->type_name("FILE.h5");
  compare_verb.add_option("--plot", compare.plot, "draw the models against the data, and FILE-history.svg")
      ->type_name("FILE.svg");
  compare_verb.add_option("--csv", compare.csv, "write the table to a file")->type_name("FILE.csv");

  ReportOptions report;
  CLI::App& report_verb = *program.add_subcommand("report", "runs, reductions and figures as one page of HTML");
  report_verb.add_option("runs", report.runs, "folders of runs")->required()->type_name("DIR...");
  report_verb.add_option("--data", report.data, "snapshots to compare on; by default those of the runs")
      ->type_name("FILE.h5");
  report_verb.add_option("-o,--out", report.out, "page to write; by default report.html in the first folder")
      ->type_name("FILE.html");
  report_verb.add_flag("--force", report.force, "overwrite it");

  ExportOptions exported;
  CLI::App& export_verb = *program.add_subcommand("export", "a trained model for other programs: npz, vti, c");
  export_verb.add_option("run", exported.run, "folder of the run")->required()->type_name("DIR");
  export_verb.add_option("--format", exported.format, "npz (numpy), vti (ParaView) or c (C99)")
      ->required()
      ->type_name("FORMAT");
  export_verb.add_option("-o,--out", exported.out, "file to write; by default DIR/export/DIR.FORMAT")
      ->type_name("FILE");
  export_verb.add_option("--t", exported.times, "vti: times, with commas between; 11 over the model's range")
      ->delimiter(',');
  export_verb.add_option("--grid", exported.grid, "vti: cells a side; 100")->check(CLI::Range(1, 100000));
  export_verb.add_option("--mu", exported.mu, "parameters beside time")->delimiter(',');
  export_verb.add_option("--at", exported.at, "c: only this point, x or x,y, but faster")->delimiter(',');
  export_verb
      .add_option("--tol", exported.tolerance,
                  "c: what may be left out; 5e-5 of the coefficients, or with --at "
                  "an error of 1e-4 of the field")
      ->check(CLI::NonNegativeNumber);
  export_verb.add_flag("--force", exported.force, "overwrite what is there");

  ReduceOptions reduce;
  CLI::App& reduce_verb =
      *program.add_subcommand("reduce", "truncation, hypermodes and FastLRNR of a trained low-rank model");
  reduce_verb.add_option("run", reduce.run, "folder of the run")->required()->type_name("DIR");
  reduce_verb.add_option("-o,--out", reduce.out, "folder to write; by default DIR/reduction")->type_name("DIR");
  reduce_verb.add_option("--tol", reduce.study.tolerance, "relative error that FastLRNRs keep")
      ->check(CLI::Range(1e-12, 1.0))
      ->capture_default_str();
  reduce_verb
      .add_option("--rank", reduce.study.rank,
                  "rank that the pieces of time are cut for; by default that of the weights")
      ->check(CLI::PositiveNumber);
  reduce_verb
      .add_option("--threshold", reduce.study.threshold, "below which coefficients and hypermodes are left out")
      ->check(CLI::Range(1e-15, 1.0))
      ->capture_default_str();
  std::string selector = "eim";
  reduce_verb.add_option("--select", selector, "rows of hidden states: eim, qdeim or s_opt")
      ->capture_default_str();
  reduce_verb.add_option("--oversample", reduce.study.fast.oversample, "rows beyond the rank")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  reduce_verb
      .add_option("--points", reduce.study.points,
                  "points to look at; by default 16, of networks of a million parameters 4")
      ->check(CLI::Range(2, 10000));
  reduce_verb.add_option("--snapshots", reduce.study.times, "times that hypermodes come from")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  reduce_verb.add_option("--mu", reduce.mu, "parameters beside time; by default the middle of their ranges")
      ->delimiter(',');

  EvolveRunOptions evolve;
  CLI::App& evolve_verb = *program.add_subcommand(
      "evolve", "move a trained low-rank model on by its equation, along its hypermodes");
  evolve_verb.add_option("run", evolve.run, "folder of the run")->required()->type_name("DIR");
  evolve_verb.add_option("-o,--out", evolve.out, "folder to write; by default DIR/evolution")->type_name("DIR");
  evolve_verb.add_option("--from", evolve.study.from,
                         "time to start at; by default the last that was learned, with --set the first");
  evolve_verb.add_option("--to", evolve.study.to, "last time; by default as much later as was learned");
  evolve_verb.add_option("--modes", evolve.study.modes, "hypermodes; by default those that count")
      ->check(CLI::PositiveNumber);
  evolve_verb
      .add_option(
          "--points", evolve.study.points,
          "points at which the equation is to hold, chosen by --select; by default twelve a mode, 0: all "
          "candidates")
      ->check(CLI::NonNegativeNumber);
  evolve_verb.add_option("--candidates", evolve.study.candidates, "cells that points are chosen from, at most")
      ->check(CLI::Range(4, 1000000))
      ->capture_default_str();
  std::string points_selector = name_of(evolve.study.selector);
  evolve_verb.add_option("--select", points_selector, "eim, qdeim or s_opt")->capture_default_str();
  evolve_verb.add_flag("--refresh", evolve.study.refresh, "choose the points anew at every time of the table");
  std::string form = name_of(evolve.study.form);
  evolve_verb.add_option("--form", form, "of the equation: strong or flux")->capture_default_str();
  evolve_verb.add_option("--set", evolve.study.changed, "a setting of the case, changed; may be repeated")
      ->type_name("NAME=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  evolve_verb.add_option("--tol", evolve.study.tolerance, "error of a step, relative to the field")
      ->check(CLI::Range(1e-12, 1.0))
      ->capture_default_str();
  evolve_verb
      .add_option("--regularization", evolve.study.regularization,
                  "of the least squares, relative to the largest singular value")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  evolve_verb.add_flag("--nearest", evolve.study.nearest, "also how near network and POD modes can come");

  TuneRunOptions tune;
  CLI::App& tune_verb = *program.add_subcommand(
      "tune", "tune a low-rank model that has learned an equation to other values of its parameters");
  tune_verb.add_option("run", tune.run, "folder of the run")->required()->type_name("DIR");
  tune_verb.add_option("--mu", tune.mu, "new values of the parameters; by default those of the case")
      ->delimiter(',');
  std::string tune_by = name_of(tune.tune.by);
  tune_verb.add_option("--method", tune_by, "gauss-newton, lbfgs or adam")->capture_default_str();
  tune_verb.add_option("--steps", tune.tune.steps, "steps at most")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  tune_verb.add_option("--lr", tune.tune.lr, "rate of adam")
      ->check(CLI::Range(1e-12, 1e3))
      ->capture_default_str();
  tune_verb.add_option("--points", tune.points, "points of the equation, for the whole network")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  tune_verb
      .add_option("--modes", tune.modes, "directions that coefficients move in by the whole network; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  std::int64_t fast_rank = 0;
  CLI::Option& fast_option =
      *tune_verb.add_option("--fast", fast_rank, "also by a FastLRNR of this rank; alone: 32, or the width")
           ->expected(0, 1)
           ->type_name("[RANK]")
           ->check(CLI::Range(1, 1000000));
  tune_verb.add_option("--fast-modes", tune.fast_modes, "directions that they move in by the FastLRNR; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  tune_verb.add_option("--fast-points", tune.reduced.points, "points of the equation, for the FastLRNR")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  tune_verb
      .add_option("--samples", tune.reduced.samples, "values of the parameters that the FastLRNR is made from")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  tune_verb.add_option("--spread", tune.reduced.spread, "how far around them coefficients are sampled")
      ->check(CLI::Range(0.0, 1e3))
      ->capture_default_str();
  tune_verb.add_option("--around", tune.reduced.around, "coefficients looked at beside each of the samples")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  tune_verb
      .add_option("--learned", tune.learned,
                  "coefficients that -o has saved for other values: along their ways from hyper(mu) s may move")
      ->type_name("FILE.safetensors");
  tune_verb.add_flag("--from-learned", tune.from_learned,
                     "by the FastLRNR from what lies between those, not from hyper(mu)");
  tune_verb.add_option("--cluster", tune.reduced.cluster, "points that share a FastLRNR")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  tune_verb.add_option("--oversample", tune.reduced.oversample, "hidden units of the FastLRNR beyond its rank")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  bool one_basis = false;
  tune_verb.add_flag("--one-basis", one_basis, "one FastLRNR for all points, not one for each");
  tune_verb.add_option("-o,--out", tune.out, "file for the tuned coefficients")->type_name("FILE.safetensors");
  tune_verb.add_flag("--force", tune.force, "overwrite it");

  CompressRunOptions compress;
  CLI::App& compress_verb =
      *program.add_subcommand("compress", "a trained model in fewer bytes, with errors that are promised");
  compress_verb.add_option("run", compress.run, "folder of the run")->required()->type_name("DIR");
  compress_verb
      .add_option("--method", compress.methods,
                  "hmatrix, svd, prune, int8, several with commas between, or all")
      ->delimiter(',')
      ->capture_default_str();
  compress_verb
      .add_option("--tol", compress.tolerances,
                  "relative errors that weights may have, with commas between; 0.01")
      ->delimiter(',');
  compress_verb
      .add_option("--bytes", compress.bytes,
                  "or bytes of the whole network, as 20000 or 25%, with commas between")
      ->delimiter(',');
  compress_verb.add_flag("--data-aware", compress.how.data_aware,
                         "hmatrix, svd: errors weighted by what comes into each layer");
  bool as_they_stand = false;
  compress_verb.add_flag("--no-reorder", as_they_stand, "hmatrix: neurons stay in the order that they have");
  compress_verb.add_option("--leaf", compress.how.leaf, "hmatrix: sides of blocks that are not cut any more")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  compress_verb
      .add_option("--tune", compress.tune, "steps of fine-tuning afterwards, on what the run learned from")
      ->check(CLI::Range(0, 10000000));
  compress_verb
      .add_option("--tune-rate", compress.tune_rate,
                  "its rate; by default 1e-3, less of sines of high frequency")
      ->check(CLI::Range(1e-12, 1e3));
  compress_verb.add_option("-o,--out", compress.out, "folder to write; by default DIR/compression")
      ->type_name("DIR");
  compress_verb.add_flag("--force", compress.force, "replace what is in it");

  TheoryRunOptions theory;
  CLI::App& theory_verb = *program.add_subcommand(
      "theory", "networks of d + 3 coefficients by construction, and their errors as the width grows");
  theory_verb.add_option("equation", theory.equation, "wave or advection")->required()->type_name("EQUATION");
  theory_verb.add_option("--dims", theory.study.dims, "dimensions, with commas between; 1,2,3")->delimiter(',');
  theory_verb.add_option("--widths", theory.study.widths, "widths, with commas between; 64 to 4096")
      ->delimiter(',');
  theory_verb.add_option("--seeds", theory.study.seeds, "draws of each width")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  theory_verb.add_option("--points", theory.study.points, "random points of the unit ball that errors are of")
      ->check(CLI::Range(1, 10000000))
      ->capture_default_str();
  theory_verb.add_option("--times", theory.study.times, "times from 0 to --t-end that errors are of")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  theory_verb.add_option("--t-end", theory.study.t_end, "last time")->capture_default_str();
  theory_verb.add_option("--speed", theory.study.speed, "of the waves, or of advection along the diagonal")
      ->capture_default_str();
  theory_verb.add_option("--deviation", theory.study.deviation, "of the Gaussian at the start")
      ->capture_default_str();
  theory_verb.add_option("--velocity", theory.study.velocity, "wave: u_t at the start, times the Gaussian")
      ->capture_default_str();
  theory_verb.add_option("-o,--out", theory.out, "folder to write; by default theory-EQUATION")
      ->type_name("DIR");
  theory_verb.add_flag("--force", theory.force, "replace what is in it");

  CLI::App& import = *program.add_subcommand("import", "read what other programs have made: clawpack, npz");
  ImportOptions claw, npz;
  CLI::App& claw_verb =
      *import.add_subcommand("clawpack", "read Clawpack's fort files, ascii or binary, with AMR");
  claw_verb.add_option("folder", claw.from, "the folder they are in")->required()->type_name("DIR");
  add_import_options(claw_verb, claw);
  CLI::App& npz_verb =
      *import.add_subcommand("npz", "read numpy arrays t, x, u and optionally weight, offsets, mu");
  npz_verb.add_option("file", npz.from, "what numpy.savez has written")->required()->type_name("FILE.npz");
  add_import_options(npz_verb, npz);

  std::filesystem::path looked_at;
  CLI::App& info = *program.add_subcommand("info", "what is in a file of snapshots");
  info.add_option("file", looked_at, "file to look at")->required()->type_name("FILE");

  PlotOptions plot;
  CLI::App& plot_verb = *program.add_subcommand("plot", "draw a file of snapshots");
  plot_verb.add_option("file", plot.from, "file of snapshots")->required()->type_name("FILE.h5");
  plot_verb.add_option("-o,--out", plot.to, "picture to write; by default FILE.svg")->type_name("FILE.svg");
  plot_verb.add_option("--field", plot.field, "which to draw; by default the first");
  plot_verb.add_flag("--force", plot.force, "overwrite it");

  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return program.exit(e);  // help, version
    return one_line("", e.what(), 2);
  }
  if (program.get_subcommands().empty())
    return one_line("", fmt::format("a verb expected; {} --help lists them", program_name()), 2);
  if (import && import.get_subcommands().empty())
    return one_line(
        "", fmt::format("import what? There are clawpack and npz (see {} import --help)", program_name()), 2);
  std::unique_ptr<ThreadLimit> limit;
  if (common.threads > 0) limit = std::make_unique<ThreadLimit>(common.threads);
  if (list) list_all(common);
  if (data_verb) {
    data.preset = preset_named(preset);
    make_data(data, common);
  }
  if (train_verb) train_model(train, common);
  if (eval_verb) evaluate_run(eval, common);
  if (export_verb) export_run(exported, common);
  if (reduce_verb) {
    reduce.study.fast.selector = selector_named(selector);
    reduce_run(reduce, common);
  }
  if (evolve_verb) {
    evolve.study.selector = selector_named(points_selector);
    evolve.study.form = form_named(form);
    evolve_run(evolve, common);
  }
  if (compress_verb) {
    compress.how.reorder = !as_they_stand;
    compress_run(compress, common);
  }
  if (tune_verb) {
    tune.tune.by = tune_by_named(tune_by);
    tune.fast = fast_option.count() > 0;
    tune.rank = fast_rank;
    if (one_basis) tune.reduced.cluster = 0;
    tune_run(tune, common);
  }
  if (theory_verb) run_theory(theory, common);
  if (compare_verb) compare_runs(compare, common);
  if (report_verb) report_runs(report, common);
  if (claw_verb) import_from_clawpack(claw, common);
  if (npz_verb) import_from_npz(npz, common);
  if (info) show_info(looked_at, common);
  if (plot_verb) plot_snapshots(plot, common);
  if (std::fflush(stdout) != 0) return one_line("", "cannot write to the standard output", 4);
  return 0;
}

}  // namespace

const std::string& lowtide::app::program_name() { return called(); }

int lowtide::app::command_line(int argc, char** argv) {
  if (argc > 0 && *argv[0] != '\0') called() = std::filesystem::path(argv[0]).filename().string();
  std::signal(SIGXFSZ, SIG_IGN);  // a file over the user's limit is an error like any other
  try {
    return run(argc, argv);
  } catch (const FileError& e) {
    return one_line("", e.what(), 4);
  } catch (const std::system_error& e) {  // of printing
    return one_line("", e.what(), 4);
  } catch (const Stopped& e) {
    return one_line("", e.what(), 75);
  } catch (const NonFiniteError& e) {
    return one_line("diverged: ", e.what(), 3);
  } catch (const SolverError& e) {
    return one_line("diverged: ", e.what(), 3);
  } catch (const std::bad_alloc&) {
    return one_line("", "out of memory", 2);
  } catch (const std::exception& e) {
    return one_line("", e.what(), 2);
  }
}
