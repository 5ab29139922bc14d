#include <fmt/format.h>
#include <lowtide/autodiff/check.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/random.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

using Values = std::vector<double>;

double norm_of(const Values& a) {
  double s = 0;
  for (double x : a) s = std::hypot(s, x);
  return s;
}
double inner(const Values& a, const Values& b) {
  double s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += a[i] * b[i];
  return s;
}
double inner(const Tensors& a, const Tensors& b) {
  double s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += inner(to_vector(a[i]), to_vector(b[i]));
  return s;
}
double norm_of(const Tensors& a) {
  double s = 0;
  for (const Tensor& x : a) s = std::hypot(s, norm_of(to_vector(x)));
  return s;
}
double distance(const Values& a, const Values& b) {
  Values d(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) d[i] = a[i] - b[i];
  return norm_of(d);
}

Tensors moved(const Tensors& xs, double h, const Tensors& vs) {
  Tensors result;
  for (std::size_t k = 0; k < xs.size(); ++k) {
    Tensor x = xs[k].clone();
    for (std::int64_t i = 0; i < x.size(); ++i) x.mutable_data<double>()[i] += h * vs[k].data<double>()[i];
    result.push_back(std::move(x));
  }
  return result;
}

Tensors cast_all(const Tensors& xs, Dtype dtype) {
  Tensors result;
  for (const Tensor& x : xs) result.push_back(x.cast(dtype));
  return result;
}

Vars constants(const Tensors& xs) { return Vars(xs.begin(), xs.end()); }

// Fourth-order central difference of g along vs; exact to about noise^(4/5).
template <class G>
Values difference(const G& g, const Tensors& xs, const Tensors& vs, double noise) {
  const double h = std::pow(noise, 0.2);
  const Values a = g(moved(xs, h, vs)), b = g(moved(xs, -h, vs)), c = g(moved(xs, 2 * h, vs)),
               d = g(moved(xs, -2 * h, vs));
  Values result(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) result[i] = (8 * (a[i] - b[i]) - (c[i] - d[i])) / (12 * h);
  return result;
}

class Checker {
 public:
  Checker(Function f, const Tensors& xs, const CheckOptions& options, CheckReport& report)
      : f_(f), xs_(xs), options_(options), report_(report), noise_(std::max(options.noise, 2.3e-16)) {
    Stream stream(options.seed, "check");
    u_ = directions(stream, "u");
    v_ = directions(stream, "v");
    const Tensor y = value(f, xs);
    value_ = to_vector(y);
    w_ = stream.child("w").uniform(y.shape, Dtype::f64, -1, 1);
    scale_ = norm_of(value_) + 1e-3;
  }

  void first_order() {
    const auto [tangent, pulled] = derivatives(xs_);
    const Values jv = to_vector(tangent);
    const double tolerance = 1e5 * std::pow(noise_, 0.8);
    const Values jv_difference = difference([&](const Tensors& x) { return at(x); }, xs_, v_, noise_);
    expect("push against differences", distance(jv, jv_difference), tolerance * (norm_of(jv) + scale_));
    // Pull: every coordinate where there are few, else a random direction.
    const auto weighted = [&](const Tensors& x) { return Values{inner(to_vector(w_), at(x))}; };
    for (const Tensors& direction : probes()) {
      const double slope = difference(weighted, xs_, direction, noise_)[0];
      expect("pull against differences", std::abs(slope - inner(pulled, direction)),
             tolerance * (norm_of(pulled) + scale_));
    }
    const double forward = inner(to_vector(w_), jv), backward = inner(pulled, v_);
    expect("adjoint identity", std::abs(forward - backward),
           1e-12 * norm_of(to_vector(w_)) * norm_of(jv) +
               4 * noise_ * (std::abs(forward) + std::abs(backward)) + 1e-300);
    added_up(pulled);
    taylor(jv);
    if (options_.in_f32) in_f32(tangent, pulled);
  }

  void constants_among_inputs() {
    if (xs_.size() < 2) return;
    const auto [tangent, pulled] = derivatives(xs_);
    for (std::size_t i = 0; i < xs_.size(); ++i) {
      Tape tape;
      Vars args = constants(xs_);
      args[i] = tape.leaf(xs_[i]);
      const Var y = f_(args);
      const Values alone = y.tracked() ? to_vector(lowtide::pull(y, Var(w_), args[i]).peek())
                                       : Values(static_cast<std::size_t>(xs_[i].size()), 0.0);
      expect(fmt::format("pull to input {} among constants", i), distance(alone, to_vector(pulled[i])),
             1e-12 * (norm_of(alone) + scale_));
      Tensors single;
      for (std::size_t k = 0; k < xs_.size(); ++k)
        single.push_back(k == i ? v_[k] : zeros(xs_[k].shape, Dtype::f64));
      const Values part = to_vector(jacobian_vector(f_, xs_, single).tangent);
      const Values pushed =
          y.tracked() ? to_vector(lowtide::push(y, args[i], Var(v_[i])).peek()) : Values(part.size(), 0.0);
      expect(fmt::format("push from input {} among constants", i), distance(pushed, part),
             1e-12 * (norm_of(part) + scale_));
    }
  }

