#include <fmt/format.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/optim/optimizer.h>
#include <lowtide/optim/soap.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lowtide {
namespace {

// A tensor as the matrix that is preconditioned: vectors are columns.
Shape as_matrix(const Tensor& x) {
  return x.shape.rank() == 2 ? x.shape : Shape{x.shape.rows(), x.shape.rank() == 0 ? 1 : x.shape.row_size()};
}

bool has_basis(const Soap& soap, const Tensor& x, int side) {
  if (x.shape.rank() != 2 && !(x.shape.rank() == 1 && soap.vectors)) return false;
  const std::int64_t n = as_matrix(x)[side];
  return n > 1 && n <= soap.largest_side;
}

// op(L) x op(R); an empty basis is the identity.
Tensor rotated(const Tensor& x, const Tensor& l, const Tensor& r, Trans tl, Trans tr) {
  const Tensor y = l.size() > 0 ? multiply(l, x, tl, Trans::no) : x;
  return r.size() > 0 ? multiply(y, r, Trans::no, tr) : y;
}

// average <- decay average + (1 - decay) G GT (or GT G). In f64, where squares of f32 stay in range.
void average_gram(Tensor& average, const Tensor& g, int side, double decay) {
  const Tensor wide = g.cast(Dtype::f64);
  const Tensor gram =
      side == 0 ? multiply(wide, wide, Trans::no, Trans::yes) : multiply(wide, wide, Trans::yes, Trans::no);
  double* a = average.mutable_data<double>();
  const double* b = gram.data<double>();
  for (std::int64_t i = 0; i < gram.size(); ++i) a[i] = decay * a[i] + (1 - decay) * b[i];
}

// x[:, order]
Tensor columns_of(const Tensor& x, const std::vector<std::int64_t>& order) {
  Tensor y(x.shape, x.dtype);
  const std::int64_t n = x.shape[1];
  for (std::int64_t i = 0; i < x.shape[0]; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      y.mutable_data<double>()[i * n + j] = x.data<double>()[i * n + order[static_cast<std::size_t>(j)]];
  return y;
}

struct NextBasis {
  Tensor basis;
  std::vector<std::int64_t> order;  // of the old vectors by Rayleigh quotients, with which v moves
};

// One step of orthogonal iteration. QR keeps the order of vectors only if they are sorted before.
NextBasis next_basis(const Tensor& average, const Tensor& basis) {
  const std::int64_t n = average.shape[0];
  const Tensor q = basis.cast(Dtype::f64), image = multiply(average, q);
  std::vector<double> quotient(static_cast<std::size_t>(n), 0.0);
  for (std::int64_t i = 0; i < n * n; ++i)
    quotient[static_cast<std::size_t>(i % n)] += q.data<double>()[i] * image.data<double>()[i];
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return quotient[static_cast<std::size_t>(a)] > quotient[static_cast<std::size_t>(b)];
  });
  return {qr(columns_of(image, order)).q, order};
}

// Along one side: m is rotated into the new basis, v keeps its numbers, sorted as the vectors are.
void move_moments(Tensor& m, Tensor& v, const Tensor& old, const NextBasis& next, int side) {
  const Tensor turn =
      multiply(next.basis, old.cast(Dtype::f64), Trans::yes, Trans::no).cast(m.dtype);  // new <- old
  m = side == 0 ? multiply(turn, m) : multiply(m, turn, Trans::no, Trans::yes);
  const Tensor before = v;
  const std::int64_t rows = v.shape[0], columns = v.shape[1];
  dispatch(v.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = v.mutable_data<T>();
    const T* from = before.data<T>();
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j)
        to[i * columns + j] = side == 0 ? from[next.order[static_cast<std::size_t>(i)] * columns + j]
                                        : from[i * columns + next.order[static_cast<std::size_t>(j)]];
  });
}

