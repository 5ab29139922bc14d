// Clawpack output that is as it should be; clawpack_broken.cpp has what is not.
#include "clawpack_files.h"

using namespace lowtide;
using namespace lowtide::testing;
namespace fs = std::filesystem;

namespace {

Snapshots imported(const Folder& folder, const Files& files, const ClawImport& options = {}) {
  return import_clawpack(written(folder, "run", files), options);
}

// Every point has the value of its place, and the cells fill the domain.
void check_values(const Snapshots& set, double area) {
  for (std::int64_t k = 0; k < set.frames(); ++k) {
    const Tensor x = set.points(k), u = set.values(k), weight = set.weights(k);
    double sum = 0;
    int wrong = 0;
    for (std::int64_t i = 0; i < x.shape[0]; ++i) {
      const double px = x.at(i * set.dims()), py = set.dims() == 1 ? 0.5 : x.at(i * 2 + 1);
      for (std::int64_t m = 0; m < u.shape[1]; ++m)
        wrong += u.at(i * u.shape[1] + m) != value_at(px, py, static_cast<int>(m));
      sum += weight.at(i);
    }
    BOOST_TEST(wrong == 0);
    BOOST_TEST(sum == area);
  }
}

double mean(const Snapshots& set, std::int64_t frame) {
  const Tensor u = set.values(frame), weight = set.weights(frame);
  double sum = 0, area = 0;
  for (std::int64_t i = 0; i < weight.size(); ++i) {
    sum += weight.at(i) * u.at(i * u.shape[1]);
    area += weight.at(i);
  }
  return sum / area;
}

double relative_gap(const Tensor& a, const Tensor& b) {
  BOOST_REQUIRE((a.shape == b.shape));
  double gap = 0;
  for (std::int64_t i = 0; i < a.size(); ++i)
    if (a.at(i) != b.at(i)) gap = std::max(gap, std::abs(a.at(i) - b.at(i)) / std::abs(a.at(i)));
  return gap;
}

const fs::path data = fs::path(LOWTIDE_TEST_DATA) / "clawpack";

}  // namespace

BOOST_AUTO_TEST_SUITE(clawpack_suite)

BOOST_AUTO_TEST_CASE(two_dimensions_have_the_finest_value_at_each_place) {
  const Folder folder;
  const Snapshots set = imported(folder, run_of({.equations = 3}, three_levels()));
  check_values(set, 36 * 24);
  BOOST_TEST(set.low == (std::vector<double>{-12, 6}));
  BOOST_TEST(set.high == (std::vector<double>{24, 30}));
  BOOST_TEST(to_vector(set.cell) == (std::vector<double>{6, 6, 3, 2, 1, 1}));
  BOOST_TEST(set.fields == (std::vector<std::string>{"q0", "q1", "q2"}));
  BOOST_TEST(set.grid.empty());
  BOOST_TEST(!set.fixed());
  // Level 1: 24 cells of 36, of which level 2 covers 42 cells of 6; that again loses 48 cells of 1.
  BOOST_TEST(set.offsets == (std::vector<std::int64_t>{0, 24 - 7 + 42 - 8 + 48, 2 * (24 - 7 + 42 - 8 + 48)}));
  for (std::int64_t i = 0; i < set.x.shape[0]; ++i) {
    const auto level = set.level[static_cast<std::size_t>(i)];
    BOOST_REQUIRE(set.weight.at(i) == (level == 1 ? 36 : level == 2 ? 6 : 1));
  }
}

BOOST_AUTO_TEST_CASE(one_dimension_has_the_finest_value_at_each_place) {
  const Folder folder;
  for (const char* format : {"ascii", "binary64"}) {
    const Run run{.dims = 1, .equations = 2, .format = format};
    const Snapshots set =
        imported(folder, run_of(run, three_levels_1d()), {.case_name = "waves", .fields = {"h", "hu"}});
    for (std::int64_t i = 0; i < set.x.shape[0]; ++i) BOOST_REQUIRE(set.u.at(2 * i) == set.x.at(i) + 500);
    BOOST_TEST(set.dims() == 1);
    BOOST_TEST(set.offsets[1] == 7 - 3 + 6 - 2 + 8);
    BOOST_TEST(set.low.front() == -16);
    BOOST_TEST(set.high.front() == 40);
    BOOST_TEST(to_vector(set.cell) == (std::vector<double>{8, 4, 1}));
    BOOST_TEST(set.case_name == "waves");
    BOOST_TEST(set.fields.back() == "hu");
  }
}

BOOST_AUTO_TEST_CASE(formats_give_the_same_bits) {
  const Folder folder;
  for (const int dims : {1, 2})
    for (const auto& patches : {dims == 1 ? three_levels_1d() : three_levels(),
                                dims == 1 ? std::vector<Patch>{{1, 9, 1, 0, 0, 2, 1}} : one_grid()}) {
      const Snapshots text = imported(folder, run_of({.dims = dims, .equations = 2}, patches));
      for (const char* format : {"binary", "binary64", "binary32"})
        for (const int ghost : {0, 1, 3}) {
          const Run run{.dims = dims, .equations = 2, .ghost = ghost, .format = format};
          BOOST_TEST(equal(text, imported(folder, run_of(run, patches))));
        }
    }
}

