#include <fmt/format.h>
#include <lowtide/linalg/block_spectra.h>
#include <lowtide/linalg/error.h>

#include <algorithm>
#include <cmath>

namespace lowtide {
namespace {

using Node = BlockSpectra::Node;

// What a node costs as a leaf, at its best rank (-1: dense).
struct Leaf {
  std::int64_t rank;
  double cost;
};

double rest_at(const Node& n, std::int64_t rank) {
  return rank < 0 ? 0 : n.rest[static_cast<std::size_t>(rank)];
}

std::int64_t entries_of(const Node& n, std::int64_t rank) {
  Block b = n.block;
  b.rank = rank;
  return b.entries();
}

// The lowest rank for which `good(rest)`; -1 if there is none. `rest` falls with the rank.
template <class Good>
std::int64_t lowest_rank(const Node& n, const Good& good) {
  const auto at = std::partition_point(n.rest.begin(), n.rest.end(), [&](double rest) { return !good(rest); });
  return at == n.rest.end() ? -1 : at - n.rest.begin();
}

void append(const BlockSpectra& s, std::size_t at, const std::vector<Leaf>& leaves,
            const std::vector<bool>& cut, std::vector<std::pair<std::size_t, std::int64_t>>& chosen,
            std::string& text) {
  if (cut[at]) {
    text += 's';
    for (std::size_t q = 0; q < 4; ++q)
      append(s, static_cast<std::size_t>(s.nodes[at].child) + q, leaves, cut, chosen, text);
    return;
  }
  chosen.emplace_back(at, leaves[at].rank);
  text += leaves[at].rank < 0 ? std::string("d") : fmt::format("r{}", leaves[at].rank);
}

// Leaves of a tree, each with its rank.
struct Choice {
  std::vector<std::pair<std::size_t, std::int64_t>> leaves;
  std::string text;
  double square = 0;  // of the error, in units of the scaled matrix
  std::int64_t entries = 0;

  void count(const BlockSpectra& s) {
    square = 0, entries = 0;
    for (const auto& [at, rank] : leaves) {
      square += rest_at(s.nodes[at], rank);
      entries += entries_of(s.nodes[at], rank);
    }
  }
};

// The one recursion: a node is a leaf unless its four quarters at their best cost less. Children stand behind
// their parents.
template <class LeafOf>
Choice choose(const BlockSpectra& s, const LeafOf& leaf_of) {
  const std::size_t n = s.nodes.size();
  std::vector<Leaf> leaves(n);
  std::vector<double> cost(n);
  std::vector<bool> cut(n);
  for (std::size_t at = n; at-- > 0;) {
    const Node& node = s.nodes[at];
    leaves[at] = leaf_of(node);
    cost[at] = leaves[at].cost;
    if (node.child < 0) continue;
    const auto child = static_cast<std::size_t>(node.child);
    const double below = cost[child] + cost[child + 1] + cost[child + 2] + cost[child + 3];
    if (below < cost[at]) cost[at] = below, cut[at] = true;
  }
  Choice c;
  append(s, 0, leaves, cut, c.leaves, c.text);
  c.count(s);
  return c;
}

// Fewest entries where `allowed(node)` is what the square of the error may be.
template <class Allowed>
Choice choose_within(const BlockSpectra& s, const Allowed& allowed) {
  return choose(s, [&](const Node& n) -> Leaf {
    const double most = allowed(n);
    const std::int64_t rank = lowest_rank(n, [&](double rest) { return rest <= most; });
    return {rank, static_cast<double>(entries_of(n, rank))};
  });
}

Choice by_share(const BlockSpectra& s, double tolerance) {
  const double area = static_cast<double>(s.a.size());
  return choose_within(s, [&](const Node& n) {
    return tolerance * tolerance * (static_cast<double>(n.block.rows * n.block.cols) / area);
  });
}

// One rank more is worth it while the square of its singular value exceeds what its entries cost.
Choice by_rate(const BlockSpectra& s, double lambda) {
  return choose(s, [&](const Node& n) -> Leaf {
    const double price = lambda * static_cast<double>(n.block.rows + n.block.cols);
    std::size_t low = 0, high = n.rest.size() - 1;  // singular values descend
    while (low < high) {
      const std::size_t k = (low + high) / 2;
      if (n.rest[k] - n.rest[k + 1] > price)
        low = k + 1;
      else
        high = k;
    }
    const double cost = n.rest[low] + price * static_cast<double>(low);
    const double dense = lambda * static_cast<double>(n.block.rows * n.block.cols);
    return dense < cost ? Leaf{-1, dense} : Leaf{static_cast<std::int64_t>(low), cost};
  });
}

// The least lambda, or the largest one, for which good(choice): good is true on one side. Falls back on
// `otherwise`.
template <class Good>
Choice bisected(const BlockSpectra& s, bool largest, const Good& good, Choice otherwise) {
  const double whole = s.nodes[0].rest[0];
  if (whole == 0) return by_rate(s, 1);
  // With the upper one nothing is worth an entry; with the lower one all is that is more than rounding.
  double bad = std::log2(whole) + 1, well = bad - 120;
  if (!largest) std::swap(bad, well);
  Choice best = std::move(otherwise);
  for (int i = 0; i < 60; ++i) {
    const double middle = (bad + well) / 2;
    Choice c = by_rate(s, std::exp2(middle));
    if (good(c)) {
      well = middle;
      best = std::move(c);
    } else {
      bad = middle;
    }
  }
  return best;
}

// A change of one leaf by one rank, or from dense to the highest rank and back.
struct Move {
  double price;  // square of error for an entry
  std::size_t leaf;
  std::int64_t rank;
};

std::int64_t lower(const Node& n, std::int64_t rank) { return rank < 0 ? std::ssize(n.rest) - 1 : rank - 1; }
std::int64_t higher(const Node& n, std::int64_t rank) { return rank + 1 == std::ssize(n.rest) ? -1 : rank + 1; }

// Takes moves, the best first, while fits(square, entries) says of what they lead to that it does.
template <class Fits>
void spend(const BlockSpectra& s, Choice& c, bool fewer, const Fits& fits) {
  const auto worse = [&](const Move& a, const Move& b) {
    if (a.price != b.price) return fewer ? a.price > b.price : a.price < b.price;
    return a.leaf > b.leaf;
  };
  std::vector<Move> heap;
  const auto add = [&](std::size_t i) {
    const auto& [at, rank] = c.leaves[i];
    const Node& n = s.nodes[at];
    if (n.block.rows == 0 || n.block.cols == 0 || rank == (fewer ? 0 : -1)) return;
    const std::int64_t next = fewer ? lower(n, rank) : higher(n, rank);
    const double square = rest_at(n, next) - rest_at(n, rank);
    const auto entries = static_cast<double>(entries_of(n, next) - entries_of(n, rank));
    heap.push_back({-square / entries, i, next});
    std::push_heap(heap.begin(), heap.end(), worse);
  };
  for (std::size_t i = 0; i < c.leaves.size(); ++i) add(i);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), worse);
    const Move m = heap.back();
    heap.pop_back();
    const auto [at, rank] = c.leaves[m.leaf];
    const Node& n = s.nodes[at];
    const double square = c.square + (rest_at(n, m.rank) - rest_at(n, rank));
    const std::int64_t entries = c.entries + (entries_of(n, m.rank) - entries_of(n, rank));
    if (!fits(square, entries)) continue;  // nor will the next one of this leaf, but others may
    c.square = square, c.entries = entries;
    c.leaves[m.leaf].second = m.rank;
    add(m.leaf);
  }
}

