// The loss of a batch against (4.10) written out, and its gradient for every model.
#include <fmt/format.h>
#include <lowtide/autodiff.h>
#include <lowtide/experiments/batch_loss.h>
#include <lowtide/io/file.h>

#include "../models/check_model.h"
#include "../run/support.h"
#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

Network small(const std::string& model, const std::vector<std::string>& more, std::int64_t in,
              std::int64_t out) {
  std::vector<std::string> given{"model.width=6"};
  if (model != "nif") given.push_back("model.depth=3");
  if (model.starts_with("lrnr") || model == "colora") given.push_back("model.rank=3");
  if (model == "lrnr" || model == "colora" || model.starts_with("siren"))
    given.push_back("model.hyper_width=4");
  given.insert(given.end(), more.begin(), more.end());
  Settings settings(given);
  Network net = network_from(settings, "fast", model, Learning{});
  fit(net, in, out, 0);
  return net;
}

// Near those that a model starts with, but nothing is zero.
Tensors general(const Network& net) {
  Tensors theta = init(net, Stream(1, "model"), Dtype::f64);
  for (std::size_t k = 0; k < theta.size(); ++k) {
    const Tensor noise = Stream(2, "noise").child("p", k).normal(theta[k].shape, Dtype::f64, 0, .1);
    for (std::int64_t i = 0; i < noise.size(); ++i) theta[k].mutable_data<double>()[i] += noise.at(i);
  }
  return theta;
}

Tensors cast(const Tensors& all, Dtype dtype) {
  Tensors result;
  for (const Tensor& one : all) result.push_back(one.cast(dtype));
  return result;
}

struct Problem {
  Recipe recipe{};
  Network net;
  Misfit kind{};
  TrainingData data;
  std::vector<TrainingData::Piece> pieces;

  Var in_floats(const Vars& p) const {
    BatchLoss::Parts parts;
    return BatchLoss(recipe, net, data, kind, pieces)(p, parts);
  }
  std::vector<std::int64_t> frames() const {
    std::vector<std::int64_t> all;
    for (const auto& piece : pieces)
      if (all.empty() || all.back() != piece.frame) all.push_back(piece.frame);
    return all;
  }
  Var s_of(const Vars& p, std::int64_t frame) const {
    const Tensor t = data.times().rows(frame, frame + 1).cast(Dtype::f64);
    return reshape(coefficients_at_times(net, p, Var(t)), {coefficients(net)});
  }
  // The same loss in f64, of one piece after the other.
  Var in_doubles(const Vars& p) const {
    const std::int64_t fields = pieces[0].y.shape[1];
    Tensor scales({fields}, Dtype::f64);
    for (std::int64_t f = 0; f < fields; ++f) {
      double size = 0;
      for (const auto& piece : pieces) size += kind.denominator(piece.y, piece.weights, f);
      scales.mutable_data<double>()[f] = 1 / (size * static_cast<double>(fields));
    }
    Var loss(scalar(0, Dtype::f64));
    for (const auto& piece : pieces) {
      const Var u = field(net, p, Var(piece.x.cast(Dtype::f64)), s_of(p, piece.frame));
      loss = loss + kind.numerator(u, Var(piece.y.cast(Dtype::f64)),
                                   piece.weights ? Var(piece.weights.cast(Dtype::f64)) : Var(), Var(scales));
    }
    const auto factors = low_rank(net);
    if (!factors) return loss;
    const double share = 1 / static_cast<double>(frames().size());
    for (const std::int64_t frame : frames())
      loss = loss + recipe.sparse * share * sparsity_penalty(s_of(p, frame), factors->rank, recipe.gamma);
    return loss +
           recipe.ortho * orthogonality_penalty(std::span(p).first(factors->parameter_tensors()), recipe.gram);
  }
};

