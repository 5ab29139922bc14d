#include <fmt/format.h>
#include <lowtide/io/faults.h>
#include <lowtide/io/file.h>
#include <lowtide/run/checkpoints.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>
#include <vector>

namespace lowtide {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kind = "lowtide checkpoint 1", start = "step-", end = ".safetensors";
constexpr std::string_view best_name = "best.safetensors";

std::string name_of(std::int64_t step) { return fmt::format("{}{:09}{}", start, step, end); }

std::int64_t step_of(std::string_view name) {  // -1: not a checkpoint's name
  std::int64_t step = -1;
  if (name.starts_with(start)) std::from_chars(name.data() + start.size(), name.data() + name.size(), step);
  return step >= 0 && name == name_of(step) ? step : -1;
}

// Steps of which there is a file, newest first.
std::vector<std::int64_t> steps_in(const fs::path& folder) {
  std::vector<std::int64_t> steps;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none))
    if (const std::int64_t step = step_of(entry.path().filename().string()); step >= 0) steps.push_back(step);
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}

TensorFile file_of(const Position& position, std::span<const StatePart> parts) {
  TensorFile file;
  file.metadata = {{"kind", std::string(kind)},
                   {"step", std::to_string(position.step)},
                   {"seconds", fmt::format("{}", position.seconds)},
                   {"points", fmt::format("{}", position.points)},
                   {"flops", fmt::format("{}", position.flops)},
                   {"best", fmt::format("{}", position.best)},
                   {"seed", std::to_string(position.seed)}};
  if (!position.config.empty()) file.metadata["config"] = position.config;
  if (position.finished) file.metadata["finished"] = "1";
  save_state(parts, file);
  return file;
}

template <class T>
T parsed(const TensorFile& file, const char* key) {
  const auto found = file.metadata.find(key);
  T value{};
  if (found != file.metadata.end()) {
    const char *from = found->second.data(), *to = from + found->second.size();
    const auto [stop, error] = std::from_chars(from, to, value);
    if (error == std::errc() && stop == to) return value;
  }
  bad_input(file.source, key, "is missing, or not a number");
}

Position position_of(const TensorFile& file) {
  const auto found = file.metadata.find("kind");
  if (found == file.metadata.end() || found->second != kind) bad_input(file.source, "", "not a checkpoint");
  Position position{.step = parsed<std::int64_t>(file, "step"),
                    .seconds = parsed<double>(file, "seconds"),
                    .points = parsed<double>(file, "points"),
                    .flops = parsed<double>(file, "flops"),
                    .best = parsed<double>(file, "best"),
                    .seed = parsed<std::uint64_t>(file, "seed"),
                    .finished = file.metadata.contains("finished")};
  if (const auto config = file.metadata.find("config"); config != file.metadata.end())
    position.config = config->second;
  return position;
}

}  // namespace

Checkpoints::Checkpoints(fs::path folder) : folder_(std::move(folder)) {
  std::error_code none;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(folder_, none))
    if (entry.path().filename().string().find(".safetensors.tmp.") != std::string::npos)
      leftovers.push_back(entry.path());
  for (const fs::path& leftover : leftovers) fs::remove(leftover, none);
}

std::optional<Position> Checkpoints::load(const Position& now, std::span<const StatePart> parts) {
  std::vector<fs::path> candidates;
  for (const std::int64_t step : steps_in(folder_)) candidates.push_back(folder_ / name_of(step));
  std::error_code none;
  if (fs::exists(folder_ / best_name, none)) candidates.push_back(folder_ / best_name);
  std::vector<std::string> skipped;
  const auto tell = [&](const std::string& end) {
    for (const std::string& reason : skipped) fmt::print(stderr, "{}; {}\n", reason, end);
  };
  for (const fs::path& path : candidates) {
    TensorFile file;
    Position position;
    try {
      file = read_safetensors(path);
      position = position_of(file);
    } catch (const InputError& error) {
      skipped.emplace_back(error.what());
      continue;
    } catch (const FileError& error) {
      skipped.emplace_back(error.what());
      continue;
    }
    if (position.seed != now.seed)
      bad_input(path.string(), "", fmt::format("is of seed {}, not {}", position.seed, now.seed));
    if (position.config != now.config) bad_input(path.string(), "", "is of another configuration");
    restore_state(parts, file);
    tell(fmt::format("going on from step {}", position.step));
    return position;
  }
  tell("starting anew");
  return std::nullopt;
}

void Checkpoints::write(const Position& position, std::span<const StatePart> parts) {
  const faults::Checkpoint counted;
  make_folder(folder_);
  write_safetensors(file_of(position, parts), folder_ / name_of(position.step));
  // Newer ones could not be read, else the loop would have gone on from there.
  int older = 0;
  std::error_code ignored;
  for (const std::int64_t step : steps_in(folder_))
    if (step > position.step || (step < position.step && ++older >= kept))
      fs::remove(folder_ / name_of(step), ignored);
}

void Checkpoints::write_best(const Position& position, std::span<const StatePart> parts) {
  const faults::Checkpoint counted;
  make_folder(folder_);
  write_safetensors(file_of(position, parts), folder_ / best_name);
}

}  // namespace lowtide
