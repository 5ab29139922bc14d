#include <fmt/format.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/quantized.h>
#include <lowtide/reduction/weight_compression.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

constexpr const char* names[] = {"hmatrix", "svd", "prune", "int8"};
constexpr double each = sizeof(float);  // bytes a number

CompressedWeight kept_whole(const WeightCandidates& c) {
  CompressedWeight whole;
  whole.parameters = {c.w};
  whole.bytes = whole.form.bytes(c.w.shape[0], c.w.shape[1]);
  return whole;
}

// With the error as it is; W itself where the form takes more.
CompressedWeight finished(const WeightCandidates& c, WeightForm form, Tensors parameters, double bound) {
  const std::int64_t in = c.w.shape[0], out = c.w.shape[1];
  CompressedWeight made{.form = std::move(form), .parameters = std::move(parameters), .bound = bound};
  made.bytes = made.form.bytes(in, out);
  if (made.bytes >= kept_whole(c).bytes) return kept_whole(c);
  const Tensor stored = made.form.kind == WeightForm::Kind::int8
                            ? dense(quantized(c.w))
                            : weight_of(made.form, made.parameters, in, out);
  const Tensor d = (Var(c.w.cast(Dtype::f64)) - Var(stored.cast(Dtype::f64))).value();
  made.error = weighted_norm(d, c.gram);
  return made;
}

// Factors in f32 are off by eps of their own, products of them by about twice that; |W| is what both are made
// of.
double rounding(const WeightCandidates& c) { return 4e-7 * c.size; }

// Blocks whose errors lie in one column add up to this times the root of their squares.
double meeting(const BlockStructure& s) {
  std::vector<std::int64_t> change(static_cast<std::size_t>(s.cols + 1), 0);
  for (const Block& b : s.blocks) {
    if (b.dense()) continue;
    ++change[static_cast<std::size_t>(b.col)];
    --change[static_cast<std::size_t>(b.col + b.cols)];
  }
  std::int64_t now = 0, most = 1;
  for (const std::int64_t c : change) most = std::max(most, now += c);
  return std::sqrt(static_cast<double>(most));
}

double promised(const WeightCandidates& c, const Chosen& chosen) {
  return chosen.error * (c.gram ? meeting(chosen.structure) : 1) + rounding(c);
}

CompressedWeight of_blocks(const WeightCandidates& c, const Chosen& chosen) {
  const HMatrix h = hmatrix(c.spectra, chosen, Dtype::f32);
  WeightForm form;
  const auto& blocks = h.structure.blocks;
  if (blocks.size() == 1 && blocks[0].dense()) return kept_whole(c);
  if (blocks.size() == 1 && blocks[0].rank > 0) {
    form.kind = WeightForm::Kind::svd;
    form.rank = blocks[0].rank;
    const std::int64_t m = h.structure.rows, n = h.structure.cols, k = form.rank;
    Tensor u({m, k}, Dtype::f32), vt({k, n}, Dtype::f32);
    std::copy_n(h.values.data<float>(), m * k, u.mutable_data<float>());
    std::copy_n(h.values.data<float>() + m * k, k * n, vt.mutable_data<float>());
    return finished(c, form, {u, vt}, promised(c, chosen));
  }
  form.kind = WeightForm::Kind::blocks;
  form.blocks = std::make_shared<const BlockStructure>(h.structure);
  return finished(c, form, {h.values}, promised(c, chosen));
}

CompressedWeight of_largest(const WeightCandidates& c, std::size_t count) {
  WeightForm form;
  if (count == 0) {  // no bits are needed to say that nothing is left
    form.kind = WeightForm::Kind::blocks;
    form.blocks = std::make_shared<const BlockStructure>(block_structure(c.w.shape[0], c.w.shape[1], "r0"));
    return finished(c, form, {zeros({0}, Dtype::f32)}, c.size * (1 + 1e-12));
  }
  form.kind = WeightForm::Kind::sparse;
  std::vector<std::int64_t> places(c.by_size.begin(), c.by_size.begin() + static_cast<std::ptrdiff_t>(count));
  std::sort(places.begin(), places.end());
  form.places = std::make_shared<const std::vector<std::int64_t>>(std::move(places));
  return finished(c, form, parameters_for(form, c.w, Stream()), std::sqrt(c.rest[count]) * (1 + 1e-12));
}

CompressedWeight in_bytes(const WeightCandidates& c) {
  WeightForm form;
  form.kind = WeightForm::Kind::int8;
  const Quantized q = quantized(c.w);
  return finished(c, form, {dense(q)}, q.error_bound() + rounding(c));
}

}  // namespace

const char* name_of(CompressBy by) { return names[static_cast<int>(by)]; }

CompressBy compress_by_named(const std::string& name) {
  const auto* const found = std::find(std::begin(names), std::end(names), name);
  if (found == std::end(names))
    fail<ShapeError>("compress", fmt::format("no method {}; there are hmatrix, svd, prune, int8", name));
  return static_cast<CompressBy>(found - names);
}

double weighted_norm(const Tensor& d, const Tensor& gram) {
  if (!gram) return norm(d);
  const Tensor product = multiply(gram, d);
  return std::sqrt(std::max(0.0, dot(d.reshaped({d.size()}), product.reshaped({d.size()}))));
}

