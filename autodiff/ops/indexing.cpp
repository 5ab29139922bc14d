#include <fmt/format.h>
#include <lowtide/autodiff/linear_pair.h>
#include <lowtide/autodiff/ops.h>

#include <algorithm>

namespace lowtide {
namespace {

// Rows picked by index, and rows added where the index says: a row may be picked often.
struct Gather {
  static constexpr const char* name = "gather";
  static constexpr const char* transposed_name = "scatter_add";
  struct Attr {
    PoolVector<std::int64_t> rows;
    std::int64_t count;  // of rows in x
  };
  static Tensor forward(const Tensor& x, const Attr& a) {
    Tensor y(x.shape.with(0, static_cast<std::int64_t>(a.rows.size())), x.dtype);
    dispatch(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      const std::int64_t width = x.shape.row_size();
      T* to = y.mutable_data<T>();
      for (std::int64_t row : a.rows) to = std::copy_n(x.data<T>() + row * width, width, to);
    });
    return y;
  }
  static Tensor transposed(const Tensor& y, const Attr& a) {
    Tensor x = zeros(y.shape.with(0, a.count), y.dtype);
    dispatch(y.dtype, [&](auto zero) {
      using T = decltype(zero);
      const std::int64_t width = y.shape.row_size();
      const T* from = y.data<T>();
      T* to = x.mutable_data<T>();
      for (std::int64_t row : a.rows)
        for (std::int64_t i = 0; i < width; ++i) to[row * width + i] += *from++;
    });
    return x;
  }
  static std::vector<LinearSample<Attr>> samples() {
    return {{"vector", {5}, {{4, 0, 2}, 5}},
            {"repeated", {3, 2}, {{1, 1, 0, 1}, 3}},
            {"nothing", {3, 2}, {{}, 3}},
            {"1x1", {1, 1}, {{0}, 1}},
            {"wide", {2, 19}, {{1, 0, 1}, 2}}};
  }
};
LOWTIDE_REGISTER(LinearPair<Gather>)

Gather::Attr checked(const char* op, const Var& x, std::span<const std::int64_t> rows, std::int64_t count) {
  if (x.shape().rank() == 0) fail<ShapeError>(op, "a scalar has no rows");
  for (std::int64_t row : rows)
    if (row < 0 || row >= count) fail<ShapeError>(op, fmt::format("row {} of {}", row, count));
  return {{rows.begin(), rows.end()}, count};
}

}  // namespace

Var gather(const Var& x, std::span<const std::int64_t> rows) {
  return linear<Gather>(x, checked("gather", x, rows, x.shape().rows()));
}

Var scatter_add(const Var& x, std::span<const std::int64_t> rows, std::int64_t count) {
  auto attr = checked("scatter_add", x, rows, count);
  if (x.shape().rows() != static_cast<std::int64_t>(rows.size()))
    fail<ShapeError>("scatter_add", fmt::format("{} indices for {} rows", rows.size(), x.shape().rows()));
  return linear_transposed<Gather>(x, std::move(attr));
}

}  // namespace lowtide
