// The command line of lowtide. Exit codes: 0 good, 2 usage or bad input, 3 diverged, 4 file system, 75 stopped
// and resumable.
#pragma once

namespace lowtide::app {

int command_line(int argc, char** argv);

}  // namespace lowtide::app
