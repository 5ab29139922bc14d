// The inside of a tape, for tape.cpp and the sweeps.
#pragma once
#include <lowtide/autodiff/tape.h>

namespace lowtide {

struct Node {
  const Op* op = nullptr;  // null: a leaf or a constant
  Tensor value;
  Attributes attributes;
  std::int32_t first_input = 0;  // in TapeCore::inputs
  std::int32_t input_count = 0;
  bool constant = false;
};

// Tangents or cotangents of one sweep, indexed by node. Kept by the tape for its next sweep.
struct SideTable {
  Vars slots;
  PoolVector<std::uint8_t> flags;
  Vars xs, dots;  // arguments of one rule
  PoolVector<Var*> bars;
};

// Cores are reused and never freed, so that a Var of a dead tape can be told by its epoch.
struct TapeCore {
  static constexpr std::int32_t chunk_bits = 7, chunk_size = 1 << chunk_bits;

  PoolVector<Node*> chunks;
  std::int32_t size = 0;
  PoolVector<std::int32_t> inputs;
  PoolVector<SideTable*> idle_tables;
  std::uint32_t epoch = 1;
  int guards = 0;
  bool consumed = false;
  bool sealed = false;
  bool finite_only = false;
  const void* owner = nullptr;  // identifies the thread
  TapeCore* outer = nullptr;    // the current tape before this one

  Node& operator[](std::int32_t id) {
    return chunks[static_cast<std::size_t>(id >> chunk_bits)][id & (chunk_size - 1)];
  }
  std::int32_t append(const Op* op, Tensor value);
  void clear();

  // The node as a Var: on the tape, or as a constant.
  Var tracked_var(std::int32_t id);
  Var constant_var(std::int32_t id) { return Var((*this)[id].value); }

  void check_open(std::string_view what) const;  // throws if sealed, consumed or of another thread
  // The core of a tracked Var; throws if its tape is gone.
  static TapeCore* of(const Var& v, std::string_view what);
  static std::int32_t id_of(const Var& v) { return v.id_; }

  static TapeCore* acquire();
  static void give_back(TapeCore* core);
  static TapeCore*& current();
};

// Borrows a side table for one sweep.
class BorrowedTable {
 public:
  explicit BorrowedTable(TapeCore& core);
  ~BorrowedTable();
  BorrowedTable(const BorrowedTable&) = delete;
  SideTable* operator->() const { return table_; }

 private:
  TapeCore& core_;
  SideTable* table_;
};

}  // namespace lowtide
