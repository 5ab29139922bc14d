#include "export_source.h"

#include <fmt/format.h>
#include <lowtide/io/printable.h>

#include <algorithm>
#include <cctype>

namespace lowtide::app {

std::string identifier(std::string_view name) {
  std::string out;
  for (const char c : name)
    out += std::isalnum(static_cast<unsigned char>(c)) && static_cast<unsigned char>(c) < 128 ? c : '_';
  return out.empty() || out[0] == '_' || std::isdigit(static_cast<unsigned char>(out[0])) ? "model" + out : out;
}

std::string comment_text(std::string_view text) {
  std::string out = printable(text);
  std::replace(out.begin(), out.end(), '@', '?');  // means a name, see named()
  for (std::size_t i = 0; i + 1 < out.size(); ++i)
    if ((out[i] == '*' && out[i + 1] == '/') || (out[i] == '/' && out[i + 1] == '*') ||
        (out[i] == '?' && out[i + 1] == '?'))
      out.insert(i + 1, " ");
  return out;
}

std::string named(std::string_view text, const std::string& name) {
  std::string out;
  for (const char c : text) c == '@' ? out += name : out += c;
  return out;
}

std::int64_t padded(std::int64_t n) { return std::max<std::int64_t>(n + 7, 8) / 8 * 8; }

std::string number_source(double number) {
  std::string text = fmt::format("{}", number);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string array_source(const std::string& name, std::span<const float> numbers) {
  static constexpr float nothing[] = {0};  // C has no empty arrays
  if (numbers.empty()) numbers = nothing;
  std::string text = fmt::format("static const float {}[{}] = {{", name, numbers.size()), line;
  for (const float number : numbers) {
    std::string word = fmt::format("{}", number);  // the shortest that reads back to the same bits
    if (word.find_first_of(".e") == std::string::npos) word += ".0";
    if (line.size() + word.size() > 108 || line.empty()) {
      text += line + "\n";
      line = " ";
    }
    line += " " + word + "f,";
  }
  line.pop_back();
  return text + line + "};\n";
}

std::string about_points(const Scaling& scaling) {
  std::string text;
  for (std::size_t a = 0; a < scaling.x.size(); ++a)
    text += fmt::format(" *   x[{}]  in [{}, {}]\n", a, scaling.x[a].low, scaling.x[a].high);
  return text;
}

std::string about_times(const Scaling& scaling) {
  std::string text = fmt::format(" *   t     time, in [{}, {}]\n", scaling.t[0].low, scaling.t[0].high);
  for (std::size_t p = 1; p < scaling.t.size(); ++p)
    text += fmt::format(" *   mu[{}] parameter, in [{}, {}]\n", p - 1, scaling.t[p].low, scaling.t[p].high);
  return text;
}

std::string about_fields(const Scaling& scaling) {
  std::string text;
  for (std::size_t j = 0; j < scaling.fields.size(); ++j)
    text += fmt::format(" *   u[{}]  {}, which is of size {:.3g}\n", j, comment_text(scaling.fields[j]),
                        scaling.size[j]);
  return text;
}

std::string scaled_source(const Range& range, const std::string& what) {
  if (!(range.high > range.low)) return "0";
  return fmt::format("2 * ({} - ({})) / {} - 1", what, number_source(range.low),
                     number_source(range.high - range.low));
}

const char* const real_source = R"(#include <math.h>

/* What is computed with; the constants are floats. */
#ifdef LOWTIDE_FLOAT
typedef float @_real;
#else
typedef double @_real;
#endif
)";

const char* const product_source = R"(
/* y (m) += a x, for a (m,n) by columns, four of them at a time; m is a multiple of 8. */
static void add_product(int m, int n, const float *restrict a, const @_real *restrict x, @_real *restrict y) {
  int i, j;
  for (j = 0; j + 4 <= n; j += 4, a += 4 * m) {
    const float *restrict b = a + m, *restrict c = b + m, *restrict d = c + m;
    const @_real xa = x[j], xb = x[j + 1], xc = x[j + 2], xd = x[j + 3];
    for (i = 0; i < m; ++i)
      y[i] += (@_real)a[i] * xa + (@_real)b[i] * xb + (@_real)c[i] * xc + (@_real)d[i] * xd;
  }
  for (; j < n; ++j, a += m)
    for (i = 0; i < m; ++i) y[i] += (@_real)a[i] * x[j];
}

static void product(int m, int n, const float *restrict a, const @_real *restrict x, @_real *restrict y) {
  int i;
  for (i = 0; i < m; ++i) y[i] = 0;
  add_product(m, n, a, x, y);
}
)";

