// A low-rank model as one file of C99: the network that truncation leaves, at any point and time.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/io/file.h>

#include "export.h"
#include "export_low_rank.h"
#include "export_source.h"
#include "points.h"

#include <algorithm>
#include <cmath>

namespace lowtide::app {
namespace {

// The rows of a, which are columns to the product, padded.
std::vector<float> padded_rows(const Tensor& a) {
  const std::int64_t n = a.shape[0], m = a.shape[1];
  std::vector<float> out(static_cast<std::size_t>(n * padded(m)));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < m; ++j)
      out[static_cast<std::size_t>(i * padded(m) + j)] = static_cast<float>(a.at(i * m + j));
  return out;
}

Tensor transposed_rows(const Tensor& a) {  // (n,m) -> (m,n)
  Tensor out({a.shape[1], a.shape[0]}, Dtype::f64);
  double* to = out.mutable_data<double>();
  for (std::int64_t j = 0; j < a.shape[1]; ++j)
    for (std::int64_t i = 0; i < a.shape[0]; ++i) *to++ = a.at(i * a.shape[1] + j);
  return out;
}

constexpr const char* dot_source = R"(
static @_real dot(int n, const @_real *a, const @_real *b) {
  @_real sums[4] = {0, 0, 0, 0};
  int i, k;
  for (i = 0; i + 4 <= n; i += 4)
    for (k = 0; k < 4; ++k) sums[k] += a[i + k] * b[i + k];
  for (; i < n; ++i) sums[0] += a[i] * b[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}
)";

struct Writer {
  const SavedModel& model;
  const LowRankWeights& net;  // truncated
  const std::vector<std::int64_t>& kept;
  std::vector<std::string> arrays{};
  std::int64_t numbers = 0;
  std::vector<Activation> activations{};

  std::string array(const std::string& name, const Tensor& values) {
    arrays.push_back(array_source(name, padded_rows(values)));
    numbers += values.size();
    return name;
  }

  void uses(Activation activation) { activations.push_back(activation); }

  std::string activated(Activation activation, std::int64_t n, const std::string& what) {
    uses(activation);
    return fmt::format("  activate_{}({}, {});\n", name_of(activation), n, what);
  }

  std::int64_t widest() const {
    std::int64_t most = 1;
    for (const LowRankLayer& layer : net.layers) most = std::max({most, layer.in(), layer.out()});
    return most;
  }
  std::int64_t largest_rank() const {
    std::int64_t most = 1;
    for (const LowRankLayer& layer : net.layers) most = std::max(most, layer.weight_rank());
    return most;
  }

  // s of the scaled time and parameters tau.
  std::string coefficients() {
    const std::int64_t n = padded(std::ssize(kept));
    if (std::holds_alternative<LrnrCheb>(model.net)) {
      const Tensor series = columns_of(model.theta.back().cast(Dtype::f64), kept);  // (terms,n)
      const std::int64_t terms = series.shape[0];
      std::string text = fmt::format(
          "/* Chebyshev series in time. */\n"
          "static void coefficients(const @_real *tau, @_real *s) {{\n  @_real T[{}];\n{}  T[0] = "
          "1;\n",
          terms, terms > 2 ? "  int i;\n" : "");
      if (terms > 1) text += "  T[1] = tau[0];\n";
      if (terms > 2)
        text += fmt::format("  for (i = 2; i < {}; ++i) T[i] = 2 * tau[0] * T[i - 1] - T[i - 2];\n", terms);
      if (terms == 1) text += "  (void)tau;\n";
      return text + fmt::format("  product({}, {}, {}, T, s);\n}}\n", n, terms, array("series", series));
    }
    const auto& lrnr = std::get<Lrnr>(model.net);
    const Mlp hyper = lrnr.hyper();
    const std::int64_t width = padded(*std::max_element(hyper.widths.begin(), hyper.widths.end() - 1));
    std::string text = fmt::format(
        "/* The hypernetwork, with the columns of its last layer that are kept. */\n"
        "static void coefficients(const @_real *tau, @_real *s) {{\n  @_real h[{0}], y[{0}];\n  int i;\n",
        width);
    const std::size_t first = lrnr.field_tensors();
    for (std::size_t l = 0; l < hyper.layers(); ++l) {
      const bool last = l + 1 == hyper.layers();
      Tensor w = model.theta[first + 2 * l].cast(Dtype::f64),
             b = model.theta[first + 2 * l + 1].cast(Dtype::f64);
      b = b.reshaped({1, b.size()});
      if (last) w = columns_of(w, kept), b = columns_of(b, kept);
      const std::int64_t in = w.shape[0], out = padded(w.shape[1]);
      const std::string wn = array(fmt::format("hyper_W{}", l + 1), w),
                        bn = array(fmt::format("hyper_b{}", l + 1), b);
      const char *from = l == 0 ? "tau" : "h", *to = last ? "s" : "y";
      text += fmt::format(
          "  for (i = 0; i < {0}; ++i) {1}[i] = (@_real){2}[i];\n  add_product({0}, {3}, {4}, {5}, {1});\n",
          out, to, bn, in, wn, from);
      if (!last)
        text += activated(hyper.activation, out, "y") +
                fmt::format("  for (i = 0; i < {}; ++i) h[i] = y[i];\n", out);
    }
    if (lrnr.head == Head::relu) text += activated(Activation::relu, n, "s");
    if (lrnr.head == Head::softplus)
      text += fmt::format(
          "  for (i = 0; i < {}; ++i) /* log(1 + exp(s)) */\n"
          "    s[i] = (@_real)((s[i] > 0 ? (double)s[i] : 0) + log1p(exp(-fabs((double)s[i]))));\n",
          n);
    return text + "}\n";
  }

