// Does a derivative tell the truth? The checks behind the test that loops over the op table, for
// users' own ops and functions as well:
//
//   BOOST_TEST(check(*op).ok());      or      fmt::print("{}", check(f, {x}).text());
#pragma once
#include <lowtide/autodiff/functions.h>

namespace lowtide {

struct CheckReport {
  std::int64_t checks = 0;
  std::vector<std::string> failures;
  bool ok() const { return checks > 0 && failures.empty(); }
  std::string text() const;
};

struct CheckOptions {
  std::string label;       // put before every failure
  double noise = 0;        // relative roundoff of f beyond that of its dtype
  bool smooth = true;      // second and third order as well
  bool in_f32 = true;      // first derivatives in f32 as well; off for an f that holds f64 tensors of its own
  std::uint64_t seed = 1;  // of the random directions
};

// f at xs in f64: push and pull against central differences and against each other (adjoint identity to
// 1e-12), four nestings of second order against each other and against differences, third order, the
// order of the Taylor remainder, constants among the inputs, one Var in two places; then all first
// derivatives again in f32.
CheckReport check(Function f, const Tensors& xs, const CheckOptions& options = {});

// All samples of an op, and that each really records it.
CheckReport check(const Op& op);

}  // namespace lowtide
