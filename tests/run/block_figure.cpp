#include <lowtide/run/block_figure.h>

#include <algorithm>

#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

BOOST_AUTO_TEST_CASE(blocks_in_a_picture) {
  Folder folder;
  const Figure f = block_figure(block_structure(40, 20, "sr10r2dsddr0d"), folder / "blocks.svg");
  // Borders of each block, its rank, and its share of the dense block's entries: low rank first, then dense
  // ones.
  BOOST_TEST(f.data.find("0,10,0,20,10,1.5000\n10,20,0,20,2,0.3000\n10,15,30,40,0,0.0000\n") == 0u);
  BOOST_TEST(contains(
      f.data, "\n\n\n0,10,20,40,-1,1.0000\n10,15,20,30,-1,1.0000\n15,20,20,30,-1,1.0000\n15,20,30,40,-1,"));
  BOOST_TEST(contains(f.data, "5,10,10\n15,10,2\n12.5,35,0\n"));  // the ranks, in the middle
  BOOST_TEST(contains(f.script, "(40,20): 7 blocks"));
  BOOST_TEST(contains(f.script, "data index 2 using 1:2:3 with labels"));
  if (!draw(f)) return;  // without gnuplot
  const std::string svg = read_file(folder / "blocks.svg");
  BOOST_TEST(contains(svg, ">10<"));
  BOOST_TEST(contains(svg, "</svg>"));
  // Nothing to draw, one kind of block only, blocks without room for a rank.
  for (const auto& [rows, cols, text] : {std::tuple{0, 5, "d"}, {4, 4, "d"}, {4, 4, "r0"}, {4000, 1, "r1"}})
    BOOST_TEST(draw(block_figure(block_structure(rows, cols, text), folder / "edge.svg")));
  const BlockStructure fine = off_diagonal_structure(2048, 2048, 1, 2);
  const Figure dense = block_figure(fine, folder / "fine.svg");
  BOOST_TEST(std::count(dense.data.begin(), dense.data.end(), '\n') < 2 * std::ssize(fine.blocks));
  BOOST_TEST(draw(dense));
}
