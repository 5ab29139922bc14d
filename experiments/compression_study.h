// What a trained model is worth in fewer bytes: the numbers of `lowtide compress`.
#pragma once
#include <lowtide/experiments/job.h>
#include <lowtide/reduction/network_compression.h>

#include <optional>
#include <string>
#include <vector>

namespace lowtide {

// How much is asked for: the error of each weight relative to its size, or bytes of the whole network.
struct CompressionBudget {
  std::string name{};      // "tol-0.01", "25%"
  double tolerance = 0;    // if above 0
  std::int64_t bytes = 0;  // else
};

// A budget's model, and how far its output is from the model's before.
struct CompressedModel {
  CompressOptions how;
  CompressionBudget budget;
  CompressedNetwork network;
  SavedModel model;
  double output_rel_l2 = 0;            // of all layers together
  std::vector<double> layer_rel_l2{};  // each layer alone
  double output_bound =
      0;  // on output_rel_l2 at the sample, of dense networks without a trial function; or NaN
  double kernel_drift = 0;  // |T - T_H|_F / |T|_F of tangent kernels; NaN for networks that are not dense
  std::optional<SavedModel> tuned{};  // after some steps on what it was trained on
};

class CompressionStudy {
 public:
  // The sample: points of the set's frames, `points` in all, the same for the same seed.
  CompressionStudy(const SavedModel& model, const Snapshots& set, std::int64_t points = 2000,
                   std::int64_t seed = 0);

  const std::vector<std::int64_t>& frames() const { return frames_; }
  std::int64_t dense_bytes() const;

  NetworkCandidates candidates(const CompressOptions& how) const;
  CompressedModel compressed(const NetworkCandidates& candidates, const CompressOptions& how,
                             const CompressionBudget& budget, bool details = true) const;
  // The same network, in its stored form, as a model that can be saved.
  SavedModel model_of(const Network& net, const Tensors& theta) const;
  double distance(const SavedModel& other) const;  // relative l2, at the sample

 private:
  struct Part {  // of a frame
    Tensor x;    // physical
    double t = 0;
    std::vector<double> mu{};
    Tensor values{};
  };
  const SavedModel& model_;
  std::vector<std::int64_t> frames_;
  std::vector<Part> sample_;
  Tensor inputs_;  // of a dense network, f32 and scaled; none for others
};

// Steps of Adam on what the run was trained on, from theta; the rate falls like a cosine. What had the least
// loss of a step, theta itself among them.
Tensors fine_tuned(const Prepared& prepared, const Network& net, Tensors theta, std::int64_t steps, double lr);
// 1e-3; of sines at most 1e-2 over their frequency, which multiplies what a step does.
double fine_tuning_rate(const Prepared& prepared);

}  // namespace lowtide
