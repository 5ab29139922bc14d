// A travelling pulse, u_t + u_x = 0 on the periodic interval [-1, 1), learned by an LRNR.
//
// The solution u(x, t) = u0(x - t) is a moving bump with a step behind it: no linear space of small
// dimension holds it for all t (its Kolmogorov width decays slowly), but a network whose weights move
// with t does. The LRNR's coefficients s come from a small network in t; its factors U, V, B are
// shared by all times. Trained on every second frame, it is judged on the others.
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <lowtide/autodiff.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/models/lrnr.h>
#include <lowtide/optim/adam.h>
#include <lowtide/run/progress.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace lowtide;
namespace fs = std::filesystem;

namespace {

struct Settings {
  fs::path out = "run-demo";
  std::int64_t steps = 3000, width = 64, rank = 8, points = 200, frames = 41, seed = 1;
};

[[noreturn]] void refuse(const std::string& why) {
  fmt::print(stderr, "travelling_wave: {}\n", why);
  std::exit(2);
}

Settings settings_from(int argc, char** argv) {
  Settings s;
  const struct {
    const char* name;
    std::int64_t* value;
    std::int64_t least, most;
  } numbers[] = {{"--steps", &s.steps, 1, 10000000}, {"--width", &s.width, 1, 10000},
                 {"--rank", &s.rank, 1, 10000},      {"--points", &s.points, 2, 100000},
                 {"--frames", &s.frames, 3, 10000},  {"--seed", &s.seed, 0, 1 << 30}};
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (i + 1 == argc) refuse("option " + word + " has no value, or is not known");
    const std::string value = argv[++i];
    if (word == "--out") {
      s.out = value;
      continue;
    }
    bool known = false;
    for (const auto& n : numbers) {
      if (word != n.name) continue;
      known = true;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), *n.value);
      if (error != std::errc() || end != value.data() + value.size() || *n.value < n.least || *n.value > n.most)
        refuse(fmt::format("{} takes a whole number from {} to {}, not '{}'", word, n.least, n.most, value));
    }
    if (!known)
      refuse("unknown option " + word +
             "; there are --out DIR, --steps, --width, --rank, --points, --frames, --seed");
  }
  return s;
}

// The pulse at time t: a smooth bump with a jump down at its back.
double exact(double x, double t) {
  const double y = std::remainder(x - t, 2.0);  // in [-1, 1]
  return y > -0.5 && y < 0.5 ? std::exp(-8 * (y + 0.2) * (y + 0.2)) * (y > -0.3 ? 1.0 : 0.0) : 0.0;
}

struct Frames {
  Tensor x, t, u;  // (n,1), (frames,1), (frames,n)
};

Frames make_frames(const Settings& s) {
  Frames data{Tensor({s.points, 1}, Dtype::f32), linspace(0, 1, s.frames, Dtype::f32).reshaped({s.frames, 1}),
              Tensor({s.frames, s.points}, Dtype::f32)};
  for (std::int64_t i = 0; i < s.points; ++i)
    data.x.mutable_data<float>()[i] =
        static_cast<float>(-1 + (2.0 * static_cast<double>(i) + 1) / static_cast<double>(s.points));
  for (std::int64_t k = 0; k < s.frames; ++k)
    for (std::int64_t i = 0; i < s.points; ++i)
      data.u.mutable_data<float>()[k * s.points + i] = static_cast<float>(exact(data.x.at(i), data.t.at(k)));
  return data;
}

// Points of a circle, so that the network is periodic.
Tensor on_circle(const Tensor& x) {
  Tensor c({x.size(), 2}, Dtype::f32);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const double angle = M_PI * x.at(i);
    c.mutable_data<float>()[2 * i] = static_cast<float>(std::cos(angle));
    c.mutable_data<float>()[2 * i + 1] = static_cast<float>(std::sin(angle));
  }
  return c;
}

Tensor predict(const Lrnr& model, const Vars& parameters, const Tensor& circle, const Tensor& t) {
  return model(parameters, Var(circle), model.coefficients_at(parameters, Var(t))).value();
}

// Relative L1 error over the frames first, first + 2, ...
double error_on(const Lrnr& model, const Tensors& theta, const Frames& data, std::int64_t first) {
  const Vars parameters(theta.begin(), theta.end());
  const Tensor circle = on_circle(data.x);
  double difference = 0, size = 0;
  for (std::int64_t k = first; k < data.t.shape[0]; k += 2) {
    const Tensor y = predict(model, parameters, circle, data.t.rows(k, k + 1));
    for (std::int64_t i = 0; i < y.size(); ++i) {
      const double u = data.u.at(k * y.size() + i);
      difference += std::abs(y.at(i) - u);
      size += std::abs(u);
    }
  }
  return difference / size;
}

