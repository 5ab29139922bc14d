// The field at one point over time as one file of C99: the FastLRNRs of its pieces of time, folded.
#include <fmt/format.h>
#include <lowtide/experiments/low_rank_model.h>
#include <lowtide/io/file.h>
#include <lowtide/reduction/folded.h>

#include "export.h"
#include "export_source.h"

#include <algorithm>

namespace lowtide::app {
namespace {

constexpr double usual_tolerance = 1e-4;
constexpr double share_of_folding = 0.2;  // of the tolerance; the rest is for the pieces

// Columns as they are printed: padded to less than ours.
std::vector<float> printed(const Columns& a) {
  std::vector<float> out(static_cast<std::size_t>(a.columns * padded(a.rows)));
  for (std::int64_t j = 0; j < a.columns; ++j)
    std::copy_n(a.numbers.begin() + j * a.stride, a.rows, out.begin() + j * padded(a.rows));
  return out;
}

constexpr const char* series_source = R"(
/* c (m) = a (T_0, T_1, ...)(tau), Chebyshev's polynomials. */
static void series(int m, int n, const float *a, @_real tau, @_real *c) {
  @_real T[@_TERMS];
  int i;
  T[0] = 1;
  T[1] = tau;
  for (i = 2; i < n; ++i) T[i] = 2 * tau * T[i - 1] - T[i - 2];
  product(m, n, a, T, c);
}
)";
constexpr const char* tensor_source = R"(
/* y (w) = a (c (x) z) for c (r) and z (m); z begins with a one, whose columns are the bias. */
static void tensor_layer(int w, int r, int m, const float *a, const @_real *c, const @_real *z, @_real *y) {
  @_real p[@_LONGEST];
  int i, j;
  for (j = 0; j < r; ++j)
    for (i = 0; i < m; ++i) p[j * m + i] = c[j] * z[i];
  product(w, r * m, a, p, y);
}
)";
constexpr const char* factored_source = R"(
/* y (w) = b c + u ((s1 c) o (v z)) for c (r), z (m) behind a one, and the rank n of u, k with padding. */
static void factored_layer(int w, int r, int m, int n, int k, const float *b, const float *u, const float *s1,
                           const float *v, const @_real *c, const @_real *z, @_real *y) {
  @_real g[@_LONGEST], s[@_LONGEST];
  int i;
  product(k, r, s1, c, s);
  product(k, m, v, z + 1, g);
  for (i = 0; i < n; ++i) g[i] *= s[i];
  product(w, r, b, c, y);
  add_product(w, n, u, g, y);
}
)";

struct Writer {
  const Folded& fold;
  std::string arrays{}, pieces{};
  std::int64_t numbers = 0, terms = 2, longest = 8, modes = 8, widest = 8;
  bool any_tensor = false, any_factored = false;

  std::string array(const std::string& name, const Columns& a) {
    arrays += array_source(name, printed(a));
    numbers += a.rows * a.columns;
    return name;
  }

  // The state has a one in front of it, z[0].
  void piece(std::size_t k) {
    const FoldedPiece& piece = fold.pieces[k];
    const std::int64_t r = piece.series.rows;
    terms = std::max(terms, piece.series.columns);
    modes = std::max(modes, padded(r));
    pieces +=
        fmt::format("\nstatic void piece{0}(@_real tau, @_real *z) {{\n  @_real c[@_MODES], y[@_WIDEST];\n", k);
    pieces += fmt::format("  series({}, {}, {}, tau, c);\n", padded(r), piece.series.columns,
                          array(fmt::format("p{}_series", k), piece.series));
    std::int64_t m = 0;
    for (std::size_t l = 0; l < piece.layers.size(); ++l) {
      const FoldedLayer& layer = piece.layers[l];
      const auto name = [&](const char* part) { return fmt::format("p{}_{}{}", k, part, l + 1); };
      const std::int64_t w = layer.factored ? layer.u.rows : layer.tensor.rows;
      widest = std::max(widest, padded(w));
      if (layer.factored) {
        any_factored = true;
        const std::int64_t n = layer.u.columns;
        longest = std::max(longest, padded(n));
        pieces += fmt::format("  factored_layer({}, {}, {}, {}, {}, {}, {}, {}, {}, c, z, y);\n", padded(w), r,
                              m, n, padded(n), array(name("b"), layer.bias), array(name("u"), layer.u),
                              array(name("s"), layer.s1), array(name("v"), layer.v));
      } else if (l == 0) {
        pieces += fmt::format("  product({}, {}, {}, c, y);\n", padded(w), r, array(name("t"), layer.tensor));
      } else {
        any_tensor = true;
        longest = std::max(longest, layer.tensor.columns);
        pieces += fmt::format("  tensor_layer({}, {}, {}, {}, c, z, y);\n", padded(w), r, m + 1,
                              array(name("t"), layer.tensor));
      }
      if (l + 1 < piece.layers.size())
        pieces += fmt::format("  activate_{}({}, y);\n", name_of(fold.activation), padded(w));
      pieces += fmt::format("  next(y, z, {});\n", w);
      m = w;
    }
    pieces += "}\n";
  }
};

