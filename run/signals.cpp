#include <lowtide/run/signals.h>

#include <atomic>

namespace lowtide {
namespace {

std::atomic<int> first{0};
static_assert(std::atomic<int>::is_always_lock_free);  // else a handler could not use it

extern "C" void note_stop(int signal) {
  int none = 0;
  if (first.compare_exchange_strong(none, signal) || signal != SIGINT) return;
  ::signal(SIGINT, SIG_DFL);
  ::raise(SIGINT);  // arrives when this handler returns
}

}  // namespace

StopSignals::StopSignals() {
  first = 0;
  struct sigaction action {};
  action.sa_handler = note_stop;
  action.sa_flags = SA_RESTART;
  for (std::size_t k = 0; k < signals.size(); ++k) {
    ::sigaction(signals[k], nullptr, &before_[k]);
    if (signals[k] == SIGINT && before_[k].sa_handler == SIG_IGN) continue;
    ::sigaction(signals[k], &action, nullptr);
  }
}

StopSignals::~StopSignals() {
  for (std::size_t k = 0; k < signals.size(); ++k) ::sigaction(signals[k], &before_[k], nullptr);
}

int StopSignals::caught() const { return first; }

const char* name_of_signal(int signal) {
  return signal == SIGINT    ? "SIGINT"
         : signal == SIGTERM ? "SIGTERM"
         : signal == SIGUSR1 ? "SIGUSR1"
                             : "a signal";
}

}  // namespace lowtide
