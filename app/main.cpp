// The command line of lowtide. Exit codes: 0 good, 2 usage or bad input, 3 diverged, 4 file system.
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/linalg/parallel.h>
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
  fmt::print(stderr, "lowtide: {}{}\n", kind, what);
  return code;
}

int run(int argc, char** argv) {
  CLI::App program("Low-rank neural representations of wave dynamics", "lowtide");
  program.set_version_flag("--version", LOWTIDE_VERSION);
  Common common;
  program.fallthrough();
  program.add_option("--threads", common.threads, "threads to use; by default as many as there are cores")
      ->check(CLI::Range(1, 1024));
  program.add_flag("--json", common.json, "print the result as JSON");

  CLI::App& list = *program.add_subcommand("list", "what there is: cases");

  DataOptions data;
  CLI::App& data_verb = *program.add_subcommand("data", "solve a case and write its snapshots");
  data_verb.add_option("case", data.name, "see `lowtide list`")->required()->type_name("CASE");
  std::string preset = "demo";
  data_verb.add_option("--preset", preset, "demo or paper")->type_name("PRESET")->capture_default_str();
  data_verb.add_option("--set", data.settings, "a setting, as cells=200 or limiter=minmod; may be repeated")
      ->type_name("NAME=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  data_verb.add_flag("--settings", data.list_settings, "list the settings of the case and stop");
  add_output(data_verb, data.output, "by default CASE-PRESET.h5");

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
  if (program.get_subcommands().empty()) return one_line("", "a verb expected; lowtide --help lists them", 2);
  if (import && import.get_subcommands().empty())
    return one_line("", "import what? There are clawpack and npz (see lowtide import --help)", 2);
  std::unique_ptr<ThreadLimit> limit;
  if (common.threads > 0) limit = std::make_unique<ThreadLimit>(common.threads);
  if (list) list_cases(common);
  if (data_verb) {
    data.preset = preset_named(preset);
    make_data(data, common);
  }
  if (claw_verb) import_from_clawpack(claw, common);
  if (npz_verb) import_from_npz(npz, common);
  if (info) show_info(looked_at, common);
  if (plot_verb) plot_snapshots(plot, common);
  if (std::fflush(stdout) != 0) return one_line("", "cannot write to the standard output", 4);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file over the user's limit is an error like any other
  try {
    return run(argc, argv);
  } catch (const FileError& e) {
    return one_line("", e.what(), 4);
  } catch (const std::system_error& e) {  // of printing
    return one_line("", e.what(), 4);
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
