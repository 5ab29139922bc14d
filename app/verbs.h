// What the program can do: each verb is a function of its options, which the command line fills in.
#pragma once
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/compression_study.h>
#include <lowtide/experiments/evolution_study.h>
#include <lowtide/experiments/reduced_equation.h>
#include <lowtide/experiments/reduction_study.h>
#include <lowtide/experiments/theory_study.h>
#include <lowtide/io/snapshots.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lowtide::app {

// What the user has called: "lowtide", or a program of their own that links lowtide::program.
const std::string& program_name();

struct Common {
  int threads = 0;  // 0: as many as there are cores
  bool json = false;
};

struct Output {
  std::filesystem::path path;  // of the snapshots; empty: a name that follows from the input
  bool force = false;          // overwrite
  bool plot = false;           // and draw them, as an SVG of the same name
};

struct DataOptions {
  std::string name;  // of the case
  Preset preset = Preset::demo;
  std::vector<std::string> settings;  // name=value
  bool list_settings = false;
  Output output;
};
void make_data(const DataOptions& options, const Common& common);

struct ImportOptions {
  std::filesystem::path from;  // a folder of Clawpack frames, or an npz file
  std::vector<std::string> fields;
  std::string name;  // of the case
  std::int64_t heldout = 8;
  Output output;
};
void import_from_clawpack(const ImportOptions& options, const Common& common);
void import_from_npz(const ImportOptions& options, const Common& common);

struct TrainOptions {
  std::string case_name, model, preset, recipe;  // empty: what the settings say
  std::filesystem::path data, config, out, resume;
  std::vector<std::string> settings;  // name=value
  std::int64_t seed = -1;
  double checkpoint_every = 30;
  bool force = false, list_settings = false;
};
void train_model(const TrainOptions& options, const Common& common);

struct EvalOptions {
  std::filesystem::path run, points, out;
  std::vector<double> times, mu;
  std::int64_t grid = 0;  // cells a side; 0: 100, or POD's own points
  double fast = 0;        // the tolerance of FastLRNRs; 0: the network
  bool force = false;
};
void evaluate_run(const EvalOptions& options, const Common& common);

struct CompareOptions {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path data, csv, plot;
};
void compare_runs(const CompareOptions& options, const Common& common);

struct ExportOptions {
  std::filesystem::path run, out;   // `out` may be empty: RUN/export/RUN.FORMAT
  std::string format;               // npz, vti, c
  std::vector<double> times, mu;    // vti; no times: 11 over the time range
  std::int64_t grid = 0;            // vti: cells a side; 0: 100
  std::vector<double> at;           // c: a point; empty: all of space
  std::optional<double> tolerance;  // c
  bool force = false;
};
void export_run(const ExportOptions& options, const Common& common);

struct ReduceOptions {
  std::filesystem::path run, out;  // `out`: a folder; empty: RUN/reduction
  std::vector<double> mu;
  StudyOptions study;
};
void reduce_run(const ReduceOptions& options, const Common& common);

struct EvolveRunOptions {
  std::filesystem::path run, out;  // `out`: a folder; empty: RUN/evolution
  EvolutionOptions study;
};
void evolve_run(const EvolveRunOptions& options, const Common& common);

struct TuneRunOptions {
  std::filesystem::path run, out;  // `out`: a file for the coefficients; empty: they are not kept
  std::filesystem::path learned;   // such a file, of values tuned before: it tells where s goes from hyper(mu)
  std::vector<double> mu;          // new values of the equation's parameters; none: those of the case
  std::int64_t points = 1000;      // of the equation, for the whole network
  std::int64_t modes = 0;          // directions that s moves in, by the whole network; 0: all
  std::int64_t fast_modes = 6;     // by the FastLRNR, whose bases know no others
  bool from_learned = false;       // the reduced equation starts from what lies between learned coefficients
  bool fast = false, force = false;
  std::int64_t rank = 0;  // of the FastLRNR; 0: its own default, or the width of the network if that is less
  TuneOptions tune;
  ReducedOptions reduced;
};
void tune_run(const TuneRunOptions& options, const Common& common);

struct CompressRunOptions {
  std::filesystem::path run, out;  // `out`: a folder; empty: RUN/compression
  std::vector<std::string> methods{"hmatrix"};
  std::vector<double> tolerances;  // relative error of each weight
  std::vector<std::string> bytes;  // of the network: "20000", "25%"
  CompressOptions how;
  std::int64_t tune = 0;  // steps of fine-tuning
  double tune_rate = 0;   // 0: fine_tuning_rate()
  bool force = false;
};
void compress_run(const CompressRunOptions& options, const Common& common);

struct TheoryRunOptions {
  std::string equation;       // wave, advection
  std::filesystem::path out;  // a folder; empty: theory-EQUATION
  TheoryOptions study;
  bool force = false;
};
void run_theory(const TheoryRunOptions& options, const Common& common);

struct ReportOptions {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path data, out;  // `out` may be empty: report.html in the first run's folder
  bool force = false;
};
void report_runs(const ReportOptions& options, const Common& common);

struct PlotOptions {
  std::filesystem::path from, to;  // `to` may be empty: named after `from`
  std::string field;               // empty: the first
  bool force = false;
};
void plot_snapshots(const PlotOptions& options, const Common& common);

void show_info(const std::filesystem::path& file, const Common& common);
void list_all(const Common& common);
void print_settings(const Settings& settings, const Common& common);

// Shared by the verbs that make snapshots.
// Before the work: InputError if something would be overwritten, FileError if it cannot be written.
void check_output(const Output& output);
// Writes the set, draws it if asked to, and says what there is now.
void finish(const Snapshots& set, const Output& output, const CaseRun::Work& work, const Common& common);

}  // namespace lowtide::app
