#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/evolve.h>
#include <lowtide/experiments/job.h>
#include <lowtide/experiments/train.h>
#include <lowtide/experiments/train_pinn.h>
#include <lowtide/io/file.h>

#include <algorithm>
#include <utility>

namespace lowtide {
namespace {

const char* model_of(const std::string& name) {
  for (const Case& known : cases())
    if (known.name == name) return known.model;
  return "lrnr";
}

Job job_from(Settings& settings) {
  Job job;
  job.case_name = settings.get("run.case", "", "what is solved; data: nothing, a file is read");
  job.model = settings.get("run.model", model_of(job.case_name), "what is trained");
  job.preset = settings.get("run.preset", "demo", "sizes: demo, study, paper");
  job.recipe = settings.get("run.recipe", "fast", "how it is trained: fast, paper");
  job.data = settings.get("run.data", "", "file of snapshots in place of the case's own");
  job.seed = settings.get("run.seed", 0, "of all random numbers", 0);
  if (job.case_name == "data" && job.data.empty())
    throw InputError("train data: a file of snapshots is needed, --data FILE.h5");
  return job;
}

// Whatever the case, the settings of training come after its own.
void ask(Prepared& prepared, Settings& settings, const Learning& learning) {
  const Job& job = prepared.job;
  prepared.recipe = recipe_from(settings, job.recipe, job.model, learning);
  settings.get("fields", learning.fields.c_str(), "to learn, with commas between; none: all");
  if (job.model == "pod") {
    prepared.rank = settings.get("model.rank", learning.rank, "modes", 1, 1000000);
    prepared.in_time =
        settings.get("model.spline", true, "cubic in time, not linear") ? InTime::cubic : InTime::linear;
  } else {
    prepared.net = network_from(settings, job.recipe, job.model, learning);
  }
}

// Of a case without data.
void ask_for_equation(Prepared& prepared, CaseRun& run) {
  const Job& job = prepared.job;
  const auto refuse = [&](const std::string& what) {
    throw InputError(fmt::format("{} is solved from its equation; {}", job.case_name, what));
  };
  if (job.recipe != "fast") refuse(fmt::format("the recipe {} is for data", job.recipe));
  if (!job.data.empty()) refuse("it takes no --data");
  prepared.pinn = run.pinn();
  prepared.ivp = run.ivp();
  if (prepared.ivp) {
    if (job.model != "embedded") refuse(fmt::format("its model is embedded, not {}", job.model));
    prepared.ivp_options = ivp_options(run.settings(), run.ivp_options());
    return;
  }
  if (job.model == "pod" || job.model == "lrnr-cheb" || job.model == "embedded")
    refuse(fmt::format("{} cannot do that", job.model));
  prepared.net = network_from(run.settings(), job.recipe, job.model, run.learning());
  prepared.pinn_options = pinn_options(run.settings(), run.pinn_options(), prepared.net);
}

// Of a file: the frames that it holds out, unless told otherwise.
std::int64_t heldout_of_file(Settings& settings) {
  const std::int64_t every =
      settings.get("heldout", -1, "every so many frames one is kept from training; -1: as the file says", -1);
  if (every == 1) throw InputError("setting heldout=1 would keep every frame from training");
  return every;
}

// In place of what the case would have solved, so that settings of the solution would be without effect.
Snapshots from_file(const Job& job, const Settings& settings, bool only_settings) {
  std::int64_t every = -1;
  for (const Settings::Used& used : settings.used()) {
    if (used.value == used.standard || used.name.find('.') != std::string::npos || used.name == "fields")
      continue;
    if (used.name != "heldout")
      throw InputError(fmt::format("setting {}={} has no effect on {}, which is read", used.name, used.value,
                                   job.data.string()));
    every = std::stoll(used.value);
  }
  if (only_settings) return {};
  Snapshots set = read_snapshots(job.data);
  if (every >= 0) hold_out(set, every);
  return set;
}

Prepared prepared_from(const Settings& given, bool quiet, bool only_settings) {
  Prepared prepared;
  Settings settings = given;
  prepared.job = job_from(settings);
  const Job& job = prepared.job;
  CaseRun run(job.case_name, preset_named(job.preset), settings);
  if (quiet) run.quiet();
  run.also_ask([&](CaseRun& r) {
    if (r.pinn() || r.ivp()) return ask_for_equation(prepared, r);
    ask(prepared, r.settings(), r.learning());
  });
  if (job.case_name == "data") {
    ask(prepared, run.settings(), Learning{});
    const std::int64_t every = heldout_of_file(run.settings());
    run.settings().check_all_used();
    if (!only_settings) prepared.set = read_snapshots(job.data);
    if (!only_settings && every >= 0) hold_out(prepared.set, every);
  } else {
    if (only_settings || !job.data.empty()) run.only_settings();
    try {
      prepared.set = case_named(job.case_name).make(run);
    } catch (const CaseRun::OnlySettings&) {
      if (!job.data.empty()) prepared.set = from_file(job, run.settings(), only_settings);
    }
  }
  prepared.settings = run.settings();
  return prepared;
}

SavedModel pod_of(const Prepared& prepared) {
  const Snapshots& set = prepared.set;
  if (set.mu) throw InputError("pod is a function of time alone; these data have parameters beside it");
  if (!set.fixed())
    throw InputError(
        "pod needs the same points in all frames; in two dimensions set ratios= for a uniform grid");
  const std::vector<std::int64_t> frames = set.training(), which = columns_of(set, prepared.scaling.fields);
  const std::int64_t n = set.x.shape[0], c = std::ssize(which), count = std::ssize(frames);
  Tensor u({count, n, c}, Dtype::f64), t({count}, Dtype::f64);
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t frame = frames[static_cast<std::size_t>(k)];
    const Tensor y = columns(set.values(frame), which);
    double* to = u.mutable_data<double>() + k * n * c;
    for (std::int64_t i = 0; i < n * c; ++i)
      to[i] = y.at(i) / prepared.scaling.size[static_cast<std::size_t>(i % c)];
    t.mutable_data<double>()[k] = set.time(frame);
  }
  SavedModel model{.name = "pod", .scaling = prepared.scaling};
  model.pod = make_pod(u, t, std::min(prepared.rank, std::min(count, n * c)), prepared.in_time, set.weights(0));
  model.grid = set.x;
  return model;
}

// Space and time as they are, and outputs too.
Scaling scaling_of_reference(const Snapshots& set) {
  Scaling scaling{.t = {{set.time(0), set.time(set.frames() - 1)}},
                  .fields = set.fields,
                  .size = std::vector<double>(set.fields.size(), 1.0)};
  for (std::size_t k = 0; k < set.low.size(); ++k) scaling.x.push_back({set.low[k], set.high[k]});
  return scaling;
}

// All but the network.
SavedModel blank_model(const Prepared& prepared) {
  SavedModel model{.name = prepared.job.model, .scaling = prepared.scaling};
  if (!prepared.pinn) return model;
  model.from_equation = true;
  model.time_is_input = prepared.pinn->in_time();
  model.trial = prepared.pinn->trial;
  model.needs_trial = static_cast<bool>(prepared.pinn->trial);
  return model;
}

// Of all settings and the data: what a checkpoint belongs to.
std::string hash_of(const Prepared& prepared) {
  Stream hash(0, prepared.settings.toml());
  for (const Tensor* part : {&prepared.set.t, &prepared.set.x, &prepared.set.u})
    hash = hash.child({reinterpret_cast<const char*>(part->data<double>()),
                       static_cast<std::size_t>(part->size()) * sizeof(double)});
  return fmt::format("{:016x}", hash.key);
}

}  // namespace