namespace {

constexpr const char* exponential = R"(
/* exp(y) - 1 for |y| <= 40: the series near 0, doubled six times. Unlike libm's it becomes vector code. */
static @_real exp_minus_1(@_real y) {
  const @_real z = y / 64;
  const @_real c3 = (@_real)(1.0 / 6), c4 = (@_real)(1.0 / 24), c5 = (@_real)(1.0 / 120), c6 = (@_real)(1.0 / 720),
               c7 = (@_real)(1.0 / 5040);
  @_real e = z * (1 + z * ((@_real)0.5 + z * (c3 + z * (c4 + z * (c5 + z * (c6 + z * c7))))));
  e *= e + 2;
  e *= e + 2;
  e *= e + 2;
  e *= e + 2;
  e *= e + 2;
  e *= e + 2;
  return e;
}
)";
constexpr const char* tanh_of = R"(
static void activate_tanh(int n, @_real *y) {
  int i;
  for (i = 0; i < n; ++i) {
    const @_real inside = y[i] < -20 ? -20 : y[i] > 20 ? 20 : y[i];
    const @_real e = exp_minus_1(2 * inside);
    y[i] = e / (e + 2);
  }
}
)";
constexpr const char* silu_of = R"(
static void activate_silu(int n, @_real *y) {
  int i;
  for (i = 0; i < n; ++i) {
    const @_real inside = y[i] < -40 ? -40 : y[i] > 40 ? 40 : y[i];
    const @_real e = exp_minus_1(inside);
    y[i] *= (e + 1) / (e + 2);
  }
}
)";
constexpr const char* relu_of = R"(
static void activate_relu(int n, @_real *y) {
  int i;
  for (i = 0; i < n; ++i) y[i] = y[i] > 0 ? y[i] : 0;
}
)";
constexpr const char* sin_of = R"(
static void activate_sin(int n, @_real *y) {
  int i;
  for (i = 0; i < n; ++i) y[i] = (@_real)sin((double)y[i]);
}
)";

}  // namespace

std::string activation_source(const std::vector<Activation>& used) {
  const auto uses = [&](Activation a) { return std::find(used.begin(), used.end(), a) != used.end(); };
  std::string text;
  if (uses(Activation::tanh) || uses(Activation::silu)) text += exponential;
  if (uses(Activation::tanh)) text += tanh_of;
  if (uses(Activation::silu)) text += silu_of;
  if (uses(Activation::relu)) text += relu_of;
  if (uses(Activation::sin)) text += sin_of;
  return text;
}

std::string main_source(const std::vector<std::string>& inputs, const std::vector<Range>& ranges,
                        std::size_t fields, const std::string& call, const std::optional<ManyPoints>& many) {
  const std::size_t n = inputs.size();
  std::string words, sweep;
  for (const std::string& input : inputs) words += " " + input;
  for (std::size_t k = 0; k < n; ++k)  // with steps and a period of its own
    sweep +=
        fmt::format("    in[{}] = {} + {} * (double)(i * {} % {}) / {};\n", k, number_source(ranges[k].low),
                    number_source(ranges[k].high - ranges[k].low), 7 + 2 * k, 1009 + 4 * k, 1009 + 4 * k);
  const auto timed = [&](const std::string& each, const char* what) {
    return fmt::format(R"(  start = clock();
  for (i = 0; i < times; ++i) {{
{}    {}
    sum += u[0];
  }}
  printf("%.1f ns {}\n", 1e9 * (double)(clock() - start) / CLOCKS_PER_SEC / (double)times);
)",
                       sweep, each, what);
  };
  return fmt::format(R"(
#ifdef LOWTIDE_MAIN
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {{
  double in[{0}], u[{1}];
  int i;
  if (argc != {2}) {{
    fprintf(stderr, "usage: %s{3}\n", argv[0]);
    return 2;
  }}
  for (i = 0; i < {0}; ++i) {{
    char *end;
    in[i] = strtod(argv[i + 1], &end);
    if (end == argv[i + 1] || *end != '\0') {{
      fprintf(stderr, "%s is not a number\n", argv[i + 1]);
      return 2;
    }}
  }}
  {4}
  for (i = 0; i < {1}; ++i) printf("%.17g\n", u[i]);
  return 0;
}}
#endif

#ifdef LOWTIDE_BENCH
#include <stdio.h>
#include <time.h>
int main(void) {{
  double in[{0}], u[{1}], sum = 0;
  const long times = 100000;
  long i;
  clock_t start;
{5}{6}{7}{8}  return !(sum < 1e300); /* it is needed */
}}
#endif
)",
                     n, fields, n + 1, words, call, many ? "  " + many->declared + "\n" : "",
                     timed(call, "an evaluation"), many ? "  " + many->once + "\n" : "",
                     many ? timed(many->each, "a point, at one time") : "");
}

}  // namespace lowtide::app
