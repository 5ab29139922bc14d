#include <fmt/format.h>
#include <lowtide/experiments/training_data.h>
#include <lowtide/io/file.h>

#include <algorithm>

namespace lowtide {
namespace {

// Rows offset, offset + stride, ... for every offset in turn.
std::vector<std::int64_t> dealt(std::int64_t rows, std::int64_t stride, std::vector<std::int64_t>& begin) {
  std::vector<std::int64_t> order;
  begin = {0};
  for (std::int64_t offset = 0; offset < stride; ++offset) {
    for (const std::int64_t row : FrameBatch{{}, offset, stride}.rows(rows)) order.push_back(row);
    begin.push_back(std::ssize(order));
  }
  return order;
}

Tensor picked(const Tensor& from, const std::vector<std::int64_t>& rows) {
  Tensor to({std::ssize(rows), from.shape.row_size()}, Dtype::f32);
  const std::int64_t width = to.shape[1];
  const float* source = from.data<float>();
  float* target = to.mutable_data<float>();
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::copy_n(source + rows[i] * width, width, target + static_cast<std::int64_t>(i) * width);
  return to;
}

// Momentum and velocity change their sign at a wall.
Edge edge_of(const Snapshots& set, const std::string& field) {
  if (!set.boundary.empty() && set.boundary[0] == "periodic") return Edge::periodic;
  const bool vector = field.starts_with("momentum") || field.starts_with("velocity") || field == "u";
  const bool wall = !set.boundary.empty() && set.boundary[0] == "wall";
  return vector && wall ? Edge::odd : Edge::even;
}

}  // namespace

TrainingData::TrainingData(const Snapshots& set, const Scaling& scaling, const std::vector<std::int64_t>& which,
                           std::int64_t stride, bool weighted)
    : stride_(stride) {
  const std::vector<std::int64_t> fields = columns_of(set, scaling.fields);
  Tensor x;  // shared by all frames of a fixed grid
  std::vector<float> times;
  for (const std::int64_t k : which) {
    std::vector<double> mu;
    for (std::int64_t p = 0; p < scaling.parameters(); ++p) mu.push_back(set.mu.at(k * set.mu.shape[1] + p));
    const Tensor row = scaling.time(set.time(k), mu);
    times.insert(times.end(), row.data<float>(), row.data<float>() + row.size());

    Frame frame;
    const std::int64_t rows = set.values(k).shape[0];
    if (rows < stride)
      throw InputError(fmt::format("train.batch takes every {}th point, but frame {} has {}", stride, k, rows));
    const std::vector<std::int64_t> order = dealt(rows, stride, frame.begin);
    if (!set.fixed() || !x) x = picked(scaling.points(set.points(k)), order);
    frame.x = x;
    if (weighted) frame.weights = picked(set.weights(k).cast(Dtype::f32), order).reshaped({rows});
    frames_.push_back(std::move(frame));
    lay_out(std::ssize(frames_) - 1, scaling.values(columns(set.values(k), fields)));
  }
  times_ = Tensor({std::ssize(which), std::ssize(scaling.t)}, Dtype::f32);
  std::copy(times.begin(), times.end(), times_.mutable_data<float>());

  if (set.grid.size() != 1) {
    refusal_ = "loss.mollifier needs points on a uniform grid in one dimension; set it to 0";
    return;
  }
  smooth_ = Tensor({frames(), set.grid[0], std::ssize(fields)}, Dtype::f32);
  for (std::int64_t f = 0; f < frames(); ++f) {
    const Tensor y = scaling.values(columns(set.values(which[static_cast<std::size_t>(f)]), fields));
    std::copy_n(y.data<float>(), y.size(), smooth_.mutable_data<float>() + f * y.size());
  }
  for (const std::string& name : scaling.fields) edges_.push_back(edge_of(set, name));
}

void TrainingData::lay_out(std::int64_t index, const Tensor& y) {
  Frame& frame = frames_[static_cast<std::size_t>(index)];
  std::vector<std::int64_t> begin;
  frame.y = picked(y, dealt(y.shape[0], stride_, begin));
}

void TrainingData::mollify(double w) {
  if (w == width_) return;
  if (!refusal_.empty()) throw InputError(refusal_);
  const Tensor smoothed = mollified(smooth_, w, 1.0, edges_);
  for (std::int64_t f = 0; f < frames(); ++f)
    lay_out(f, smoothed.rows(f, f + 1).reshaped({smooth_.shape[1], smooth_.shape[2]}));
  width_ = w;
}

std::int64_t TrainingData::all_points() const {
  std::int64_t points = 0;
  for (const Frame& f : frames_) points += f.y.shape[0];
  return points;
}

TrainingData::Piece TrainingData::whole(std::int64_t index) const {
  const Frame& frame = frames_[static_cast<std::size_t>(index)];
  return {index, frame.x, frame.y, frame.weights};
}

std::vector<TrainingData::Piece> TrainingData::tiles(const FrameBatch& batch, std::int64_t most) const {
  std::vector<Piece> all;
  for (const std::int64_t index : batch.frames) {
    const Frame& frame = frames_[static_cast<std::size_t>(index)];
    const auto offset = static_cast<std::size_t>(batch.offset);
    const std::int64_t begin = frame.begin[offset], rows = frame.begin[offset + 1] - begin;
    const std::int64_t pieces = (rows + most - 1) / most;
    for (std::int64_t p = 0; p < pieces; ++p) {
      const std::int64_t from = begin + p * rows / pieces, to = begin + (p + 1) * rows / pieces;
      all.push_back({index, frame.x.rows(from, to), frame.y.rows(from, to),
                     frame.weights ? frame.weights.rows(from, to) : Tensor()});
    }
  }
  return all;
}

}  // namespace lowtide