std::shared_ptr<const Pinn> pinn_of(const Settings& settings) {
  return prepared_from(settings, true, true).pinn;
}

std::function<Var(const Var& x, const Var& network)> built_in(const Settings& settings) {
  const std::shared_ptr<const Pinn> pinn = pinn_of(settings);
  if (!pinn) return {};
  return pinn->trial;
}

Settings settings_of(const Settings& settings) { return prepared_from(settings, true, true).settings; }

Prepared prepare(const Settings& settings, bool quiet) {
  Prepared prepared = prepared_from(settings, quiet, false);
  std::string fields;
  for (const Settings::Used& used : prepared.settings.used())
    if (used.name == "fields") fields = used.value;
  prepared.scaling = prepared.pinn  ? scaling_of(*prepared.pinn)
                     : prepared.ivp ? scaling_of_reference(prepared.set)
                                    : scaling_of(prepared.set, fields);
  if (prepared.job.model != "pod" && !prepared.ivp) {
    fit(prepared.net, blank_model(prepared));
    resolve_forms(prepared.net, prepared.job.seed);
    const auto* dense = std::get_if<MlpXt>(&prepared.net);
    if (dense && !dense->forms.empty() &&
        (prepared.recipe.compression.on() || prepared.pinn_options.compression.on()))
      throw InputError("compress.method is for weights that start dense: set model.weights=dense");
  }
  return prepared;
}

Outcome train(Run& run, Prepared& prepared) {
  Outcome outcome;
  run.config_hash(hash_of(prepared));
  if (!run.resumed()) write_file(run.folder() / "config.toml", prepared.settings.toml());
  if (prepared.job.model == "pod") {
    outcome.model = pod_of(prepared);
  } else if (prepared.ivp) {
    outcome.model = blank_model(prepared);
    outcome.model.evolved = evolve(run, *prepared.ivp, prepared.ivp_options, to_vector(prepared.set.t));
    outcome.steps = run.step();
  } else {
    Trained trained = prepared.pinn ? train_pinn(run, prepared.pinn_options, prepared.pinn, prepared.net)
                                    : train(run, prepared.recipe, prepared.net, prepared.set, prepared.scaling);
    outcome.steps = trained.steps;
    outcome.model = blank_model(prepared);
    outcome.model.net = trained.net.value_or(prepared.net);
    outcome.model.theta = std::move(trained.theta);
    run.manifest("stop", trained.stop);
  }
  for (const auto& [name, value] : prepared.settings.values())
    if (name.starts_with("model.") || name.starts_with("init.")) outcome.model.settings[name] = value;
  if (const auto* dense = std::get_if<MlpXt>(&outcome.model.net); dense && !dense->forms.empty())
    outcome.model.settings["model.weights"] = texts_of(dense->forms);
  run.manifest("steps", outcome.steps);
  run.manifest("seconds", run.seconds());
  run.manifest("gflop", run.gflop());
  run.manifest("parameters", outcome.model.parameter_count());
  run.manifest("coefficients", outcome.model.coefficients());
  write_model(outcome.model, run.folder() / "model.safetensors");
  return outcome;
}

}  // namespace lowtide
