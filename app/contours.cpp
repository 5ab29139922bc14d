#include "contours.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace lowtide::app {
namespace {

double distance(const std::array<double, 2>& p, const std::array<double, 2>& a,
                const std::array<double, 2>& b) {
  const double dx = b[0] - a[0], dy = b[1] - a[1], length = std::hypot(dx, dy);
  if (length == 0) return std::hypot(p[0] - a[0], p[1] - a[1]);
  return std::abs(dx * (p[1] - a[1]) - dy * (p[0] - a[0])) / length;
}

void keep(const Line& line, std::size_t begin, std::size_t end, double tolerance, std::vector<bool>& kept) {
  std::size_t farthest = begin;
  double most = tolerance;
  for (std::size_t i = begin + 1; i < end; ++i)
    if (const double off = distance(line[i], line[begin], line[end]); off > most) most = off, farthest = i;
  if (farthest == begin) return;
  kept[farthest] = true;
  keep(line, begin, farthest, tolerance, kept);
  keep(line, farthest, end, tolerance, kept);
}

// Crossed edges, each of which has at most two neighbours on its line.
using Crossings = std::map<std::int64_t, std::vector<std::int64_t>>;

std::int64_t take_neighbour(Crossings& edges, std::int64_t edge) {
  std::vector<std::int64_t>& next = edges[edge];
  if (next.empty()) return -1;
  const std::int64_t to = next.back();
  next.pop_back();
  std::vector<std::int64_t>& back = edges[to];
  back.erase(std::find(back.begin(), back.end(), edge));
  return to;
}

}  // namespace

std::vector<Line> contours(const std::vector<double>& values, const Lattice& lattice, double level) {
  const auto [nx, ny] = lattice.n;
  const auto value = [&](std::int64_t node) { return values[static_cast<std::size_t>(node)]; };
  // Edge 2 p goes from node p to the right, edge 2 p + 1 upwards.
  const auto crossing = [&](std::int64_t edge) -> std::array<double, 2> {
    const std::int64_t p = edge / 2, q = edge % 2 == 0 ? p + 1 : p + nx;
    const double part = (level - value(p)) / (value(q) - value(p));
    std::array<double, 2> at{lattice.place(0, p % nx), lattice.place(1, p / nx)};
    at[static_cast<std::size_t>(edge % 2)] += part * lattice.step(static_cast<std::size_t>(edge % 2));
    return at;
  };
  Crossings edges;
  const auto join = [&](std::int64_t a, std::int64_t b) {
    edges[a].push_back(b);
    edges[b].push_back(a);
  };
  for (std::int64_t j = 0; j + 1 < ny; ++j)
    for (std::int64_t i = 0; i + 1 < nx; ++i) {
      const std::int64_t p = j * nx + i;
      const std::array<std::int64_t, 4> corner{p, p + 1, p + nx + 1, p + nx};
      const std::array<std::int64_t, 4> edge{2 * p, 2 * (p + 1) + 1, 2 * (p + nx), 2 * p + 1};
      std::array<bool, 4> above{};
      double sum = 0;
      for (std::size_t c = 0; c < 4; ++c) {
        above[c] = value(corner[c]) > level;
        sum += value(corner[c]);
      }
      if (std::isnan(sum)) continue;
      std::vector<std::int64_t> crossed;
      for (std::size_t c = 0; c < 4; ++c)
        if (above[c] != above[(c + 1) % 4]) crossed.push_back(edge[c]);
      if (crossed.size() == 2) join(crossed[0], crossed[1]);
      if (crossed.size() == 4) {  // a saddle: the corners that are like its middle are connected
        const bool first = above[0] == (sum > 4 * level);
        join(crossed[0], crossed[first ? 1 : 3]);
        join(crossed[2], crossed[first ? 3 : 1]);
      }
    }
  std::vector<Line> lines;
  const auto follow = [&](std::int64_t edge) {
    Line line{crossing(edge)};
    for (std::int64_t next = take_neighbour(edges, edge); next >= 0; next = take_neighbour(edges, next))
      line.push_back(crossing(next));
    lines.push_back(std::move(line));
  };
  for (auto& [edge, next] : edges)  // first those that end at the border
    if (next.size() == 1) follow(edge);
  for (auto& [edge, next] : edges)
    if (!next.empty()) follow(edge);
  return lines;
}

std::vector<bool> needed(const Line& line, double tolerance) {
  std::vector<bool> kept(line.size());
  if (line.empty()) return kept;
  kept.front() = kept.back() = true;
  keep(line, 0, line.size() - 1, tolerance, kept);
  return kept;
}

Line simplified(const Line& line, double tolerance) {
  const std::vector<bool> kept = needed(line, tolerance);
  Line out;
  for (std::size_t i = 0; i < line.size(); ++i)
    if (kept[i]) out.push_back(line[i]);
  return out;
}

std::vector<double> levels_between(const std::vector<double>& values, int count) {
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (const double v : values)
    if (!std::isnan(v)) least = std::min(least, v), most = std::max(most, v);
  std::vector<double> levels;
  if (!(most > least)) return levels;
  for (int k = 0; k < count; ++k) {
    double best = 0;
    std::int64_t fewest = std::numeric_limits<std::int64_t>::max();
    for (const double shift : {0.0, 0.15, -0.15, 0.3, -0.3}) {
      const double level = least + (k + .5 + shift) * (most - least) / count;
      const std::int64_t near = std::count_if(values.begin(), values.end(), [&](double v) {
        return std::abs(v - level) < .1 * (most - least) / count;
      });
      if (near < fewest) fewest = near, best = level;
    }
    levels.push_back(best);
  }
  return levels;
}

}  // namespace lowtide::app