BOOST_AUTO_TEST_CASE(how_levels_are_cut_into_patches_does_not_show) {
  const Folder folder;
  const std::vector<Patch> pieces = {
      {1, 4, 1, 0, 6, 6, 6}, {1, 2, 4, -12, 6, 6, 6}, {1, 1, 3, 18, 12, 6, 6}, {1, 3, 3, 0, 12, 6, 6}};
  const Snapshots whole = imported(folder, run_of({}, one_grid()));
  BOOST_TEST(equal(whole, imported(folder, run_of({}, pieces))));
  BOOST_TEST(whole.grid == (std::vector<std::int64_t>{6, 4}));
  BOOST_TEST(whole.fixed());
  BOOST_TEST(whole.x.shape[0] == 24);
  BOOST_TEST(whole.u.shape[0] == 48);
  for (std::int64_t i = 0; i < 24; ++i) {  // x runs fastest
    BOOST_REQUIRE(whole.x.at(2 * i) == -9 + 6 * static_cast<double>(i % 6));
    BOOST_REQUIRE(whole.x.at(2 * i + 1) == 9 + 6 * static_cast<double>(i / 6));
  }
  check_values(whole, 36 * 24);

  Files mixed;  // one frame is not refined yet
  add_frame(mixed, 0, 0, {}, one_grid());
  add_frame(mixed, 1, 1, {}, three_levels());
  const Snapshots set = imported(folder, mixed);
  BOOST_TEST(set.offsets[1] == 24);
  BOOST_TEST(set.grid.empty());
  BOOST_TEST(set.level.size() == static_cast<std::size_t>(set.x.shape[0]));
  check_values(set, 36 * 24);
}