  // uT d/dx (wT J(x) v) in four nestings, and by differences.
  void second_order() {
    const auto slope_along_v = [&](const Tensors& x) {
      return Values{inner(to_vector(w_), to_vector(jacobian_vector(f_, x, v_).tangent))};
    };
    const double by_difference = difference(slope_along_v, xs_, u_, noise_)[0];
    Tape tape;
    Vars xs;
    for (const Tensor& x : xs_) xs.push_back(tape.leaf(x));
    const Var y = f_(xs);
    if (!y.tracked()) return expect("a result that depends on its inputs", 1, 0);
    const Vars u = constants(u_), v = constants(v_);
    const Var w(w_), ydot = lowtide::push(y, xs, v, Graph::keep);
    const Vars slope = lowtide::pull(y, w, xs, Graph::keep);
    const auto along = [&](const Vars& g, const Tensors& direction) {
      double s = 0;
      for (std::size_t k = 0; k < g.size(); ++k) s += inner(to_vector(g[k].peek()), to_vector(direction[k]));
      return s;
    };
    const double push_push =
        ydot.tracked() ? inner(to_vector(w_), to_vector(lowtide::push(ydot, xs, u).peek())) : 0;
    const double push_pull = ydot.tracked() ? along(lowtide::pull(ydot, w, xs), u_) : 0;
    const double pull_push = along(lowtide::push(slope, xs, u), v_);
    const double pull_pull = along(lowtide::pull(slope, v, xs), u_);
    const double size = std::abs(push_push) + norm_of(to_vector(ydot.peek())) + scale_;
    expect("push of push against differences", std::abs(push_push - by_difference),
           1e5 * std::pow(noise_, 0.8) * size);
    const double agreement = std::max(1e-11, 1e2 * noise_) * size * (1 + norm_of(to_vector(w_)));
    expect("pull of push", std::abs(push_pull - push_push), agreement);
    expect("push of pull", std::abs(pull_push - push_push), agreement);
    expect("pull of pull", std::abs(pull_pull - push_push), agreement);
    third_order(ydot, xs, u, v);
  }

  // An op that says its derivative is zero.
  void frozen() {
    const auto [tangent, pulled] = derivatives(xs_);
    expect("a zero tangent", norm_of(to_vector(tangent)), 0);
    expect("a zero cotangent", norm_of(pulled), 0);
  }

  // One Var in two places of equal shape.
  void aliased() {
    for (std::size_t i = 0; i < xs_.size(); ++i)
      for (std::size_t j = i + 1; j < xs_.size(); ++j) {
        if (!(xs_[i].shape == xs_[j].shape)) continue;
        Tensors fewer;
        for (std::size_t k = 0; k < xs_.size(); ++k)
          if (k != j) fewer.push_back(xs_[k]);
        const auto doubled = [&](const Vars& args) {
          Vars all;
          for (std::size_t k = 0, from = 0; k < xs_.size(); ++k) all.push_back(k == j ? args[i] : args[from++]);
          return f_(all);
        };
        CheckOptions options = options_;
        options.label += fmt::format(" (inputs {} and {} the same)", i, j);
        Checker same(doubled, fewer, options, report_);
        same.first_order();
        if (options_.smooth) same.second_order();
      }
  }

 private:
  void expect(std::string_view what, double error, double bound) {
    ++report_.checks;
    if (!(error <= bound))
      report_.failures.push_back(
          fmt::format("{}: {}: error {:.3g} above {:.3g}", options_.label, what, error, bound));
  }

  Values at(const Tensors& xs) const { return to_vector(value(f_, xs)); }

  Tensors directions(const Stream& stream, const char* name) const {
    Tensors result;
    for (std::size_t k = 0; k < xs_.size(); ++k)
      result.push_back(stream.child(name, k).uniform(xs_[k].shape, Dtype::f64, -1, 1));
    return result;
  }

  std::vector<Tensors> probes() const {
    std::int64_t n = 0;
    for (const Tensor& x : xs_) n += x.size();
    if (n > 12) return {v_, u_};
    std::vector<Tensors> result;
    for (std::size_t k = 0; k < xs_.size(); ++k)
      for (std::int64_t i = 0; i < xs_[k].size(); ++i) {
        Tensors unit;
        for (const Tensor& x : xs_) unit.push_back(zeros(x.shape, Dtype::f64));
        unit[k].mutable_data<double>()[i] = 1;
        result.push_back(std::move(unit));
      }
    return result;
  }

  struct Derivatives {
    Tensor tangent;
    Tensors pulled;
  };
  Derivatives derivatives(const Tensors& xs) const {
    const Dtype dtype = xs[0].dtype;
    Derivatives d{jacobian_vector(f_, xs, cast_all(v_, dtype)).tangent,
                  vector_jacobian(f_, xs, w_.cast(dtype)).cotangents};
    for (std::size_t k = 0; k < xs.size(); ++k)
      if (!(d.pulled[k].shape == xs[k].shape))
        fail<ShapeError>("check", fmt::format("shape of cotangent {} is {}, of its input {}", k,
                                              to_string(d.pulled[k].shape), to_string(xs[k].shape)));
    return d;
  }

