// Signals that ask a loop to stop: SIGINT, SIGTERM, and SIGUSR1, which batch systems send before time is up.
#pragma once
#include <signal.h>

#include <array>

namespace lowtide {

// Catches them while it lives. A second SIGINT ends the process at once. A SIGINT that was ignored before, as
// shells arrange for what runs in the background, stays ignored. One at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int caught() const;  // the signal, or 0

 private:
  static constexpr std::array<int, 3> signals{SIGINT, SIGTERM, SIGUSR1};
  std::array<struct sigaction, signals.size()> before_{};
};

const char* name_of_signal(int signal);  // "SIGTERM"

}  // namespace lowtide
