// A sum over sample points, cut into tiles: one op on the tape, whose forward runs the function
// forwards and backwards for every tile on a private tape, in parallel, and keeps the gradient.
// Activations stay in cache, memory does not grow with the number of points, and the result has the
// same bits on any number of threads: tiles are added in an order that their number alone decides.
//
// The tile function may use its arguments and captured tensors, but no Var from outside. Capture by
// value: for second derivatives it is called again after the function around it has returned.
#pragma once
#include <lowtide/autodiff/functions.h>

namespace lowtide {

struct Tile {
  std::int64_t index, begin, end;  // points [begin, end)
  std::int64_t size() const { return end - begin; }
  Tensor rows(const Tensor& x) const { return x.rows(begin, end); }
};

struct Tiles {
  std::int64_t points, per_tile = 500;
  std::int64_t count() const { return points <= 0 ? 0 : (points + per_tile - 1) / per_tile; }
  Tile operator[](std::int64_t i) const;
};

// One tile's share of the sum: a scalar.
struct TileFunction {
  virtual ~TileFunction() = default;
  virtual Var operator()(const Vars& args, const Tile& tile) const = 0;
};

// The last `by_row` arguments have a row for every tile, and each tile is given its own, as (1,...): what
// belongs to one tile alone, such as the coefficients of its time, then costs no more than itself.
Var sum_over_tiles(const Tiles& tiles, const Vars& args, std::shared_ptr<const TileFunction> f,
                   std::size_t by_row = 0);

template <class F>
  requires std::is_invocable_r_v<Var, const F&, const Vars&, const Tile&>
Var sum_over_tiles(const Tiles& tiles, const Vars& args, F f, std::size_t by_row = 0) {
  struct Closure final : TileFunction {
    explicit Closure(F function) : f(std::move(function)) {}
    Var operator()(const Vars& xs, const Tile& tile) const override { return f(xs, tile); }
    F f;
  };
  return sum_over_tiles(tiles, args, std::allocate_shared<Closure>(PoolAllocator<Closure>{}, std::move(f)),
                        by_row);
}

}  // namespace lowtide
