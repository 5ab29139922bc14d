#include <fmt/format.h>
#include <lowtide/linalg/hmatrix.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/models/weight_form.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace lowtide {
namespace {

using Kind = WeightForm::Kind;
using Middle = WeightForm::Middle;

constexpr std::int64_t leaf = 32;  // of blocks that are asked for by their rank
constexpr const char* middles[] = {"none", "diagonal", "full"};

template <class T>
T number_in(std::string_view text, std::string_view of) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    fail<ShapeError>("weight", fmt::format("'{}' is not a number, in '{}'", text, of));
  return value;
}

// The leading part of a singular value decomposition as factors.
Tensors svd_parameters(const WeightForm& form, const Tensor& w) {
  const Svd parts = svd(w.cast(Dtype::f64));
  const std::int64_t m = w.shape[0], n = w.shape[1], k = form.rank, all = parts.s.size();
  Tensor u({m, k}, Dtype::f64), vt = parts.vt.rows(0, k);
  const bool within = form.middle == Middle::none;
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < k; ++j)
      u.mutable_data<double>()[i * k + j] = parts.u.at(i * all + j) * (within ? parts.s.at(j) : 1);
  Tensors parameters{u.cast(w.dtype)};
  if (form.middle == Middle::diagonal) parameters.push_back(parts.s.rows(0, k).cast(w.dtype));
  if (form.middle == Middle::full) {
    Tensor s = zeros({k, k}, Dtype::f64);
    for (std::int64_t j = 0; j < k; ++j) s.mutable_data<double>()[j * (k + 1)] = parts.s.at(j);
    parameters.push_back(s.cast(w.dtype));
  }
  parameters.push_back(vt.reshaped({k, n}).cast(w.dtype));
  return parameters;
}

}  // namespace

PoolVector<Shape> WeightForm::shapes(std::int64_t in, std::int64_t out) const {
  switch (kind) {
    case Kind::svd:
      if (middle == Middle::none) return {{in, rank}, {rank, out}};
      return {{in, rank}, middle == Middle::diagonal ? Shape{rank} : Shape{rank, rank}, {rank, out}};
    case Kind::blocks:
      return {{blocks->entries()}};
    case Kind::sparse:
      return {{std::ssize(*places)}};
    default:
      return {{in, out}};
  }
}

std::vector<const char*> WeightForm::names() const {
  switch (kind) {
    case Kind::svd:
      return middle == Middle::none ? std::vector{"U", "V"} : std::vector{"U", "S", "V"};
    case Kind::blocks:
      return {"H"};
    case Kind::sparse:
      return {"sparse"};
    default:
      return {"W"};
  }
}

std::int64_t WeightForm::entries(std::int64_t in, std::int64_t out) const {
  std::int64_t count = 0;
  for (const Shape& shape : shapes(in, out)) count += shape.size();
  return count;
}

std::int64_t WeightForm::bytes(std::int64_t in, std::int64_t out) const {
  constexpr auto each = static_cast<std::int64_t>(sizeof(float));
  if (kind == Kind::int8) return in * out + each * out;
  const std::int64_t numbers = each * entries(in, out);
  if (kind == Kind::blocks) return numbers + std::ssize(blocks->text);
  return kind == Kind::sparse ? numbers + (in * out + 7) / 8 : numbers;
}

double WeightForm::products(std::int64_t in, std::int64_t out) const {
  const bool as_dense = kind == Kind::sparse || kind == Kind::int8;
  return static_cast<double>(as_dense ? in * out : entries(in, out));
}

std::string text_of(const WeightForm& form) {
  switch (form.kind) {
    case Kind::svd:
      return fmt::format("svd {} {}", form.rank, middles[static_cast<int>(form.middle)]);
    case Kind::blocks:
      return "blocks " + form.blocks->text;
    case Kind::sparse:
      return "sparse";
    case Kind::int8:
      return "int8";
    default:
      return "dense";
  }
}

WeightForm weight_form(std::string_view text, std::int64_t in, std::int64_t out) {
  WeightForm form;
  const std::size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space),
                         rest = space == std::string_view::npos ? "" : text.substr(space + 1);
  if (text == "dense") return form;
  if (text == "int8" || text == "sparse") {
    form.kind = text == "int8" ? Kind::int8 : Kind::sparse;
    if (form.kind == Kind::sparse) form.places = std::make_shared<const std::vector<std::int64_t>>();
    return form;
  }
  if (word == "blocks") {
    form.kind = Kind::blocks;
    form.blocks = std::make_shared<const BlockStructure>(block_structure(in, out, rest));
    return form;
  }
  if (word == "svd") {
    form.kind = Kind::svd;
    const std::size_t cut = rest.find(' ');
    form.rank = number_in<std::int64_t>(rest.substr(0, cut), text);
    const std::string_view middle = cut == std::string_view::npos ? "none" : rest.substr(cut + 1);
    const auto found = std::find(std::begin(middles), std::end(middles), middle);
    if (found != std::end(middles) && form.rank >= 1 && form.rank <= std::min(in, out)) {
      form.middle = static_cast<Middle>(found - middles);
      return form;
    }
  }
  fail<ShapeError>("weight", fmt::format("'{}' is no form of a weight ({},{})", text, in, out));
}

