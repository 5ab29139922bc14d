// Clawpack output that is damaged: each refusal is one line that names the file, the place and the usual cause.
#include "clawpack_files.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

struct Broken {
  std::string name;
  std::function<void(Files&)> damage;
  std::string place;  // the end of the file's path, and the line, if there is one
  std::vector<std::string> words;
};

auto swap(std::string file, std::string from, std::string to) {
  return [=](Files& files) { replace(files.at(file), from, to); };
}
auto cut(std::string file, std::size_t bytes) {  // at the end
  return [=](Files& files) { files.at(file).resize(files.at(file).size() - bytes); };
}
auto frame(const Run& run, const std::vector<Patch>& patches, int number = 1) {
  return [=](Files& files) { add_frame(files, number, 0.5 * number, run, patches); };
}
auto after(std::function<void(Files&)> first, std::function<void(Files&)> second) {
  return [=](Files& files) { first(files), second(files); };
}
std::vector<Patch> with(std::vector<Patch> patches, std::size_t k, const Patch& patch) {
  patches.at(k) = patch;
  return patches;
}
// Applies each damage to a run and expects the refusal.
void refused(const Files& run, const std::vector<Broken>& table) {
  const Folder folder;
  for (const Broken& broken : table) {
    Files files = run;
    broken.damage(files);
    const std::string path = written(folder, "run", files);
    const std::string message = refusal([&] { import_clawpack(path); });
    BOOST_TEST_CONTEXT(broken.name << ": " << message) {
      BOOST_TEST(!message.empty());
      BOOST_TEST(message.size() < 400);
      if (broken.place != "*")  // either of two files
        BOOST_TEST(contains(message, path + (broken.place.empty() ? "" : "/") + broken.place + ": "));
      for (const std::string& word : broken.words) BOOST_TEST(contains(message, word), "'" << word << "'");
    }
  }
}

const std::string t = "fort.t0001", q = "fort.q0001", b = "fort.b0001";

}  // namespace

BOOST_AUTO_TEST_SUITE(clawpack_broken_suite)

BOOST_AUTO_TEST_CASE(headers_of_frames) {
  refused(
      run_of({}, one_grid()),
      {
          {"empty", [](Files& f) { f[t].clear(); }, t + ":1", {"expected time", "the end", "cut off"}},
          {"cut off", [](Files& f) { f[t].resize(f[t].find("ndim") - 20); }, t + ":5", {"ndim"}},
          {"time is a word", swap(t, "5.0000000000000000E-01", "now"), t + ":1", {"time", "'now'"}},
          {"time is NaN", swap(t, "5.0000000000000000E-01", "NaN"), t + ":1", {"'NaN'", "diverged"}},
          {"time is huge", swap(t, "5.0000000000000000E-01", "5E+101"), t + ":1", {"'5E+101'"}},
          {"time stands still", swap(t, "5.0000000000000000E-01", "0.0"), t + ":1", {"does not come after 0"}},
          {"time runs back", swap(t, "5.0000000000000000E-01", "-1."), t + ":1", {"does not come after 0"}},
          {"no equations", swap(t, "1    meqn", "0    meqn"), t + ":2", {"meqn", "at least 1", "'0'"}},
          {"another number of equations",
           frame({.equations = 2}, one_grid()),
           t + ":2",
           {"meqn is 2", "before 1"}},
          {"half a patch",
           swap(t, "1    ngrids", "1.5  ngrids"),
           t + ":3",
           {"ngrids", "whole number", "'1.5'"}},
          {"no patches", swap(t, "1    ngrids", "0    ngrids"), t + ":3", {"ngrids", "at least 1"}},
          {"stars", swap(t, "1    ngrids", "**** ngrids"), t + ":3", {"'****'", "column"}},
          {"negative naux", swap(t, "0    naux", "-1   naux"), t + ":4", {"naux", "at least 0"}},
          {"three dimensions", swap(t, "2    ndim", "3    ndim"), t + ":5", {"three-dimensional"}},
          {"no dimensions", swap(t, "2    ndim", "0    ndim"), t + ":5", {"ndim", "at least 1"}},
          {"four dimensions", swap(t, "2    ndim", "4    ndim"), t + ":5", {"ndim", "at most 3"}},
          {"another dimension",
           frame({.dims = 1}, {{1, 6, 1, -12, 0, 6, 1}}),
           t + ":5",
           {"ndim is 1", "before 2"}},
          {"a wall of ghosts", swap(t, "2    nghost", "1000 nghost"), t + ":6", {"nghost", "at most 16"}},
          {"negative ghosts", swap(t, "2    nghost", "-2 nghost"), t + ":6", {"nghost", "at least 0"}},
          {"HDF5", swap(t, "ascii", "hdf5"), t + ":7", {"'hdf5'", "ascii, binary32", "output_format"}},
          {"a missing line",
           swap(t, std::string(23, ' ') + "1    ngrids\n", ""),
           t + ":3",
           {"expected ngrids", "'naux'"}},
          {"garbage", [](Files& f) { f[t] += "garbage\x01\xff"; }, t + ":10", {"'garbage?"}},
          {"binary garbage", [](Files& f) { f[t] = std::string(300, '\0'); }, t + ":1", {"time"}},
      });
}

