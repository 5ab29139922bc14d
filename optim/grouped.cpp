#include <fmt/format.h>
#include <lowtide/optim/grouped.h>
#include <lowtide/optim/optimizer.h>

namespace lowtide {
namespace {

void require_partition(const std::vector<Group>& groups, std::size_t tensors) {
  std::vector<int> owner(tensors, -1);
  for (std::size_t k = 0; k < groups.size(); ++k)
    for (const std::int64_t i : groups[k].tensors) {
      if (i < 0 || i >= std::ssize(owner))
        fail<ShapeError>("grouped", fmt::format("group {} has tensor {} of {}", k, i, tensors));
      int& mine = owner[static_cast<std::size_t>(i)];
      if (mine >= 0) fail<ShapeError>("grouped", fmt::format("tensor {} is in groups {} and {}", i, mine, k));
      mine = static_cast<int>(k);
    }
  for (std::size_t i = 0; i < tensors; ++i)
    if (owner[i] < 0) fail<ShapeError>("grouped", fmt::format("tensor {} is in no group", i));
}

// Tensors of a group, moved out of theta so that nobody shares them, and moved back whatever happens.
struct Borrowed {
  Tensors& theta;
  const std::vector<std::int64_t>& indices;
  Tensors mine{};

  Borrowed(Tensors& all, const std::vector<std::int64_t>& which) : theta(all), indices(which) {
    mine.reserve(which.size());
    for (const std::int64_t i : which) mine.push_back(std::move(all[static_cast<std::size_t>(i)]));
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  ~Borrowed() {
    for (std::size_t k = 0; k < mine.size(); ++k)
      theta[static_cast<std::size_t>(indices[k])] = std::move(mine[k]);
  }
};

}  // namespace

void Grouped::step(Tensors& theta, const Tensors& gradient) {
  require_partition(groups, theta.size());
  require_gradient("grouped", theta, gradient);  // of all, before the first group has moved
  for (Group& group : groups) {
    Tensors part;
    part.reserve(group.tensors.size());
    for (const std::int64_t i : group.tensors) part.push_back(gradient[static_cast<std::size_t>(i)]);
    Borrowed borrowed(theta, group.tensors);
    std::visit(
        [&](auto& optimizer) {
          optimizer.lr = lr * group.factor;
          optimizer.step(borrowed.mine, part);
        },
        group.optimizer);
  }
}

}  // namespace lowtide
