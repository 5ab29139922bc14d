// What the explorer of a report needs to evaluate a low-rank model in a browser: the truncated network, its
// hypermodes and the way through their coordinates over time, as JSON.
#pragma once
#include <lowtide/experiments/low_rank_model.h>

#include <nlohmann/json_fwd.hpp>

namespace lowtide::app {

// Coefficients above 5e-5 of the largest and the hypermodes that matter (LRNR, section 5). Weights are f32, of
// which models are made; all else, from which coefficients are computed, f64; both little endian in base64.
// Null if the coefficients are zero at all times.
nlohmann::ordered_json explorer_data(const LowRankModel& model);

}  // namespace lowtide::app