void make_state(Soap& soap, const Tensors& theta, const Tensors& gradient) {
  const Tensor none({0, 0}, Dtype::f64);
  Tensors left, right, left_basis, right_basis;
  for (std::size_t k = 0; k < theta.size(); ++k)
    for (int side = 0; side < 2; ++side) {
      Tensor average = none, basis = none;
      if (has_basis(soap, theta[k], side)) {
        const Shape shape = as_matrix(theta[k]);
        average = zeros({shape[side], shape[side]}, Dtype::f64);
        average_gram(average, gradient[k].reshaped(shape), side, soap.decay);
        basis = eigh(average).vectors.cast(theta[k].dtype);  // in any order
      }
      (side == 0 ? left : right).push_back(average);
      (side == 0 ? left_basis : right_basis).push_back(basis);
    }
  prepare_state("soap", soap.m, theta);
  prepare_state("soap", soap.v, theta);
  soap.left = std::move(left);
  soap.right = std::move(right);
  soap.left_basis = std::move(left_basis);
  soap.right_basis = std::move(right_basis);
}

}  // namespace

void Soap::step(Tensors& theta, const Tensors& gradient) {
  require_gradient("soap", theta, gradient);
  if (m.empty()) {
    make_state(*this, theta, gradient);
    return;
  }
  prepare_state("soap", m, theta);
  prepare_state("soap", v, theta);
  for (const Tensors* part : {&left, &right, &left_basis, &right_basis})
    if (part->size() != theta.size())
      fail<ShapeError>("soap", fmt::format("bases of {} parameters, now {}", part->size(), theta.size()));
  ++steps;
  const double scale1 = 1 / (1 - std::pow(beta1, static_cast<double>(steps))),
               scale2 = 1 / (1 - std::pow(beta2, static_cast<double>(steps)));
  parallel_for(static_cast<std::int64_t>(theta.size()), [&](std::int64_t index) {
    const auto k = static_cast<std::size_t>(index);
    const Shape shape = as_matrix(theta[k]);
    const Tensor g = gradient[k].reshaped(shape),
                 turned = rotated(g, left_basis[k], right_basis[k], Trans::yes, Trans::no);
    Tensor update(shape, theta[k].dtype);
    dispatch(theta[k].dtype, [&](auto zero) {
      using T = decltype(zero);
      const T b1 = static_cast<T>(beta1), b2 = static_cast<T>(beta2), rate = static_cast<T>(lr * scale1),
              root = static_cast<T>(scale2), small = static_cast<T>(epsilon);
      T *mk = m[k].mutable_data<T>(), *vk = v[k].mutable_data<T>(), *u = update.mutable_data<T>();
      const T* gk = turned.data<T>();
      for (std::int64_t i = 0; i < update.size(); ++i) {
        mk[i] = b1 * mk[i] + (T{1} - b1) * gk[i];
        vk[i] = b2 * vk[i] + (T{1} - b2) * gk[i] * gk[i];
        u[i] = rate * mk[i] / (std::sqrt(root * vk[i]) + small);
      }
      const Tensor back = rotated(update, left_basis[k], right_basis[k], Trans::no, Trans::yes);
      const T keep = static_cast<T>(1 - lr * weight_decay);
      T* p = theta[k].mutable_data<T>();
      const T* b = back.data<T>();
      for (std::int64_t i = 0; i < back.size(); ++i) p[i] = keep * p[i] - b[i];
    });
    for (int side = 0; side < 2; ++side) {
      Tensor &average = side == 0 ? left[k] : right[k], &basis = side == 0 ? left_basis[k] : right_basis[k];
      if (average.size() == 0) continue;
      average_gram(average, g, side, decay);
      if (steps % every != 0) continue;
      const NextBasis next = next_basis(average, basis);
      const Shape stored = m[k].shape;
      Tensor mk = m[k].reshaped(shape), vk = v[k].reshaped(shape);
      move_moments(mk, vk, basis, next, side);
      m[k] = mk.reshaped(stored);
      v[k] = vk.reshaped(stored);
      basis = next.basis.cast(theta[k].dtype);
    }
  });
}

}  // namespace lowtide
