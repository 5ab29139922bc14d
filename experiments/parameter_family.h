// Equations with a parameter: values that are trained on, new ones between them, and the solutions of both.
#pragma once
#include <lowtide/experiments/case.h>
#include <lowtide/experiments/reference.h>

namespace lowtide {

// `count` values from low to high; one is the middle.
std::vector<double> evenly(double low, double high, std::int64_t count);
std::vector<double> by_equal_factors(double low, double high, std::int64_t count);  // 0 < low
// The means of neighbours, or the only value.
std::vector<double> between(const std::vector<double>& values);

// The setting new_values of such a case: numbers with commas between, or, where it is empty, what lies between
// the values of training. InputError for what are no numbers.
std::vector<double> new_values(CaseRun& run, const std::vector<double>& training);

// As the only parameter of an equation.
std::vector<std::vector<double>> as_parameters(const std::vector<double>& values);

// The solution for new values, whose frames are held out, and for those of `pinn.training`, whose are not.
Snapshots family_on_grid(const Pinn& pinn, ReferenceGrid grid, const std::vector<double>& new_values,
                         const PointSolution& solution);

}  // namespace lowtide
