// Functions as means of plane ones: sums of ridges a sigma(w . x + b) or a sigma'(w . x + b) with |w| = 1 and
// sigma(y) = max(y, 0), sampled from a density over directions and offsets (LRNR, 3.12 and 3.17).
#pragma once
#include <lowtide/linalg/random.h>

#include <functional>
#include <vector>

namespace lowtide {

struct Ridges {
  int dims = 1;
  std::vector<double> w{}, b{}, a{};  // w: dims numbers for each

  std::int64_t count() const { return static_cast<std::int64_t>(a.size()); }
  void add(const double* direction, double offset, double factor);
};

// An even function f of one variable that stands for the mean over directions |w| = 1 of f(w . x).
struct PlaneProfile {
  std::function<double(double)> value, slope;
};
// Of amplitude exp(-r^2 / (2 deviation^2)): 1F1(dims/2; 1/2; -s^2 / (2 deviation^2)), in one to three
// dimensions
//   exp(-z^2),  1 - 2 z D(z),  (1 - 2 z^2) exp(-z^2)   with z = s / (sqrt(2) deviation) and Dawson's integral
//   D.
PlaneProfile gaussian_profile(int dims, double deviation, double amplitude = 1);

// exp(-x^2) times the integral of exp(y^2) over [0,x], by Rybicki's sum (1989).
double dawson(double x);

// How offsets are distributed on [0, reach]: as |dg| for a function g of them, which is f' for ramps sigma(w .
// x - b) and f for steps sigma'(w . x - b), since for an even f
//   f(s) = f(0) + int_0^reach f''(b) [sigma(s - b) + sigma(-s - b)] db = f(0) + int_0^reach f'(b) [sigma'(s -
//   b) + ...] db
// where |s| <= reach, and both terms have the same mean over directions. Ridges that are zero on the side of
// the origin disturb each other less than those that all rise the same way. Increments of g over a fine grid
// stand for g, with an error of the grid's square.
class Offsets {
 public:
  Offsets(const std::function<double(double)>& g, double reach, std::int64_t cells = 1 << 14);
  double mass() const { return mass_.back(); }  // the total variation of g
  struct Place {
    double offset, sign;
  };
  Place at(double share) const;  // where this share of the mass, in [0,1), lies to the left
  // Shares between which dg has one sign: 0, ..., 1.
  const std::vector<double>& pieces() const { return pieces_; }

 private:
  double width_;
  std::vector<double> mass_, sign_, pieces_;
};

enum class Ridge { ramp, step };
Offsets offsets_of(const PlaneProfile& f, Ridge kind, double reach);
// What the offsets leave is f(0): two ramps or a step that are linear for |w . x| <= reach.
void add_constant(Ridges& ridges, const PlaneProfile& f, Ridge kind, double reach);
inline std::int64_t constant_units(Ridge kind) { return kind == Ridge::ramp ? 2 : 1; }

// Equal parts of the sphere |w| = 1 in one to three dimensions, as round as may be: points, arcs, and on the
// sphere zones of about equal height, each cut into equal pieces.
class SphereCells {
 public:
  SphereCells(int dims, std::int64_t count);
  std::int64_t count() const { return count_; }
  // The point of cell k that two numbers in [0,1) name; uniform for uniform ones.
  void point(std::int64_t k, double u, double v, double* w) const;

 private:
  int dims_;
  std::int64_t count_;
  std::vector<std::int64_t> zones_{};  // first cell of each, and the count
};

// Independent draws; or one from each of as many parts of directions times offsets, all of equal mass and of
// small diameter, which is what makes 1/2 + 1/(2d) of the rate 1/2 (Makovoz 1996, Theorem 1).
enum class RidgeSampling { stratified, independent };
const char* name_of(RidgeSampling sampling);

// sum a_i phi(w_i . x + b_i) of `count` terms whose expectation is the mean over w of 2 int phi(w . x - b)
// dg(b). No part holds both signs of dg, if there is room for that.
Ridges sample_ridges(int dims, const Offsets& offsets, std::int64_t count, RidgeSampling sampling,
                     const Stream& stream);

}  // namespace lowtide