  // What a time fixes, in the array a: the matrices of the first and last layer and s1 of those between;
  // biases. Field: the layers.
  struct Parts {
    std::string at_time{}, field{};
    std::int64_t length = 0;
  };
  Parts layers() {
    Parts parts;
    const std::int64_t depth = net.depth();
    std::int64_t s = 0;
    for (std::int64_t l = 0; l < depth; ++l) {
      const LowRankLayer& layer = net.layer(l);
      const std::int64_t m = layer.in(), w = layer.out(), r1 = layer.weight_rank(), r2 = layer.bias_rank();
      const bool first = l == 0, last = l + 1 == depth;
      const std::string u = array(fmt::format("U{}", l + 1), layer.u),
                        v = array(fmt::format("V{}", l + 1), last ? layer.v : transposed_rows(layer.v)),
                        b = array(fmt::format("B{}", l + 1), layer.b);
      const std::int64_t bias = parts.length, rest = bias + padded(w);
      parts.at_time += fmt::format("  /* layer {} */\n  product({}, {}, {}, s + {}, a + {});\n", l + 1,
                                   padded(w), r2, b, s + r1, bias);
      parts.field += fmt::format("  /* layer {} */\n", l + 1);
      if (first) {  // column j of U diag(s1) VT
        parts.at_time += fmt::format(
            "  for (j = 0; j < {0}; ++j) {{\n"
            "    for (i = 0; i < {1}; ++i) g[i] = s[{2} + i] * (@_real){3}[j * {4} + i];\n"
            "    product({5}, {1}, {6}, g, a + {7} + j * {5});\n  }}\n",
            m, r1, s, v, padded(r1), padded(w), u, rest);
        parts.field += fmt::format(
            "  for (i = 0; i < {0}; ++i) y[i] = a[{1} + i];\n"
            "  for (j = 0; j < {2}; ++j)\n"
            "    for (i = 0; i < {0}; ++i) y[i] += a[{3} + j * {0} + i] * z[j];\n",
            padded(w), bias, m, rest);
      } else if (last) {  // row j
        parts.at_time += fmt::format(
            "  for (j = 0; j < {0}; ++j) {{\n"
            "    for (i = 0; i < {1}; ++i) g[i] = s[{2} + i] * (@_real){3}[i * {4} + j];\n"
            "    product({5}, {1}, {6}, g, a + {7} + j * {5});\n  }}\n",
            w, r1, s, u, padded(w), padded(m), v, rest);
        parts.field +=
            fmt::format("  for (j = 0; j < {}; ++j) y[j] = a[{} + j] + dot({}, a + {} + j * {}, z);\n", w, bias,
                        m, rest, padded(m));
      } else {
        parts.at_time += fmt::format("  for (i = 0; i < {}; ++i) a[{} + i] = s[{} + i];\n", r1, rest, s);
        parts.field += fmt::format(
            "  product({0}, {1}, {2}, z, g);\n"
            "  for (i = 0; i < {3}; ++i) g[i] *= a[{4} + i];\n"
            "  for (i = 0; i < {5}; ++i) y[i] = a[{6} + i];\n  add_product({5}, {3}, {7}, g, y);\n",
            padded(r1), m, v, r1, rest, padded(w), bias, u);
      }
      if (!last)
        parts.field += activated(net.activation, padded(w), "y") +
                       fmt::format("  for (i = 0; i < {}; ++i) z[i] = y[i];\n", padded(w));
      parts.length = rest + (first ? m * padded(w) : last ? w * padded(m) : padded(r1));
      s += r1 + r2;
    }
    return parts;
  }
};

// The largest difference over points and times, of the root mean square of each field.
double truncation_error(const LowRankPart& part, const LowRankWeights& less, const Truncation& cut) {
  const std::int64_t d = part.net.in(), c = part.net.out(), side = d == 1 ? 401 : d == 2 ? 41 : 11;
  Scaling cube;
  cube.x.assign(static_cast<std::size_t>(d), Range{});
  const Tensor x = grid_of(cube, side), s = truncated(part.net, part.s, cut);
  std::vector<double> most(static_cast<std::size_t>(c)), square(static_cast<std::size_t>(c));
  std::int64_t times = 0;
  for (std::int64_t k = 0; k < s.shape[0]; k += s.shape[0] / 32, ++times) {
    const Tensor u = values(part.net, x, part.s.rows(k, k + 1)), v = values(less, x, s.rows(k, k + 1));
    for (std::int64_t i = 0; i < u.size(); ++i) {
      const auto j = static_cast<std::size_t>(i % c);
      most[j] = std::max(most[j], std::abs(u.at(i) - v.at(i)));
      square[j] += u.at(i) * u.at(i);
    }
  }
  double worst = 0;
  for (std::size_t j = 0; j < most.size(); ++j)
    if (square[j] > 0)
      worst = std::max(worst, most[j] / std::sqrt(square[j] / static_cast<double>(times * x.shape[0])));
  return worst;
}

}  // namespace

