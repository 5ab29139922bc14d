#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/experiments/recipe.h>
#include <lowtide/io/file.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

std::string one_of(Settings& settings, const std::string& name, const std::string& standard,
                   const std::vector<std::string>& names) {
  const std::string help = fmt::format("{}", fmt::join(names, ", "));
  const std::string value = settings.get(name, standard.c_str(), help);
  if (std::find(names.begin(), names.end(), value) == names.end())
    throw InputError(fmt::format("setting {}={}: one of {} expected", name, value, help));
  return value;
}

Activation activation_named(const std::string& name) {
  for (const Activation a : {Activation::tanh, Activation::relu, Activation::silu, Activation::sin})
    if (name == name_of(a)) return a;
  throw InputError(fmt::format("unknown activation {}", name));
}

// For Muon and SOAP, measured on euler1d (docs/ablations.md). Sines of high frequency multiply what a step does
// to their weights; of low-rank layers, a step changes all factors at once.
double fast_rate(const std::string& model) {
  if (model == "siren-shift" || model == "siren-xt") return 1.5e-4;
  if (model == "siren") return 5e-4;
  return model.starts_with("lrnr") ? 1.5e-3 : 1e-2;
}

}  // namespace

const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names = {"lrnr", "lrnr-cheb", "siren", "siren-shift", "siren-xt",
                                                 "nif",  "colora",    "pod",   "mlp"};
  return names;
}

const std::vector<std::string>& recipe_names() {
  static const std::vector<std::string> names = {"fast", "paper"};
  return names;
}

const std::vector<std::string>& optimizer_names() {
  static const std::vector<std::string> names = {"muon+soap", "muon+adam", "soap", "adam", "sgd", "lbfgs"};
  return names;
}

Recipe recipe_from(Settings& s, const std::string& name, const std::string& model, const Learning& learning) {
  if (std::find(recipe_names().begin(), recipe_names().end(), name) == recipe_names().end())
    throw InputError(fmt::format("unknown recipe {}; there are {}", name, fmt::join(recipe_names(), ", ")));
  const bool fast = name == "fast", factors = model == "lrnr" || model == "lrnr-cheb";
  Recipe r;
  r.epochs = s.get("train.epochs", fast ? learning.epochs : learning.paper_epochs,
                   "epochs, or those with q = 2", 1, 100000000);
  r.l1_epochs =
      s.get("train.l1_epochs", fast ? learning.l1_epochs : 0, "epochs with q = 1 that follow", 0, 100000000);
  r.gflop =
      s.get("train.gflop", 0.0,
            "work to spend, by as many epochs of both kinds as that takes; 0: train.epochs as they are", 0.0);
  r.batch = s.get("train.batch", fast ? "auto" : fmt::format("{}", learning.batch).c_str(),
                  "frames:stride of a step, as 81:5; auto: all frames, about 2000 points");
  r.head_every = s.get("train.head_every", 0, "epochs between exact solves of the last layer; 0: none", 0);
  r.evaluate_every =
      s.get("train.evaluate_every", 0, "epochs between evaluations on all frames; 0: at the end", 0);
  r.weighted = s.get("train.weighted", false, "points count by their area, not alike");

  r.optimizer = one_of(s, "optim.name", fast ? "muon+soap" : "adam", optimizer_names());
  const bool adam = r.optimizer == "adam";
  const double lr = !fast ? 1e-3 : adam ? 3e-3 : fast_rate(model);
  r.lr = s.get("optim.lr", lr, "learning rate", 1e-12, 1e3);
  r.l1_lr = s.get("optim.l1_lr", fast ? std::round(lr * (learning.l1_rate * 1e6)) / 1e6 : lr,
                  "learning rate to go on with where q becomes 1", 1e-12, 1e3);
  r.hyper_factor = s.get("optim.hyper_factor", fast && factors ? 4.0 : 1.0,
                         "of the learning rate, for the hypernetwork", 1e-6, 1e6);
  r.beta1 = s.get("optim.beta1", fast && !adam ? .95 : .9, "of Adam and SOAP", 0.0, .999999);
  r.beta2 = s.get("optim.beta2", !fast ? .999 : adam ? .99 : .95, "of Adam and SOAP", 0.0, .99999999);
  r.weight_decay = s.get("optim.weight_decay", 0.0, "decoupled", 0.0, 1e3);
  r.schedule = one_of(s, "optim.schedule", fast ? "cosine" : "plateau",
                      {"constant", "linear", "cosine", "step", "plateau"});
  r.warmup = s.get("optim.warmup", fast ? 5.0 : 0.0, "epochs of linear rise", 0.0);
  r.floor = s.get("optim.floor", 0.0, "of a decay, as a part of the rate", 0.0, 1.0);

  r.tau =
      s.get("loss.tau", fast ? 0.0 : learning.tau, "misfit at which q becomes 1; 0: after train.epochs", 0.0);
  r.charbonnier = s.get("loss.charbonnier", 0.0, "width of the smoothed corner of q = 1; 0: sharp", 0.0);
  r.sparse = s.get("loss.sparse", fast ? 0.0 : learning.sparse, "weight of the penalty on coefficients", 0.0);
  r.gamma = s.get("loss.gamma", learning.gamma, "of the penalty on coefficients", 0.0, 1e3);
  r.ortho = s.get("loss.ortho", fast ? 0.0 : learning.ortho, "weight of the penalty on factors", 0.0);
  r.gram =
      one_of(s, "loss.gram", "columns", {"columns", "smaller"}) == "columns" ? Gram::columns : Gram::smaller;
  r.mollifier = s.get("loss.mollifier", fast ? 0.0 : learning.mollifier,
                      "half the width of the window at first, as a part of the domain", 0.0, 1.0);
  r.output_scale = s.get("init.scale", fast && factors ? 0.5 : 0.0,
                         "rms of the output at first, over that of the data; 0: as it comes", 0.0, 1e3);
  if (model == "mlp" || model == "siren-xt") r.compression = training_compression(s, "epochs", 10);
  if (!factors && (r.sparse > 0 || r.ortho > 0)) r.sparse = r.ortho = 0;  // of what other models do not have
  return r;
}

