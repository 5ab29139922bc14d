// What the tests of runs share: a folder that goes away, the refusals, the lines on stderr, processes to kill.
#pragma once
#include <fcntl.h>
#include <lowtide/io/file.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

extern char** environ;

namespace lowtide::testing {

struct Folder {  // in memory, where that is possible: there are thousands of flushes
  std::filesystem::path path =
      (::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : std::filesystem::temp_directory_path()) /
      std::filesystem::path("lowtide-test-run-" + std::to_string(::getpid()));
  Folder() {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
};

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The message of the InputError that `run` must throw; empty if it throws none.
template <class Act>
std::string refusal(Act&& act) {
  try {
    act();
  } catch (const InputError& error) {
    const std::string what = error.what();
    BOOST_TEST(!contains(what, "\n"));
    return what;
  }
  return {};
}

// What `act` prints on stderr.
template <class Act>
std::string said(const Folder& folder, const Act& act) {
  const std::string path = folder / "stderr";
  std::fflush(stderr);
  const int before = ::dup(STDERR_FILENO), file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  ::dup2(file, STDERR_FILENO);
  act();
  std::fflush(stderr);
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  ::close(file);
  return read_file(path);
}

// A process of its own; its stderr goes to a file.
class Process {
 public:
  Process(const std::vector<std::string>& command, const std::string& log,
          const std::vector<std::string>& variables = {}) {
    std::vector<char*> arguments, environment;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    for (const std::string& variable : variables) environment.push_back(const_cast<char*>(variable.c_str()));
    for (char** variable = environ; *variable; ++variable) environment.push_back(*variable);
    arguments.push_back(nullptr);
    environment.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                       0600);
    BOOST_REQUIRE(::posix_spawn(&id_, arguments[0], &actions, nullptr, arguments.data(), environment.data()) ==
                  0);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  ~Process() {
    if (id_ <= 0) return;
    send(SIGKILL);
    wait();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send(int signal) const { ::kill(id_, signal); }
  int wait() {  // the exit code; minus the signal if one ended it
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    id_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t id_ = 0;
};

}  // namespace lowtide::testing
