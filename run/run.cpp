#include <fcntl.h>
#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/run/checkpoints.h>
#include <lowtide/run/manifest.h>
#include <lowtide/run/metrics.h>
#include <lowtide/run/progress.h>
#include <lowtide/run/run.h>
#include <lowtide/run/signals.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

namespace lowtide {
namespace fs = std::filesystem;

namespace {

constexpr const char *lock_name = ".lock", *manifest_name = "manifest.json";

// Held while it lives; the kernel lets go of it if the process is killed.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder) {
    const fs::path path = folder / lock_name;
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0) throw FileError(fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)));
    if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
    const int reason = errno;
    ::close(file_);
    if (reason == EWOULDBLOCK)
      bad_input(folder.string(), "", fmt::format("another process trains in it; it holds {}", path.string()));
    throw FileError(fmt::format("cannot lock {}: {}", path.string(), std::strerror(reason)));
  }
  ~FolderLock() { ::close(file_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_;
};

bool is_run(const fs::path& folder) { return fs::is_regular_file(folder / manifest_name); }

// Apart from what a run leaves that is killed at its very beginning.
bool has_content(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder))
    if (const std::string name = entry.path().filename();
        name != lock_name && !name.starts_with(fmt::format("{}.tmp.", manifest_name)))
      return true;
  return false;
}

// Whether there is a run to go on with.
bool check_folder(const RunOptions& options) {
  const fs::path& folder = options.folder;
  const auto refuse = [&](const char* why) { bad_input(folder.string(), "", why); };
  if (folder.empty()) throw InputError("a run needs a folder");
  if (options.resume && options.force) refuse("to resume it and to replace it (--force) contradict each other");
  if (fs::exists(folder) && !fs::is_directory(folder)) refuse("not a folder");
  if (!fs::exists(folder) || !has_content(folder)) {
    if (options.resume) refuse("there is no run to resume");
    return false;
  }
  if (!options.resume && !options.force)
    throw InputError(fmt::format("{} exists; --force replaces it, --resume goes on with it", folder.string()));
  if (!is_run(folder)) refuse("not the folder of a run: it has no manifest.json");
  return options.resume;
}

// The folder, there and empty if there is nothing to go on with. Looked at again under the lock: somebody may
// have been faster. The manifest goes last, so that it looks like a run until then.
const fs::path& prepared(const RunOptions& options, bool resume) {
  if (check_folder(options) != resume)
    bad_input(options.folder.string(), "", "somebody else has just changed it");
  if (!resume && is_run(options.folder)) {
    for (const auto& entry : fs::directory_iterator(options.folder))
      if (const fs::path name = entry.path().filename(); name != lock_name && name != manifest_name)
        fs::remove_all(entry.path());
    fs::remove(options.folder / manifest_name);
  }
  return options.folder;
}

}  // namespace

struct Run::Impl {
  RunOptions options;
  bool resumed;
  FolderLock lock;
  Manifest manifest;
  Metrics metrics;
  Checkpoints checkpoints;
  Position position{};
  bool looped = false;
  bool steps_told = false;  // by the caller, whose loop may have ended by a break
  std::optional<std::chrono::steady_clock::time_point> since{};  // while the loop runs

  Impl(RunOptions o, bool resume)
      : options(std::move(o)),
        resumed(resume),
        lock(made(options.folder)),
        manifest(prepared(options, resumed) / manifest_name, options.seed, resumed),
        metrics(options.folder / "metrics.jsonl"),
        checkpoints(options.folder / "checkpoints") {
    position.seed = options.seed;
  }

  static const fs::path& made(const fs::path& folder) {
    make_folder(folder);
    return folder;
  }

  double seconds() const {
    using Seconds = std::chrono::duration<double>;
    return position.seconds + (since ? Seconds(std::chrono::steady_clock::now() - *since).count() : 0);
  }
};

Run::Run(RunOptions options) {
  try {
    const bool resume = check_folder(options);
    impl_ = std::make_unique<Impl>(std::move(options), resume);
  } catch (const fs::filesystem_error& error) {
    throw FileError(fmt::format("cannot use {}: {}", error.path1().string(), error.code().message()));
  }
}

Run::~Run() = default;

const fs::path& Run::folder() const { return impl_->options.folder; }
Stream Run::rng(std::string_view name) const { return Stream(impl_->options.seed, name); }
bool Run::resumed() const { return impl_->resumed; }
double Run::seconds() const { return impl_->seconds(); }
double Run::gflop() const { return impl_->position.flops * 1e-9; }
std::int64_t Run::step() const { return impl_->position.step; }
void Run::config_hash(const std::string& hash) { impl_->position.config = hash; }
void Run::manifest(const std::string& key, const std::string& value) { impl_->manifest.set(key, value); }
void Run::manifest(const std::string& key, double value) { impl_->manifest.set(key, value); }
void Run::manifest(const std::string& key, std::int64_t value) {
  impl_->steps_told |= key == "steps";
  impl_->manifest.set(key, value);
}
void Run::ended(const std::string& reason) {
  if (!impl_->steps_told) impl_->manifest.set("steps", impl_->position.step);
  impl_->manifest.set("seconds", seconds());
  impl_->manifest.set("gflop", gflop());
  impl_->manifest.set("exit", reason);
}

