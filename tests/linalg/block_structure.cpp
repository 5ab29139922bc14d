#include <lowtide/linalg/block_structure.h>

#include "hierarchical.h"

namespace lowtide::test {
namespace {

std::string refusal(std::int64_t rows, std::int64_t cols, const std::string& text) {
  return thrown<ShapeError>([&] { block_structure(rows, cols, text); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(block_structures)

BOOST_AUTO_TEST_CASE(blocks_of_a_text) {
  const BlockStructure s = block_structure(5, 7, "sdr1sr0dr1dd");
  BOOST_TEST(s.text == "sdr1sr0dr1dd");
  // Rows 0-2 and 3-4, columns 0-3 and 4-6.
  const Block expected[] = {{0, 3, 0, 4, -1}, {0, 3, 4, 3, 1},  {3, 1, 0, 2, 0}, {3, 1, 2, 2, -1},
                            {4, 1, 0, 2, 1},  {4, 1, 2, 2, -1}, {3, 2, 4, 3, -1}};
  BOOST_TEST_REQUIRE(s.blocks.size() == std::size(expected));
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    const Block &a = s.blocks[i], &b = expected[i];
    BOOST_TEST((a.row == b.row && a.rows == b.rows && a.col == b.col && a.cols == b.cols && a.rank == b.rank));
  }
  BOOST_TEST(s.entries() == 12 + 6 + 0 + 2 + 3 + 2 + 6);
  BOOST_TEST(s.bytes(Dtype::f32) == 4 * 31 + 12);
  BOOST_TEST(s.bytes(Dtype::f64) == 8 * 31 + 12);
  const std::vector<std::int64_t> at = value_offsets(s);
  BOOST_TEST((at == std::vector<std::int64_t>{0, 12, 18, 18, 20, 23, 25, 31}));
}

// Whatever the tree, its blocks cover the matrix once.
BOOST_AUTO_TEST_CASE(blocks_cover_the_matrix_once) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    const BlockStructure s = random_structure(i);
    std::vector<int> covered(static_cast<std::size_t>(s.rows * s.cols));
    for (const Block& b : s.blocks)
      for (std::int64_t r = b.row; r < b.row + b.rows; ++r)
        for (std::int64_t c = b.col; c < b.col + b.cols; ++c)
          ++covered[static_cast<std::size_t>(r * s.cols + c)];
    BOOST_TEST(std::all_of(covered.begin(), covered.end(), [](int n) { return n == 1; }));
  }
}

BOOST_AUTO_TEST_CASE(texts_that_are_no_trees) {
  BOOST_TEST(contains(refusal(4, 4, ""), "a block is missing at 0"));
  BOOST_TEST(contains(refusal(4, 4, "sddd"), "a block is missing at 4"));
  BOOST_TEST(contains(refusal(4, 4, "dd"), "more than one tree at 1"));
  BOOST_TEST(contains(refusal(4, 4, "d\n"), "at 1"));
  BOOST_TEST(contains(refusal(4, 4, "x"), "neither s, d nor r at 0"));
  BOOST_TEST(contains(refusal(4, 4, std::string(1, '\0')), "neither s, d nor r at 0"));
  BOOST_TEST(contains(refusal(4, 4, "r"), "a rank is missing at 1"));
  BOOST_TEST(contains(refusal(4, 4, "r-1"), "a rank is missing at 1"));
  BOOST_TEST(contains(refusal(4, 4, "r+1"), "a rank is missing at 1"));
  BOOST_TEST(contains(refusal(4, 4, "r 1"), "a rank is missing at 1"));
  BOOST_TEST(contains(refusal(4, 4, "r01"), "leading zero"));
  BOOST_TEST(contains(refusal(4, 4, "r00"), "leading zero"));
  BOOST_TEST(contains(refusal(4, 4, "r5"), "a rank above 4 at 0"));
  BOOST_TEST(contains(refusal(2, 9, "r3"), "a rank above 2"));
  BOOST_TEST(contains(refusal(4, 4, "sdddr3"), "a rank above 2 at 4"));
  BOOST_TEST(contains(refusal(4, 4, "r" + std::string(400, '9')), "a rank above 4"));
  BOOST_TEST(contains(refusal(4, 4, "r18446744073709551617"), "a rank above 4"));
  BOOST_TEST(contains(refusal(1, 4, "sdddd"), "(1,4) cannot be cut at 0"));
  BOOST_TEST(contains(refusal(4, 0, "sdddd"), "(4,0) cannot be cut"));
  BOOST_TEST(contains(refusal(4, 4, "ss"), "a block is missing"));
  BOOST_TEST(contains(refusal(4, 4, std::string(1'000'000, 's')), "(1,1) cannot be cut at 2"));
  BOOST_TEST(contains(refusal(2147483647, 2147483647, std::string(1'000'000, 's')), "cannot be cut at 31"));
  BOOST_TEST(!refusal(std::int64_t{1} << 31, 4, "d").empty());
  BOOST_TEST(!refusal(-1, 4, "d").empty());
  BOOST_TEST(block_structure(2147483647, 2147483647, "r2147483647").entries() ==
             2147483647 * (std::int64_t{1} << 32) - std::int64_t{2} * 2147483647);
  BOOST_TEST(block_structure(4, 4, "r4").entries() == 32);
  BOOST_TEST(block_structure(0, 5, "d").entries() == 0);
  BOOST_TEST(block_structure(0, 5, "r0").entries() == 0);
  // Any bytes either are a tree or are refused in one line.
  Stream rng(1, "bytes");
  int good = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text(static_cast<std::size_t>(rng.below(12)), ' ');
    for (char& c : text) c = "sdr0123s\xff"[rng.below(9)];
    try {
      good += block_structure(9, 6, text).text == text;
    } catch (const ShapeError& e) {
      BOOST_TEST(std::string(e.what()).find('\n') == std::string::npos);
    }
  }
  BOOST_TEST(good > 100);
}

BOOST_AUTO_TEST_CASE(off_diagonal) {
  BOOST_TEST(off_diagonal_structure(8, 8, 1, 2).text ==
             "ssdddd"
             "r1r1"
             "sdddd");
  BOOST_TEST(off_diagonal_structure(8, 8, 0, 2).text == "ssdr0r0dr0r0sdr0r0d");
  BOOST_TEST(off_diagonal_structure(8, 8, 2, 4).text == "sdddd");  // rank 2 of (4,4) takes 16 entries too
  BOOST_TEST(off_diagonal_structure(8, 8, 3, 8).text == "d");
  BOOST_TEST(off_diagonal_structure(1, 9, 3, 1).text == "d");
  const BlockStructure s = off_diagonal_structure(1024, 1024, 4, 32);
  BOOST_TEST(s.entries() == 1024 * 32 + 4 * 2 * 1024 * 5);
  for (const Block& b : s.blocks) BOOST_TEST(b.dense() == (b.row == b.col));
  BOOST_TEST(off_diagonal_structure(300, 40, 1, 8).blocks.size() == 22);
  BOOST_TEST(!thrown<ShapeError>([] { off_diagonal_structure(8, 8, -1, 2); }).empty());
  BOOST_TEST(!thrown<ShapeError>([] { off_diagonal_structure(8, 8, 1, 0); }).empty());
}

BOOST_AUTO_TEST_CASE(products_with_rows) {
  for (Dtype dtype : both)
    for (std::uint64_t i = 0; i < 100; ++i) {
      const HMatrix h = random_hmatrix(random_structure(i), dtype, i);
      const BlockStructure& s = h.structure;
      const Tensor a = plain(h);
      for (std::int64_t n : {0, 1, 5}) {
        const Tensor x = gaussian({n, s.rows}, dtype, i), y = gaussian({n, s.cols}, dtype, i);
        Tensor xh = full({n, s.cols}, nan, dtype), yht = full({n, s.rows}, nan, dtype);
        dispatch(dtype, [&](auto zero) {
          using T = decltype(zero);
          multiply_right<T>(s, h.values.data<T>(), x.data<T>(), n, xh.mutable_data<T>());
          multiply_right_transposed<T>(s, h.values.data<T>(), y.data<T>(), n, yht.mutable_data<T>());
        });
        const double least = 100 * eps(dtype) * (norm(a) + 1);
        BOOST_TEST(gap(xh, multiply(x, a)) <= least * norm(x));
        BOOST_TEST(gap(yht, multiply(y, a, Trans::no, Trans::yes)) <= least * norm(y));
      }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