Network network_from(Settings& s, const std::string& recipe, const std::string& model, const Learning& l) {
  const auto number = [&](const char* name, std::int64_t standard, const char* help, std::int64_t least = 1) {
    return s.get(name, standard, help, least, std::int64_t{1} << 20);
  };
  const auto activation = [&](const char* standard) {
    return activation_named(one_of(s, "model.activation", standard, {"tanh", "relu", "silu", "sin"}));
  };
  const auto start = [&] {
    return one_of(s, "init.start", recipe == "fast" ? "kinks" : "plain", {"kinks", "plain"}) == "kinks"
               ? Start::kinks
               : Start::plain;
  };
  const auto ranks = [&] {
    LayerRanks own{.term = number("model.term_rank", 1, "of what each coefficient of a weight multiplies")};
    const auto list = s.get("model.ranks", std::vector<std::int64_t>{},
                            "of the weights of all layers, then of the biases, where these differ; for rank");
    const auto depth = std::ssize(list) / 2;
    for (std::ptrdiff_t l = 0; l < std::ssize(list); ++l) {
      const std::int64_t rank = list[static_cast<std::size_t>(l)];
      if (rank < (l < depth ? 1 : 0) || rank > std::int64_t{1} << 20)
        throw InputError(fmt::format("setting model.ranks: no {} of layer {} has rank {}",
                                     l < depth ? "weight" : "bias", l % std::max<std::ptrdiff_t>(depth, 1) + 1,
                                     rank));
      (l < depth ? own.weight : own.bias).push_back(rank);
    }
    return own;
  };
  // After the model has its depth.
  const auto with_ranks = [&](auto net) {
    net.ranks = ranks();
    const LayerRanks& own = net.ranks;
    if (!own.alike() && std::ssize(own.weight) + std::ssize(own.bias) != 2 * net.depth)
      throw InputError(fmt::format("setting model.ranks: {} ranks for the weights and biases of {} layers",
                                   own.weight.size() + own.bias.size(), net.depth));
    return net;
  };
  if (model == "lrnr") {
    Lrnr net{.width = number("model.width", l.width, "units of a layer"),
             .depth = number("model.depth", l.depth, "layers", 2),
             .rank = number("model.rank", l.rank, "of every weight and bias"),
             .hyper_width = number("model.hyper_width", l.hyper_width, "units of a layer of the hypernetwork"),
             .hyper_depth = number("model.hyper_depth", l.hyper_depth, "layers of the hypernetwork", 2),
             .activation = activation("tanh"),
             .start = start()};
    const std::string head =
        one_of(s, "model.head", recipe == "fast" ? "linear" : l.head, {"linear", "relu", "softplus"});
    net.head = head == "linear" ? Head::linear : head == "relu" ? Head::relu : Head::softplus;
    return with_ranks(net);
  }
  if (model == "lrnr-cheb")
    return with_ranks(LrnrCheb{.width = number("model.width", l.width, "units of a layer"),
                               .depth = number("model.depth", l.depth, "layers", 2),
                               .rank = number("model.rank", l.rank, "of every weight and bias"),
                               .terms = number("model.terms", 16, "of the series in time"),
                               .activation = activation("tanh"),
                               .start = start()});
  if (model == "siren")
    return SirenHyper{
        .width = number("model.width", l.width / 2, "units of a layer"),
        .depth = number("model.depth", l.depth, "layers", 2),
        .hyper_width = number("model.hyper_width", l.hyper_width, "units of a layer of the hypernetwork"),
        .hyper_depth = number("model.hyper_depth", l.hyper_depth, "layers of the hypernetwork", 2),
        .frequency = s.get("model.frequency", 30.0, "of the sines", 1e-3, 1e4)};
  if (model == "siren-shift")
    return SirenShift{
        .width = number("model.width", l.width, "units of a layer"),
        .depth = number("model.depth", l.depth, "layers", 2),
        .latent = number("model.latent", 16, "dimension of the latent vector"),
        .hyper_width = number("model.hyper_width", 64, "units of a layer of the hypernetwork"),
        .hyper_depth = number("model.hyper_depth", l.hyper_depth, "layers of the hypernetwork", 2),
        .frequency = s.get("model.frequency", 30.0, "of the sines", 1e-3, 1e4)};
  if (model == "siren-xt" || model == "mlp") {
    const bool siren = model == "siren-xt";
    MlpXt net{.width = number("model.width", l.width, "units of a layer"),
              .depth = number("model.depth", l.depth, "layers", 2),
              .activation = siren ? Activation::sin : activation("tanh"),
              .frequency = siren ? s.get("model.frequency", l.frequency, "of the sines", 1e-3, 1e4) : 1};
    net.hidden =
        s.get("model.widths", l.widths, "of the hidden layers, where these differ; for width and depth");
    for (const std::int64_t width : net.hidden)
      if (width < 1 || width > std::int64_t{1} << 20)
        throw InputError(fmt::format("setting model.widths: no layer has {} units", width));
    net.weights = s.get("model.weights", l.weights.c_str(),
                        "of hidden layers: dense, thin, rank:K, tol:T, hmatrix:K, prune:P, int8");
    const std::string middle = one_of(s, "model.middle", "full", {"full", "diagonal", "none"});
    net.middle = middle == "full"       ? WeightForm::Middle::full
                 : middle == "diagonal" ? WeightForm::Middle::diagonal
                                        : WeightForm::Middle::none;
    return net;
  }
  if (model == "nif")
    return Nif{.width = number("model.width", l.width / 4, "units of a layer of ShapeNet"),
               .hidden = number("model.hidden", 2, "hidden layers of ShapeNet", 0),
               .hyper_width = number("model.hyper_width", 30, "units of a layer of ParameterNet"),
               .hyper_hidden = number("model.hyper_hidden", 2, "hidden layers of ParameterNet", 0),
               .latent = number("model.latent", 2, "width of the bottleneck"),
               .activation = activation("silu")};
  if (model == "colora")
    return Colora{
        .width = number("model.width", l.width / 2, "units of a layer"),
        .depth = number("model.depth", l.depth, "layers", 2),
        .rank = number("model.rank", 3, "of the modulated part of each weight"),
        .one_a_layer = s.get("model.one_a_layer", false, "one coefficient a layer, not one a rank"),
        .hyper_width = number("model.hyper_width", l.hyper_width, "units of a layer of the hypernetwork"),
        .hyper_depth = number("model.hyper_depth", l.hyper_depth, "layers of the hypernetwork", 2),
        .activation = activation("tanh")};
  const std::string meant = nearest(model, model_names());
  throw InputError(fmt::format("unknown model {}; {}", model,
                               meant.empty() ? fmt::format("there are {}", fmt::join(model_names(), ", "))
                                             : fmt::format("did you mean {}?", meant)));
}