// (4.10) as it stands there, one number at a time.
BatchLoss::Parts by_loops(const Problem& problem, const Tensors& theta) {
  const Vars p = vars(theta);
  BatchLoss::Parts parts;
  const Misfit& kind = problem.kind;
  const std::int64_t fields = problem.pieces[0].y.shape[1];
  for (std::int64_t f = 0; f < fields; ++f) {
    double above = 0, below = 0;
    for (const auto& piece : problem.pieces) {
      const Tensor u =
          field(problem.net, p, Var(piece.x.cast(Dtype::f64)), problem.s_of(p, piece.frame)).value();
      for (std::int64_t i = 0; i < piece.y.shape[0]; ++i) {
        const double w = piece.weights ? piece.weights.at(i) : 1, y = piece.y.at(i * fields + f),
                     d = u.at(i * fields + f) - y;
        above += w * (kind.kind == Misfit::Kind::squares ? d * d
                      : kind.kind == Misfit::Kind::absolute
                          ? std::abs(d)
                          : std::sqrt(d * d + kind.delta * kind.delta) - kind.delta);
        below += w * (kind.kind == Misfit::Kind::squares ? y * y : std::abs(y));
      }
    }
    parts.misfit += above / below / static_cast<double>(fields);
  }
  const auto net = low_rank(problem.net);
  if (!net) return parts;
  for (const std::int64_t frame : problem.frames()) {
    const Tensor s = problem.s_of(p, frame).value();
    for (std::int64_t j = 0; j + 1 < s.size(); ++j)
      if ((j + 1) % net->rank != 0)
        parts.sparse += std::max(0.0, problem.recipe.gamma * s.at(j + 1) - s.at(j)) /
                        static_cast<double>(problem.frames().size());
  }
  for (std::size_t k = 0; k < net->parameter_tensors(); ++k) {
    const Tensor& a = theta[k];  // (r,M): the paper's A is its transpose
    const std::int64_t r = a.shape[0], width = a.shape[1];
    for (std::int64_t i = 0; i < r; ++i)
      for (std::int64_t j = 0; j < r; ++j) {
        double product = i == j ? -1 : 0;
        for (std::int64_t m = 0; m < width; ++m) product += a.at(i * width + m) * a.at(j * width + m);
        parts.ortho += product * product / static_cast<double>(a.size());
      }
  }
  return parts;
}

Problem problem_of(const Snapshots& set, const Network& net, const Recipe& recipe, const Misfit& kind,
                   const char* batch, std::int64_t most, bool weighted) {
  const FrameBatches dealer = FrameBatches::parse(batch);
  TrainingData data(set, scaling_of(set, ""), set.training(), dealer.stride, weighted);
  auto pieces = data.tiles(dealer.epoch(Stream(1, "deal"), 0, data.frames()).at(0), most);
  return {recipe, net, kind, std::move(data), std::move(pieces)};
}

void check_value(const Problem& problem) {
  const Tensors theta = cast(general(problem.net), Dtype::f32);
  const BatchLoss loss(problem.recipe, problem.net, problem.data, problem.kind, problem.pieces);
  BatchLoss::Parts parts;
  const double value = loss(vars(theta), parts).value().item();
  const BatchLoss::Parts wanted = by_loops(problem, cast(theta, Dtype::f64));
  BOOST_TEST(near(parts.misfit, wanted.misfit, 2e-6));
  if (problem.recipe.sparse > 0) BOOST_TEST(near(parts.sparse, wanted.sparse, 2e-6));
  if (problem.recipe.ortho > 0) BOOST_TEST(near(parts.ortho, wanted.ortho, 2e-6));
  BOOST_TEST(near(value,
                  wanted.misfit + problem.recipe.sparse * wanted.sparse + problem.recipe.ortho * wanted.ortho,
                  3e-6));
  double points = 0;
  for (const auto& piece : problem.pieces) points += static_cast<double>(piece.y.shape[0]);
  BOOST_TEST(loss.points() == points);
}

// Training's gradient in f32 is near the one in f64, for the same parameters.
void check_gradient(const Problem& problem) {
  const Tensors theta = cast(general(problem.net), Dtype::f32);
  const Tensors wanted = value_and_grad([&](const Vars& p) { return problem.in_doubles(p); },
                                        cast(theta, Dtype::f64))
                             .gradient,
                given = value_and_grad([&](const Vars& p) { return problem.in_floats(p); }, theta).gradient;
  for (std::size_t k = 0; k < theta.size(); ++k)
    for (std::int64_t i = 0; i < theta[k].size(); ++i)
      BOOST_TEST(std::abs(given[k].at(i) - wanted[k].at(i)) <= 2e-4 * (max_abs(wanted[k]) + 1e-3),
                 "tensor " << k << " at " << i << ": " << given[k].at(i) << ", not " << wanted[k].at(i));
}

const Misfit squares{}, absolute{.kind = Misfit::Kind::absolute},
    charbonnier{.kind = Misfit::Kind::charbonnier, .delta = .05};

}  // namespace

BOOST_AUTO_TEST_SUITE(batch_loss_suite)

