// Points at which an equation is asked to hold.
#pragma once
#include <lowtide/linalg/random.h>

#include <string>
#include <vector>

namespace lowtide {

struct Box {
  std::vector<double> low{}, high{};
  std::int64_t dims() const { return std::ssize(low); }
};

enum class Sampling : std::uint8_t {
  uniform,  // independent
  sobol,    // a Sobol sequence, shifted by a random vector modulo 1 (Cranley and Patterson 1976)
};
const char* name_of(Sampling sampling);
Sampling sampling_named(const std::string& name);  // InputError

// n points of the box, (n,d) in f64; a function of the stream's key alone.
Tensor collocation(const Box& box, std::int64_t n, Sampling sampling, const Stream& stream);

// `n` of the rows of `candidates` (m,d), without repetition, each drawn with a probability that grows with its
// residual (m), |r|^power / mean |r|^power + floor (Wu et al., A comprehensive study of non-adaptive and
// residual-based adaptive sampling for physics-informed neural networks, 2023: RAD).
Tensor adaptive_points(const Tensor& candidates, const Tensor& residual, std::int64_t n, const Stream& stream,
                       double power = 1, double floor = 1);

}  // namespace lowtide
