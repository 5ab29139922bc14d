// A training run is killed at all sorts of moments and gone on with: the end has the same bits as that of one
// that was never stopped.
#include <fmt/format.h>
#include <lowtide/io/safetensors.h>

#include <random>
#include <sstream>

#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;
namespace fs = std::filesystem;

namespace {

constexpr const char* steps = "100";

int train(const fs::path& path, const fs::path& log, const std::string& every, bool resume,
          const std::vector<std::string>& variables = {}) {
  std::vector<std::string> command{SMALL_TRAINING, path, steps, every, "0"};
  if (resume) command.emplace_back("--resume");
  return Process(command, log, variables).wait();
}

// All that a run leaves, without the times.
std::string trace(const fs::path& path) {
  std::ostringstream text;
  for (const char* name : {"checkpoints/step-000000100.safetensors", "checkpoints/best.safetensors"}) {
    const TensorFile file = read_safetensors(path / name);
    for (const auto& [key, value] : file.metadata)
      if (key != "seconds" && key != "xxh3_header") text << key << '=' << value << '\n';
    for (const auto& [key, tensor] : file.tensors) text << key << to_string(tensor.shape) << '\n';
  }
  std::istringstream metrics(read_file(path / "metrics.jsonl"));
  for (std::string line; std::getline(metrics, line);)
    text << line.substr(0, line.find(", \"seconds\"")) << '\n';
  return text.str();
}

struct Whole {
  Folder folder;
  std::string end;
  explicit Whole(const std::string& every) {
    BOOST_REQUIRE(train(folder / "whole", folder / "log", every, false) == 0);
    end = trace(folder / "whole");
    BOOST_REQUIRE(contains(end, "step=100\n"));
    BOOST_REQUIRE(contains(end, "{\"step\": 99, "));
  }
  void check(const fs::path& path) const {
    BOOST_TEST(trace(path) == end);
    for (const auto& entry : fs::directory_iterator(path / "checkpoints"))
      BOOST_TEST(!contains(entry.path().filename(), ".tmp."));
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(resume_suite)

BOOST_AUTO_TEST_CASE(killed_within_a_checkpoint) {
  const Whole whole("0");
  const int size =
      static_cast<int>(fs::file_size(whole.folder / "whole/checkpoints/step-000000100.safetensors"));
  std::vector<std::string> places{"flush", "rename", "folder", "end"};
  for (const int bytes : {1, 7, 8, 100, 1000, size / 2, size - 1, size})
    places.push_back(std::to_string(bytes));
  int killed = 0;
  for (const int checkpoint : {1, 2, 11, 57})  // among them the first, and one of the best
    for (const std::string& place : places) {
      const fs::path path = whole.folder / "killed";
      const std::string fault = fmt::format("LOWTIDE_FAULT=checkpoint:{}:{}", checkpoint, place);
      BOOST_TEST(train(path, whole.folder / "log", "0", false, {fault}) == -SIGKILL, fault);
      ++killed;
      BOOST_TEST(train(path, whole.folder / "log", "0", true) == 0);
      if (checkpoint > 1) BOOST_TEST(read_file(whole.folder / "log") == "", fault);  // at most a step is lost
      whole.check(path);
      fs::remove_all(path);
    }
  BOOST_TEST_MESSAGE(killed << " kills");
}

BOOST_AUTO_TEST_CASE(killed_at_any_moment) {
  const Whole whole("0.002");
  std::mt19937 random(3);
  std::uniform_int_distribution<useconds_t> moment(0, 50000);  // a run takes more, by its pauses alone
  int killed = 0, ended = 0;
  for (int k = 0; k < 20; ++k) {
    const fs::path path = whole.folder / "killed";
    for (int attempt = 0;; ++attempt) {
      const bool resume = fs::exists(path / "manifest.json");
      std::vector<std::string> command{SMALL_TRAINING, path, steps, "0.002", "500"};
      if (resume) command.emplace_back("--resume");
      Process process(command, whole.folder / "log");
      if (attempt < 3) {
        ::usleep(moment(random));
        process.send(SIGKILL);
      }
      const int code = process.wait();
      if (code == -SIGKILL) {
        ++killed;
        continue;
      }
      BOOST_REQUIRE(code == 0);
      ++ended;
      break;
    }
    whole.check(path);
    fs::remove_all(path);
  }
  BOOST_TEST_MESSAGE(killed << " kills, " << ended << " ends");
  BOOST_TEST(killed >= 20);
}

BOOST_AUTO_TEST_SUITE_END()
