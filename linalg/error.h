// What lowtide throws. Every message is one line: the operation in brackets, the things that
// disagree, and the usual cause.
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace lowtide {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct ShapeError : Error {  // sizes that disagree, or that cannot be
  using Error::Error;
};
struct DtypeError : Error {  // f32 met f64
  using Error::Error;
};
struct TapeError : Error {  // a Var or a sweep used where its tape does not allow it
  using Error::Error;
};
struct NonFiniteError : Error {  // NaN or Inf where a finite number is needed
  using Error::Error;
};
struct SolverError : Error {  // a factorization or iteration that cannot go on
  using Error::Error;
};

template <class E>
[[noreturn]] void fail(std::string_view where, std::string_view what) {
  std::string message;
  message.reserve(where.size() + what.size() + 3);
  message.append("[").append(where).append("] ").append(what);
  throw E(message);
}

}  // namespace lowtide
