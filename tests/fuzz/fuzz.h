// What fuzz targets share: a wrong result ends the process, so that the fuzzer keeps the input.
#pragma once
#include <lowtide/io/file.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace lowtide::fuzzing {

inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

// Runs `parse`; whether the input was accepted. Only an InputError may refuse it, by one line of readable
// characters that begins with the name of the file.
template <class Parse>
bool accepted(const std::string& name, const Parse& parse) {
  try {
    parse();
    return true;
  } catch (const InputError& error) {
    const std::string message = error.what();
    expect(message.rfind(name, 0) == 0, "a message begins with the file");
    expect(message.size() < 600, "a message is short");
    for (const char c : message) expect(c >= ' ' && c <= '~', "a message is one line of readable characters");
    return false;
  }
}

}  // namespace lowtide::fuzzing
