#include <fmt/format.h>
#include <lowtide/experiments/case.h>
#include <lowtide/io/file.h>
#include <lowtide/run/progress.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string_view>

namespace lowtide {
namespace {

std::vector<Case>& registry() {
  static std::vector<Case> all;
  return all;
}

// "periodic" for all sides, or a name for each: low x, high x, low y, high y.
std::string text_of(const pde::Grid& grid) {
  std::string text;
  for (int side = 0; side < 2 * grid.dims; ++side) {
    if (side > 0) text += ',';
    text += pde::name_of(grid.sides[static_cast<std::size_t>(side)]);
  }
  return text;
}

void set_sides(pde::Grid& grid, const std::string& text) {
  std::vector<std::string> names;
  std::istringstream words(text);
  for (std::string name; std::getline(words, name, ',');) names.push_back(name);
  const auto sides = static_cast<std::size_t>(2 * grid.dims);
  if ((names.size() != 1 && names.size() != sides) || text.ends_with(','))
    throw InputError(fmt::format("setting boundary={}: one name expected, or {}", text, sides));
  for (std::size_t side = 0; side < sides; ++side)
    grid.sides[side] = pde::boundary_named(names[names.size() == 1 ? 0 : side]);
}

}  // namespace

const char* name_of(Preset preset) {
  return preset == Preset::demo ? "demo" : preset == Preset::study ? "study" : "paper";
}

Preset preset_named(const std::string& name) {
  for (const Preset preset : {Preset::demo, Preset::study, Preset::paper})
    if (name == name_of(preset)) return preset;
  throw InputError(fmt::format("unknown preset {}; there are demo, study, paper", name));
}

CaseRun::Plan CaseRun::make_plan(pde::Grid& grid, const CaseDefaults& defaults) {
  Plan plan;
  plan.times.end = param("t_end", defaults.t_end, "final time");
  plan.times.frames =
      param("frames", defaults.frames, "frames, the first at 0 and the last at t_end", 2, 1000000);
  set_sides(grid,
            param("boundary", text_of(grid).c_str(), "of all sides, or of low x, high x(, low y, high y)"));
  pde::SolverOptions& solver = plan.options.solver;
  solver.limiter = pde::limiter_named(param("limiter", pde::name_of(defaults.limiter),
                                            "mc, vanleer, minmod, superbee, none, or zero (first order)"));
  solver.dt_max = param("dt_max", defaults.dt_max, "longest step, whatever the speeds", 1e-300);
  solver.cfl = param("cfl", solver.cfl, "share of the longest stable step", 1e-3, 1.0);
  pde::Refinement& refinement = plan.options.refinement;
  refinement.ratios =
      param("ratios", defaults.refinement.ratios, "of cell sizes between levels; none: all cells");
  refinement.tolerance =
      param("tolerance", defaults.refinement.tolerance, "difference over two cells that refines", 0.0);
  refinement.buffer = param("buffer", defaults.refinement.buffer, "cells refined around such a place", 0, 1000);
  plan.heldout = heldout(defaults.heldout);
  check(grid);
  check(refinement, grid);
  all_asked();
  return plan;
}

std::int64_t CaseRun::heldout(std::int64_t standard) {
  const auto every = param("heldout", standard, "every so many frames one is kept from training; 0: none", 0);
  if (every == 1) throw InputError("setting heldout=1 would keep every frame from training");
  return every;
}

void CaseRun::all_asked() {
  if (also_ask_) also_ask_(*this);
  settings_.check_all_used();
  if (only_settings_) throw OnlySettings{};
}

Snapshots CaseRun::imported(const std::function<Snapshots()>& load) {
  const std::int64_t every = heldout(8);
  all_asked();
  Snapshots set = load();
  set.case_name = name_;
  set.settings = settings_.values();
  hold_out(set, every);
  return set;
}

Snapshots CaseRun::reference(const std::function<Snapshots()>& make) {
  all_asked();
  Snapshots set = make();
  set.case_name = name_;
  set.settings = settings_.values();
  if (set.heldout.empty()) set.heldout.assign(static_cast<std::size_t>(set.frames()), 1);
  return set;
}

Snapshots CaseRun::record(pde::Solver& solver, const Plan& plan) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  pde::SnapshotOptions options = plan.options;
  Snapshots set;
  {
    Progress progress(name_);
    options.watch = [&](const pde::Solver& s) {
      const double part = s.time() / plan.times.end;
      if (quiet_ || !progress.due(part)) return;
      const double cells = static_cast<double>(s.steps()) * static_cast<double>(s.grid().count());
      progress.update_part(part, fmt::format("{:.1f} Mcells/s", 1e-6 * cells / seconds()));
    };
    set = pde::record(solver, plan.times, options);
  }
  work_ = {solver.steps(), solver.corrections(), solver.steps() * solver.grid().count(), seconds()};
  set.case_name = name_;
  set.settings = settings_.values();
  hold_out(set, plan.heldout);
  return set;
}

RegisteredCase::RegisteredCase(const Case& registered) { registry().push_back(registered); }

const std::vector<Case>& cases() {
  static const std::vector<Case> sorted = [] {
    std::vector<Case> all = registry();
    std::sort(all.begin(), all.end(),
              [](const Case& a, const Case& b) { return std::string_view(a.name) < b.name; });
    const auto twice = std::adjacent_find(all.begin(), all.end(), [](const Case& a, const Case& b) {
      return std::string_view(a.name) == b.name;
    });
    if (twice != all.end()) throw Error(fmt::format("[cases] two cases are called {}", twice->name));
    return all;
  }();
  return sorted;
}

const Case& case_named(const std::string& name) {
  std::vector<std::string> names;
  for (const Case& c : cases()) {
    if (name == c.name) return c;
    names.emplace_back(c.name);
  }
  const std::string meant = nearest(name, names);
  throw InputError(fmt::format("unknown case {}; {}", name,
                               meant.empty() ? fmt::format("there are {}", fmt::join(names, ", "))
                                             : fmt::format("did you mean {}?", meant)));
}

}  // namespace lowtide
