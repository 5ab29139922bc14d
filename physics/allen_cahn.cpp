#include <fmt/format.h>
#include <lowtide/linalg/error.h>
#include <lowtide/physics/allen_cahn.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <numbers>
#include <utility>

namespace lowtide {
namespace {

using Complex = std::complex<double>;
using Numbers = std::vector<Complex>;

// sum_j a_j exp(-+ 2 pi i j k / n) in place, n a power of two (Cooley and Tukey 1965).
void fourier(Numbers& a, bool back) {
  const std::size_t n = a.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(a[i], a[j]);
  }
  Numbers roots(n / 2);
  for (std::size_t k = 0; k < n / 2; ++k)
    roots[k] =
        std::polar(1.0, (back ? 2 : -2) * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n));
  for (std::size_t half = 1; half < n; half *= 2)
    for (std::size_t start = 0; start < n; start += 2 * half)
      for (std::size_t k = 0; k < half; ++k) {
        const Complex p = a[start + k], q = roots[k * (n / (2 * half))] * a[start + k + half];
        a[start + k] = p + q;
        a[start + k + half] = p - q;
      }
}

// Factors of one mode for steps of length h, z = h times the eigenvalue of what is linear. Functions such as
// (e^z - 1) / z lose their digits near zero; their means over a circle around z do not (Kassam and Trefethen,
// Fourth-order time-stepping for stiff PDEs, 2005).
struct ModeFactors {
  double whole, half, stage, first, middle, last;
};
ModeFactors factors(double z, double h) {
  constexpr int count = 32;
  ModeFactors f{std::exp(z), std::exp(z / 2), 0, 0, 0, 0};
  for (int k = 0; k < count; ++k) {
    const Complex r = z + std::polar(1.0, std::numbers::pi * (k + .5) / count), e = std::exp(r),
                  cube = r * r * r;
    f.stage += ((std::exp(r / 2.0) - 1.0) / r).real();
    f.first += ((-4.0 - r + e * (4.0 - 3.0 * r + r * r)) / cube).real();
    f.middle += ((2.0 + r + e * (-2.0 + r)) / cube).real();
    f.last += ((-4.0 - 3.0 * r - r * r + e * (4.0 - r)) / cube).real();
  }
  for (double* sum : {&f.stage, &f.first, &f.middle, &f.last}) *sum *= h / count;
  return f;
}

class Solver {
 public:
  Solver(const AllenCahn& equation, const std::function<double(double)>& initial)
      : equation_(equation), n_(static_cast<std::size_t>(equation.modes)), v_(n_) {
    for (std::size_t j = 0; j < n_; ++j)
      v_[j] = initial(-1 + 2 * static_cast<double>(j) / static_cast<double>(n_));
    fourier(v_, false);
  }

  void advance(double length) {
    const auto count =
        static_cast<std::int64_t>(std::ceil(length * static_cast<double>(equation_.steps) - 1e-9));
    if (count < 1) return;
    const double h = length / static_cast<double>(count);
    std::vector<ModeFactors> f;
    for (std::size_t k = 0; k < n_; ++k) {
      const double wave = std::numbers::pi * static_cast<double>(std::min(k, n_ - k));
      f.push_back(factors(h * (equation_.reaction - equation_.diffusion * wave * wave), h));
    }
    for (std::int64_t step = 0; step < count; ++step) advance_once(f);
  }

  PeriodicSeries series() const {
    std::vector<double> even(n_ / 2), odd(n_ / 2);
    for (std::size_t k = 0; k < n_ / 2; ++k) {
      // Points begin at -1: a factor (-1)^k.
      const double scale = (k == 0 ? 1 : k % 2 == 0 ? 2 : -2) / static_cast<double>(n_);
      even[k] = scale * v_[k].real();
      odd[k] = -scale * v_[k].imag();
    }
    return {std::move(even), std::move(odd)};
  }

 private:
  // - reaction u^3, for the coefficients of u.
  Numbers cubic(Numbers u) const {
    fourier(u, true);
    for (Complex& value : u) {
      const double point = value.real() / static_cast<double>(n_);
      value = -equation_.reaction * point * point * point;
    }
    fourier(u, false);
    return u;
  }

  void advance_once(const std::vector<ModeFactors>& f) {
    Numbers a(n_), b(n_), c(n_);
    const Numbers at_v = cubic(v_);
    for (std::size_t k = 0; k < n_; ++k) a[k] = f[k].half * v_[k] + f[k].stage * at_v[k];
    const Numbers at_a = cubic(a);
    for (std::size_t k = 0; k < n_; ++k) b[k] = f[k].half * v_[k] + f[k].stage * at_a[k];
    const Numbers at_b = cubic(b);
    for (std::size_t k = 0; k < n_; ++k) c[k] = f[k].half * a[k] + f[k].stage * (2.0 * at_b[k] - at_v[k]);
    const Numbers at_c = cubic(c);
    for (std::size_t k = 0; k < n_; ++k)
      v_[k] = f[k].whole * v_[k] + f[k].first * at_v[k] + 2 * f[k].middle * (at_a[k] + at_b[k]) +
              f[k].last * at_c[k];
  }

  AllenCahn equation_;
  std::size_t n_;
  Numbers v_;
};

}  // namespace

double PeriodicSeries::operator()(double x) const {
  const Complex turn = std::polar(1.0, std::numbers::pi * x);
  Complex sum = 0;  // Horner's scheme of sum (even - i odd) turn^k
  for (std::size_t k = even_.size(); k-- > 0;) sum = sum * turn + Complex(even_[k], -odd_[k]);
  return sum.real();
}

std::vector<PeriodicSeries> solve(const AllenCahn& equation, const std::function<double(double)>& initial,
                                  const std::vector<double>& times) {
  if (equation.modes < 2 || !std::has_single_bit(static_cast<std::uint64_t>(equation.modes)) ||
      equation.steps < 1)
    fail<Error>("allen_cahn",
                fmt::format("{} modes, a power of two expected, and {} steps", equation.modes, equation.steps));
  Solver solver(equation, initial);
  std::vector<PeriodicSeries> all;
  double now = 0;
  for (const double t : times) {
    if (t < now) fail<Error>("allen_cahn", "the times must rise");
    solver.advance(t - now);
    all.push_back(solver.series());
    now = t;
  }
  return all;
}

}  // namespace lowtide
