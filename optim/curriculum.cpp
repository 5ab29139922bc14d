#include <fmt/format.h>
#include <lowtide/optim/curriculum.h>

#include <algorithm>
#include <charconv>

namespace lowtide {
namespace {

void require_sizes(const FrameBatches& batches, std::int64_t all_frames) {
  if (batches.frames < 1 || batches.stride < 1 || all_frames < 0)
    fail<ShapeError>("frame_batches",
                     fmt::format("batches {}:{} of {} frames", batches.frames, batches.stride, all_frames));
}

}  // namespace

bool MisfitSwitch::update(double mean_misfit, std::int64_t epoch, double& rate, ReduceLROnPlateau* plateau) {
  if (switched_after >= 0 || !(mean_misfit < tau)) return false;
  switched_after = epoch;
  rate = lr;
  if (plateau) plateau->reset();
  return true;
}

std::vector<std::int64_t> FrameBatch::rows(std::int64_t of) const {
  std::vector<std::int64_t> rows;
  rows.reserve(static_cast<std::size_t>(points(of)));
  for (std::int64_t i = offset; i < of; i += stride) rows.push_back(i);
  return rows;
}

FrameBatches FrameBatches::parse(std::string_view text) {
  FrameBatches batches;
  const char *at = text.data(), *end = at + text.size();
  auto [rest, error] = std::from_chars(at, end, batches.frames);
  bool good = error == std::errc{} && batches.frames > 0;
  if (good && rest != end) {
    good = *rest == ':';
    const auto second = std::from_chars(rest + 1, end, batches.stride);
    good = good && second.ec == std::errc{} && second.ptr == end && batches.stride > 0;
  }
  if (!good) fail<Error>("frame_batches", fmt::format("\"{}\": it should be like 27:5, or 16", text));
  return batches;
}

std::int64_t FrameBatches::count(std::int64_t all_frames) const {
  require_sizes(*this, all_frames);
  return (all_frames + frames - 1) / frames * stride;
}

std::vector<FrameBatch> FrameBatches::epoch(const Stream& stream, std::int64_t epoch,
                                            std::int64_t all_frames) const {
  const std::int64_t total = count(all_frames);
  const auto index = static_cast<std::uint64_t>(epoch);
  Stream shuffle = stream.child("frames", index), deal = stream.child("order", index);
  const PoolVector<std::int64_t> shuffled = shuffle.permutation(all_frames), order = deal.permutation(total);
  std::vector<FrameBatch> batches;
  batches.reserve(static_cast<std::size_t>(total));
  for (const std::int64_t k : order) {
    const std::int64_t begin = k / stride * frames, end = std::min(all_frames, begin + frames);
    FrameBatch batch{{shuffled.begin() + begin, shuffled.begin() + end}, k % stride, stride};
    std::sort(batch.frames.begin(), batch.frames.end());
    batches.push_back(std::move(batch));
  }
  return batches;
}

}  // namespace lowtide
