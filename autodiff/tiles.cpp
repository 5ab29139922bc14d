#include <fmt/format.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/autodiff/tape_core.h>
#include <lowtide/autodiff/tiles.h>
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/linalg/random.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace lowtide {

Tile Tiles::operator[](std::int64_t i) const { return {i, i * per_tile, std::min(points, (i + 1) * per_tile)}; }

namespace {

// No tape of this thread may be written while tiles run: a captured Var would lose its derivative.
class SealedTapes {
 public:
  SealedTapes() {
    for (TapeCore* core = TapeCore::current(); core; core = core->outer)
      if (!core->sealed) {
        core->sealed = true;
        cores_.push_back(core);
      }
  }
  ~SealedTapes() {
    for (TapeCore* core : cores_) core->sealed = false;
  }
  SealedTapes(const SealedTapes&) = delete;

 private:
  PoolVector<TapeCore*> cores_;
};

// Chunks of tiles that share a gradient buffer. Their number depends on the problem alone: several tiles
// a chunk where gradients are large, so that adding chunks up stays cheap; a power of two keeps the tree
// of sums, and so the load, even.
std::int64_t chunk_count(std::int64_t tiles, std::size_t gradient_bytes) {
  constexpr std::size_t most = 32, large = std::size_t{1} << 20, budget = std::size_t{256} << 20;
  const std::size_t fitting =
      std::clamp<std::size_t>(budget / std::max<std::size_t>(gradient_bytes, 1), 1, most);
  const auto worth =
      static_cast<std::size_t>(gradient_bytes < large ? tiles : std::max<std::int64_t>(1, tiles / 4));
  return static_cast<std::int64_t>(std::bit_floor(std::min(fitting, worth)));
}

struct Partial {
  double value = 0;
  Tensors gradients;  // empty for arguments by row
};

using Flags = PoolVector<bool>;  // of the arguments: a row for every tile?

// Gradients by row: each tile writes its own, so that there is nothing to add.
class RowGradients {
 public:
  RowGradients(std::span<const Var> args, const Flags& by_row, std::size_t wanted) : whole_(wanted) {
    for (std::size_t k = 0; k < wanted; ++k)
      if (by_row[k]) whole_[k] = Tensor(args[k].shape(), args[k].dtype());
    for (Tensor& w : whole_) to_.push_back(w ? bytes_of(w) : nullptr);
  }
  void take(const Tile& tile, Tensors& gradients) {
    for (std::size_t k = 0; k < whole_.size(); ++k) {
      if (!to_[k]) continue;
      const Tensor row = std::move(gradients[k]);
      const std::size_t bytes = static_cast<std::size_t>(row.size()) * size_of(row.dtype);
      dispatch(row.dtype, [&](auto zero) {
        std::memcpy(to_[k] + static_cast<std::size_t>(tile.index) * bytes, row.data<decltype(zero)>(), bytes);
      });
      gradients[k] = Tensor();
    }
  }
  void move_to(Tensors& gradients) {
    for (std::size_t k = 0; k < whole_.size(); ++k)
      if (to_[k]) gradients[k] = std::move(whole_[k]);
  }

 private:
  static std::byte* bytes_of(Tensor& t) {
    return dispatch(t.dtype,
                    [&](auto zero) { return reinterpret_cast<std::byte*>(t.mutable_data<decltype(zero)>()); });
  }
  Tensors whole_;
  PoolVector<std::byte*> to_;
};

void add_in_place(Tensor& sum, const Tensor& term) {
  dispatch(sum.dtype, [&](auto zero) {
    using T = decltype(zero);
    blas::axpy(sum.size(), T{1}, term.data<T>(), sum.mutable_data<T>());
  });
}

void run_tile(const TileFunction& f, const Tile& tile, std::span<const Var> args, const Flags& by_row,
              std::size_t wanted, bool check, Partial& sum) {
  Tape tape;
  tape.check_finite(check);
  Vars leaves;
  leaves.reserve(args.size());
  for (std::size_t k = 0; k < args.size(); ++k) {
    const Tensor& x = args[k].peek();
    leaves.push_back(tape.leaf(by_row[k] ? x.rows(tile.index, tile.index + 1) : x));
  }
  const Var y = [&] {
    const GuardedValues guard(tape);
    return f(leaves, tile);
  }();
  if (!y || y.size() != 1)
    fail<ShapeError>("sum_over_tiles",
                     "the tile function gives " + (y ? to_string(y.shape()) : "nothing") + ", not one number");
  if (y.dtype() != args[0].dtype())
    fail<DtypeError>("sum_over_tiles", fmt::format("the tile function gives {} for arguments in {}",
                                                   name_of(y.dtype()), name_of(args[0].dtype())));
  if (y.tracked() && TapeCore::of(y, "sum_over_tiles") != TapeCore::current())
    fail<TapeError>("sum_over_tiles",
                    "the tile function gives a Var from outside: it may use its arguments only");
  sum.value += y.item();
  if (wanted == 0) return;
  leaves.resize(wanted);
  accumulate_gradient(y, leaves, sum.gradients);
}

// Values and gradients (to the first `wanted` arguments) of all tiles.
Partial run_tiles(const TileFunction& f, const Tiles& tiles, std::span<const Var> args, const Flags& by_row,
                  std::size_t wanted) {
  std::size_t gradient_bytes = 0;
  for (std::size_t k = 0; k < wanted; ++k)
    if (!by_row[k]) gradient_bytes += static_cast<std::size_t>(args[k].size()) * size_of(args[k].dtype());
  const std::int64_t count = tiles.count();
  const SealedTapes sealed;
  const bool checked = TapeCore::current() && TapeCore::current()->finite_only;
  Partial sum;
  if (count == 0) {
    for (std::size_t k = 0; k < wanted; ++k) sum.gradients.push_back(zeros(args[k].shape(), args[k].dtype()));
    return sum;
  }
  const std::int64_t chunks = chunk_count(count, gradient_bytes);
  RowGradients rows(args, by_row, wanted);
  sum = tree_reduce(
      chunks,
      [&](std::int64_t chunk) {
        Partial partial;
        partial.gradients.resize(wanted);
        for (std::int64_t i = chunk * count / chunks; i < (chunk + 1) * count / chunks; ++i) {
          const double before = partial.value;
          run_tile(f, tiles[i], args, by_row, wanted, checked, partial);
          if (!std::isfinite(partial.value) && std::isfinite(before))
            run_tile(f, tiles[i], args, by_row, wanted, true, partial);
          rows.take(tiles[i], partial.gradients);
        }
        return partial;
      },
      [](Partial& left, Partial&& right) {
        left.value += right.value;
        for (std::size_t k = 0; k < left.gradients.size(); ++k)
          if (left.gradients[k]) add_in_place(left.gradients[k], right.gradients[k]);
      });
  rows.move_to(sum.gradients);
  return sum;
}

struct Tiled {
  std::shared_ptr<const TileFunction> f;
  Tiles tiles;
  Flags by_row;
  std::size_t wanted = 0;  // gradients with respect to the first so many arguments
  Tensors gradients;       // kept by tiled_sum
  Tensor flat;             // of tiled_gradient, where it is known already
};

// The derivative of a tile function along tangents of some of its arguments, which follow the arguments.
struct PushedTile final : TileFunction {
  std::shared_ptr<const TileFunction> f;
  std::size_t arguments;
  PoolVector<std::size_t> moving;

  Var operator()(const Vars& all, const Tile& tile) const override {
    Vars args(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(arguments));
    const Var y = (*f)(args, tile);
    Vars xs, xdots;
    for (std::size_t k = 0; k < moving.size(); ++k) {
      xs.push_back(all[moving[k]]);
      xdots.push_back(all[arguments + k]);
    }
    return push(y, xs, xdots, Graph::keep);
  }
};

extern const RegisteredOp tiled_sum, tiled_gradient;

// The gradient of the tiled sum of the function pushed along `tangents`: the second order of everything here.
Var pushed_gradient(const Call& call, PoolVector<std::size_t> moving, std::span<const Var> tangents,
                    std::size_t wanted) {
  const Tiled& own = call.attr<Tiled>();
  auto pushed = std::allocate_shared<PushedTile>(PoolAllocator<PushedTile>{});
  pushed->f = own.f;
  pushed->arguments = call.xs.size();
  pushed->moving = std::move(moving);
  Vars args(call.xs.begin(), call.xs.end());
  args.insert(args.end(), tangents.begin(), tangents.end());
  Flags by_row = own.by_row;
  for (const std::size_t k : pushed->moving) by_row.push_back(own.by_row[k]);
  return record(tiled_gradient.op, args,
                make_attributes(Tiled{std::move(pushed), own.tiles, std::move(by_row), wanted, {}, {}}));
}

// The gradient of a tiled sum as a Var that can be differentiated again; its value is known.
Var gradient_var(const Call& call) {
  const Tiled& own = call.attr<Tiled>();
  return record(
      tiled_gradient.op, call.xs,
      make_attributes(Tiled{own.f, own.tiles, own.by_row, call.xs.size(), {}, flatten(own.gradients)}));
}

struct Piece {
  std::int64_t begin, end;
};
PoolVector<Piece> pieces_of(std::span<const Var> xs) {
  PoolVector<Piece> result;
  std::int64_t n = 0;
  for (const Var& x : xs) {
    result.push_back({n, n + x.size()});
    n += x.size();
  }
  return result;
}
Var piece_like(const Var& flat, const Piece& piece, const Var& x) {
  return reshape(slice(flat, 0, piece.begin, piece.end), x.shape());
}

namespace sum_rules {

Tensor forward(const Call& call) {
  Tiled& own = call.attr<Tiled>();
  Partial sum = run_tiles(*own.f, own.tiles, call.xs, own.by_row, own.wanted);
  own.gradients = std::move(sum.gradients);
  return scalar(sum.value, call.xs[0].dtype());
}

Var push(const PushRule& rule) {
  const Tiled& own = rule.attr<Tiled>();
  Var ydot;
  const Var flat = rule.eager() ? Var() : gradient_var(rule);
  const auto pieces = pieces_of(rule.xs);
  for (std::size_t k = 0; k < rule.xs.size(); ++k) {
    if (!rule.xdots[k]) continue;
    Var term = dot(flat ? piece_like(flat, pieces[k], rule.xs[k]) : Var(own.gradients[k]), rule.xdots[k]);
    ydot = ydot ? ydot + term : std::move(term);
  }
  return ydot;
}

void pull(const PullRule& rule) {
  const Tiled& own = rule.attr<Tiled>();
  const bool unit = rule.eager() && rule.ybar.item() == 1;
  const Var flat = rule.eager() ? Var() : gradient_var(rule);
  const auto pieces = pieces_of(rule.xs);
  for (std::size_t k = 0; k < rule.xs.size(); ++k) {
    if (!rule.wants(k)) continue;
    const Var gradient = flat ? piece_like(flat, pieces[k], rule.xs[k]) : Var(own.gradients[k]);
    rule.add(k, unit ? gradient : rule.ybar * gradient);
  }
}

}  // namespace sum_rules

namespace gradient_rules {

Tensor forward(const Call& call) {
  Tiled& own = call.attr<Tiled>();
  if (own.flat) return std::move(own.flat);
  return flatten(run_tiles(*own.f, own.tiles, call.xs, own.by_row, own.wanted).gradients);
}

Var push(const PushRule& rule) {
  PoolVector<std::size_t> moving;
  Vars tangents;
  for (std::size_t k = 0; k < rule.xs.size(); ++k) {
    if (!rule.xdots[k]) continue;
    moving.push_back(k);
    tangents.push_back(rule.xdots[k]);
  }
  return pushed_gradient(rule, std::move(moving), tangents, rule.attr<Tiled>().wanted);
}

// The Jacobian of a gradient is symmetric: its transpose along w is again the gradient pushed along w.
void pull(const PullRule& rule) {
  PoolVector<std::size_t> moving;
  Vars tangents;
  const auto pieces = pieces_of(rule.xs);
  for (std::size_t k = 0; k < rule.attr<Tiled>().wanted; ++k) {
    moving.push_back(k);
    tangents.push_back(piece_like(rule.ybar, pieces[k], rule.xs[k]));
  }
  const Var flat = pushed_gradient(rule, std::move(moving), tangents, rule.xs.size());
  for (std::size_t k = 0; k < rule.xs.size(); ++k)
    if (rule.wants(k)) rule.add(k, piece_like(flat, pieces[k], rule.xs[k]));
}

}  // namespace gradient_rules

// A small network's misfit over a few tiles of uneven length; each tile has a shift of its own.
struct SampleTile final : TileFunction {
  Tensor points;
  Var operator()(const Vars& xs, const Tile& tile) const override {
    const Var x(tile.rows(points).cast(xs[0].dtype()));
    return sum(square(matmul(tanh(matmul(x, xs[0]) + xs[2]), xs[1]) - 0.3));
  }
};

std::vector<Sample> samples_of(bool gradient) {
  std::vector<Sample> result;
  for (const std::int64_t points : {0, 1, 7, 40}) {
    const Stream root = Stream(1, "tiles").child("points", static_cast<std::uint64_t>(points));
    auto f = std::make_shared<SampleTile>();
    f->points = root.child("x").uniform({points, 2}, Dtype::f64, -1, 1);
    const Tiles tiles{points, 3};
    result.push_back({fmt::format("{} points", points),
                      {root.child("w").uniform({2, 4}, Dtype::f64, -1, 1),
                       root.child("v").uniform({4, 1}, Dtype::f64, -1, 1),
                       root.child("s").uniform({tiles.count(), 4}, Dtype::f64, -1, 1)},
                      [f, tiles, gradient](const Vars& xs) {
                        return gradient
                                   ? record(tiled_gradient.op, xs,
                                            make_attributes(Tiled{f, tiles, {false, false, true}, 3, {}, {}}))
                                   : sum_over_tiles(tiles, xs, f, 1);
                      }});
  }
  return result;
}

const RegisteredOp tiled_sum({"tiled_sum", &sum_rules::forward, &sum_rules::push, &sum_rules::pull,
                              [] { return samples_of(false); }});
const RegisteredOp tiled_gradient({"tiled_gradient", &gradient_rules::forward, &gradient_rules::push,
                                   &gradient_rules::pull, [] { return samples_of(true); }});

}  // namespace

Var sum_over_tiles(const Tiles& tiles, const Vars& args, std::shared_ptr<const TileFunction> f,
                   std::size_t by_row) {
  if (args.empty()) fail<ShapeError>("sum_over_tiles", "no arguments");
  if (tiles.points < 0 || tiles.per_tile <= 0)
    fail<ShapeError>("sum_over_tiles", fmt::format("{} points in tiles of {}", tiles.points, tiles.per_tile));
  if (by_row > args.size())
    fail<ShapeError>("sum_over_tiles", fmt::format("{} arguments, {} of them by row", args.size(), by_row));
  Flags flags(args.size() - by_row, false);
  for (std::size_t k = flags.size(); k < args.size(); ++k) {
    const Shape& shape = args[k].shape();
    if (shape.rank() == 0 || shape[0] != tiles.count())
      fail<ShapeError>("sum_over_tiles", fmt::format("argument {} is {}: not a row for each of {} tiles", k,
                                                     to_string(shape), tiles.count()));
    flags.push_back(true);
  }
  const std::size_t wanted = any_tracked(args) ? args.size() : 0;
  return record(tiled_sum.op, args,
                make_attributes(Tiled{std::move(f), tiles, std::move(flags), wanted, {}, {}}));
}

}  // namespace lowtide