std::ofstream open(const fs::path& path) {
  std::ofstream file(path);
  if (!file) {
    fmt::print(stderr, "travelling_wave: cannot write {}\n", path.string());
    std::exit(4);
  }
  return file;
}

// CSV, a gnuplot script that draws it, and the picture if gnuplot is there.
void draw(const Settings& s, const Lrnr& model, const Tensors& theta, const Frames& data) {
  const Vars parameters(theta.begin(), theta.end());
  const Tensor circle = on_circle(data.x);
  std::ofstream csv = open(s.out / "frames.csv");
  csv << "# t,x,exact,lrnr\n";
  std::string curves;
  int curve = 0;
  for (const double part : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    // Held-out frames have odd numbers.
    const auto half = static_cast<std::int64_t>(part * static_cast<double>(s.frames - 2) / 2);
    const std::int64_t k = 2 * half + 1;
    const Tensor y = predict(model, parameters, circle, data.t.rows(k, k + 1));
    for (std::int64_t i = 0; i < s.points; ++i)
      fmt::print(csv, "{:.4f},{:.6f},{:.6f},{:.6f}\n", data.t.at(k), data.x.at(i), data.u.at(k * s.points + i),
                 y.at(i));
    csv << "\n\n";
    curves +=
        fmt::format(", \\\n     'frames.csv' index {} using 2:4 with lines lw 1.5 lc {} title 't = {:.3f}'",
                    curve, curve + 1, data.t.at(k));
    ++curve;
  }
  csv.close();
  open(s.out / "frames.gnuplot")
      << "set terminal svg size 900,420 font 'sans,14' background 'white'\n"
         "set output 'frames.svg'\n"
         "set datafile separator ','\n"
         "set title 'A travelling pulse at times that the training has not seen'\n"
         "set xlabel 'x'; set ylabel 'u'; set key outside right; set grid lc rgb '#dddddd'\n"
         "set yrange [-0.15:1.15]\n"
         "plot for [k=0:4] 'frames.csv' index k using 2:3 with lines lw 4 lc rgb '#cccccc' "
         "title (k == 0 ? 'exact' : '')"
      << curves << "\n";
  const std::string command = "cd '" + s.out.string() + "' && gnuplot frames.gnuplot 2>/dev/null";
  if (std::system(command.c_str()) != 0) fmt::print(stderr, "no picture: gnuplot is not installed\n");
}

}  // namespace

int main(int argc, char** argv) try {
  const Settings s = settings_from(argc, argv);
  std::error_code failed;
  fs::create_directories(s.out, failed);
  std::ofstream history = open(s.out / "history.csv");
  history << "step,loss\n";

  const Frames data = make_frames(s);
  const Tensor circle = on_circle(data.x);
  const Lrnr model{.in = 2, .out = 1, .width = s.width, .depth = 4, .rank = s.rank};
  const Stream rng(static_cast<std::uint64_t>(s.seed), "travelling wave");
  Tensors theta = model.init(rng.child("init"));
  Adam adam{.lr = 3e-3};

  // One tile a frame, every second frame; the mean square misfit of all.
  const std::int64_t trained = (s.frames + 1) / 2;
  const double points = static_cast<double>(trained * s.points);
  const auto loss = [&](const Vars& parameters) {
    return sum_over_tiles(Tiles{trained * s.points, s.points}, parameters,
                          [=](const Vars& p, const Tile& tile) {
                            const std::int64_t k = 2 * tile.index;
                            const Var y =
                                model(p, Var(circle), model.coefficients_at(p, Var(data.t.rows(k, k + 1))));
                            return sum(square(y - Var(data.u.rows(k, k + 1).reshaped({s.points, 1}))));
                          }) *
           (1 / points);
  };
  {
    Progress progress("training", s.steps);
    for (std::int64_t step = 0; step < s.steps; ++step) {
      adam.lr = 3e-3 * (1 - static_cast<double>(step) / static_cast<double>(s.steps));
      const auto [value, gradient] = value_and_grad(loss, theta);
      adam.step(theta, gradient);
      fmt::print(history, "{},{:.6e}\n", step, value);
      progress.update(step + 1, fmt::format("loss {:.2e}", value));
    }
  }
  draw(s, model, theta, data);
  fmt::print(
      "LRNR of width {} and rank {}, {} coefficients: relative L1 error {:.2f} % on the {} training frames, "
      "{:.2f} % on the {} others\n",
      s.width, s.rank, model.coefficients(), 100 * error_on(model, theta, data, 0), trained,
      100 * error_on(model, theta, data, 1), s.frames - trained);
} catch (const NonFiniteError& e) {
  fmt::print(stderr, "travelling_wave: diverged: {}\n", e.what());
  return 3;
} catch (const std::exception& e) {
  fmt::print(stderr, "travelling_wave: {}\n", e.what());
  return 2;
}
