// Products with a hierarchical matrix H, all of whose factors are one vector (linalg/block_structure.h). Each
// of the three ops is the derivative of the others: x H by x is a product with HT, and by the factors it is
// block_gradient.
#include <fmt/format.h>
#include <lowtide/autodiff/composite.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/linalg/random.h>

#include <algorithm>

namespace lowtide {
namespace {

struct Attr {
  Blocks blocks;
};

// The factors of a block as Vars: one matrix, or U and VT.
struct Factors {
  Var first, second;
};
Factors factors_of(const Block& b, const Var& values, std::int64_t& at) {
  const auto part = [&](std::int64_t m, std::int64_t n) {
    const Var flat = slice(values, 0, at, at + m * n);
    at += m * n;
    return reshape(flat, {m, n});
  };
  if (b.dense()) return {part(b.rows, b.cols), {}};
  Factors f{part(b.rows, b.rank), {}};
  f.second = part(b.rank, b.cols);
  return f;
}

Var zeros_like(const Var& x, std::int64_t n, std::int64_t width) { return Var(zeros({n, width}, x.dtype())); }

void check_shapes(const char* op, const Var& x, const Var& values, const BlockStructure& s,
                  std::int64_t width) {
  if (x.shape().rank() != 2 || x.shape()[1] != width || values.shape() != Shape({s.entries()}))
    fail<ShapeError>(op,
                     fmt::format("x {} and {} factors do not go with blocks of a matrix ({},{}), which have {}",
                                 to_string(x.shape()), values.shape().size(), s.rows, s.cols, s.entries()));
}

// Random values for an example of each kind of structure.
template <class Make>
void add_samples(const char* name, const Make& make) {
  struct Case {
    const char *label, *text;
    std::int64_t n, rows, cols;
  };
  for (const Case& c :
       {Case{"dense", "d", 3, 4, 2}, Case{"low rank", "r2", 3, 4, 5}, Case{"zero", "r0", 2, 3, 4},
        Case{"cut", "sdr1r1d", 4, 5, 7}, Case{"cut twice", "ssdr1r1dr1r2d", 2, 9, 8},
        Case{"no points", "sdr1r1d", 0, 5, 7}, Case{"1x1", "d", 1, 1, 1}}) {
    const Blocks blocks = std::make_shared<const BlockStructure>(block_structure(c.rows, c.cols, c.text));
    make(c.label, c.n, blocks, Stream(1, name).child(c.label));
  }
}

// x H, or x HT.
template <bool Transposed>
struct BlockProduct {
  static constexpr const char* name = Transposed ? "block_matmul_transposed" : "block_matmul";
  using Attr = lowtide::Attr;

  static std::int64_t in(const BlockStructure& s) { return Transposed ? s.cols : s.rows; }
  static std::int64_t out(const BlockStructure& s) { return Transposed ? s.rows : s.cols; }
  static Var apply(const Var& x, const Var& values, const Blocks& blocks) {
    return Transposed ? block_matmul_transposed(x, values, blocks) : block_matmul(x, values, blocks);
  }
  static Var apply_transposed(const Var& y, const Var& values, const Blocks& blocks) {
    return Transposed ? block_matmul(y, values, blocks) : block_matmul_transposed(y, values, blocks);
  }
  template <class T>
  static void multiply(const BlockStructure& s, const T* values, const T* x, std::int64_t n, T* y) {
    Transposed ? multiply_right_transposed(s, values, x, n, y) : multiply_right(s, values, x, n, y);
  }

  static Tensor forward(std::span<const Var> xs, Attr& a) {
    const Tensor &x = xs[0].peek(), &values = xs[1].peek();
    const BlockStructure& s = *a.blocks;
    Tensor y({x.shape[0], out(s)}, x.dtype);
    dispatch(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      multiply(s, values.data<T>(), x.data<T>(), x.shape[0], y.mutable_data<T>());
    });
    return y;
  }
  static Var reference(const Vars& xs, const Attr& a) {
    const BlockStructure& s = *a.blocks;
    const std::int64_t n = xs[0].shape()[0];
    Var sum = zeros_like(xs[0], n, out(s));
    std::int64_t at = 0;
    for (const Block& b : s.blocks) {
      const std::int64_t from = Transposed ? b.col : b.row, width = Transposed ? b.cols : b.rows,
                         to = Transposed ? b.row : b.col, thick = Transposed ? b.rows : b.cols;
      const Factors f = factors_of(b, xs[1], at);
      const Var x = slice(xs[0], 1, from, from + width);
      Var y;
      if (b.dense())
        y = matmul(x, f.first, Trans::no, Transposed ? Trans::yes : Trans::no);
      else if (Transposed)
        y = matmul(matmul(x, f.second, Trans::no, Trans::yes), f.first, Trans::no, Trans::yes);
      else
        y = matmul(matmul(x, f.first), f.second);
      sum = sum + concatenate({zeros_like(x, n, to), y, zeros_like(x, n, out(s) - to - thick)}, 1);
    }
    return sum;
  }