Chosen finished(const BlockSpectra& s, const Choice& c) {
  // The ranks may have changed since the text was written.
  std::string text;
  std::size_t next = 0;
  for (std::size_t i = 0; i < c.text.size(); ++i) {
    if (c.text[i] == 's') text += 's';
    if (c.text[i] != 'd' && c.text[i] != 'r') continue;
    const std::int64_t rank = c.leaves[next++].second;
    text += rank < 0 ? std::string("d") : fmt::format("r{}", rank);
  }
  Chosen chosen{block_structure(s.a.shape[0], s.a.shape[1], text), 0, {}};
  double square = 0;
  for (const auto& [at, rank] : c.leaves) {
    square += rest_at(s.nodes[at], rank);
    chosen.block_errors.push_back(std::ldexp(std::sqrt(rest_at(s.nodes[at], rank)), s.exponent));
  }
  chosen.error = std::ldexp(std::sqrt(square), s.exponent);
  return chosen;
}

double in_units(const char* op, const BlockSpectra& s, double tolerance) {
  if (!(tolerance >= 0)) fail<Error>(op, fmt::format("{} where zero or more is needed", tolerance));
  return std::ldexp(tolerance, -s.exponent);
}

// Of two the one with fewer entries, or, if both have as many, with fewer blocks.
const Choice& smaller(const Choice& a, const Choice& b) {
  return std::pair(b.entries, b.leaves.size()) < std::pair(a.entries, a.leaves.size()) ? b : a;
}

}  // namespace

Chosen choose_by_share(const BlockSpectra& s, double tolerance) {
  return finished(s, by_share(s, in_units("choose_by_share", s, tolerance)));
}

Chosen choose_by_block(const BlockSpectra& s, double tau) {
  const double most = in_units("choose_by_block", s, tau);
  return finished(s, choose_within(s, [&](const Node&) { return most * most; }));
}

Chosen choose_by_rate(const BlockSpectra& s, double lambda) {
  return finished(s, by_rate(s, in_units("choose_by_rate", s, std::ldexp(lambda, -s.exponent))));
}

Chosen choose_for_error(const BlockSpectra& s, double tolerance) {
  const double unit = in_units("choose_for_error", s, tolerance);
  const double most = unit * unit * (1 - 1e-12);  // sums in another order must not exceed it
  Choice share = by_share(s, unit);
  Choice rate = bisected(
      s, true, [&](const Choice& c) { return c.square <= most; }, share);
  for (Choice* c : {&share, &rate})
    spend(s, *c, true, [&](double square, std::int64_t) { return square <= most; });
  return finished(s, smaller(rate, share));
}

Chosen choose_for_entries(const BlockSpectra& s, std::int64_t entries) {
  if (entries < 0) fail<Error>("choose_for_entries", fmt::format("{} entries", entries));
  Choice c = bisected(
      s, false, [&](const Choice& x) { return x.entries <= entries; },
      choose_within(s, [](const Node& n) { return n.rest[0]; }));
  spend(s, c, false, [&](double, std::int64_t n) { return n <= entries; });
  return finished(s, c);
}

}  // namespace lowtide
