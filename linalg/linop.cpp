#include <fmt/format.h>
#include <lowtide/linalg/linop.h>
#include <lowtide/linalg/matrix.h>

#include <algorithm>

namespace lowtide {
namespace {

Tensor column(const Tensor& x, std::int64_t j) {
  const std::int64_t n = x.shape[0], k = x.shape[1];
  Tensor c({n}, x.dtype);
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = c.mutable_data<T>();
    for (std::int64_t i = 0; i < n; ++i) p[i] = x.data<T>()[i * k + j];
  });
  return c;
}

void set_column(Tensor& x, std::int64_t j, const Tensor& c) {
  const std::int64_t n = x.shape[0], k = x.shape[1];
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = x.mutable_data<T>();
    for (std::int64_t i = 0; i < n; ++i) p[i * k + j] = c.data<T>()[i];
  });
}

Tensor run(const char* op, const LinOp::Map& map, bool takes_blocks, std::int64_t rows, std::int64_t cols,
           Dtype dtype, const Tensor& x) {
  if (!map) fail<SolverError>(op, fmt::format("the ({},{}) operator has no such map", rows, cols));
  const int rank = x.shape.rank();
  if ((rank != 1 && rank != 2) || x.shape[0] != cols)
    fail<ShapeError>(op, fmt::format("{} for an operator ({},{})", to_string(x.shape), rows, cols));
  if (x.dtype != dtype)
    fail<DtypeError>(
        op, fmt::format("{} {} for an operator of {}", name_of(x.dtype), to_string(x.shape), name_of(dtype)));
  auto checked = [&](Tensor y, const Shape& expected) {
    if (!(y.shape == expected) || y.dtype != dtype || !y)
      fail<ShapeError>(
          op, fmt::format("the operator ({},{}) of {} returned {} {} for {}", rows, cols, name_of(dtype),
                          name_of(y.dtype), to_string(y.shape), to_string(x.shape)));
    return y;
  };
  if (rank == 1) return checked(map(x), {rows});
  if (takes_blocks) return checked(map(x), {rows, x.shape[1]});
  Tensor y({rows, x.shape[1]}, dtype);
  for (std::int64_t j = 0; j < x.shape[1]; ++j) set_column(y, j, checked(map(column(x, j)), {rows}));
  return y;
}

// a x + b y, rounded once
Tensor combined(double a, const Tensor& x, double b, const Tensor& y) {
  Tensor z(x.shape, x.dtype);
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::transform(x.data<T>(), x.data<T>() + x.size(), y.data<T>(), z.mutable_data<T>(), [&](T u, T v) {
      return static_cast<T>(a * static_cast<double>(u) + b * static_cast<double>(v));
    });
  });
  return z;
}

void require_alike(const char* op, const LinOp& A, const LinOp& B, bool agree) {
  if (!agree)
    fail<ShapeError>(op,
                     fmt::format("operators ({},{}) and ({},{}) do not fit", A.rows, A.cols, B.rows, B.cols));
  if (A.dtype != B.dtype)
    fail<DtypeError>(op, fmt::format("an operator of {} met one of {}", name_of(A.dtype), name_of(B.dtype)));
}

using Times = Tensor (*)(const LinOp&, const Tensor&);

// An operator whose maps are both made from the maps of others, by one recipe; without a transpose
// if one of them has none.
template <class Recipe>
LinOp derived(std::int64_t rows, std::int64_t cols, Dtype dtype, bool has_transpose, const Recipe& recipe) {
  LinOp D{rows, cols, dtype, recipe(Times{times}), nullptr, true};
  if (has_transpose) D.apply_transposed = recipe(Times{times_transposed});
  return D;
}

Tensor same(const Tensor& x) { return x; }

bool has_transpose(const LinOp& A) { return static_cast<bool>(A.apply_transposed); }

}  // namespace

Tensor times(const LinOp& A, const Tensor& x) {
  return run("times", A.apply, A.takes_blocks, A.rows, A.cols, A.dtype, x);
}

Tensor times_transposed(const LinOp& A, const Tensor& x) {
  return run("times_transposed", A.apply_transposed, A.takes_blocks, A.cols, A.rows, A.dtype, x);
}

LinOp matrix_op(const Tensor& a) {
  require_matrix("matrix_op", a);
  return {a.shape[0],
          a.shape[1],
          a.dtype,
          [a](const Tensor& x) { return multiply(a, x); },
          [a](const Tensor& x) { return multiply(a, x, Trans::yes); },
          true};
}

LinOp symmetric_op(std::int64_t n, Dtype dtype, const LinOp::Map& apply) { return {n, n, dtype, apply, apply}; }

LinOp identity_op(std::int64_t n, Dtype dtype) {
  LinOp I = symmetric_op(n, dtype, same);
  I.takes_blocks = true;
  return I;
}

LinOp scaled(const LinOp& A, double factor) {
  return derived(A.rows, A.cols, A.dtype, has_transpose(A), [&](Times go) {
    return [A, factor, go](const Tensor& x) {
      const Tensor y = go(A, x);
      return combined(factor, y, 0, y);
    };
  });
}

LinOp sum(const LinOp& A, const LinOp& B) {
  require_alike("sum", A, B, A.rows == B.rows && A.cols == B.cols);
  return derived(A.rows, A.cols, A.dtype, has_transpose(A) && has_transpose(B), [&](Times go) {
    return [A, B, go](const Tensor& x) { return combined(1, go(A, x), 1, go(B, x)); };
  });
}

LinOp shifted(const LinOp& A, double mu) {
  if (A.rows != A.cols)
    fail<ShapeError>("shifted", fmt::format("an operator ({},{}) is not square", A.rows, A.cols));
  return derived(A.rows, A.cols, A.dtype, has_transpose(A), [&](Times go) {
    return [A, mu, go](const Tensor& x) { return combined(1, go(A, x), mu, x); };
  });
}

LinOp product(const LinOp& A, const LinOp& B) {
  require_alike("product", A, B, A.cols == B.rows);
  LinOp P{A.rows, B.cols, A.dtype, [A, B](const Tensor& x) { return times(A, times(B, x)); }, nullptr, true};
  if (has_transpose(A) && has_transpose(B))
    P.apply_transposed = [A, B](const Tensor& x) { return times_transposed(B, times_transposed(A, x)); };
  return P;
}

LinOp transposed(const LinOp& A) {
  return {A.cols, A.rows, A.dtype, A.apply_transposed, A.apply, A.takes_blocks};
}

LinOp cast(const LinOp& A, Dtype dtype) {
  if (A.dtype == dtype) return A;
  return derived(A.rows, A.cols, dtype, has_transpose(A), [&](Times go) {
    return [A, dtype, go](const Tensor& x) { return go(A, x.cast(A.dtype)).cast(dtype); };
  });
}

}  // namespace lowtide