  // A rule that meets cotangents of its inputs from elsewhere adds to them.
  void added_up(const Tensors& pulled) {
    const auto twice = [&](const Vars& args) { return f_(args) + f_(args); };
    const Tensors sums = vector_jacobian(twice, xs_, w_).cotangents;
    for (std::size_t k = 0; k < sums.size(); ++k) {
      Values expected = to_vector(pulled[k]);
      for (double& x : expected) x *= 2;
      expect(fmt::format("pull of f + f to input {}", k), distance(to_vector(sums[k]), expected),
             1e-12 * (norm_of(expected) + scale_));
    }
  }

  // |f(x + h v) - f(x) - h J v| falls like h^2, or is at roundoff.
  void taylor(const Values& jv) {
    double remainder[2];
    const double steps[] = {2e-3, 1e-3};
    for (int k = 0; k < 2; ++k) {
      const Values y = at(moved(xs_, steps[k], v_));
      Values line(y.size());
      for (std::size_t i = 0; i < y.size(); ++i) line[i] = value_[i] + steps[k] * jv[i];
      remainder[k] = distance(y, line);
    }
    const double roundoff = 50 * noise_ * scale_, order = std::log2(remainder[0] / remainder[1]);
    expect("order of the Taylor remainder", remainder[1] <= roundoff || order >= 1.9 ? 0 : 2 - order, 0.1);
  }

  void in_f32(const Tensor& tangent, const Tensors& pulled) {
    // The same point for both, so that only the arithmetic differs.
    const Tensors rounded = cast_all(xs_, Dtype::f32), same_point = cast_all(rounded, Dtype::f64);
    const auto [tangent64, pulled64] = derivatives(same_point);
    const auto [tangent32, pulled32] = derivatives(rounded);
    constexpr double tolerance = 2e-5;
    expect("push in f32", distance(to_vector(tangent32), to_vector(tangent64)),
           tolerance * (norm_of(to_vector(tangent)) + scale_));
    double worst = 0;
    for (std::size_t k = 0; k < pulled.size(); ++k)
      worst = std::max(worst, distance(to_vector(pulled32[k]), to_vector(pulled64[k])));
    expect("pull in f32", worst, tolerance * (norm_of(pulled) + scale_));
    expect("value in f32", distance(at(rounded), at(same_point)), tolerance * scale_);
  }

  void third_order(const Var& ydot, const Vars& xs, const Vars& u, const Vars& v) {
    if (!ydot.tracked()) return;
    const auto curvature = [&](const Tensors& x) {
      Tape tape;
      Vars leaves;
      for (const Tensor& t : x) leaves.push_back(tape.leaf(t));
      const Var dot = lowtide::push(f_(leaves), leaves, v, Graph::keep);
      return dot.tracked() ? to_vector(lowtide::push(dot, leaves, u).peek()) : Values(value_.size(), 0.0);
    };
    const Var second = lowtide::push(ydot, xs, u, Graph::keep);
    if (!second.tracked()) return;
    const Values third = to_vector(lowtide::push(second, xs, v).peek());
    expect("third order against differences", distance(third, difference(curvature, xs_, v_, noise_)),
           1e6 * std::pow(noise_, 0.8) * (norm_of(third) + norm_of(to_vector(second.peek())) + scale_));
  }

  Function f_;
  const Tensors& xs_;
  const CheckOptions& options_;
  CheckReport& report_;
  double noise_, scale_ = 1;
  Tensors u_, v_;
  Tensor w_;
  Values value_;
};

}  // namespace

std::string CheckReport::text() const {
  return fmt::format("{} checks, {} failed\n{}", checks, failures.size(), fmt::join(failures, "\n"));
}

CheckReport check(Function f, const Tensors& xs, const CheckOptions& options) {
  CheckReport report;
  try {
    Checker checker(f, xs, options, report);
    checker.first_order();
    checker.constants_among_inputs();
    if (options.smooth) checker.second_order();
    checker.aliased();
  } catch (const Error& e) {
    report.failures.push_back(fmt::format("{}: {}", options.label, e.what()));
  }
  return report;
}

CheckReport check(const Op& op) {
  CheckReport report;
  const auto samples = op.samples();
  if (samples.empty()) report.failures.push_back(fmt::format("{}: no samples", op.name));
  for (const Sample& sample : samples) {
    const std::string label = fmt::format("{}, {}", op.name, sample.label);
    Tape tape;
    Vars xs;
    for (const Tensor& x : sample.xs) xs.push_back(tape.leaf(x));
    const Var y = sample.f(xs);
    ++report.checks;
    if (!tape.holds(op)) report.failures.push_back(label + ": the sample does not record the op");
    const CheckOptions options{.label = label, .noise = sample.noise};
    if (sample.frozen) {
      Checker(sample.f, sample.xs, options, report).frozen();
      continue;
    }
    const CheckReport part = check(sample.f, sample.xs, options);
    report.checks += part.checks;
    report.failures.insert(report.failures.end(), part.failures.begin(), part.failures.end());
  }
  return report;
}

}  // namespace lowtide
