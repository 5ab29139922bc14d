// What the recipes and presets resolve to: Table 1, and which tensor is stepped by what.
#include <lowtide/experiments/job.h>
#include <lowtide/experiments/recipe.h>

#include <algorithm>
#include <set>

#include "../run/support.h"
#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

using Values = std::map<std::string, std::string>;

Settings resolved(std::vector<std::string> given) { return settings_of(Settings(given)); }

double number(const Values& values, const char* name) { return std::stod(values.at(name)); }

// As a run that reads its config.toml.
Network network_of(const Settings& settings, std::int64_t in) {
  Settings again;
  again.add_toml(settings.toml(), "config.toml");
  const Values values = settings.values();
  Network net = network_from(again, values.at("run.recipe"), values.at("run.model"), Learning{});
  fit(net, in, 1, 0);
  return net;
}

struct Published {
  const char* name;
  std::int64_t in, width, rank, depth, hyper_width, hyper_depth, batch;
  double sparse, ortho, gamma, tau;
  std::int64_t factors, all;
};
const Published table_1[] = {
    {"euler1d", 1, 1200, 150, 5, 25, 4, 16, 3.65e-18, 7.76e-3, 1.0005, 5e-4, 2160450, 2200800},
    {"acoustics2d", 2, 2000, 190, 4, 10, 3, 1, 2.35e-8, 1e-2, 1.05, 5e-3, 3420760, 3437610},
    {"burgers2d", 2, 2000, 170, 4, 10, 3, 1, 2.71e-11, 1e-2, 1.05, 5e-3, 3060680, 3075770},
    {"advection2d", 2, 2000, 180, 4, 10, 3, 1, 3.48e-10, 1e-2, 1.065, 5e-3, 3240720, 3256690}};

}  // namespace

BOOST_AUTO_TEST_SUITE(recipe_suite)

BOOST_AUTO_TEST_CASE(the_papers_preset_and_recipe_are_table_1) {
  for (const Published& row : table_1) BOOST_TEST_CONTEXT(row.name) {
      const Settings settings =
          resolved({std::string("run.case=") + row.name, "run.preset=paper", "run.recipe=paper"});
      const Values v = settings.values();
      BOOST_TEST(number(v, "model.width") == static_cast<double>(row.width));
      BOOST_TEST(number(v, "model.rank") == static_cast<double>(row.rank));
      BOOST_TEST(number(v, "model.depth") == static_cast<double>(row.depth));
      BOOST_TEST(number(v, "model.hyper_width") == static_cast<double>(row.hyper_width));
      BOOST_TEST(number(v, "model.hyper_depth") == static_cast<double>(row.hyper_depth));
      BOOST_TEST(v.at("train.batch") == std::to_string(row.batch));
      BOOST_TEST(number(v, "loss.sparse") == row.sparse);
      BOOST_TEST(number(v, "loss.ortho") == row.ortho);
      BOOST_TEST(number(v, "loss.gamma") == row.gamma);
      BOOST_TEST(number(v, "loss.tau") == row.tau);
      BOOST_TEST(v.at("model.head") == "relu");
      BOOST_TEST(v.at("init.start") == "plain");
      BOOST_TEST(v.at("optim.name") == "adam");
      BOOST_TEST(number(v, "optim.lr") == 1e-3);
      BOOST_TEST(number(v, "optim.l1_lr") == 1e-3);
      BOOST_TEST(number(v, "optim.beta1") == .9);
      BOOST_TEST(number(v, "optim.beta2") == .999);
      BOOST_TEST(number(v, "optim.hyper_factor") == 1);
      BOOST_TEST(number(v, "optim.warmup") == 0);
      BOOST_TEST(v.at("optim.schedule") == "plateau");
      BOOST_TEST(number(v, "init.scale") == 0);
      BOOST_TEST((number(v, "loss.mollifier") > 0) == (row.in == 1));
      const Network net = network_of(settings, row.in);
      BOOST_TEST(low_rank(net)->parameter_count() == row.factors);
      BOOST_TEST(parameter_count(net) == row.all);
    }
  BOOST_TEST(paper_plateau().factor == .98);
  BOOST_TEST(paper_plateau().patience == 10);
  BOOST_TEST(paper_plateau().threshold == 1e-3);
}

BOOST_AUTO_TEST_CASE(the_fast_recipe_has_no_penalties_and_no_mollifier) {
  for (const Published& row : table_1)
    for (const char* preset : {"demo", "paper"}) {
      const Values v =
          resolved({std::string("run.case=") + row.name, std::string("run.preset=") + preset}).values();
      for (const char* name : {"loss.sparse", "loss.ortho", "loss.mollifier", "loss.tau", "optim.floor"})
        BOOST_TEST(number(v, name) == 0, row.name << " " << name);
      BOOST_TEST(v.at("run.recipe") == "fast");
      BOOST_TEST(v.at("optim.name") == "muon+soap");
      BOOST_TEST(v.at("optim.schedule") == "cosine");
      BOOST_TEST(number(v, "optim.lr") == 1.5e-3);
      BOOST_TEST(number(v, "optim.warmup") == 5);
      BOOST_TEST(number(v, "optim.beta1") == .95);
      BOOST_TEST(number(v, "optim.beta2") == .95);
      BOOST_TEST(number(v, "init.scale") == .5);
      BOOST_TEST(v.at("init.start") == "kinks");
      BOOST_TEST(v.at("model.head") == "linear");
    }
  const Values dense = resolved({"run.case=euler1d", "run.model=siren", "run.recipe=paper"}).values();
  Settings again({"run.x=1"});
  BOOST_TEST(recipe_from(again, "paper", "siren", Learning{}).ortho == 0);  // it has no factors
  BOOST_TEST(dense.at("optim.name") == "adam");
}

