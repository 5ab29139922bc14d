// A point model made to be fast: coefficients as short series in time, hypermodes multiplied into the layers
// beforehand, everything in f32. lowtide evaluates it with vector instructions; `lowtide export` prints it as
// C.
#pragma once
#include <lowtide/reduction/point_model.h>

namespace lowtide {

// A matrix by columns, each padded with zeros to a multiple of 16 floats.
struct Columns {
  std::int64_t rows = 0, columns = 0, stride = 0;
  std::vector<float> numbers{};
};

// With a one in front of the state, q = (1, z): the bias is the column of the one.
struct FoldedLayer {
  // factored:  y = bias c + u ((s1 c) o (v z))
  // otherwise: y = tensor (c (x) q), c (x) q = (c_1 q_1, c_1 q_2, ..., c_2 q_1, ...)
  // The point is in the first layer, which has no state before it: y = tensor c.
  bool factored = false;
  Columns tensor{};  // or
  Columns bias{}, u{}, s1{}, v{};
};

struct FoldedPiece {
  double begin = -1, end = 1;  // scaled times
  Columns series{};            // c = series (T_0, T_1, ...) of 2 (t - begin) / (end - begin) - 1
  std::vector<FoldedLayer> layers{};
};

// The coefficients themselves as a function of time, s = modes c(t), to be as fast as in a folded model.
struct FoldedCoefficients {
  Columns series{};  // of c on [-1,1]
  Columns modes{};
  // s, in a row of modes.stride floats, and c, of series.stride.
  void evaluate(double t, float* s, float* c) const;
};
// Singular values and terms below `tolerance`, relative, are left out.
FoldedCoefficients folded_coefficients(const CoefficientsAt& coefficients, double tolerance);

struct Folded {
  Activation activation = Activation::tanh;
  std::int64_t out = 1;
  double size = 1;   // the root mean square of u over time, which errors are relative to
  double error = 0;  // the largest |u - full network's u| at the validation times of the pieces, relative
  double bound = 0;  // that of the point model and what folding may add, relative
  std::vector<FoldedPiece> pieces{};

  void add(FoldedPiece piece);  // the next in time
  std::int64_t bytes() const;
  double flops() const;  // of an evaluation, in the mean over time
  // u at scaled time t, into `out` floats; times outside of the pieces take the nearest end.
  void evaluate(double t, float* u, std::vector<float>& scratch) const;

  // The most floats that any piece needs for its state, for v z, for c (x) q or s1 c, and for c.
  struct Room {
    std::int64_t state = 0, inner = 0, product = 0, modes = 0, all = 0;
  } room{};
};

// Point k of a model all of whose pieces hold, or Error. `tolerance`, relative, bounds what short series and
// few modes may change of u; a fifth of that of the pieces is a good choice. Where it takes more than 64 terms,
// a piece is cut, as long as halves are not too small. What f32 makes of it, about 1e-6 of the terms that u is
// the sum of, comes on top: `error` says how much.
Folded folded(const PointModel& model, std::int64_t k, double tolerance);

}  // namespace lowtide
