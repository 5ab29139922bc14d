// Learning rates over the epochs: given in advance (Schedule), or lowered where progress stops
// (ReduceLROnPlateau, with PyTorch's semantics to the letter).
#pragma once
#include <cstdint>
#include <limits>

namespace lowtide {

// A pure function of the epochs done, which may be a fraction. A warm-up gives 0 at e = 0 and a decay 0
// at e = E, so that whole epochs waste one at either end: better e = (step + 1/2) / (steps an epoch).
struct Schedule {
  enum class Kind : std::uint8_t { constant, linear, cosine, step };
  Kind kind = Kind::constant;
  double lr = 1e-3;
  double epochs = 1;   // E, where linear and cosine reach the floor; they stay there
  double warmup = 0;   // epochs of the linear rise, which multiplies what follows it
  double floor = 0;    // as a part of lr
  double every = 1;    // of step: epochs between two multiplications by factor
  double factor = .1;  // of step

  // linear: lr min(1, e/warmup) (1 - (1 - floor) e/E);  cosine: (1 + cos(pi e/E)) / 2 in place of 1 - e/E
  double at(double e) const;
};

// After more than `patience` epochs in a row without improvement: lr <- max(factor lr, min_lr), unless
// that changes it by no more than eps.
struct ReduceLROnPlateau {
  enum class Mode : std::uint8_t { rel, abs };  // better than best (1 - threshold), or best - threshold
  double factor = .1;
  std::int64_t patience = 10;
  double threshold = 1e-4;
  Mode threshold_mode = Mode::rel;
  std::int64_t cooldown = 0;  // epochs after a reduction during which none is counted as bad
  double min_lr = 0, eps = 1e-8;

  // The state.
  double best = std::numeric_limits<double>::infinity();
  std::int64_t bad_epochs = 0, cooldown_left = 0;

  // To be called after an epoch. True if lr was lowered.
  bool step(double metric, double& lr);
  void reset();  // as before the first epoch; the rate is the caller's

  template <class Visitor>
  void visit(Visitor&& see) {
    see("best", best);
    see("bad_epochs", bad_epochs);
    see("cooldown_left", cooldown_left);
  }
};

// What the paper uses with Adam at 1e-3 (section 4).
inline ReduceLROnPlateau paper_plateau() { return {.factor = .98, .patience = 10, .threshold = 1e-3}; }

}  // namespace lowtide