  static Var recorded_push(const PushRule& rule, const Attr& a) {
    if (!rule.xdots[1]) return apply(rule.xdots[0], rule.xs[1], a.blocks);
    return push_through_reference(rule, [&](const Vars& xs) { return reference(xs, a); });
  }
  static void recorded_pull(const PullRule& rule, const Attr& a) {
    if (rule.wants(0)) rule.add(0, apply_transposed(rule.ybar, rule.xs[1], a.blocks));
    if (!rule.wants(1)) return;
    const Var& x = rule.xs[0];
    rule.add(1, Transposed ? block_gradient(rule.ybar, x, rule.xs[1], a.blocks)
                           : block_gradient(x, rule.ybar, rule.xs[1], a.blocks));
  }
  static std::vector<Sample> samples() {
    std::vector<Sample> result;
    add_samples(name, [&](const char* label, std::int64_t n, const Blocks& blocks, const Stream& root) {
      result.push_back({label,
                        {root.child("x").uniform({n, in(*blocks)}, Dtype::f64, -1, 1),
                         root.child("values").uniform({blocks->entries()}, Dtype::f64, -1, 1)},
                        [=](const Vars& v) { return apply(v[0], v[1], blocks); }});
    });
    return result;
  }
};
LOWTIDE_REGISTER(Composite<BlockProduct<false>>)
LOWTIDE_REGISTER(Composite<BlockProduct<true>>)

// The derivative of sum(y o (x H)) by the factors of H: of a dense block xT y, of U VT x^T (y V) and (x U)^T y.
struct BlockGradient {
  static constexpr const char* name = "block_gradient";
  using Attr = lowtide::Attr;

  template <class T>
  static void kernel(const BlockStructure& s, std::int64_t n, const T* x, const T* y, const T* values, T* to) {
    const auto product = [](Trans ta, Trans tb, std::int64_t m, std::int64_t k, std::int64_t inner, const T* a,
                            std::int64_t lda, const T* b, std::int64_t ldb,
                            T* c) { blas::gemm<T>(ta, tb, m, k, inner, T{1}, a, lda, b, ldb, T{0}, c, k); };
    PoolVector<T> scratch;
    for (const Block& b : s.blocks) {
      const std::int64_t entries = b.entries(), r = b.rank;
      if (entries == 0) continue;
      const T *of_x = x + b.row, *of_y = y + b.col, *vt = values + b.rows * r;
      if (n == 0) {
        std::fill_n(to, entries, T{0});
      } else if (b.dense()) {
        product(Trans::yes, Trans::no, b.rows, b.cols, n, of_x, s.rows, of_y, s.cols, to);
      } else {
        scratch.resize(static_cast<std::size_t>(n * r));
        T* w = scratch.data();
        product(Trans::no, Trans::yes, n, r, b.cols, of_y, s.cols, vt, b.cols, w);
        product(Trans::yes, Trans::no, b.rows, r, n, of_x, s.rows, w, r, to);
        product(Trans::no, Trans::no, n, r, b.rows, of_x, s.rows, values, r, w);
        product(Trans::yes, Trans::no, r, b.cols, n, w, r, of_y, s.cols, to + b.rows * r);
      }
      values += entries;
      to += entries;
    }
  }
  static Tensor forward(std::span<const Var> xs, Attr& a) {
    const Tensor &x = xs[0].peek(), &y = xs[1].peek(), &values = xs[2].peek();
    Tensor out(values.shape, x.dtype);
    dispatch(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      kernel(*a.blocks, x.shape[0], x.data<T>(), y.data<T>(), values.data<T>(), out.mutable_data<T>());
    });
    return out;
  }
  static Var reference(const Vars& xs, const Attr& a) {
    Vars parts;
    const auto add = [&](const Var& m) { parts.push_back(reshape(m, {m.shape().size()})); };
    std::int64_t at = 0;
    for (const Block& b : a.blocks->blocks) {
      const Factors f = factors_of(b, xs[2], at);
      const Var x = slice(xs[0], 1, b.row, b.row + b.rows), y = slice(xs[1], 1, b.col, b.col + b.cols);
      if (b.dense()) {
        add(matmul(x, y, Trans::yes));
      } else {
        add(matmul(x, matmul(y, f.second, Trans::no, Trans::yes), Trans::yes));
        add(matmul(matmul(x, f.first), y, Trans::yes));
      }
    }
    return concatenate(parts, 0);
  }
  static std::vector<Sample> samples() {
    std::vector<Sample> result;
    add_samples(name, [&](const char* label, std::int64_t n, const Blocks& blocks, const Stream& root) {
      result.push_back({label,
                        {root.child("x").uniform({n, blocks->rows}, Dtype::f64, -1, 1),
                         root.child("y").uniform({n, blocks->cols}, Dtype::f64, -1, 1),
                         root.child("values").uniform({blocks->entries()}, Dtype::f64, -1, 1)},
                        [=](const Vars& v) { return block_gradient(v[0], v[1], v[2], blocks); }});
    });
    return result;
  }
};
LOWTIDE_REGISTER(Composite<BlockGradient>)

}  // namespace

Var block_matmul(const Var& x, const Var& values, const Blocks& blocks) {
  check_shapes("block_matmul", x, values, *blocks, blocks->rows);
  return composite<BlockProduct<false>>({x, values}, {blocks});
}

Var block_matmul_transposed(const Var& y, const Var& values, const Blocks& blocks) {
  check_shapes("block_matmul_transposed", y, values, *blocks, blocks->cols);
  return composite<BlockProduct<true>>({y, values}, {blocks});
}

Var block_gradient(const Var& x, const Var& y, const Var& values, const Blocks& blocks) {
  check_shapes("block_gradient", x, values, *blocks, blocks->rows);
  check_shapes("block_gradient", y, values, *blocks, blocks->cols);
  if (x.shape()[0] != y.shape()[0])
    fail<ShapeError>("block_gradient", fmt::format("{} points and {}", x.shape()[0], y.shape()[0]));
  return composite<BlockGradient>({x, y, values}, {blocks});
}

}  // namespace lowtide