std::vector<std::uint8_t> bits_of(const std::vector<std::int64_t>& places, std::int64_t size) {
  std::vector<std::uint8_t> bits(static_cast<std::size_t>((size + 7) / 8), 0);
  for (const std::int64_t p : places)
    bits[static_cast<std::size_t>(p / 8)] |= static_cast<std::uint8_t>(1 << (p % 8));
  return bits;
}

std::vector<std::int64_t> places_of(const std::vector<std::uint8_t>& bits, std::int64_t size) {
  if (std::ssize(bits) != (size + 7) / 8)
    fail<ShapeError>("weight", fmt::format("{} bytes of places for {} entries", bits.size(), size));
  std::vector<std::int64_t> places;
  for (std::int64_t p = 0; p < size; ++p)
    if (bits[static_cast<std::size_t>(p / 8)] >> (p % 8) & 1) places.push_back(p);
  return places;
}

std::vector<std::int64_t> places_by_size(const Tensor& w) {
  std::vector<std::int64_t> places(static_cast<std::size_t>(w.size()));
  std::iota(places.begin(), places.end(), 0);
  std::stable_sort(places.begin(), places.end(),
                   [&](std::int64_t a, std::int64_t b) { return std::abs(w.at(a)) > std::abs(w.at(b)); });
  return places;
}

Tensors parameters_for(const WeightForm& form, const Tensor& w, const Stream& stream) {
  switch (form.kind) {
    case Kind::svd:
      return svd_parameters(form, w);
    case Kind::blocks: {
      Stream sketches = stream.child("blocks");
      return {approximated(w, *form.blocks, sketches).values};
    }
    case Kind::sparse: {
      Tensor values({std::ssize(*form.places)}, w.dtype);
      dispatch(w.dtype, [&](auto zero) {
        using T = decltype(zero);
        T* to = values.mutable_data<T>();
        for (const std::int64_t p : *form.places) *to++ = w.data<T>()[p];
      });
      return {values};
    }
    default:
      return {w};
  }
}

Var times_weight(const Var& z, const WeightForm& form, std::span<const Var> p, std::int64_t out) {
  switch (form.kind) {
    case Kind::svd: {
      const Var inner = matmul(z, p[0]);
      if (form.middle == Middle::none) return matmul(inner, p[1]);
      return matmul(form.middle == Middle::diagonal ? inner * p[1] : matmul(inner, p[1]), p[2]);
    }
    case Kind::blocks:
      return block_matmul(z, p[0], form.blocks);
    case Kind::sparse: {
      const std::int64_t in = z.shape()[1];
      return matmul(z, reshape(scatter_add(p[0], *form.places, in * out), {in, out}));
    }
    case Kind::int8:
      return matmul(z, in_eight_bits(p[0]));
    default:
      return matmul(z, p[0]);
  }
}

Tensor weight_of(const WeightForm& form, std::span<const Tensor> parameters, std::int64_t in,
                 std::int64_t out) {
  const Vars p(parameters.begin(), parameters.end());
  return times_weight(Var(eye(in, parameters[0].dtype)), form, p, out).value();
}

WeightForm form_asked(std::string_view request, const Tensor& w, Middle middle) {
  const std::int64_t in = w.shape[0], out = w.shape[1], most = std::min(in, out);
  const std::size_t colon = request.find(':');
  const std::string_view word = request.substr(0, colon),
                         argument = colon == std::string_view::npos ? "" : request.substr(colon + 1);
  WeightForm form;
  if (request == "dense") return form;
  if (request == "int8") {
    form.kind = Kind::int8;
    return form;
  }
  if (request == "thin" || word == "rank" || word == "tol") {
    form.kind = Kind::svd;
    form.middle = middle;
    form.rank = most;
    if (word == "rank")
      form.rank = std::clamp<std::int64_t>(number_in<std::int64_t>(argument, request), 1, most);
    if (word == "tol") {
      const double least = number_in<double>(argument, request);
      const Tensor s = svd(w).s;
      while (form.rank > 1 && !(s.at(form.rank - 1) >= least)) --form.rank;
    }
    return form;
  }
  if (word == "hmatrix") {
    const auto rank = number_in<std::int64_t>(argument, request);
    form.kind = Kind::blocks;
    form.blocks = std::make_shared<const BlockStructure>(off_diagonal_structure(in, out, rank, leaf));
    return form;
  }
  if (word == "prune") {
    const double share = number_in<double>(argument, request);
    if (!(share > 0 && share <= 1)) fail<ShapeError>("weight", fmt::format("'{}': a share of (0,1]", request));
    std::vector<std::int64_t> places = places_by_size(w);
    places.resize(static_cast<std::size_t>(std::ceil(share * static_cast<double>(w.size()))));
    std::sort(places.begin(), places.end());
    form.kind = Kind::sparse;
    form.places = std::make_shared<const std::vector<std::int64_t>>(std::move(places));
    return form;
  }
  fail<ShapeError>(
      "weight", fmt::format("'{}' is none of dense, thin, rank:K, tol:T, hmatrix:K, prune:P, int8", request));
}

}  // namespace lowtide
