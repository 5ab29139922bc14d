#include <fmt/format.h>
#include <lowtide/autodiff/tape_core.h>

#include <algorithm>
#include <mutex>

namespace lowtide {
namespace {

thread_local TapeCore* current_tape = nullptr;
thread_local char thread_tag = 0;  // its address names the thread

struct IdleCores {
  std::mutex mutex;
  std::vector<TapeCore*> cores;
};
IdleCores& idle_cores() {
  static IdleCores* idle = new IdleCores;  // never destroyed: tapes may outlive every static
  return *idle;
}

}  // namespace

TapeCore*& TapeCore::current() { return current_tape; }

TapeCore* TapeCore::acquire() {
  IdleCores& idle = idle_cores();
  TapeCore* core = nullptr;
  {
    std::lock_guard lock(idle.mutex);
    if (!idle.cores.empty()) {
      core = idle.cores.back();
      idle.cores.pop_back();
    }
  }
  if (!core) core = new TapeCore;
  core->owner = &thread_tag;
  return core;
}

void TapeCore::give_back(TapeCore* core) {
  core->clear();
  core->sealed = core->finite_only = false;
  std::lock_guard lock(idle_cores().mutex);
  idle_cores().cores.push_back(core);
}

void TapeCore::clear() {
  for (std::int32_t id = size - 1; id >= 0; --id) {
    Node& node = (*this)[id];
    node.value = Tensor();
    node.attributes.reset();
  }
  size = 0;
  inputs.clear();
  consumed = false;
  ++epoch;
}

std::int32_t TapeCore::append(const Op* op, Tensor value) {
  if (size == static_cast<std::int32_t>(chunks.size()) << chunk_bits) {
    PoolAllocator<Node> allocator;
    Node* chunk = allocator.allocate(chunk_size);
    std::uninitialized_value_construct_n(chunk, chunk_size);
    chunks.push_back(chunk);
  }
  Node& node = (*this)[size];
  node.op = op;
  node.value = std::move(value);
  node.first_input = static_cast<std::int32_t>(inputs.size());
  node.input_count = 0;
  node.constant = false;
  return size++;
}

Var TapeCore::tracked_var(std::int32_t id) {
  const Node& node = (*this)[id];
  Var v(node.value);
  if (!node.constant) {
    v.tape_ = this;
    v.id_ = id;
    v.epoch_ = epoch;
  }
  return v;
}

void TapeCore::check_open(std::string_view what) const {
  if (sealed)
    fail<TapeError>(what,
                    "the tape is sealed while tiles run: a tile function may use its arguments only, so "
                    "pass this Var as one");
  if (consumed) fail<TapeError>(what, "the tape was consumed by a sweep that freed its values");
  if (owner != &thread_tag) fail<TapeError>(what, "the tape belongs to another thread");
}

TapeCore* TapeCore::of(const Var& v, std::string_view what) {
  if (!v.tape_) return nullptr;
  if (v.epoch_ != v.tape_->epoch) fail<TapeError>(what, "a Var outlived its tape");
  return v.tape_;
}

void Var::check_readable() const {
  const TapeCore* core = TapeCore::of(*this, "value");
  if (core->guards > 0)
    fail<TapeError>("value",
                    "reading a tracked Var inside a differentiated function would drop its derivative: use "
                    "stop_gradient(x), or peek() to look only");
}

Tape::Tape() : core_(TapeCore::acquire()) {
  core_->outer = TapeCore::current();
  TapeCore::current() = core_;
}

Tape::~Tape() {
  step_aside();
  TapeCore::give_back(core_);
}

void Tape::step_aside() {
  TapeCore** link = &TapeCore::current();
  while (*link && *link != core_) link = &(*link)->outer;
  if (*link) *link = core_->outer;
}

void Tape::move_here() const { core_->owner = &thread_tag; }

Var Tape::leaf(Tensor value) {
  core_->check_open("leaf");
  return core_->tracked_var(core_->append(nullptr, std::move(value)));
}

std::int64_t Tape::nodes() const { return core_->size; }
bool Tape::holds(const Op& op) const {
  for (std::int32_t id = 0; id < core_->size; ++id)
    if ((*core_)[id].op == &op) return true;
  return false;
}
void Tape::clear() { core_->clear(); }
void Tape::check_finite(bool on) { core_->finite_only = on; }

Var Tape::leaf_on_current(Tensor value) {
  TapeCore* core = TapeCore::current();
  if (!core) fail<TapeError>("variable", "no tape is being written on this thread");
  core->check_open("variable");
  return core->tracked_var(core->append(nullptr, std::move(value)));
}

GuardedValues::GuardedValues(Tape& tape) : core_(tape.core_) { ++core_->guards; }
GuardedValues::~GuardedValues() { --core_->guards; }

BorrowedTable::BorrowedTable(TapeCore& core) : core_(core) {
  if (core.idle_tables.empty()) {
    table_ = new SideTable;
  } else {
    table_ = core.idle_tables.back();
    core.idle_tables.pop_back();
  }
}

BorrowedTable::~BorrowedTable() {
  table_->slots.clear();
  table_->flags.clear();
  table_->xs.clear();
  table_->dots.clear();
  table_->bars.clear();
  core_.idle_tables.push_back(table_);
}

bool any_tracked(std::span<const Var> xs) {
  return std::any_of(xs.begin(), xs.end(), [](const Var& x) { return x.tracked(); });
}

Var record(const Op& op, std::span<const Var> xs, const Attributes& attributes) {
  TapeCore* core = nullptr;
  for (const Var& x : xs) {
    if (!x) fail<ShapeError>(op.name, "an argument is an empty Var");
    if (x.dtype() != xs[0].dtype())
      fail<DtypeError>(op.name, fmt::format("arguments of {} and {}: cast one of them", name_of(xs[0].dtype()),
                                            name_of(x.dtype())));
    if (TapeCore* other = TapeCore::of(x, op.name)) {
      if (core && core != other) {
        core->check_open(op.name);
        other->check_open(op.name);
        fail<TapeError>(op.name, "arguments stand on two tapes: differentiate on one tape, with Graph::keep");
      }
      core = other;
    }
  }
  if (core) core->check_open(op.name);

  Tensor value = op.forward(Call{op, xs, attributes});
  if (!core) return Var(std::move(value));
  if (core->finite_only && !all_finite(value))
    fail<NonFiniteError>(
        op.name, fmt::format("the first value that is not finite, at node {} of the tape, shape {}", core->size,
                             to_string(value.shape)));

  // Constants among the inputs get nodes of their own, so that nodes refer to ids alone.
  std::int32_t ids[8];
  PoolVector<std::int32_t> many;
  std::int32_t* id = ids;
  if (xs.size() > std::size(ids)) many.resize(xs.size()), id = many.data();
  for (std::size_t i = 0; i < xs.size(); ++i) {
    if (xs[i].tracked()) {
      id[i] = TapeCore::id_of(xs[i]);
    } else {
      id[i] = core->append(nullptr, xs[i].peek());
      (*core)[id[i]].constant = true;
    }
  }
  const std::int32_t self = core->append(&op, std::move(value));
  Node& node = (*core)[self];
  node.attributes = attributes;
  node.input_count = static_cast<std::int32_t>(xs.size());
  core->inputs.insert(core->inputs.end(), id, id + xs.size());
  return core->tracked_var(self);
}

}  // namespace lowtide