struct Steps::Impl {
  Run::Impl& run;
  std::vector<StatePart> parts;
  std::optional<Progress> progress{};
  StopSignals signals{};
  Position begin{};     // of this session
  Position before{};    // this step
  double saved = 0;     // seconds() at the last checkpoint
  bool better = false;  // is to be kept as the best
  double part = -1;     // of the whole that is done, if told
  std::string note{};

  Position position() const {
    Position now = run.position;
    now.seconds = run.seconds();
    return now;
  }
  void save() { save(position()); }
  void save(const Position& now) {
    run.metrics.flush();  // first, so that a checkpoint finds the lines of all steps before it
    run.checkpoints.write(now, parts);
    saved = run.seconds();
  }
  void save_best() {
    run.metrics.flush();
    run.checkpoints.write_best(position(), parts);
  }
  std::string rates() const {
    const double seconds = run.seconds() - begin.seconds, points = run.position.points - begin.points,
                 flops = run.position.flops - begin.flops;
    std::string text = note;
    if (points > 0) text += fmt::format("  {:.3g} points/s", points / seconds);
    if (flops > 0) text += fmt::format("  {:.3g} Gflop/s", flops / seconds * 1e-9);
    return text;
  }
};

Steps::Steps(Run& run, std::int64_t total, std::vector<StatePart> parts)
    : total_(total), impl_(new Impl{*run.impl_, std::move(parts)}) {
  Run::Impl& r = impl_->run;
  if (std::exchange(r.looped, true)) throw Error("[steps] a run has one loop");
  if (r.resumed) {
    if (const auto position = r.checkpoints.load(r.position, impl_->parts))
      r.position = *position;
    else
      fmt::print(stderr, "{}: there is no checkpoint to go on from; it begins anew\n",
                 r.options.folder.string());
  }
  r.metrics.cut(r.position.step);
  step_.index = r.position.step;
  step_.steps_ = this;
  if (r.position.finished) total_ = step_.index;
  impl_->begin = impl_->before = r.position;
  impl_->saved = r.position.seconds;
  r.since = std::chrono::steady_clock::now();
  if (r.options.quiet) return;
  impl_->progress.emplace(r.options.label, total);
  impl_->progress->begin_at(step_.index);
}

Steps::~Steps() {
  Run::Impl& r = impl_->run;
  r.position.seconds = r.seconds();
  r.since.reset();
}

void Steps::after_step() {
  Run::Impl& r = impl_->run;
  r.position.step = ++step_.index;
  if (std::exchange(impl_->better, false)) impl_->save_best();
  const int signal = impl_->signals.caught();
  const bool due = r.seconds() - impl_->saved >= r.options.checkpoint_every;
  if (signal != 0 || due || step_.index >= total_) impl_->save();
  impl_->before = r.position;
  const double part = part_after(step_.index);
  if (impl_->progress && impl_->progress->due(part)) impl_->progress->update_part(part, impl_->rates());
  if (signal != 0 && step_.index < total_) {
    const std::string reason = fmt::format("stopped by {}", name_of_signal(signal));
    r.manifest.set("exit", reason);
    throw Stopped(fmt::format("{} after step {}; --resume goes on", reason, step_.index));
  }
}

double Steps::part_after(std::int64_t steps) const {
  if (impl_->part >= 0 && steps < total_) return impl_->part;
  return static_cast<double>(steps) / static_cast<double>(total_);
}

bool Step::last() const { return index + 1 >= steps_->total_; }
void Step::log(const Numbers& numbers) {
  Run::Impl& r = steps_->impl_->run;
  r.metrics.log(index, numbers, r.seconds());
}
void Step::did(double points, double flops) {
  steps_->impl_->run.position.points += points;
  steps_->impl_->run.position.flops += flops;
}
void Step::note(const std::string& text) { steps_->impl_->note = text; }
bool Step::note_due() const {
  const auto& progress = steps_->impl_->progress;
  return progress && progress->due(steps_->part_after(index + 1));
}
void Step::part(double value) {
  Steps::Impl& impl = *steps_->impl_;
  if (impl.part < 0 && impl.progress) impl.progress->uncounted(value);
  impl.part = value;
}
void Step::finish() {
  steps_->total_ = index + 1;
  steps_->impl_->run.position.finished = true;
}
void Step::undone() {
  Steps::Impl& impl = *steps_->impl_;
  Position before = impl.before;  // without what this step has counted
  before.seconds = impl.run.seconds();
  impl.save(before);
}
void Step::score(double value) {
  double& best = steps_->impl_->run.position.best;
  if (!(value < best)) return;
  best = value;
  steps_->impl_->better = true;
}

}  // namespace lowtide
