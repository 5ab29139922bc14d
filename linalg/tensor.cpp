#include <fmt/format.h>
#include <lowtide/linalg/tensor.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace lowtide {

Tensor::Tensor(Shape s, Dtype d)
    : shape(s), dtype(d), buffer(static_cast<std::size_t>(s.size()) * size_of(d)) {}

void Tensor::wrong_dtype(Dtype asked) const {
  fail<DtypeError>("tensor", fmt::format("holds {}, but {} was asked for", name_of(dtype), name_of(asked)));
}

void Tensor::detach() { *this = clone(); }

Tensor Tensor::clone() const {
  Tensor copy(shape, dtype);
  const std::size_t bytes = static_cast<std::size_t>(size()) * size_of(dtype);
  if (bytes) std::memcpy(copy.buffer.bytes(), buffer.bytes() + offset * size_of(dtype), bytes);
  return copy;
}

double Tensor::at(std::int64_t i) const {
  if (i < 0 || i >= size())
    fail<ShapeError>("tensor", fmt::format("element {} of a tensor of shape {}", i, to_string(shape)));
  return dispatch(dtype, [&](auto zero) { return static_cast<double>(data<decltype(zero)>()[i]); });
}

double Tensor::item() const {
  if (!buffer || size() != 1)
    fail<ShapeError>("item", fmt::format("a tensor of shape {} is not one number", to_string(shape)));
  return at(0);
}

Tensor Tensor::reshaped(const Shape& s) const {
  if (s.size() != size())
    fail<ShapeError>("reshape", fmt::format("{} has {} elements, {} has {}", to_string(shape), size(),
                                            to_string(s), s.size()));
  Tensor t = *this;
  t.shape = s;
  return t;
}

Tensor Tensor::rows(std::int64_t begin, std::int64_t end) const {
  if (shape.rank() == 0 || begin < 0 || end < begin || end > shape[0])
    fail<ShapeError>("rows",
                     fmt::format("rows {} to {} of a tensor of shape {}", begin, end, to_string(shape)));
  Tensor t = *this;
  t.shape = shape.with(0, end - begin);
  t.offset += static_cast<std::size_t>(begin * shape.row_size());
  return t;
}

Tensor Tensor::cast(Dtype d) const {
  if (d == dtype) return *this;
  Tensor t(shape, d);
  dispatch(dtype, [&](auto from_zero) {
    using From = decltype(from_zero);
    dispatch(d, [&](auto to_zero) {
      using To = decltype(to_zero);
      std::transform(data<From>(), data<From>() + size(), t.mutable_data<To>(),
                     [](From x) { return static_cast<To>(x); });
    });
  });
  return t;
}

Tensor full(const Shape& shape, double value, Dtype dtype) {
  Tensor t(shape, dtype);
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    std::fill_n(t.mutable_data<T>(), t.size(), static_cast<T>(value));
  });
  return t;
}

Tensor zeros(const Shape& shape, Dtype dtype) { return full(shape, 0.0, dtype); }
Tensor ones(const Shape& shape, Dtype dtype) { return full(shape, 1.0, dtype); }
Tensor scalar(double value, Dtype dtype) { return full(Shape{}, value, dtype); }

Tensor linspace(double first, double last, std::int64_t n, Dtype dtype) {
  Tensor t({n}, dtype);
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = t.mutable_data<T>();
    for (std::int64_t i = 0; i < n; ++i) {
      // Divided last, so that steps that are whole numbers stay whole; the end is exact.
      const double step = n > 1 ? (last - first) * static_cast<double>(i) / static_cast<double>(n - 1) : 0.0;
      p[i] = static_cast<T>(i > 0 && i == n - 1 ? last : first + step);
    }
  });
  return t;
}

Tensor eye(std::int64_t n, Dtype dtype) {
  Tensor t = zeros({n, n}, dtype);
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = t.mutable_data<T>();
    for (std::int64_t i = 0; i < n; ++i) p[i * n + i] = T{1};
  });
  return t;
}

Tensor from(const Shape& shape, std::span<const double> values, Dtype dtype) {
  if (shape.size() != static_cast<std::int64_t>(values.size()))
    fail<ShapeError>("from", fmt::format("{} values for shape {}", values.size(), to_string(shape)));
  Tensor t(shape, dtype);
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    std::transform(values.begin(), values.end(), t.mutable_data<T>(),
                   [](double v) { return static_cast<T>(v); });
  });
  return t;
}

Tensor from(const Shape& shape, std::initializer_list<double> values, Dtype dtype) {
  return from(shape, std::span<const double>(values.begin(), values.size()), dtype);
}

Tensor transposed(const Tensor& a) {
  if (a.shape.rank() != 2)
    fail<ShapeError>("transposed", fmt::format("{} is not a matrix", to_string(a.shape)));
  const std::int64_t m = a.shape[0], n = a.shape[1];
  Tensor t({n, m}, a.dtype);
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* from = a.data<T>();
    T* to = t.mutable_data<T>();
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) to[j * m + i] = from[i * n + j];
  });
  return t;
}

std::vector<double> to_vector(const Tensor& a) {
  std::vector<double> v(static_cast<std::size_t>(a.size()));
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::copy(a.data<T>(), a.data<T>() + a.size(), v.begin());
  });
  return v;
}

bool all_finite(const Tensor& a) {
  return dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    // x - x is 0 for finite x and NaN otherwise; the sum needs no branch.
    T sum{0};
    for (T x : a.view<T>()) sum += x - x;
    return sum == T{0};
  });
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (!(a.shape == b.shape) || a.dtype != b.dtype) return false;
  const std::size_t width = size_of(a.dtype);
  return a.size() == 0 || std::memcmp(a.buffer.bytes() + a.offset * width, b.buffer.bytes() + b.offset * width,
                                      static_cast<std::size_t>(a.size()) * width) == 0;
}

double max_abs(const Tensor& a) {
  double m = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    const double x = std::abs(a.at(i));
    if (!(x <= m)) m = x;  // also takes a NaN
    if (std::isnan(m)) break;
  }
  return m;
}

}  // namespace lowtide
