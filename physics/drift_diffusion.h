// Particles with the linear drift that draws each coordinate to a point and to the mean of all coordinates,
//
//   dX_i = (center - X_i + (coupling / d) (sum_j X_j - d X_i)) dt + sqrt(2 diffusion) dW_i,
//
// whose density follows the Fokker-Planck equation p_t = -div(h p) + diffusion Laplacian p.
#pragma once
#include <lowtide/linalg/random.h>

#include <functional>

namespace lowtide {

struct LinearDrift {
  std::int64_t dims = 1;
  double center = 0.2, coupling = 0.25, diffusion = 0.01;

  double divergence() const;  // of the drift
};

struct Moments {
  Tensor mean{}, covariance{};              // (d), (d,d)
  Tensor mean_error{}, covariance_error{};  // standard errors, where they are estimates
  double mass = 1, mass_error = 0;
};

// Of the free motion, after time t from moments at the start: their ordinary differential equations,
// integrated.
Moments moments_at(const LinearDrift& drift, const Moments& start, double t);

// n particles that start as `start` draws them (its row is given) and vanish at the walls of [-1,1]^d: those
// that are left at each of the times, which rise. The motion in a step is drawn exactly; whether it has touched
// a wall meanwhile is drawn as for a Brownian bridge. Errors are of the sample.
std::vector<Moments> particle_moments(const LinearDrift& drift, std::int64_t n,
                                      const std::function<void(Stream& numbers, double* x)>& start,
                                      const std::vector<double>& times, double step, bool walls,
                                      const Stream& stream);

// The density after time t, from density p0: at x the mean of p0 over the starts that lead to x in free motion,
// at `nodes` of a Sobol sequence. Walls are felt as far as p0 is zero outside of them: paths that leave and
// come back are counted, of which there are few as long as the drift points inwards there.
class FreeDensity {
 public:
  FreeDensity(const LinearDrift& drift, std::function<double(const double* x)> p0, double t,
              std::int64_t nodes);
  double operator()(const double* x) const;

 private:
  LinearDrift drift_;
  std::function<double(const double* x)> p0_;
  double t_;
  Tensor nodes_;  // of the normal distribution, (nodes,d)
};

// Weighted mean and covariance of rows x (n,d), weights >= 0 known up to a factor, with standard errors.
Moments weighted_moments(const Tensor& x, const Tensor& weights);

// The normal distribution's quantile: a rational guess (Hastings 1955) and Halley's method.
double normal_quantile(double p);

}  // namespace lowtide
