#include <lowtide/autodiff/op.h>

#include <algorithm>

namespace lowtide {
namespace {

std::vector<const Op*>& table() {
  static std::vector<const Op*> ops;
  return ops;
}

}  // namespace

// Registration runs before main; sorting waits until somebody looks.
RegisteredOp::RegisteredOp(const Op& definition) : op(definition) { table().push_back(&op); }

const std::vector<const Op*>& op_table() {
  std::sort(table().begin(), table().end(), [](const Op* a, const Op* b) { return a->name < b->name; });
  return table();
}

const Op& op_named(std::string_view name) {
  for (const Op* op : table())
    if (op->name == name) return *op;
  fail<Error>("op_named", std::string("there is no op ").append(name));
}

}  // namespace lowtide