BOOST_AUTO_TEST_CASE(headers_of_patches) {
  refused(
      run_of({}, one_grid()),
      {
          {"empty", [](Files& f) { f[q].clear(); }, q + ":1", {"expected 1 patches, found 0", "cut off"}},
          {"cut off in the header", [](Files& f) { f[q].resize(f[q].find("ylow") - 27); }, q + ":6", {"ylow"}},
          {"fewer patches than said", swap(t, "1    ngrids", "2    ngrids"), q + ":38", {"expected 2 patches"}},
          {"more patches than said",
           [](Files& f) { f[q] += f[q]; },
           q + ":38",
           {"nothing after 1 patches", "'10'"}},
          {"trailing garbage", [](Files& f) { f[q] += "x"; }, q + ":38", {"nothing after", "'x'"}},
          {"no level", swap(q, "1    AMR_level", "0    AMR_level"), q + ":2", {"AMR_level", "at least 1"}},
          {"level beyond any",
           swap(q, "1    AMR_level", "9999999999 AMR_level"),
           q + ":2",
           {"at most 2147483647"}},
          {"a level is left out",
           swap(q, "1    AMR_level", "2    AMR_level"),
           q + ":1",
           {"level 2", "none of level 1"}},
          {"zero cells", swap(q, "6    mx", "0    mx"), q + ":3", {"mx", "at least 1"}},
          {"negative cells", swap(q, "4    my", "-4   my"), q + ":4", {"my", "at least 1"}},
          {"more cells than numbers",
           swap(q, "6    mx", "99999999999999999999 mx"),
           q + ":3",
           {"mx", "at most"}},
          {"a product that overflows",
           after(swap(q, "6    mx", "4294967296 mx"), swap(q, "4    my", "4294967296 my")),
           q + ":1",
           {"4294967296 x 4294967296 cells"}},
          {"a size that lies",
           swap(q, "6    mx", "100000000 mx"),
           q + ":1",
           {"400000000 values", "bytes follow"}},
          {"one row too few",
           swap(q, "4    my", "3    my"),
           q + ":31",
           {"nothing after 1 patches", "ngrids, meqn"}},
          {"one row too many",
           swap(q, "4    my", "5    my"),
           q + ":38",
           {"value 25 of the 30", "the end", "cut off"}},
          {"mx is a word", swap(q, "6    mx", "six  mx"), q + ":3", {"mx", "'six'"}},
          {"stars", swap(q, "6    mx", "**** mx"), q + ":3", {"'****'", "column"}},
          {"rows exchanged", swap(q, "4    my", "4    xlow"), q + ":4", {"expected my", "'xlow'"}},
          {"a third dimension",
           swap(q, "4    my\n", "4    my\n 4 mz\n"),
           q + ":5",
           {"expected xlow", "'mz'", "ndim"}},
          {"xlow is infinite",
           swap(q, "-1.2000000000000000E+01    xlow", "-Infinity xlow"),
           q + ":5",
           {"'-Infinity'"}},
          {"no extent", swap(q, "6.0000000000000000E+00    dx", "0.0 dx"), q + ":7", {"dx greater than 0"}},
          {"negative extent",
           swap(q, "6.0000000000000000E+00    dy", "-6.0 dy"),
           q + ":8",
           {"dy greater than 0"}},
          {"vanishing extent",
           swap(q, "6.0000000000000000E+00    dx", "1-200 dx"),
           q + ":7",
           {"dx greater than 0"}},
          {"huge extent", swap(q, "6.0000000000000000E+00    dx", "1+200 dx"), q + ":7", {"dx", "too large"}},
          {"values at once", swap(q, "6    mx", "6 7"), q + ":3", {"expected mx and its label", "'7'"}},
      });
}