BOOST_AUTO_TEST_CASE(what_the_user_says_wins) {
  const Values v = resolved({"run.case=euler1d", "run.recipe=paper", "loss.ortho=0.5", "model.rank=7",
                             "optim.name=soap", "train.batch=9:3", "model.head=softplus"})
                       .values();
  BOOST_TEST(v.at("loss.ortho") == "0.5");
  BOOST_TEST(v.at("model.rank") == "7");
  BOOST_TEST(v.at("optim.name") == "soap");
  BOOST_TEST(v.at("train.batch") == "9:3");
  BOOST_TEST(v.at("model.head") == "softplus");
}

BOOST_AUTO_TEST_CASE(every_tensor_is_stepped_once_and_muon_gets_the_large_factors) {
  for (const std::string& model : model_names()) {
    if (model == "pod") continue;
    for (const std::string& optimizer : optimizer_names()) BOOST_TEST_CONTEXT(model << " " << optimizer) {
        Settings settings({"optim.name=" + optimizer, "optim.hyper_factor=3"});
        const Recipe recipe = recipe_from(settings, "fast", model, Learning{});
        Network net = network_from(settings, "fast", model, Learning{});
        fit(net, 2, 1, 0);
        const Tensors theta = init(net, Stream(1, "model"));
        const Grouped grouped = optimizer_for(recipe, net, theta);
        std::vector<int> seen(theta.size(), 0);
        std::set<std::string> muon;
        for (const Group& group : grouped.groups)
          for (const std::int64_t k : group.tensors) {
            ++seen.at(static_cast<std::size_t>(k));
            if (std::holds_alternative<Muon>(group.optimizer))
              muon.insert(parameter_names(net)[static_cast<std::size_t>(k)]);
            else if (static_cast<std::size_t>(k) >= field_tensors(net))
              BOOST_TEST(group.factor == 3);
            else
              BOOST_TEST(group.factor == 1);
          }
        BOOST_TEST(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
        if (!optimizer.starts_with("muon")) {
          BOOST_TEST(muon.empty());
        } else if (model == "lrnr" || model == "lrnr-cheb") {
          BOOST_TEST((muon == std::set<std::string>{"U1", "U2", "U3", "U4", "V2", "V3", "V4", "V5", "B1", "B2",
                                                    "B3", "B4"}));
        } else if (model == "mlp" || model == "siren-xt" || model == "siren-shift") {
          for (const char* name : {"W2", "W3", "W4"}) BOOST_TEST(muon.contains(name), name);
          for (const char* name : {"W1", "W5"}) BOOST_TEST(!muon.contains(name), name);
        }
      }
  }
}

BOOST_AUTO_TEST_CASE(wrong_names_are_refused_with_the_right_ones) {
  const auto refused = [](const std::string& setting, const std::string& words) {
    const std::string message = refusal([&] { resolved({"run.case=euler1d", setting}); });
    BOOST_TEST(contains(message, words), setting << ": " << message);
  };
  refused("run.model=lrrn", "did you mean lrnr?");
  refused("run.model=sirenxt", "did you mean siren-xt?");
  refused("run.model=transformer", "siren-shift");  // the list
  refused("run.recipe=quick", "fast, paper");
  refused("run.preset=papers", "demo, study, paper");
  refused("optim.name=adma", "adam");
  refused("optim.schedule=plateu", "plateau");
  refused("model.head=reul", "relu");
  refused("model.activation=tan", "tanh");
  refused("init.start=kink", "kinks");
  refused("optim.lr=0", "optim.lr");
  refused("model.depth=1", "model.depth");
  refused("train.epoch=3", "train.epochs");
  refused("model.ranks=1,2,1", "model.ranks: 3 ranks for the weights and biases of 5 layers");
  refused("model.ranks=1,2,1,1,1,1,1,2,2,-1", "no bias of layer 5 has rank -1");
  refused("model.ranks=1,0,1,1,1,1,1,2,2,0", "no weight of layer 2 has rank 0");
  refused("model.term_rank=0", "model.term_rank");
}

// Theorem 3.4's network: Muon is for its general terms, not for vectors.
BOOST_AUTO_TEST_CASE(ranks_by_layers) {
  for (const bool general : {false, true}) {
    std::vector<std::string> given{"run.case=euler1d", "model.ranks=1,2,1,1,1,1,1,2,2,0", "model.width=40"};
    if (general) given.push_back("model.term_rank=40");
    const Settings settings = resolved(given);
    const Network net = network_of(settings, 1);
    BOOST_TEST(coefficients(net) == 12);
    Settings again(given);
    const Grouped grouped =
        optimizer_for(recipe_from(again, "fast", "lrnr", Learning{}), net, init(net, Stream(1, "")));
    std::set<std::string> muon;
    for (const Group& group : grouped.groups)
      if (std::holds_alternative<Muon>(group.optimizer))
        for (const std::int64_t k : group.tensors)
          muon.insert(parameter_names(net)[static_cast<std::size_t>(k)]);
    BOOST_TEST((muon == (general ? std::set<std::string>{"U3", "U4", "V3", "V4", "B3", "B4"}
                                 : std::set<std::string>{"U2", "V2", "B3", "B4"})));
  }
}

BOOST_AUTO_TEST_SUITE_END()
