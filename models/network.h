// Any of the models that are trained, for code that does not care which.
#pragma once
#include <lowtide/models/colora.h>
#include <lowtide/models/lrnr.h>
#include <lowtide/models/lrnr_cheb.h>
#include <lowtide/models/mlp_xt.h>
#include <lowtide/models/nif.h>
#include <lowtide/models/siren_hyper.h>
#include <lowtide/models/siren_shift.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lowtide {

using Network = std::variant<Lrnr, LrnrCheb, SirenHyper, SirenShift, MlpXt, Nif, Colora>;

Tensors init(const Network& net, const Stream& stream, Dtype dtype = Dtype::f32);
std::int64_t coefficients(const Network& net);
std::int64_t parameter_count(const Network& net);
std::size_t field_tensors(const Network& net);
double flops(const Network& net, double points);                                          // see FrameModel
Var coefficients_at_times(const Network& net, std::span<const Var> theta, const Var& t);  // (k,1+p) -> (k,n)
Var field(const Network& net, std::span<const Var> theta, const Var& x, const Var& s);    // (n,d), (n) -> (n,c)

// Whether field() also takes s (F,n), for x whose rows are those of F times in turn, equally many of each.
bool takes_several_times(const Network& net);

// The part in x of a low-rank model; none for others.
std::optional<LowRankNet> low_rank(const Network& net);

// Of the tensors of theta.
std::vector<Shape> parameter_shapes(const Network& net);

// What each tensor of theta is called in files: "U1", "V1", "B1", ..., "hyper.W1", "hyper.b1", ...
std::vector<std::string> parameter_names(const Network& net);

}  // namespace lowtide