BOOST_AUTO_TEST_CASE(is_the_papers_equation) {
  Recipe penalties;
  penalties.sparse = .3;
  penalties.gamma = 1.2;
  penalties.ortho = .07;
  for (const Misfit& kind : {squares, absolute, charbonnier})
    for (const bool weighted : {false, true})
      for (const char* batch : {"1", "3", "100", "2:3"})
        for (const std::int64_t most : {3, 100})
          BOOST_TEST_CONTEXT(fmt::format("kind {}, weighted {}, batch {}, tiles of {}",
                                         static_cast<int>(kind.kind), weighted, batch, most)) {
            check_value(
                problem_of(waves(5, 13, 3), small("lrnr", {}, 1, 3), penalties, kind, batch, most, weighted));
            check_value(
                problem_of(scattered(4), small("lrnr-cheb", {}, 2, 1), penalties, kind, batch, most, weighted));
            check_value(problem_of(waves(5, 13), small("siren", {}, 1, 1), {}, kind, batch, most, weighted));
          }
}

// More than a tile takes, of frames that may share one.
BOOST_AUTO_TEST_CASE(many_points_of_many_frames) {
  Recipe penalties;
  penalties.sparse = .3;
  for (const char* model : {"lrnr", "lrnr-cheb", "colora", "siren-xt"})
    for (const char* batch : {"100", "7:2"}) BOOST_TEST_CONTEXT(model << " " << batch) {
        for (const std::int64_t most : {500, 40}) {
          const Problem problem =
              problem_of(waves(13, 150, 2), small(model, {}, 1, 2), penalties, squares, batch, most, true);
          check_value(problem);
          check_gradient(problem);
        }
      }
}

// Fields count alike, whatever their size.
BOOST_AUTO_TEST_CASE(the_misfit_is_the_mean_over_the_fields) {
  const auto value_for = [&](const Snapshots& set, const Misfit& kind) {
    const Network net = small("mlp", {}, set.dims(), 2);
    Tensors nothing = init(net, Stream(1, "model"));
    for (Tensor& p : nothing) p = zeros(p.shape, Dtype::f32);
    return problem_of(set, net, {}, kind, "2", 5, true).in_floats(vars(nothing)).value().item();
  };
  for (const Misfit& kind : {squares, absolute}) {
    BOOST_TEST(near(value_for(waves(3, 11, 2), kind), 1, 1e-6));  // of u = 0
    BOOST_TEST(near(value_for(scattered(3, 2), kind), 1, 1e-6));
  }
}

BOOST_AUTO_TEST_CASE(data_that_are_zero_are_refused) {
  Snapshots set = waves(3, 8);
  for (std::int64_t i = 0; i < 8; ++i) set.u.mutable_data<double>()[i] = 0;
  const Problem first = problem_of(set, small("mlp", {}, 1, 1), {}, squares, "100", 100, false);
  const auto only = first.data.tiles(FrameBatch{{0}, 0, 1}, 100);
  BOOST_TEST(
      contains(refusal([&] { BatchLoss(first.recipe, first.net, first.data, squares, only); }), "all zero"));
}

// The whole loss, penalties and hypernetworks included: Taylor's order in f64, and training's f32 is near.
BOOST_AUTO_TEST_CASE(gradients_of_every_model) {
  struct Row {
    const char* model;
    std::vector<std::string> settings;
  };
  std::vector<Row> rows{{"siren", {}},    {"siren-shift", {"model.latent=3"}},
                        {"siren-xt", {}}, {"nif", {"model.hyper_width=5"}},
                        {"colora", {}},   {"colora", {"model.one_a_layer=true"}},
                        {"mlp", {}},      {"lrnr-cheb", {"model.terms=4"}}};
  for (const char* head : {"linear", "relu", "softplus"})
    for (const char* activation : {"tanh", "relu", "silu", "sin"})
      rows.push_back(
          {"lrnr", {fmt::format("model.head={}", head), fmt::format("model.activation={}", activation)}});
  Recipe penalties;
  penalties.sparse = .02;
  penalties.gamma = 1.1;
  penalties.ortho = .05;
  for (const Row& row : rows)
    for (const Misfit& kind : {squares, absolute, charbonnier})
      BOOST_TEST_CONTEXT(
          fmt::format("{} {} kind {}", row.model, fmt::join(row.settings, " "), static_cast<int>(kind.kind))) {
        const Problem problem =
            problem_of(scattered(3, 2), small(row.model, row.settings, 2, 2), penalties, kind, "2:2", 4, true);
        const Tensors theta = general(problem.net);
        const auto exact = [&](const Vars& p) { return problem.in_doubles(p); };
        // Steps short enough for the corners, or long enough for rounding; a wrong gradient has order 1 at all.
        double order = 0;
        for (const double h : {1e-4, 1e-5, 1e-6})
          if (order < 1.9) order = std::max(order, taylor_order(exact, theta, h));
        BOOST_TEST(order >= 1.9);
        check_gradient(problem);
      }
}

BOOST_AUTO_TEST_SUITE_END()
