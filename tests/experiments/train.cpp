// Training as a whole, on blast waves with sixty cells.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/experiments/job.h>
#include <lowtide/experiments/train.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/parallel.h>

#include <algorithm>
#include <sstream>

#include "../run/support.h"
#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

std::vector<std::string> tiny(std::vector<std::string> more) {
  for (const char* setting : {"run.case=euler1d", "cells=60", "frames=11"}) more.emplace_back(setting);
  if (!contains(fmt::format("{}", fmt::join(more, " ")), "model=pod"))
    for (const char* setting : {"model.width=16", "model.rank=4"}) more.emplace_back(setting);
  return more;
}

struct Finished {
  Prepared prepared;
  Outcome outcome;
  std::vector<std::string> lines;  // of metrics.jsonl

  double at(std::size_t line, const std::string& key) const {
    const std::size_t place = lines.at(line).find("\"" + key + "\": ");
    BOOST_REQUIRE_MESSAGE(place != std::string::npos, key << " in " << lines.at(line));
    return std::stod(lines.at(line).substr(place + key.size() + 4));
  }
};

Finished trained(const Folder& folder, const std::vector<std::string>& given) {
  Finished result{prepare(Settings(given), true), {}, {}};
  Run run({.folder = folder.path, .force = true, .quiet = true});
  result.outcome = train(run, result.prepared);
  run.ended("done");
  if (result.prepared.job.model == "pod") return result;
  std::istringstream metrics(read_file(folder / "metrics.jsonl"));
  for (std::string line; std::getline(metrics, line);) result.lines.push_back(line);
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(train_suite)

BOOST_AUTO_TEST_CASE(the_misfit_falls) {
  const Folder folder;
  for (const char* recipe : {"run.recipe=fast", "run.recipe=paper"}) {
    const Finished run =
        trained(folder, tiny({recipe, "train.epochs=30", "train.l1_epochs=0", "train.batch=3"}));
    BOOST_REQUIRE(run.lines.size() == 30);
    BOOST_TEST(run.at(29, "misfit") < .7 * run.at(0, "misfit"), recipe);
    BOOST_TEST(run.at(29, "step") == 59);  // six frames, three a step
    BOOST_TEST(run.at(29, "epoch") == 30);
    BOOST_TEST(run.outcome.steps == 60);
  }
}

// As many epochs of both kinds as the work is enough for, whatever their number would have been.
BOOST_AUTO_TEST_CASE(work_sets_the_epochs) {
  const Folder folder;
  const Finished nine = trained(folder, tiny({"train.epochs=6", "train.l1_epochs=3"}));
  const double work = nine.at(8, "gflop");
  const Finished same =
      trained(folder, tiny({"train.epochs=200", "train.l1_epochs=100", fmt::format("train.gflop={}", work)}));
  BOOST_REQUIRE(same.lines.size() == 9);
  for (std::size_t k = 0; k < 9; ++k) BOOST_TEST(same.at(k, "loss") == nine.at(k, "loss"));
  const Finished paper = trained(folder, tiny({"run.recipe=paper", fmt::format("train.gflop={}", work)}));
  BOOST_TEST(paper.at(paper.lines.size() - 1, "gflop") == work, boost::test_tools::tolerance(.1));
  BOOST_CHECK_THROW(trained(folder, tiny({"optim.name=lbfgs", "train.gflop=1"})), InputError);
}

// What the run says of its end is what its model does, on data that have not been smoothed.
BOOST_AUTO_TEST_CASE(the_errors_are_those_of_the_saved_model) {
  const Folder folder;
  for (const char* fields : {"fields=density", "fields="}) {
    const Finished run = trained(folder, tiny({fields, "train.epochs=4", "train.l1_epochs=2",
                                               "loss.mollifier=0.2", "train.evaluate_every=3"}));
    const SavedModel model = read_model(folder / "model.safetensors");
    const Snapshots& set = run.prepared.set;
    const PlainErrors train = errors(model.net, model.theta,
                                     TrainingData(set, model.scaling, set.training(), 1, false)),
                      unseen = errors(model.net, model.theta,
                                      TrainingData(set, model.scaling, set.held_out(), 1, false));
    BOOST_TEST(near(run.at(5, "train_mse") / train.mse, 1, 1e-5));
    BOOST_TEST(near(run.at(5, "train_l1") / train.l1, 1, 1e-5));
    BOOST_TEST(near(run.at(5, "heldout_mse") / unseen.mse, 1, 1e-5));
    BOOST_TEST(near(run.at(5, "heldout_l1") / unseen.l1, 1, 1e-5));
    BOOST_TEST(contains(run.lines[2], "train_mse"));
    BOOST_TEST(!contains(run.lines[3], "train_mse"));

    double above[2] = {0, 0}, below[2] = {0, 0};  // the same in physical units
    const auto fields_of = columns_of(set, model.scaling.fields);
    double mse = 0, l1 = 0;
    for (std::size_t f = 0; f < fields_of.size(); ++f) {
      above[0] = above[1] = below[0] = below[1] = 0;
      for (const std::int64_t k : set.training()) {
        const Tensor y = columns(set.values(k), fields_of), u = model.values(set.points(k), set.time(k));
        for (std::int64_t i = static_cast<std::int64_t>(f); i < y.size(); i += std::ssize(fields_of)) {
          const double d = u.at(i) - y.at(i);
          above[0] += d * d;
          above[1] += std::abs(d);
          below[0] += y.at(i) * y.at(i);
          below[1] += std::abs(y.at(i));
        }
      }
      mse += above[0] / below[0] / static_cast<double>(fields_of.size());
      l1 += above[1] / below[1] / static_cast<double>(fields_of.size());
    }
    BOOST_TEST(near(train.mse / mse, 1, 1e-4));
    BOOST_TEST(near(train.l1 / l1, 1, 1e-4));
  }
}

BOOST_AUTO_TEST_CASE(squares_give_way_after_so_many_epochs) {
  const Folder folder;
  const Finished run =
      trained(folder, tiny({"train.epochs=10", "train.l1_epochs=5", "optim.l1_lr=7e-4", "train.batch=2"}));
  BOOST_REQUIRE(run.lines.size() == 15);
  for (std::size_t e = 0; e < 15; ++e) BOOST_TEST(run.at(e, "q") == (e < 10 ? 2 : 1));
  const Schedule squares{.kind = Schedule::Kind::cosine, .lr = 1.5e-3, .epochs = 10, .warmup = 5},
      absolutes{.kind = Schedule::Kind::cosine, .lr = 7e-4, .epochs = 5, .floor = .02};
  for (std::size_t e = 0; e < 15; ++e) {  // in the middle of the last of three steps
    const double part = static_cast<double>(e) + 2.5 / 3;
    BOOST_TEST(near(run.at(e, "lr") / (e < 10 ? squares.at(part) : absolutes.at(part - 10)), 1, 1e-12));
  }
}

// The rate starts again, and the plateau measures what comes then with nothing of what was before.
BOOST_AUTO_TEST_CASE(squares_give_way_at_tau) {
  const Folder folder;
  const double tau = .5;
  const Finished run =
      trained(folder, tiny({"run.recipe=paper", "train.epochs=120", "loss.tau=0.5", "train.batch=2",
                            "optim.lr=3e-3", "optim.l1_lr=1e-3", "loss.mollifier=0"}));
  std::size_t first = 0;
  while (first < run.lines.size() && !(run.at(first, "misfit") < tau)) ++first;
  BOOST_TEST_MESSAGE("below tau after epoch " << first + 1);
  BOOST_REQUIRE(first + 30 < run.lines.size());
  ReduceLROnPlateau plateau = paper_plateau();
  double rate = 3e-3;
  for (std::size_t e = 0; e < run.lines.size(); ++e) {
    if (e == first + 1) {
      rate = 1e-3;
      plateau.reset();
    }
    BOOST_TEST(run.at(e, "q") == (e <= first ? 2 : 1));
    BOOST_TEST(run.at(e, "lr") == rate, "epoch " << e + 1);
    if (e != first) plateau.step(run.at(e, "loss"), rate);
  }
}

// Whatever the schedule, the rate starts again, and decays over what is left.
BOOST_AUTO_TEST_CASE(every_schedule_knows_both_switches) {
  const Folder folder;
  for (const char* schedule : {"constant", "linear", "cosine", "step", "plateau"})
    for (const bool at_tau : {false, true}) {
      const Finished run = trained(
          folder, tiny({std::string("optim.schedule=") + schedule, at_tau ? "loss.tau=1e6" : "loss.tau=0",
                        at_tau ? "train.epochs=6" : "train.epochs=2",
                        at_tau ? "train.l1_epochs=0" : "train.l1_epochs=4", "optim.warmup=0",
                        "optim.l1_lr=2e-5", "train.batch=5"}));
      BOOST_REQUIRE(run.lines.size() == 6);
      const std::size_t turn = at_tau ? 1 : 2;
      for (std::size_t e = 0; e < 6; ++e) {
        BOOST_TEST(run.at(e, "q") == (e < turn ? 2 : 1), schedule);
        BOOST_TEST((run.at(e, "lr") <= 2e-5) == (e >= turn), schedule << " " << at_tau);
        BOOST_TEST(run.at(e, "lr") > 0, schedule);
      }
    }
}

BOOST_AUTO_TEST_CASE(the_mollifier_fades_in_the_first_half) {
  const Folder folder;
  const Finished run = trained(folder, tiny({"run.recipe=paper", "loss.mollifier=0.1", "train.epochs=8"}));
  for (std::size_t e = 0; e < 8; ++e)
    BOOST_TEST(near(run.at(e, "mollifier"), .1 * std::max(0.0, 1 - static_cast<double>(e) / 4), 1e-15));
}

// Smoothed data are what is learned, not what errors are told of: a model that stands still keeps its error.
BOOST_AUTO_TEST_CASE(errors_are_those_of_the_data_themselves) {
  const Folder folder;
  const Finished run = trained(folder, tiny({"loss.mollifier=0.2", "train.epochs=6", "train.l1_epochs=0",
                                             "optim.lr=1e-12", "train.evaluate_every=1"}));
  for (std::size_t e = 0; e < 6; ++e)
    BOOST_TEST(near(run.at(e, "train_mse") / run.at(5, "train_mse"), 1, 1e-5));
  BOOST_TEST(std::abs(run.at(0, "misfit") / run.at(5, "misfit") - 1) > .01);
}

// Weights are compressed on the way, by as much as the misfit allows; what is saved has the form that came of
// it and is the network that was trained.
BOOST_AUTO_TEST_CASE(weights_are_compressed_while_they_are_trained) {
  const Folder folder;
  const std::vector<std::string> siren = {
      "run.model=siren-xt",   "model.width=32",        "train.epochs=20",   "train.l1_epochs=0",
      "compress.method=svd",  "compress.every=5",      "compress.budget=1", "compress.penalty=3e-2",
      "compress.shrink=0.01", "train.evaluate_every=0"};
  std::vector<std::string> given = tiny(siren);
  given.erase(std::find(given.begin(), given.end(), "model.width=16"));
  given.erase(std::find(given.begin(), given.end(), "model.rank=4"));
  const Finished run = trained(folder, given);
  BOOST_REQUIRE(run.lines.size() == 20);
  for (const std::size_t line : {4u, 9u, 14u, 19u}) {
    BOOST_TEST(run.at(line, "kept") <= 1);
    BOOST_TEST(run.at(line, "weight_error") <= std::sqrt(run.at(line, "misfit")) + 1e-6);
  }
  BOOST_TEST(run.at(19, "kept") < .9);
  BOOST_TEST(run.lines[5].find("kept") == std::string::npos);
  const SavedModel model = read_model(folder / "model.safetensors");
  const auto& net = std::get<MlpXt>(model.net);
  BOOST_TEST(net.forms.size() == 5u);
  BOOST_TEST(parameter_count(model.net) < parameter_count(run.prepared.net));
  const Snapshots& set = run.prepared.set;
  const PlainErrors all =
      errors(model.net, model.theta, TrainingData(set, model.scaling, set.training(), 1, false));
  BOOST_TEST(near(run.at(19, "train_mse") / all.mse, 1, 1e-3));

  given.emplace_back("model.weights=rank:4");
  BOOST_CHECK_THROW(prepare(Settings(given), true), InputError);
  BOOST_CHECK_THROW(prepare(Settings(tiny({"compress.method=svd"})), true), InputError);  // of lrnr
}

BOOST_AUTO_TEST_CASE(the_same_bits_on_any_number_of_threads) {
  const Folder folder;
  std::string first;
  for (const int threads : {1, 2, 4}) {
    const ThreadLimit limit(threads);
    trained(folder, tiny({"train.epochs=3", "train.l1_epochs=1"}));
    const std::string bytes = read_file(folder / "model.safetensors");
    if (first.empty()) first = bytes;
    BOOST_TEST((bytes == first));
  }
}

BOOST_AUTO_TEST_CASE(without_frames_to_learn_from_nothing_is_trained) {
  const Folder folder;
  Prepared prepared = prepare(Settings(tiny({})), true);
  for (auto& held : prepared.set.heldout) held = 1;
  Run run({.folder = folder.path, .force = true, .quiet = true});
  BOOST_TEST(contains(refusal([&] { train(run, prepared); }), "held out"));
}

// Eckart and Young: what is left at the frames it stands on are the singular values behind the rank.
BOOST_AUTO_TEST_CASE(pod_is_the_best_of_its_rank) {
  const Folder folder;
  for (const int rank : {1, 3, 6}) {
    const Finished run = trained(folder, tiny({"run.model=pod", "model.rank=" + std::to_string(rank)}));
    const SavedModel model = read_model(folder / "model.safetensors");
    const Snapshots& set = run.prepared.set;
    const auto frames = set.training(), which = columns_of(set, model.scaling.fields);
    Tensor matrix({std::ssize(frames), set.x.shape[0]}, Dtype::f64);
    double left = 0;
    for (std::size_t k = 0; k < frames.size(); ++k) {
      const Tensor y = columns(set.values(frames[k]), which), u = model.values(set.x, set.time(frames[k]));
      for (std::int64_t i = 0; i < y.size(); ++i) {
        matrix.mutable_data<double>()[static_cast<std::int64_t>(k) * y.size() + i] = y.at(i);
        left += (u.at(i) - y.at(i)) * (u.at(i) - y.at(i));
      }
    }
    const Tensor s = svd(matrix).s;
    double wanted = 0, all = 0;
    for (std::int64_t i = 0; i < s.size(); ++i) {
      if (i >= rank) wanted += s.at(i) * s.at(i);
      all += s.at(i) * s.at(i);
    }
    BOOST_TEST(std::abs(left - wanted) <= 1e-12 * all, "rank " << rank << ": " << left << ", not " << wanted);
    BOOST_TEST(model.coefficients() == std::min<std::int64_t>(rank, std::ssize(frames)));
  }
}

BOOST_AUTO_TEST_SUITE_END()
