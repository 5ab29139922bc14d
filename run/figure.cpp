#include <fcntl.h>
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/run/figure.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

extern char** environ;

namespace lowtide {
namespace fs = std::filesystem;
namespace {

// In a gnuplot string between single quotes.
std::string quoted(const std::string& text) {
  std::string safe = "'";
  for (const char c : text) safe += c == '\'' ? "''" : std::string(1, c);
  return safe + "'";
}

// Runs gnuplot in the folder of its script. -1 if there is none, else its exit code.
int run_gnuplot(const fs::path& folder, const std::string& script) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, folder.empty() ? "." : folder.c_str());
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  char* const arguments[] = {const_cast<char*>("gnuplot"), const_cast<char*>(script.c_str()), nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return -1;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? (WEXITSTATUS(status) == 127 ? -1 : WEXITSTATUS(status)) : 1;
}

}  // namespace

bool draw(const Figure& figure) {
  const auto beside = [&](const char* ending) { return fs::path(figure.path).replace_extension(ending); };
  const fs::path data = beside(".csv"), script = beside(".gnuplot");
  const auto name = [](const fs::path& path) { return quoted(path.filename().string()); };
  write_file(data, figure.data);
  write_file(script,
             fmt::format("set terminal svg size {},{} font 'sans,14' background 'white'\nset output {}\n"
                         "set datafile separator ','\nset datafile missing 'nan'\ndata = {}\n{}",
                         figure.width, figure.height, name(figure.path), name(data), figure.script));
  std::error_code ignored;
  fs::remove(figure.path, ignored);
  const int code = run_gnuplot(figure.path.parent_path(), "./" + script.filename().string());
  if (code > 0 || (code == 0 && !fs::exists(figure.path))) {
    fs::remove(figure.path, ignored);  // half a picture
    throw FileError(fmt::format("gnuplot could not draw {} from {}", figure.path.string(), script.string()));
  }
  return code == 0;
}

}  // namespace lowtide