Embedded embedded_from(Settings& s, const Embedded& standard) {
  Embedded net = standard;
  net.width = s.get("model.width", net.width, "units of a layer", 1, std::int64_t{1} << 14);
  net.depth = s.get("model.depth", net.depth, "layers", 1, 100);
  net.bands = s.get("model.bands", net.bands, "frequencies of the embedding, each twice the one before", 1, 16);
  net.decay = s.get("model.decay", net.decay, "sines and cosines are divided by this power of their frequency");
  net.size = s.get("model.size", net.size, "what they are multiplied by", 1e-6, 1e6);
  return net;
}

namespace {

void forms_or_input_error(MlpXt& model, const Stream& init) {
  try {
    set_forms(model, init);
  } catch (const ShapeError& error) {
    throw InputError(fmt::format("setting model.weights: {}", error.what()));
  }
}

}  // namespace

void fit(Network& net, std::int64_t in, std::int64_t out, std::int64_t parameters) {
  std::visit(
      [&](auto& model) {
        model.in = in;
        model.out = out;
        if constexpr (requires { model.mu; })
          model.mu = parameters;
        else if (parameters > 0)
          throw InputError("lrnr-cheb is a series in time alone; these data have parameters beside it");
        if constexpr (requires { model.weights; })
          if (forms_are_texts(model)) forms_or_input_error(model, Stream());
      },
      net);
}

