// Several optimizers for the tensors of one model, each with its own tensors and rate.
#pragma once
#include <lowtide/optim/adam.h>
#include <lowtide/optim/muon.h>
#include <lowtide/optim/sgd.h>
#include <lowtide/optim/soap.h>

#include <string>
#include <variant>
#include <vector>

namespace lowtide {

using Optimizer = std::variant<Sgd, Adam, Muon, Soap>;

struct Group {
  Optimizer optimizer;
  std::vector<std::int64_t> tensors;  // indices into theta
  double factor = 1;                  // of the learning rate
};

// Every tensor belongs to exactly one group.
struct Grouped {
  double lr = 1.5e-3;
  std::vector<Group> groups{};

  // Each optimizer's lr becomes lr times the factor of its group.
  void step(Tensors& theta, const Tensors& gradient);

  // Names begin with the number of the group: "0.m".
  template <class Visitor>
  void visit(Visitor&& see) {  // see optimizer.h
    see("lr", lr);
    for (std::size_t k = 0; k < groups.size(); ++k)
      std::visit(
          [&](auto& optimizer) {
            optimizer.visit([&](std::string_view name, auto& part) {
              std::string full = std::to_string(k);
              full.append(".").append(name);
              see(std::string_view(full), part);
            });
          },
          groups[k].optimizer);
  }
};

}  // namespace lowtide
