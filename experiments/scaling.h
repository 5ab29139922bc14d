// Between the units of a problem and those of a network: inputs in [-1,1], outputs of order one.
#pragma once
#include <lowtide/io/snapshots.h>

#include <map>
#include <string>
#include <vector>

namespace lowtide {

struct Range {
  double low = -1, high = 1;
  double inside(double x) const { return high > low ? 2 * (x - low) / (high - low) - 1 : 0; }
};

struct Scaling {
  std::vector<Range> x{};             // a direction each
  std::vector<Range> t{};             // time, then the parameters beside it
  std::vector<std::string> fields{};  // what is learned
  std::vector<double> size{};         // of each field, which the network gives divided by it

  std::int64_t dims() const { return static_cast<std::int64_t>(x.size()); }
  std::int64_t parameters() const { return static_cast<std::int64_t>(t.size()) - 1; }

  Tensor points(const Tensor& physical) const;                             // (n,d) -> f32 (n,d)
  Tensor time(double physical, const std::vector<double>& mu = {}) const;  // -> f32 (1,1+p)
  Tensor values(const Tensor& physical) const;                             // (n,c) -> f32 (n,c)
  Tensor physical_values(const Tensor& scaled) const;                      // (n,c) -> f64 (n,c)

  std::map<std::string, std::string> metadata() const;  // for the file of a model
};

Scaling scaling_from(const std::map<std::string, std::string>& metadata, const std::string& source);

// Of the domain and the times of a set; one field is divided by its largest modulus over the training frames,
// several each by its root mean square. `fields` with commas between; empty: all. InputError for a field that
// is not there, or zero everywhere.
Scaling scaling_of(const Snapshots& set, const std::string& fields);

// The columns of u that are learned.
std::vector<std::int64_t> columns_of(const Snapshots& set, const std::vector<std::string>& fields);
Tensor columns(const Tensor& u, const std::vector<std::int64_t>& which);

std::vector<double> parameters_of(const Snapshots& set, std::int64_t frame);  // beside time

}  // namespace lowtide