// The point in scaled coordinates (1,d). InputError where it lies outside.
Tensor point_of(const std::vector<double>& at, const Scaling& scaling) {
  if (std::ssize(at) != scaling.dims())
    throw InputError(fmt::format("--at has {} coordinates, the model {}", at.size(), scaling.dims()));
  Tensor x({1, scaling.dims()}, Dtype::f64);
  for (std::size_t a = 0; a < at.size(); ++a) {
    const Range& range = scaling.x[a];
    if (at[a] < range.low || at[a] > range.high)
      throw InputError(fmt::format("--at {} lies outside of the domain: coordinate {} is in [{}, {}]", at[a],
                                   a + 1, range.low, range.high));
    x.mutable_data<double>()[a] = range.inside(at[a]);
  }
  return x;
}

Folded folded_at(const LowRankModel& model, const Tensor& x, double tolerance) {
  if (!(tolerance > 0)) throw InputError("--tol with --at must be positive");
  const PointModel point =
      point_model(model.weights, model.coefficients, x, {.tolerance = (1 - share_of_folding) * tolerance});
  const auto refuse = [&](double error) {
    throw InputError(
        fmt::format("--tol {:g} is beyond reach at this point: the error stays at {:.1e}; a larger one"
                    " may hold",
                    tolerance, error));
  };
  if (!point.holds()) refuse(point.error());
  Folded fold = folded(point, 0, share_of_folding * tolerance);
  if (fold.error > tolerance) refuse(fold.error);  // f32 has its own
  return fold;
}

}  // namespace