void resolve_forms(Network& net, std::int64_t seed) {
  auto* model = std::get_if<MlpXt>(&net);
  if (model && !forms_are_texts(*model))
    forms_or_input_error(*model, Stream(static_cast<std::uint64_t>(seed), "init"));
}

namespace {

// Matrices between wide layers: what Muon is for. Thin factors at both ends and the hypernetwork are not.
bool for_muon(const Network& net, const Tensor& p, std::size_t index) {
  if (p.shape.rank() != 2) return false;
  const std::int64_t least = std::min(p.shape[0], p.shape[1]), most = std::max(p.shape[0], p.shape[1]);
  if (const auto factors = low_rank(net)) {
    if (index >= factors->parameter_tensors() || most != factors->width) return false;
    const auto layer = static_cast<std::int64_t>(index / 3);
    const std::int64_t rows = index % 3 == 2 ? factors->bias_rank(layer) : factors->factor_rows(layer);
    return least == std::min(rows, factors->width) && (rows > 1 || factors->ranks.alike());
  }
  return least > 8 && most <= 8 * least;  // a hidden layer of a dense network
}

Optimizer rest_of(const Recipe& r) {
  if (r.optimizer == "muon+soap" || r.optimizer == "soap")
    return Soap{.beta1 = r.beta1, .beta2 = r.beta2, .weight_decay = r.weight_decay};
  if (r.optimizer == "sgd") return Sgd{.momentum = r.beta1, .nesterov = true, .weight_decay = r.weight_decay};
  return Adam{.beta1 = r.beta1, .beta2 = r.beta2, .weight_decay = r.weight_decay};
}

}  // namespace

Grouped optimizer_for(const Recipe& recipe, const Network& net, const Tensors& theta) {
  Group muon{Muon{.weight_decay = recipe.weight_decay}, {}, 1}, rest{rest_of(recipe), {}, 1},
      hyper{rest_of(recipe), {}, recipe.hyper_factor};
  const bool with_muon = recipe.optimizer.starts_with("muon");
  for (std::size_t k = 0; k < theta.size(); ++k) {
    Group& group = with_muon && for_muon(net, theta[k], k) ? muon : k < field_tensors(net) ? rest : hyper;
    group.tensors.push_back(static_cast<std::int64_t>(k));
  }
  Grouped grouped{.lr = recipe.lr};
  for (Group* group : {&muon, &rest, &hyper})
    if (!group->tensors.empty()) grouped.groups.push_back(std::move(*group));
  return grouped;
}

}  // namespace lowtide