BOOST_AUTO_TEST_CASE(values_in_text) {
  const Files run = run_of({}, one_grid());
  const std::string number = "8.9910000000000000E+03";  // the first cell: -9 + 1000 * 9
  refused(run,
          {
              {"stars", swap(q, number, "**********************"), q + ":10", {"value 1 of the 24", "column"}},
              {"NaN", swap(q, number, "NaN"), q + ":10", {"'NaN'", "diverged"}},
              {"Infinity", swap(q, number, "-Infinity"), q + ":10", {"'-Infinity'", "diverged"}},
              {"too large", swap(q, number, "0.1E+400"), q + ":10", {"'0.1E+400'", "too large"}},
              {"no exponent", swap(q, number, "0.1E+"), q + ":10", {"'0.1E+'", "not complete"}},
              {"letters in the exponent", swap(q, number, "0.1E+0x"), q + ":10", {"damaged"}},
              {"a sign alone", swap(q, number, "-"), q + ":10", {"'-'"}},
              {"hexadecimal", swap(q, number, "0x10"), q + ":10", {"'0x10'"}},
              {"a comma", swap(q, number, "8,991"), q + ":10", {"'8,991'", "damaged"}},
              {"two in one", swap(q, number, "0.1E+01-0.2E+01"), q + ":10", {"run together"}},
              {"a control character", swap(q, number, "1\x1b[2J\x07"), q + ":10", {"'1?[2J?'"}},
              {"a very long number", swap(q, number, "1." + std::string(5000, '0')), q + ":10", {"000...'"}},
              {"one too many in the last line",
               [](Files& f) { f[q].insert(f[q].find_last_of('E') + 4, " 1.0"); },
               q + ":36",
               {"no more than the 24 values", "'1.0'"}},
              {"cut off", cut(q, 100), q + ":33", {"of the 24", "the end", "cut off"}},
              {"the next header comes early",
               after(frame({}, three_levels()), swap(q, "2    mx", "3    mx")),
               q + ":22",
               {"value 10 of the 12", "'grid_number'"}},
              {"meqn is less",
               after(frame({.equations = 2}, one_grid()), swap(t, "2    meqn", "1    meqn")),
               q + ":24",
               {"no", "meqn"}},
          });
}

BOOST_AUTO_TEST_CASE(values_in_bytes) {
  const auto bad_number = [](std::size_t at, double value) {
    return [=](Files& files) { std::memcpy(files.at(b).data() + at, &value, 8); };
  };
  const std::size_t inner = 8 * (2 * 10 + 2);  // the first cell that is no ghost
  refused(
      run_of({.format = "binary64"}, one_grid()),
      {
          {"no file", [](Files& f) { f.erase(b); }, b, {"no such file", "fort.t0001 says"}},
          {"empty", [](Files& f) { f[b].clear(); }, b + ":byte 0", {"expected 640 bytes", "found 0"}},
          {"cut off", cut(b, 1), b + ":byte 639", {"expected 640", "found 639", "cut off"}},
          {"too long", [](Files& f) { f[b] += "12345678"; }, b + ":byte 640", {"found 648"}},
          {"narrow", [](Files& f) { f[b].resize(320); }, b + ":byte 320", {"binary32"}},
          {"NaN", bad_number(inner, NAN), b + ":byte 176", {"component 0 of cell (0, 0)", "nan", "diverged"}},
          {"infinite", bad_number(640 - inner - 8, INFINITY), b + ":byte 456", {"cell (5, 3)", "inf"}},
          {"values in text, too",
           [](Files& f) { f[q] += " 1.0 2.0\n"; },
           q + ":10",
           {"nothing after", "format"}},
          {"sizes that lie",
           after(swap(q, "6    mx", "1000000000 mx"), swap(q, "4    my", "9000000 my")),
           b + ":byte 640",
           {"far too many"}},
          {"many ghosts of a thin patch", swap(q, "6    mx", "1 mx"), b + ":byte 320", {"expected 320"}},
      });
}

