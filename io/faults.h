// Faults on purpose, for tests of what a full disk or a crash leaves behind. LOWTIDE_FAULT plans one:
//
//   write:7:ENOSPC      the 7th call that writes (open, write, fsync, close, rename, mkdir) fails; also EIO,
//   EINTR,
//                       EROFS, EDQUOT, and SHORT, which writes half and succeeds
//   read:2:EIO          the same of calls that read
//   checkpoint:3:4096   the process is killed in the 3rd checkpoint when 4096 bytes of it are written
//   checkpoint:3:flush  ... or before it is flushed, before its "rename", before its "folder" is flushed, at
//   its "end"
//
// Only files that go through io/file.h are met.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace lowtide::faults {

enum class Call : std::uint8_t { read, write };

void plan(const std::string& text);  // in place of LOWTIDE_FAULT, and counts from 1 again; "" for none
std::int64_t calls(Call call);       // since a plan was made

bool fails(Call call);                   // whether the call that comes next shall fail; errno says how
std::size_t at_most(std::size_t bytes);  // that the next write may write
void wrote(int file, std::size_t bytes);
void flushed(int file);
void at(const char* place);

struct Checkpoint {  // one is being written while this lives
  Checkpoint();
  ~Checkpoint();
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;
};

}  // namespace lowtide::faults