Exported export_c(const Export& order) {
  const SavedModel& model = order.run.model;
  const Scaling& scaling = model.scaling;
  const std::optional<LowRankPart> part = low_rank_part(model);
  if (!part)
    throw InputError(fmt::format("{} is a {}; C is written of low-rank models (lrnr, lrnr-cheb), npz of all",
                                 order.run.name, model.name));
  if (!order.options.at.empty()) return export_point(order);
  const double threshold = order.options.tolerance.value_or(paper_threshold);
  const Truncation cut = truncation(part->net, part->s, threshold);
  const LowRankWeights net = truncated(part->net, cut);
  const std::vector<std::int64_t> kept = kept_coefficients(part->net, cut);
  const double error = truncation_error(*part, net, cut);

  Writer writer{model, net, kept};
  const std::int64_t d = net.in(), c = net.out(), p = scaling.parameters();
  const std::string coefficients = writer.coefficients();
  const auto [at_time, field, length] = writer.layers();
  const std::string name = identifier(order.stem());
  const std::string mu = p > 0 ? fmt::format(", const double mu[{}]", p) : "", with_mu = p > 0 ? ", mu" : "";

  std::string text = fmt::format(
      "/* @: a wave field as a low-rank neural representation, by lowtide {0}. C99, needs the math library.\n"
      " *\n"
      " * @_values(x, t{1}, u)\n{2}{3}{4}"
      " *   Units are those of the data that the model was trained on. Outside of these ranges it "
      "extrapolates.\n"
      " * For many points at one time, @_at_time(t{1}, a) once and @_field(x, a, u) for each is faster.\n"
      " *\n"
      " * {5} layers, ranks of weights {6} and of biases {7}: coefficients below {8:g} of the largest\n"
      " * are left out. This changes u by at most {9:.1e} of its root mean square; so measured on a grid at 33 "
      "times,\n"
      " * which is no proof for what lies between. Constants are f32; arithmetic is double, or with "
      "-DLOWTIDE_FLOAT\n"
      " * float. -O3 -march=native makes vector code of it; -DLOWTIDE_MAIN adds a main that prints u{10},\n"
      " * -DLOWTIDE_BENCH one that measures. */\n",
      LOWTIDE_VERSION, with_mu, about_points(scaling), about_times(scaling), about_fields(scaling), net.depth(),
      fmt::join(cut.weight_ranks(), " "), fmt::join(cut.bias_ranks(), " "), threshold, error,
      d == 1 ? " at X T" : " at X Y T");
  text += real_source;
  text += fmt::format(
      "\n#define @_AT_TIME {0} /* numbers that depend on time alone */\n"
      "void @_at_time(double t{1}, @_real a[{0}]);\n"
      "void @_field(const double x[{2}], const @_real a[{0}], double u[{3}]);\n"
      "void @_values(const double x[{2}], double t{1}, double u[{3}]);\n\n",
      length, mu, d, c);
  text = named(text, name);
  for (const std::string& array : writer.arrays) text += array;
  std::string code = product_source;
  code += dot_source;
  code += activation_source(writer.activations) + "\n" + coefficients;
  code += fmt::format(
      "\nvoid @_at_time(double t{}, @_real a[{}]) {{\n  @_real tau[{}], s[{}], g[{}];\n  int i, j;\n", mu,
      length, 1 + p, padded(std::ssize(kept)), padded(writer.largest_rank()));
  for (std::size_t k = 0; k < scaling.t.size(); ++k)
    code += fmt::format("  tau[{}] = (@_real)({});\n", k,
                        scaled_source(scaling.t[k], k == 0 ? "t" : fmt::format("mu[{}]", k - 1)));
  code += "  coefficients(tau, s);\n" + at_time + "}\n";
  code += fmt::format(
      "\nvoid @_field(const double x[{0}], const @_real a[{1}], double u[{2}]) {{\n  @_real z[{3}], "
      "y[{3}]{4};\n  "
      "int i, j;\n",
      d, length, c, padded(writer.widest()),
      net.depth() > 2 ? fmt::format(", g[{}]", padded(writer.largest_rank())) : "");
  for (std::size_t a = 0; a < scaling.x.size(); ++a)
    code += fmt::format("  z[{}] = (@_real)({});\n", a, scaled_source(scaling.x[a], fmt::format("x[{}]", a)));
  code += field;
  for (std::size_t j = 0; j < scaling.size.size(); ++j)
    code += fmt::format("  u[{0}] = (double)y[{0}] * {1};\n", j, number_source(scaling.size[j]));
  code += fmt::format(
      "}}\n\nvoid @_values(const double x[{}], double t{}, double u[{}]) {{\n  @_real a[@_AT_TIME];\n"
      "  @_at_time(t{}, a);\n  @_field(x, a, u);\n}}\n",
      d, mu, c, with_mu);
  std::vector<std::string> inputs;
  std::vector<Range> ranges = scaling.x;
  for (std::int64_t a = 0; a < d; ++a)
    inputs.push_back(d <= 3 ? std::string(1, "XYZ"[a]) : fmt::format("X{}", a));
  inputs.emplace_back("T");
  for (std::int64_t k = 0; k < p; ++k) inputs.push_back(fmt::format("MU{}", k));
  ranges.insert(ranges.end(), scaling.t.begin(), scaling.t.end());
  const std::string more = p > 0 ? fmt::format(", in + {}", d + 1) : "";
  code += main_source(
      inputs, ranges, scaling.fields.size(), fmt::format("@_values(in, in[{}]{}, u);", d, more),
      {{"@_real a[@_AT_TIME];", fmt::format("@_at_time(in[{}]{}, a);", d, more), "@_field(in, a, u);"}});
  text += named(code, name);
  make_folder(order.out.parent_path());
  write_file(order.out, text);
  return {
      {{"function", name + "_values"},
       {"ranks", {{"weights", cut.weight_ranks()}, {"biases", cut.bias_ranks()}}},
       {"coefficients", kept.size()},
       {"of", part->net.coefficients()},
       {"numbers", writer.numbers},
       {"error", error}},
      fmt::format("{}_values(); {} of {} coefficients, {} numbers; truncation changes u by {:.1e} of its size",
                  name, kept.size(), part->net.coefficients(), writer.numbers, error)};
}

}  // namespace lowtide::app
