// A trained low-rank model moved on by its equation, against the finite volumes, POD-Galerkin, standing still,
// and the model itself asked for times that it has not learned: the numbers of `lowtide evolve`.
#pragma once
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/pod_evolution.h>

#include <optional>

namespace lowtide {

struct EvolutionOptions {
  std::optional<double> from{}, to{};  // by default from the end of the training window on, as long again
  std::int64_t modes = 0;              // 0: those that count
  std::int64_t points = -1;            // chosen among the candidates; 0: all of them; -1: twelve a mode
  std::int64_t candidates = 2500;      // cells of the grid at most
  bool refresh = false;                // points chosen anew at every time of the table
  Selector selector = Selector::s_opt;
  Form form = Form::flux;
  double tolerance = 1e-4, regularization = 1e-4;
  bool nearest = false;                // also how near the network and the POD modes can come
  std::vector<std::string> changed{};  // settings of the case, name=value
};

struct EvolvedCase {  // what was trained, on which case
  LowRankModel model{};
  std::string case_name;
  Preset preset = Preset::demo;
  Settings settings{};  // of the run, all of them
};

struct Way {
  std::string name;
  std::vector<double> rel_l2{}, rel_l1{};  // at the times, as far as it came; over all fields by their size
  std::int64_t unknowns = 0, points = 0, steps = 0, rejected = 0, rates = 0;
  double seconds = 0, condition = 0, residual = 0;
  std::string stopped{};
  std::function<Tensor(std::size_t k)> field{};  // at times[k]: (n,c), by the fields' size
};

struct EvolutionStudy {
  std::vector<std::string> fields{};
  std::vector<double> size{};
  pde::Grid grid{};
  Tensor x{};                   // (n,d), the cells
  std::vector<double> times{};  // rising
  double learned_until = 0;
  std::vector<Tensor> truth{};  // at the times (n,c), by the fields' size
  Tensor points{};              // where the equation was asked to hold, at first
  std::vector<Way> ways{};      // evolved, frozen, network, pod; then the nearest of both, if asked for
};

// InputError for a case whose equation is not known, a model that has not learned all its fields, times that
// make no sense, a setting that the case does not have.
EvolutionStudy evolution_study(const EvolvedCase& trained, const EvolutionOptions& options = {});

// The equation that a case solves, with the settings it was solved with. InputError if there is none.
Equation equation_of(const std::string& case_name, const std::map<std::string, std::string>& settings);

}  // namespace lowtide