BOOST_AUTO_TEST_CASE(values_of_single_precision) {
  const auto infinite = [](Files& files) {
    const float value = -INFINITY;
    std::memcpy(files.at(b).data() + 4 * (2 * 10 + 7), &value, 4);
  };
  refused(run_of({.format = "binary32"}, one_grid()),
          {{"infinite", infinite, b + ":byte 108", {"cell (5, 0)", "-inf", "diverged"}},
           {"cut off", cut(b, 4), b + ":byte 316", {"expected 320", "found 316"}},
           {"wide", [](Files& f) { f[b] += f[b]; }, b + ":byte 320", {"binary64"}}});
}

BOOST_AUTO_TEST_CASE(a_header_of_another_format_gives_a_hint) {
  const Files wide = run_of({.format = "binary64"}, one_grid());
  refused(wide,
          {{"width", swap(t, "binary64", "binary32"), b + ":byte 320", {"expected 320", "binary64"}},
           {"ghosts", swap(t, "2    nghost", "4    nghost"), b + ":byte 640", {"nghost in fort.t should be 2"}},
           {"text", swap(t, "binary64", "ascii"), q + ":1", {"24 values", "bytes follow"}}});
}

BOOST_AUTO_TEST_CASE(meshes) {
  const auto three = three_levels(), grid = one_grid();
  const auto single = [](const std::vector<Patch>& patches) {
    return frame({.format = "binary64"}, patches, 1);
  };
  const auto second = [&](const std::vector<Patch>& first, const std::vector<Patch>& patches) {
    return after(frame({.format = "binary64"}, first, 0), single(patches));
  };
  const std::vector<Patch> holed = {{1, 4, 1, 0, 6, 6, 6}, {1, 2, 4, -12, 6, 6, 6}, {1, 3, 3, 0, 12, 6, 6}};
  const auto level_2 = [&](const Patch& patch) { return single({grid[0], patch}); };
  refused(
      {},
      {
          {"overlap",
           single(with(three, 3, {2, 8, 3, 0, 18, 3, 2})),
           q + ":28",
           {"that of line 19", "level 2"}},
          {"twice the same", single({grid[0], grid[0]}), q + ":10", {"overlaps that of line 1,", "level 1"}},
          {"overlap in one dimension",
           frame({.dims = 1, .format = "binary64"}, {{1, 6, 1, 0, 0, 6, 1}, {1, 6, 1, 30, 0, 6, 1}}, 1),
           q + ":7",
           {"overlaps that of line 1"}},
          {"a hole", single(holed), q + ":10", {"do not fill the domain of 6 x 4"}},
          {"another corner",
           second(grid, {{1, 6, 4, -6, 6, 6, 6}}),
           q + ":1",
           {"do not fill the domain of 6 x 4"}},
          {"too wide", second(grid, {{1, 7, 4, -12, 6, 6, 6}}), q + ":1", {"do not fill"}},
          {"a row too few", second(grid, {{1, 6, 3, -12, 6, 6, 6}}), q + ":1", {"do not fill"}},
          {"a row too many", second(grid, {{1, 6, 5, -12, 6, 6, 6}}), q + ":1", {"do not fill"}},
          {"shifted by less than a cell",
           second(grid, {{1, 6, 4, -11, 6, 6, 6}}),
           q + ":1",
           {"edge at x = -11"}},
          {"apart by less than a cell",
           single({grid[0], {1, 1, 4, 26, 6, 6, 6}}),
           q + ":10",
           {"edge at x = 26"}},
          {"far away", second(grid, {{1, 6, 4, -12, 1e99, 6, 6}}), q + ":1", {"edge at y = 1e+99"}},
          {"other cells than before",
           second(grid, {{1, 6, 4, -12, 6, 5, 6}}),
           q + ":1",
           {"5 wide", "before 6"}},
          {"other cells than beside",
           single({grid[0], {1, 1, 4, 24, 6, 5, 6}}),
           q + ":10",
           {"5 wide in x", "level 1 6"}},
          {"1.5 cells in one",
           level_2({2, 3, 6, 0, 6, 4, 2}),
           q + ":10",
           {"4 wide in x", "the 6 of level 1", "whole"}},
          {"coarser, not finer", level_2({2, 1, 1, -12, 6, 12, 12}), q + ":10", {"does not divide"}},
          {"far finer", level_2({2, 1, 1, -12, 6, 6 / 70000.0, 6}), q + ":10", {"up to 65536"}},
          {"no multiple of the level between",
           single(with(three, 4, {3, 1, 1, -3, 16, 2, 1})),
           q + ":37",
           {"2 wide in x"}},
          {"another ratio than before",
           second(three, {grid[0], {2, 4, 4, -6, 12, 3, 3}}),
           q + ":10",
           {"2 x 2", "2 x 3"}},
          {"far from the origin", single({{1, 6, 4, 1e15, 6, 6, 6}}), q + ":1", {"cannot be told apart"}},
          {"fine, and far from the origin",
           single({{1, 1, 1, 1e9, 0, 0.01, 1}, {2, 1, 1, 1e9, 0, 1e-5, 1}}),
           q + ":10",
           {"cannot be told apart"}},
          {"a level is left out",
           single({three[0], three[1], three[4]}),
           q + ":19",
           {"level 3", "none of level 2"}},
          {"beyond the coarser level",
           single(with(three, 4, {3, 12, 4, -3, 16, 1, 1})),
           q + ":37",
           {"reaches beyond"}},
          {"beyond the domain", level_2({2, 2, 3, 24, 6, 3, 2}), q + ":10", {"reaches beyond"}},
          {"before the domain", level_2({2, 2, 3, -18, 6, 3, 2}), q + ":10", {"reaches beyond"}},
          {"below the domain", level_2({2, 2, 3, -12, 0, 3, 2}), q + ":10", {"reaches beyond"}},
          {"between fine cells",
           level_2({2, 2, 3, -5, 6, 3, 2}),
           q + ":10",
           {"edge at x = -5", "level 2, 3 wide"}},
          {"begins in a coarse cell",
           level_2({2, 3, 3, -9, 6, 3, 2}),
           q + ":10",
           {"cuts cells of level 1 in x"}},
          {"ends in a coarse cell",
           level_2({2, 2, 4, -12, 6, 3, 2}),
           q + ":10",
           {"cuts cells of level 1 in y"}},
      });
}