WeightCandidates weight_candidates(const Tensor& w, const CompressOptions& o, const Tensor& gram) {
  require_matrix("compress", w);
  require_finite("compress", w);
  const bool blocks = o.by == CompressBy::hmatrix || o.by == CompressBy::svd;
  WeightCandidates c{.by = o.by, .w = w.cast(Dtype::f32), .gram = blocks ? gram : Tensor()};
  c.size = weighted_norm(w.cast(Dtype::f64), c.gram);
  if (blocks)
    c.spectra = block_spectra(w.cast(Dtype::f64),
                              {.leaf = o.leaf, .depth = o.by == CompressBy::svd ? 0 : 20, .gram = c.gram});
  if (o.by != CompressBy::prune) return c;
  c.by_size = places_by_size(w);
  c.rest.assign(c.by_size.size() + 1, 0);
  for (std::size_t k = c.by_size.size(); k-- > 0;) c.rest[k] = c.rest[k + 1] + std::pow(w.at(c.by_size[k]), 2);
  return c;
}

CompressedWeight compress_to_error(const WeightCandidates& c, double tolerance) {
  CompressedWeight made;
  if (c.by == CompressBy::int8) return in_bytes(c);
  if (c.by == CompressBy::prune) {
    const auto count = std::partition_point(c.rest.begin(), c.rest.end(),
                                            [&](double rest) { return rest > tolerance * tolerance; }) -
                       c.rest.begin();
    made = of_largest(c, static_cast<std::size_t>(count));
  } else {
    const double left = tolerance - rounding(c);
    if (!(left > 0)) return kept_whole(c);
    Chosen chosen = choose_for_error(c.spectra, left);
    // With a gram errors that meet may add up: what is allowed shrinks until even that is within the tolerance.
    for (double allowed = left; c.gram && promised(c, chosen) > tolerance;)
      chosen = choose_for_error(c.spectra,
                                allowed *= .8 * left / (left + chosen.error * (meeting(chosen.structure) - 1)));
    made = of_blocks(c, chosen);
  }
  if (made.error > tolerance) return kept_whole(c);  // by rounding
  made.bound = made.error == 0 && made.bound == 0 ? 0 : tolerance;
  return made;
}

CompressedWeight compress_at_rate(const WeightCandidates& c, double rate) {
  if (c.by == CompressBy::int8) return in_bytes(c);
  if (c.by == CompressBy::prune) {
    const auto count =
        std::partition_point(c.by_size.begin(), c.by_size.end(),
                             [&](std::int64_t place) { return std::pow(c.w.at(place), 2) > each * rate; }) -
        c.by_size.begin();
    return of_largest(c, static_cast<std::size_t>(count));
  }
  return of_blocks(c, choose_by_rate(c.spectra, each * rate));
}

CompressedWeight compress_to_bytes(const WeightCandidates& c, std::int64_t bytes) {
  if (bytes >= kept_whole(c).bytes) return kept_whole(c);
  if (c.by == CompressBy::int8) return in_bytes(c);
  if (c.by == CompressBy::prune) {
    const std::int64_t left = bytes - of_largest(c, 0).bytes;
    return of_largest(c, static_cast<std::size_t>(std::max<std::int64_t>(0, left) / sizeof(float)));
  }
  // The text of the structure takes bytes too, how many is known afterwards.
  std::int64_t entries = std::max<std::int64_t>(0, bytes / static_cast<std::int64_t>(sizeof(float)));
  CompressedWeight made = of_blocks(c, choose_for_entries(c.spectra, entries));
  for (int k = 0; k < 4 && made.bytes > bytes && entries > 0; ++k) {
    entries = std::max<std::int64_t>(0, entries - (made.bytes - bytes + 3) / 4);
    made = of_blocks(c, choose_for_entries(c.spectra, entries));
  }
  return made;
}

void shrink_singular_values(const WeightForm& form, std::span<Tensor> parameters, double part) {
  const bool one = form.kind == WeightForm::Kind::svd;
  if (!one && form.kind != WeightForm::Kind::blocks) return;
  Tensor& values =
      parameters[0];  // of a block of low rank U comes first, with the singular values in its columns
  std::vector<Block> blocks;
  if (one)
    blocks = {{.rows = values.shape[0], .cols = 0, .rank = form.rank}};
  else
    blocks = form.blocks->blocks;
  dispatch(values.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto each_column = [&](auto&& see) {
      T* u = values.mutable_data<T>();
      for (const Block& b : blocks) {
        for (std::int64_t j = 0; j < b.rank; ++j) {
          double square = 0;
          for (std::int64_t i = 0; i < b.rows; ++i)
            square += std::pow(static_cast<double>(u[i * b.rank + j]), 2);
          see(u + j, b, std::sqrt(square));
        }
        u += b.entries();
      }
    };
    double largest = 0;
    each_column([&](const T*, const Block&, double s) { largest = std::max(largest, s); });
    each_column([&](T* column, const Block& b, double s) {
      const double factor = s > 0 ? std::max(0.0, 1 - part * largest / s) : 0;
      for (std::int64_t i = 0; i < b.rows; ++i) column[i * b.rank] *= static_cast<T>(factor);
    });
  });
}

WeightCandidates one_block(const WeightCandidates& c) {
  WeightCandidates one = c;
  one.by = CompressBy::svd;
  one.spectra.nodes = {c.spectra.nodes.front()};
  one.spectra.nodes.front().child = -1;
  return one;
}

}  // namespace lowtide
