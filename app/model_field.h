// A trained model's first field on a lattice, in physical units, and steps of given effect along its
// hypermodes.
#pragma once
#include <vector>

#include "lattice.h"
#include "report.h"

namespace lowtide::app {

// With coefficients s (1,n), or (n).
std::vector<double> field_on(const LowRankModel& model, const Lattice& lattice, const Tensor& s);
// Of any model but POD, parameters beside time in the middle of their ranges.
std::vector<double> field_on(const SavedModel& model, const Lattice& lattice, double t);

double range_of(const std::vector<double>& values);
// The root mean square of a - b over the range of a.
double change(const std::vector<double>& a, const std::vector<double>& b);

// The physical time at this part of the range that a model has learned.
double time_at(const Scaling& scaling, double part);
Tensor coefficients_at(const LowRankModel& model, double t);  // physical t -> (1,n)

// Those of the study, or of 401 times.
Hypermodes modes_of(const ReportRun& run);
// c'_i of the first `count` modes, by scaled time, at a physical time; over all of which the network's own
// time goes from -1 to 1.
std::vector<double> speeds(const LowRankModel& model, const Tensor& modes, std::int64_t count, double t);

// The step eta >= 0 along +-phi_i whose change() is `target`; a step without effect is given up at a
// thousand times |s|.
double eta_for(const LowRankModel& model, const Lattice& lattice, const Tensor& s, const Tensor& modes,
               std::int64_t i, double target, double sign = 1);

// The name of a run for the names of files.
std::string prefix_of(const ReportRun& run);
// "lrnr (a)" of runs/a, as legends call it; with the whole name where those of two runs end alike.
std::vector<std::string> names_of(const std::vector<FinishedRun>& runs);

}  // namespace lowtide::app