Exported export_point(const Export& order) {
  const Scaling& scaling = order.run.model.scaling;
  const Tensor x = point_of(order.options.at, scaling);
  const LowRankModel model = low_rank_model(order.run.model, order.options.mu);
  const double tolerance = order.options.tolerance.value_or(usual_tolerance);
  const Folded fold = folded_at(model, x, tolerance);

  Writer writer{fold};
  for (std::size_t k = 0; k < fold.pieces.size(); ++k) writer.piece(k);
  const std::string name = identifier(order.stem());
  const std::size_t c = scaling.fields.size();
  std::string place, parameters;
  for (const double at : order.options.at) place += fmt::format("{}{}", place.empty() ? "" : ", ", at);
  for (std::size_t p = 1; p < scaling.t.size(); ++p)
    parameters += fmt::format(
        "{}{}", p == 1 ? "" : ", ",
        order.options.mu.empty() ? (scaling.t[p].low + scaling.t[p].high) / 2 : order.options.mu[p - 1]);
  if (!parameters.empty()) parameters = fmt::format(", with the parameters mu = ({})", parameters);

  std::string text = fmt::format(
      "/* @: a wave field at x = ({0}) over time{1}, by lowtide {2}. C99, needs the math library.\n"
      " *\n"
      " * int @_values(t, u)\n"
      " *   t     time, in [{3}, {4}]\n{5}"
      " *   Units are those of the data that the model was trained on. Returns 0; 1 for other times, and then "
      "u is\n"
      " *   that of the nearest of these.\n"
      " *\n"
      " * FastLRNRs on {6} pieces of time, of a low-rank neural representation. Against the whole network, "
      "and\n"
      " * relative to the root mean square of |u| over time (each field divided by its size):\n"
      " *   largest error  {7:.1e}  at the times of validation, some hundred a piece; asked for was {8:g}\n"
      " *   error bound    {9:.1e}  that holds at those times. Between them it is an estimate, not a proof; "
      "and\n"
      " *                           the error of the network itself is not in it.\n"
      " * Constants are f32; arithmetic is double, or with -DLOWTIDE_FLOAT float. -DLOWTIDE_MAIN adds a main "
      "that\n"
      " * prints u at T, -DLOWTIDE_BENCH one that measures. */\n",
      place, parameters, LOWTIDE_VERSION, scaling.t[0].low, scaling.t[0].high, about_fields(scaling),
      fold.pieces.size(), fold.error, tolerance, fold.bound);
  text += real_source;
  text += fmt::format(
      "\nint @_values(double t, double u[{}]);\n\n#define @_TERMS {}\n#define @_MODES {}\n"
      "#define @_WIDEST {}\n",
      c, writer.terms, writer.modes, writer.widest);
  if (writer.any_tensor || writer.any_factored) text += fmt::format("#define @_LONGEST {}\n", writer.longest);
  text += std::string(product_source) + activation_source({fold.activation}) + series_source;
  if (writer.any_tensor) text += tensor_source;
  if (writer.any_factored) text += factored_source;
  text +=
      "\nstatic void next(const @_real *y, @_real *z, int n) {\n  int i;\n  z[0] = 1;\n"
      "  for (i = 0; i < n; ++i) z[i + 1] = y[i];\n}\n\n";
  text += writer.arrays + writer.pieces;

  text += fmt::format(
      "\nint @_values(double t, double u[{}]) {{\n  const double tau = {};\n"
      "  const int outside = !(tau >= -1 && tau <= 1);\n  @_real z[@_WIDEST + 1];\n",
      c, scaled_source(scaling.t[0], "t"));
  for (std::size_t k = 0; k < fold.pieces.size(); ++k) {
    const FoldedPiece& piece = fold.pieces[k];
    const bool last = k + 1 == fold.pieces.size();
    const std::string own = fmt::format("2 * (tau - ({})) / {} - 1", number_source(piece.begin),
                                        number_source(piece.end - piece.begin));
    const std::string inside = k == 0 && last ? fmt::format("tau < -1 ? -1 : tau > 1 ? 1 : {}", own)
                               : k == 0       ? fmt::format("tau < -1 ? -1 : {}", own)
                               : last         ? fmt::format("tau > 1 ? 1 : {}", own)
                                              : own;
    if (last)
      text += fmt::format("  {}piece{}((@_real)({}), z);\n", k == 0 ? "" : "else\n    ", k, inside);
    else
      text += fmt::format("  {}if (tau < {})\n    piece{}((@_real)({}), z);\n", k == 0 ? "" : "else ",
                          number_source(piece.end), k, inside);
  }
  for (std::size_t j = 0; j < c; ++j)
    text += fmt::format("  u[{}] = (double)z[{}] * {};\n", j, j + 1, number_source(scaling.size[j]));
  text += "  return outside;\n}\n";
  text += main_source({"T"}, {scaling.t[0]}, c, "(void)@_values(in[0], u);");

  make_folder(order.out.parent_path());
  write_file(order.out, named(text, name));
  return {{{"function", name + "_values"},
           {"at", order.options.at},
           {"tolerance", tolerance},
           {"error", fold.error},
           {"bound", fold.bound},
           {"pieces", fold.pieces.size()},
           {"numbers", writer.numbers}},
          fmt::format("{}_values(); {} pieces of time, {} numbers; error {:.1e}, bound {:.1e}", name,
                      fold.pieces.size(), writer.numbers, fold.error, fold.bound)};
}

}  // namespace lowtide::app
