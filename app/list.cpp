#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lowtide/experiments/recipe.h>

#include "verbs.h"

#include <nlohmann/json.hpp>

namespace lowtide::app {
using Json = nlohmann::ordered_json;

void list_all(const Common& common) {
  if (common.json) {
    Json list = Json::array();
    for (const Case& c : cases()) list.push_back({{"case", c.name}, {"about", c.about}});
    const Json all{{"cases", list},
                   {"models", model_names()},
                   {"recipes", recipe_names()},
                   {"optimizers", optimizer_names()}};
    fmt::print("{}\n", all.dump(2));
    return;
  }
  fmt::print("cases\n");
  for (const Case& c : cases()) fmt::print("  {:<14} {}\n", c.name, c.about);
  fmt::print("  {:<14} {}\n", "data",
             fmt::format("any file of snapshots: {} train data --data FILE.h5", program_name()));
  fmt::print("models      {}\nrecipes     {}\noptimizers  {}\n", fmt::join(model_names(), ", "),
             fmt::join(recipe_names(), ", "), fmt::join(optimizer_names(), ", "));
}

}  // namespace lowtide::app
