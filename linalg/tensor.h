// The tensor: contiguous, row-major, f32 or f64, rank 0 to 4. A copy shares its elements until
// somebody writes, so that tensors behave as values.
#pragma once
#include <lowtide/linalg/dtype.h>
#include <lowtide/linalg/error.h>
#include <lowtide/linalg/pool.h>
#include <lowtide/linalg/shape.h>

#include <initializer_list>
#include <span>
#include <vector>

namespace lowtide {

struct Tensor {
  Shape shape;
  Dtype dtype = Dtype::f64;
  Buffer buffer;
  std::size_t offset = 0;  // of the first element, in elements

  Tensor() = default;        // no value; false
  Tensor(Shape s, Dtype d);  // uninitialized

  explicit operator bool() const { return static_cast<bool>(buffer); }
  std::int64_t size() const { return shape.size(); }

  // Elements for reading. T must be the dtype.
  template <class T>
  const T* data() const {
    require(dtype_of<T>);
    return reinterpret_cast<const T*>(buffer.bytes()) + offset;
  }
  template <class T>
  std::span<const T> view() const {
    return {data<T>(), static_cast<std::size_t>(size())};
  }
  // Elements for writing: copied first if another tensor shares them.
  template <class T>
  T* mutable_data() {
    require(dtype_of<T>);
    if (!buffer.unique()) detach();
    return reinterpret_cast<T*>(buffer.bytes()) + offset;
  }
  template <class T>
  std::span<T> mutable_view() {
    return {mutable_data<T>(), static_cast<std::size_t>(size())};
  }

  double at(std::int64_t flat_index) const;  // one element, whatever the dtype
  double item() const;                       // the only element

  Tensor reshaped(const Shape& s) const;                    // shares
  Tensor rows(std::int64_t begin, std::int64_t end) const;  // of the first axis; shares
  Tensor cast(Dtype d) const;                               // shares if d is the dtype
  Tensor clone() const;

 private:
  void require(Dtype d) const {
    if (d != dtype) wrong_dtype(d);
  }
  [[noreturn]] void wrong_dtype(Dtype asked) const;
  void detach();
};

using Tensors = PoolVector<Tensor>;

Tensor zeros(const Shape& shape, Dtype dtype);
Tensor ones(const Shape& shape, Dtype dtype);
Tensor full(const Shape& shape, double value, Dtype dtype);
Tensor scalar(double value, Dtype dtype);
Tensor linspace(double first, double last, std::int64_t n, Dtype dtype);
Tensor eye(std::int64_t n, Dtype dtype);
Tensor from(const Shape& shape, std::span<const double> values, Dtype dtype = Dtype::f64);
Tensor from(const Shape& shape, std::initializer_list<double> values, Dtype dtype = Dtype::f64);
Tensor transposed(const Tensor& a);  // of a matrix; a copy
std::vector<double> to_vector(const Tensor& a);

bool all_finite(const Tensor& a);
bool same_bits(const Tensor& a, const Tensor& b);  // shape, dtype and every byte
double max_abs(const Tensor& a);                   // NaN if there is one

}  // namespace lowtide
