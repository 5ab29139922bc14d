// The ops that come with lowtide, as functions of Vars. Each is defined in one file under ops/.
#pragma once
#include <lowtide/autodiff/var.h>
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/block_structure.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace lowtide {

// ---- arithmetic, with broadcasting (ops/arithmetic.cpp) ----
Var add(const Var& a, const Var& b);
Var sub(const Var& a, const Var& b);
Var mul(const Var& a, const Var& b);
Var div(const Var& a, const Var& b);
Var neg(const Var& x);
Var reciprocal(const Var& x);
Var square(const Var& x);
Var sqrt(const Var& x);
Var pow(const Var& a, const Var& b);  // a > 0
Var pow(const Var& a, double b);
Var abs(const Var& x);

inline Var operator+(const Var& a, const Var& b) { return add(a, b); }
inline Var operator-(const Var& a, const Var& b) { return sub(a, b); }
inline Var operator*(const Var& a, const Var& b) { return mul(a, b); }
inline Var operator/(const Var& a, const Var& b) { return div(a, b); }
inline Var operator-(const Var& x) { return neg(x); }

// A number takes the dtype of the Var that it meets.
Var number_like(const Var& x, double value);
inline Var operator+(const Var& a, double b) { return add(a, number_like(a, b)); }
inline Var operator+(double a, const Var& b) { return add(number_like(b, a), b); }
inline Var operator-(const Var& a, double b) { return sub(a, number_like(a, b)); }
inline Var operator-(double a, const Var& b) { return sub(number_like(b, a), b); }
inline Var operator*(const Var& a, double b) { return mul(a, number_like(a, b)); }
inline Var operator*(double a, const Var& b) { return mul(number_like(b, a), b); }
inline Var operator/(const Var& a, double b) { return mul(a, number_like(a, 1 / b)); }
inline Var operator/(double a, const Var& b) { return div(number_like(b, a), b); }

// ---- transcendental functions (ops/transcendental.cpp) ----
Var exp(const Var& x);
Var expm1(const Var& x);
Var log(const Var& x);
Var log1p(const Var& x);
Var sin(const Var& x);
Var cos(const Var& x);
Var tanh(const Var& x);
Var erf(const Var& x);

// ---- activations (ops/activations.cpp) ----
Var sigmoid(const Var& x);
Var relu(const Var& x);
Var softplus(const Var& x);
Var silu(const Var& x);  // x sigmoid(x), also known as swish
Var gelu(const Var& x);  // x Phi(x), with the error function

// What a layer may end with.
enum class Activation : std::uint8_t { none, tanh, relu, silu, sin };
Var activate(Activation activation, const Var& x);
std::string_view name_of(Activation activation);

// ---- comparisons and choices (ops/comparison.cpp); masks are 1 and 0 ----
Var maximum(const Var& a, const Var& b);
Var minimum(const Var& a, const Var& b);
Var clamp(const Var& x, const Var& low, const Var& high);
Var clamp(const Var& x, double low, double high);
Var select(const Var& mask, const Var& a, const Var& b);  // a where mask is not 0, else b
Var greater(const Var& a, const Var& b);
Var equal(const Var& a, const Var& b);
Var step(const Var& x);  // 1 where x > 0
Var sign(const Var& x);
Var stop_gradient(const Var& x);

// ---- reductions (ops/reductions.cpp); an axis may count from the end ----
Var sum(const Var& x);
Var sum(const Var& x, int axis);  // drops the axis
Var mean(const Var& x);
Var mean(const Var& x, int axis);
Var sum_to(const Var& x, const Shape& shape);
Var broadcast_to(const Var& x, const Shape& shape);
Var cumulative_sum(const Var& x, int axis);
Var norm(const Var& x);  // Euclidean, of all elements; scaled against overflow
Var norm(const Var& x, int axis);
Var logsumexp(const Var& x, int axis);
Var softmax(const Var& x, int axis);

// ---- shapes and indices (ops/shapes.cpp, ops/indexing.cpp) ----
Var reshape(const Var& x, const Shape& shape);
Var transpose(const Var& x);                       // of a matrix
Var permute(const Var& x, std::vector<int> axes);  // axis k of the result is axis axes[k] of x
Var slice(const Var& x, int axis, std::int64_t begin, std::int64_t end);
Var concatenate(const Vars& xs, int axis);
Var gather(const Var& x, std::span<const std::int64_t> rows);                           // along the first axis
Var scatter_add(const Var& x, std::span<const std::int64_t> rows, std::int64_t count);  // its transpose
Var cast(const Var& x, Dtype dtype);
Var identity(const Var& x);

// ---- products (ops/products.cpp) ----
using blas::Trans;
Var matmul(const Var& a, const Var& b, Trans ta = Trans::no, Trans tb = Trans::no);
Var batched_matmul(const Var& a, const Var& b, Trans ta = Trans::no, Trans tb = Trans::no);  // (k,m,n)
Var row_dot(const Var& a, const Var& b);    // (n,m), (n,m) -> (n)
Var row_outer(const Var& a, const Var& b);  // (n,p), (n,q) -> (n,p,q)
Var outer(const Var& a, const Var& b);      // (m), (n) -> (m,n)
Var dot(const Var& a, const Var& b);        // of all elements

// The columns of a matrix as whole numbers of -127 to 127 times a scale (ops/quantize.cpp), and the same with
// the derivative of the identity: what networks in eight bits are trained with (Bengio et al. 2013, straight
// through).
Var round_to_eight_bits(const Var& w);
Var in_eight_bits(const Var& w);

// Products with a hierarchical matrix H (p,q) whose factors are one vector (ops/block_products.cpp).
using Blocks = std::shared_ptr<const BlockStructure>;
Var block_matmul(const Var& x, const Var& values, const Blocks& blocks);             // x H: (n,p) -> (n,q)
Var block_matmul_transposed(const Var& y, const Var& values, const Blocks& blocks);  // y HT: (n,q) -> (n,p)
// The derivative of sum(y o (x H)) by the values.
Var block_gradient(const Var& x, const Var& y, const Var& values, const Blocks& blocks);

// ---- layers (ops/layers.cpp, ops/low_rank_layer.cpp) ----
// sigma(f (x W + b)) for x (n,p), W (p,q), b (q)
Var affine(const Var& x, const Var& w, const Var& b, Activation activation = Activation::none,
           double frequency = 1);
// sigma(U (s1 o VT z) + B s2) for the rows z of (n,m). Factors are stored by rows, one rank-one term a
// row: u (r,w), v (r,m), b (q,w); s1 (r), s2 (q) -> (n,w). Several frames at once: s1 (F,r), s2 (F,q), and
// rows of z that are those of the first frame, of the second, ..., equally many of each.
Var low_rank_layer(const Var& z, const Var& u, const Var& v, const Var& b, const Var& s1, const Var& s2,
                   Activation activation = Activation::none);

// ---- solves (ops/solve.cpp) ----
// op(L)^-1 b for a lower triangular L (n,n), whose upper part is not read, and b (n,m)
Var triangular_solve(const Var& l, const Var& b, Trans tl = Trans::no);
// (L LT)^-1 b
Var cholesky_solve(const Var& l, const Var& b);

// Of a positive definite matrix, or the symmetric part of one that is not symmetric (ops/log_det.cpp).
Var log_det(const Var& a);
Var spd_inverse(const Var& a);

}  // namespace lowtide