BOOST_AUTO_TEST_CASE(numbers_as_fortran_writes_them) {
  const ClawHeader header = parse_claw_header("1\n5\n1\n0\n1", "t");  // neither labels nor the last two lines
  BOOST_TEST(header.ghost == 0);
  BOOST_TEST((header.format == ClawFormat::ascii));
  const ClawFrame frame =
      parse_claw_frame(header,
                       "\r\n  -1 grid_number here and now\r\n\r\n +1 AMR_level\n4\tmx\n  1.D0\n\n"
                       ".5E+00 dx\n1.0-100 -2.5+003 .5D0 5. +5\n\n 1d-1 1E-400 -1.0q1\n\n"
                       "7 8 9 10\n11\n12\n 13 14\n15 0.16E+02 1.7976931348623157E+308 -1-5\r\n",
                       "q");
  BOOST_TEST(frame.patches[0].low[0] == 1);
  BOOST_TEST(frame.patches[0].size[0] == 0.5);
  const std::vector<double> expected{
      1e-100, -2500, 0.5, 5, 5, 0.1, 0, -10, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1.7976931348623157e308,
      -1e-5};
  BOOST_TEST(frame.values == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(other_labels_and_other_line_ends) {
  const Folder folder;
  Files files = run_of({}, three_levels());
  const Snapshots set = imported(folder, files);
  for (auto& [name, text] : files) {
    std::string edited;
    for (const char c : text) edited += c == '\n' ? "\r\n\n" : std::string(1, c);
    for (const auto& [from, to] : {std::pair("meqn", "num_eqn"),
                                   {"ngrids", "nstates"},
                                   {"naux", "maux"},
                                   {"ndim", ""},
                                   {"format", "file_format"},
                                   {"grid_number", "patch_number"},
                                   {"AMR_level", "level_of_refinement"}})
      if (const auto at = edited.find(from); at != edited.npos) edited.replace(at, std::strlen(from), to);
    text = edited;
  }
  BOOST_TEST(equal(set, imported(folder, files)));
}

BOOST_AUTO_TEST_CASE(what_else_lies_in_the_folder_is_left_alone) {
  const Folder folder;
  Files files = run_of({}, three_levels());
  const Snapshots set = imported(folder, files);
  files["fort.pkl0000"] = "cos\nsystem\n(S'touch pwned'\ntR.";  // a pickle that runs a program
  files["fort.pkl0001"] = files["fort.pkl0000"];
  files["fort.a0000"] = files["fort.q"] = files["fort.t"] = files["fort.q0001~"] = files["fort."] =
      "nothing that can be read";
  files["fort.t-001"] = files["fort.t12"] = files["fort.tck00000"] = files["claw.data"] = "likewise";
  BOOST_TEST(equal(set, imported(folder, files)));
}

BOOST_AUTO_TEST_CASE(frames_by_number) {
  const Folder folder;
  Files files;
  for (const int k : {9980, 9990, 10000, 10010}) add_frame(files, k, k, {}, one_grid());
  Snapshots set = imported(folder, files, {.hold_out = 2});
  BOOST_TEST(to_vector(set.t) == (std::vector<double>{9980, 9990, 10000, 10010}));
  BOOST_TEST(set.held_out() == (std::vector<std::int64_t>{1}));
  files.clear();
  add_frame(files, 3, 0.25, {}, one_grid());
  set = imported(folder, files);
  BOOST_TEST(set.frames() == 1);
  BOOST_TEST(set.time(0) == 0.25);
}

BOOST_AUTO_TEST_CASE(sizes_of_eight_digits_are_enough) {
  std::vector<ClawCover> covers;
  ClawMesh mesh;
  ClawFrame frame{.header = {.time = 0, .equations = 1, .patches = 0, .dims = 1}, .patches = {}, .values = {}};
  for (int k = 0; k < 30; ++k) {  // 3000 cells of 1/3000 in 30 patches, and each tenth refined by 7
    frame.patches.push_back({.level = 1,
                             .cells = {100, 1},
                             .low = {std::round(k / 30.0 * 1e8) / 1e8, 0},
                             .size = {0.33333333e-3, 1},
                             .first = 0,
                             .line = k});
    frame.values.insert(frame.values.end(), 100, 1.0);
  }
  frame.patches.push_back({.level = 2,
                           .cells = {7 * 290, 1},
                           .low = {0.90333333, 0},
                           .size = {0.47619048e-4, 1},
                           .first = 0,
                           .line = 40});
  frame.values.insert(frame.values.end(), 7 * 290, 1.0);
  covers.push_back(finest_cells(frame, mesh, "q"));
  const Snapshots set = claw_snapshots(mesh, covers);
  BOOST_TEST(set.x.shape[0] == 3000 + 6 * 290);
  BOOST_TEST(mean(set, 0) == 1, boost::test_tools::tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(many_patches_are_quick) {
  const Folder folder;
  ClawFrame frame;
  frame.header = {.time = 0, .equations = 1, .patches = 0, .dims = 2};
  for (int j = 0; j < 300; ++j)  // single cells, and a finer patch on half of them
    for (int i = 0; i < 300; ++i) {
      frame.patches.push_back({.level = 1, .cells = {1, 1}, .low = {i * 2.0, j * 2.0}, .size = {2, 2}});
      frame.values.push_back((i + j) % 2 == 1 ? 1 : hidden);
    }
  for (int j = 0; j < 300; ++j)
    for (int i = j % 2; i < 300; i += 2) {
      frame.patches.push_back({.level = 2, .cells = {2, 2}, .low = {i * 2.0, j * 2.0}, .size = {1, 1}});
      frame.values.insert(frame.values.end(), 4, 1.0);
    }
  ClawMesh mesh;
  std::vector<ClawCover> covers{finest_cells(frame, mesh, "q")};
  BOOST_TEST(covers[0].values == std::vector<double>(300 * 300 / 2 * 5, 1.0));
}

BOOST_AUTO_TEST_CASE(frames_of_real_solvers) {
  for (const char* run : {"burgers2d_rect", "euler1d_wall_amr"}) {
    const double exact = run[0] == 'b' ? 0.25 : 1;
    const Snapshots text = import_clawpack(data / run / "ascii"),
                    wide = import_clawpack(data / run / "binary64"),
                    narrow = import_clawpack(data / run / "binary32");
    for (const Snapshots* other : {&wide, &narrow}) {
      BOOST_TEST(equal(text.x, other->x));
      BOOST_TEST(equal(text.weight, other->weight));
      BOOST_TEST(equal(text.cell, other->cell));
      BOOST_TEST(equal(text.t, other->t));
      BOOST_TEST(text.level == other->level);
      BOOST_TEST(text.offsets == other->offsets);
    }
    BOOST_TEST(relative_gap(text.u, wide.u) < 1e-15);
    BOOST_TEST(relative_gap(text.u, narrow.u) < 6e-8);
    for (std::int64_t k = 0; k < text.frames(); ++k)
      for (const Snapshots* set : {&text, &wide, &narrow})
        BOOST_TEST(mean(*set, k) == exact, boost::test_tools::tolerance(set == &narrow ? 1e-8 : 1e-11));
    BOOST_TEST(text.cell.shape[0] == 3);
  }
  const Snapshots burgers = import_clawpack(data / "burgers2d_rect" / "binary64");
  BOOST_TEST(burgers.high[0] == 1.5, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(burgers.high[1] == 1, boost::test_tools::tolerance(1e-15));
  const Snapshots classic = import_clawpack(data / "euler1d_wall_classic");
  BOOST_TEST(classic.grid == (std::vector<std::int64_t>{200}));
  BOOST_TEST(classic.time(0) == 0.038);
  BOOST_TEST(mean(classic, 0) == 1, boost::test_tools::tolerance(1e-11));
}

BOOST_AUTO_TEST_SUITE_END()
