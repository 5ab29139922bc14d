#include <fcntl.h>
#include <fmt/format.h>
#include <lowtide/io/apart.h>
#include <lowtide/io/file.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOWTIDE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LOWTIDE_SANITIZED 1
#endif
#endif

namespace lowtide {
namespace {

#ifdef LOWTIDE_SANITIZED
constexpr bool sanitized = true;  // its shadow memory is larger than any limit
#else
constexpr bool sanitized = false;
#endif

constexpr int memory_is_short = 71;  // exit codes of the child
constexpr int threw = 72;

struct Ended {};  // the child has, too early
struct Late {};

std::int64_t now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

void limit(int resource, double most) {
  rlimit old;
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &old) != 0) return;
  const rlim_t lower = most < 1e18 ? std::min(static_cast<rlim_t>(most), old.rlim_max) : old.rlim_max;
  const rlimit wanted{lower, lower};
  ::setrlimit(static_cast<__rlimit_resource_t>(resource), &wanted);
}

std::uint64_t address_space() {  // of this process, in bytes
  unsigned long long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%llu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

[[noreturn]] void be_the_child(const ApartLimits& limits, std::uint64_t in_use, int fd,
                               FunctionRef<void(const ToParent&)> work) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_DUMPABLE, 0);
  // A crash is to end it, not to enter a handler of the parent; the keyboard stops the parent, which stops it.
  for (int s = 1; s < NSIG; ++s) std::signal(s, SIG_DFL);
  for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE}) std::signal(s, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = ::open("/dev/null", O_RDWR);  // malloc, for one, prints before it aborts
  if (null >= 0) ::dup2(null, 1), ::dup2(null, 2);

  limit(RLIMIT_CORE, 0);
  // The limit of the system counts whole seconds; the timer, whose signal ends the process, is finer.
  limit(RLIMIT_CPU, std::ceil(limits.cpu_seconds) + 1);
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(limits.cpu_seconds);
  timer.it_value.tv_usec =
      static_cast<suseconds_t>(1e6 * (limits.cpu_seconds - std::floor(limits.cpu_seconds)));
  ::setitimer(ITIMER_PROF, &timer, nullptr);
  if (!sanitized && in_use != 0)
    limit(RLIMIT_AS, static_cast<double>(in_use) + static_cast<double>(limits.memory));
  try {
    work(ToParent(fd));
  } catch (const std::bad_alloc&) {
    ::_exit(memory_is_short);
  } catch (...) {
    ::_exit(threw);
  }
  ::_exit(0);
}

// The child from its start to its end; destroying this ends it.
class Child {
 public:
  Child(const ApartLimits& limits, FunctionRef<void(const ToParent&)> work) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) refused();
    const std::uint64_t in_use = address_space();
    sigset_t all, old;  // no handler of ours may run in the child
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &old);
    id_ = ::fork();
    if (id_ == 0) {
      ::close(ends[0]);
      be_the_child(limits, in_use, ends[1], work);
    }
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
    ::close(ends[1]);
    fd_ = ends[0];
    if (id_ < 0) {
      ::close(fd_);
      errno = error;
      refused();
    }
  }
  ~Child() {
    ::close(fd_);
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int fd() const { return fd_; }
  // Its status; 0 too if somebody else has waited for it. It has closed its pipe, so it is about to end.
  int wait() {
    int status = 0;
    const std::int64_t deadline = now() + 1000;
    pid_t ended = 0;
    while ((ended = ::waitpid(id_, &status, WNOHANG)) == 0 && now() < deadline) ::usleep(200);
    if (ended == 0) return SIGKILL;  // the destructor's
    id_ = -1;
    return ended < 0 ? 0 : status;
  }

 private:
  [[noreturn]] static void refused() {
    throw FileError(fmt::format("cannot start a process: {}", std::strerror(errno)));
  }
  pid_t id_ = -1;
  int fd_ = -1;
};

std::string ending(int status, const ApartLimits& limits) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGPROF || signal == SIGXCPU)
      return fmt::format("took longer than {:.1f} s", limits.cpu_seconds);
    if (signal == SIGKILL) return "was killed, perhaps for want of memory";
    return fmt::format("crashed (signal {})", signal);
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  if (code == memory_is_short) return fmt::format("wanted more than {} MB of memory", limits.memory >> 20);
  return fmt::format("ended too early (code {})", code);
}

}  // namespace

void ToParent::send(const void* bytes, std::size_t count) const {
  const char* next = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t put = ::write(fd_, next, count);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) ::_exit(threw);
    next += put;
    count -= static_cast<std::size_t>(put);
  }
}

void FromChild::receive(void* bytes, std::size_t count) {
  char* next = static_cast<char*>(bytes);
  while (count > 0) {
    pollfd ready{fd_, POLLIN, 0};
    const std::int64_t left = deadline_ - now();
    const int found = left <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(std::min<std::int64_t>(left, 60000)));
    if (found == 0 && deadline_ - now() <= 0) throw Late{};
    if (found <= 0) continue;  // a signal, or not yet
    const ssize_t got = ::read(fd_, next, count);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw Ended{};
    next += got;
    count -= static_cast<std::size_t>(got);
  }
}

void run_apart(const ApartLimits& limits, FunctionRef<void(const ToParent&)> work,
               FunctionRef<void(FromChild&)> parent) {
  Child child(limits, work);
  FromChild pipe(child.fd(), now() + static_cast<std::int64_t>(1000 * limits.wall_seconds));
  try {
    parent(pipe);
  } catch (const Late&) {
    throw ApartError(fmt::format("took longer than {:.1f} s", limits.wall_seconds));
  } catch (const Ended&) {
    throw ApartError(ending(child.wait(), limits));
  }
}

}  // namespace lowtide
