#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/layouts.h>
#include <lowtide/io/weights.h>

#include <cmath>
#include <utility>

namespace lowtide {
namespace {

class Arranger {
 public:
  Arranger(Snapshots& set, std::map<std::string, Array> arrays, const std::string& source)
      : set_(set), arrays_(std::move(arrays)), source_(source) {}

  void run() {
    for (const char* name : {"t", "x", "u"})
      if (!has(name)) wrong(name, "missing; a set of snapshots has t, x and u");
    set_.t = vector("t");
    frames_ = set_.t.size();
    if (frames_ == 0) wrong("t", "no frames");
    points_and_values();
    if (set_.fields.empty())
      for (std::int64_t c = 0; c < set_.u.shape[1]; ++c) set_.fields.push_back(fmt::format("u{}", c));
    if (has("weight"))
      set_.weight = flat("weight");
    else
      set_.weight = weights_of_points();
    if (has("level"))
      for (const std::int64_t level : integers("level"))
        set_.level.push_back(narrow<std::int32_t>("level", level));
    if (has("cell")) set_.cell = column("cell");
    if (has("mu")) set_.mu = column("mu");
    if (has("heldout"))
      for (const std::int64_t held : integers("heldout")) set_.heldout.push_back(held != 0 ? 1 : 0);
  }

 private:
  [[noreturn]] void wrong(const std::string& name, const std::string& what) const {
    bad_input(source_, "/" + name, what);
  }
  bool has(const std::string& name) const { return arrays_.count(name) > 0; }
  const Shape& shape(const std::string& name) const { return arrays_.at(name).shape; }

  Tensor numbers(const std::string& name) const {  // f64
    const Array& array = arrays_.at(name);
    if (array.numbers) return array.numbers.cast(Dtype::f64);
    Tensor result(array.shape, Dtype::f64);
    double* out = result.mutable_data<double>();
    for (const std::int64_t value : array.integers) {
      constexpr std::int64_t exact = std::int64_t{1} << 53;
      if (value > exact || value < -exact) wrong(name, fmt::format("integer {} is too large", value));
      *out++ = static_cast<double>(value);
    }
    return result;
  }
  const std::vector<std::int64_t>& integers(const std::string& name) const {
    const Array& array = arrays_.at(name);
    if (array.numbers) wrong(name, "holds floating-point numbers, not integers");
    return array.integers;
  }
  template <class T>
  T narrow(const char* name, std::int64_t value) const {
    if (!std::in_range<T>(value)) wrong(name, fmt::format("{} is out of range", value));
    return static_cast<T>(value);
  }

  Tensor vector(const std::string& name) const {
    if (shape(name).rank() != 1) wrong(name, fmt::format("has shape {}, not (T)", to_string(shape(name))));
    return numbers(name);
  }
  Tensor flat(const std::string& name) const { return numbers(name).reshaped({shape(name).size()}); }
  Tensor column(const std::string& name) const {  // (n) as (n,1)
    const Tensor values = numbers(name);
    return values.shape.rank() == 1 ? values.reshaped({values.size(), 1}) : values;
  }

  void points_and_values() {
    Tensor x = column("x"), u = numbers("u");
    const std::string agree =
        fmt::format("x is {}, u is {}, t has {}", to_string(shape("x")), to_string(shape("u")), frames_);
    std::int64_t moving = 0;  // points in each frame of x, if it has an axis of frames
    if (x.shape.rank() == 3) {
      if (x.shape[0] != frames_) wrong("x", fmt::format("has {} frames, but t has {}", x.shape[0], frames_));
      moving = x.shape[1];
      x = x.reshaped({x.shape[0] * x.shape[1], x.shape[2]});
    }
    if (x.shape.rank() != 2)
      wrong("x", fmt::format("has shape {}; (n,d), (N,d) or (T,n,d) are possible", to_string(shape("x"))));

    const std::int64_t n = moving > 0 ? moving : x.shape[0];
    if (u.shape.rank() == 3) {
      if (u.shape[0] != frames_) wrong("u", fmt::format("has {} frames, but t has {}", u.shape[0], frames_));
      if (u.shape[1] != n && !has("offsets"))
        wrong("u", fmt::format("has {} points in each frame, but x has {}: {}", u.shape[1], n, agree));
      u = u.reshaped({u.shape[0] * u.shape[1], u.shape[2]});
    } else if (u.shape.rank() == 1) {
      u = u.reshaped({u.size(), 1});
    } else if (u.shape.rank() == 2 && !has("offsets") && u.shape[0] == frames_ && u.shape[1] == n) {
      u = u.reshaped({frames_ * n, 1});
    }
    if (u.shape.rank() != 2)
      wrong("u", fmt::format("has shape {}; (T,n), (T,n,c) or (N,c) are possible", to_string(shape("u"))));

    if (has("offsets")) {
      set_.offsets = integers("offsets");
      if (shape("offsets").rank() != 1) wrong("offsets", "has more than one axis");
    } else {
      if (u.shape[0] % frames_ != 0 || u.shape[0] / frames_ != n) disagree(u, n, agree);
      for (std::int64_t k = 0; k <= frames_; ++k) set_.offsets.push_back(k * n);
    }
    set_.x = std::move(x);
    set_.u = std::move(u);
  }

  [[noreturn]] void disagree(const Tensor& u, std::int64_t n, const std::string& agree) const {
    const Shape &values = shape("u"), &points = shape("x");
    std::string cause = "frames of different sizes need offsets (T+1)";
    if (values.rank() == 2 && values[0] == n && values[1] == frames_)
      cause = "u looks transposed: it should be (T,n)";
    else if (values.rank() == 2 && points.rank() == 2 && values[0] == frames_ && values[1] == points[1])
      cause = "x looks transposed: it should be (n,d)";
    else if (u.shape[0] == n)
      cause = "where each frame begins is told by offsets (T+1), or by x as (T,n,d)";
    wrong("u", fmt::format("does not have T * n = {} * {} rows or values: {} ({})", frames_, n, agree, cause));
  }

  Tensor weights_of_points() const {
    const std::int64_t points = set_.x.shape[0], rows = set_.u.shape[0];
    if (points != rows || set_.offsets.size() == 2)
      return from({points}, default_weights(set_.x, set_.low, set_.high));
    Tensor weight = full({points}, 1, Dtype::f64);
    double* values = weight.mutable_data<double>();
    for (std::size_t k = 0; k + 1 < set_.offsets.size(); ++k) {
      const std::int64_t begin = set_.offsets[k], end = set_.offsets[k + 1];
      if (begin < 0 || end <= begin || end > points) break;  // check() says so
      const std::vector<double> frame = default_weights(set_.x.rows(begin, end), set_.low, set_.high);
      std::copy(frame.begin(), frame.end(), values + begin);
    }
    return weight;
  }

  Snapshots& set_;
  const std::map<std::string, Array> arrays_;
  const std::string& source_;
  std::int64_t frames_ = 0;
};

}  // namespace

void arrange(Snapshots& set, std::map<std::string, Array> arrays, const std::string& source) {
  Arranger(set, std::move(arrays), source).run();
  check(set, source);
}

}  // namespace lowtide