BOOST_AUTO_TEST_CASE(folders) {
  const Folder folder;
  BOOST_TEST(contains(refusal([&] { import_clawpack(folder / "none"); }), "expected a folder"));
  const std::string run = written(folder, "run", run_of({}, one_grid()));
  BOOST_TEST(contains(refusal([&] { import_clawpack(run + "/fort.t0000"); }), "expected a folder"));
  BOOST_TEST(contains(refusal([&] {
                        import_clawpack(run, {.fields = {"h", "hu"}});
                      }),
                      "fort.t0000:2: meqn is 1, but 2 names"));
  BOOST_TEST(contains(refusal([&] {
                        Files files = run_of({}, one_grid(), 3);
                        files.erase(t), files.erase(q);
                        import_clawpack(written(folder, "run", files));
                      }),
                      "missing frame"));  // of two that are left, too
  refused(run_of({}, one_grid(), 4),
          {
              {"no frames", [](Files& f) { f.clear(); }, "", {"no files fort.tNNNN"}},
              {"a gap", [](Files& f) { f.erase(t), f.erase(q); }, t, {"missing frame", "after 0 comes 2"}},
              {"no fort.t", [](Files& f) { f.erase(t); }, t, {"no such file", "fort.q0001"}},
              {"no fort.q", [](Files& f) { f.erase(q); }, q, {"no such file", "fort.t0001"}},
              {"only fort.b",
               [](Files& f) { f["fort.b0004"] = "x"; },
               "fort.t0004",
               {"no such file", "fort.b0004"}},
              {"two of a number", [](Files& f) { f["fort.t00001"] = f[t]; }, "*", {"fort.t0", "two runs"}},
          });
}

BOOST_AUTO_TEST_SUITE_END()
