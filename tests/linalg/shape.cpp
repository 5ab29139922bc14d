#include <lowtide/linalg/shape.h>

#include "check.h"

namespace lowtide::test {

BOOST_AUTO_TEST_SUITE(shape)

BOOST_AUTO_TEST_CASE(extents) {
  const Shape s{4, 3, 2};
  BOOST_TEST(s.rank() == 3);
  BOOST_TEST(s.size() == 24);
  BOOST_TEST(s.rows() == 4);
  BOOST_TEST(s.row_size() == 6);
  BOOST_TEST(to_string(s) == "(4,3,2)");
  BOOST_TEST((s.with(1, 7) == Shape{4, 7, 2}));
  BOOST_TEST((s.without(0) == Shape{3, 2}));
  BOOST_TEST((s.appended(5) == Shape{4, 3, 2, 5}));
  BOOST_TEST((Shape{}.size() == 1 && Shape{}.rows() == 1 && Shape{}.row_size() == 1));
  BOOST_TEST(to_string(Shape{}) == "()");
  BOOST_TEST((Shape{0, 5}.size() == 0));
  BOOST_TEST(!(Shape{2} == Shape{2, 1}));
  BOOST_TEST(!(Shape{} == Shape{0}));
}

BOOST_AUTO_TEST_CASE(limits) {
  BOOST_TEST(contains(thrown<ShapeError>([] { Shape{1, 2, 3, 4, 5}; }), "rank 5"));
  BOOST_TEST(contains(thrown<ShapeError>([] { Shape{2, -1}; }), "negative extent -1"));
  const std::int64_t large = std::int64_t{1} << 31, huge = std::int64_t{1} << 62;
  BOOST_TEST(contains(thrown<ShapeError>([&] { Shape{large, large}; }), "2^47"));
  BOOST_TEST(contains(thrown<ShapeError>([&] { Shape{huge, huge, huge, huge}; }), "2^47"));
  BOOST_TEST(contains(thrown<ShapeError>([] { Shape{1, 1, 1, 1}.appended(1); }), "(1,1,1,1)"));
  const Shape s{2, 3};
  BOOST_TEST(checked_axis("sum", s, -1) == 1);
  BOOST_TEST(checked_axis("sum", s, 0) == 0);
  for (int axis : {2, -3})
    BOOST_TEST(contains(thrown<ShapeError>([&] { checked_axis("sum", s, axis); }), "[sum] axis"));
}

BOOST_AUTO_TEST_CASE(broadcasting) {
  struct Row {
    Shape a, b, result;
  };
  for (const Row& r : {Row{{3}, {3}, {3}}, Row{{3}, {1}, {3}}, Row{{2, 3}, {3}, {2, 3}},
                       Row{{2, 1}, {3}, {2, 3}}, Row{{}, {4, 5}, {4, 5}}, Row{{1}, {0}, {0}},
                       Row{{0, 1}, {1, 4}, {0, 4}}, Row{{2, 1, 4, 1}, {3, 1, 5}, {2, 3, 4, 5}}})
    for (bool swapped : {false, true}) {
      Shape result;
      BOOST_TEST((swapped ? broadcast(r.b, r.a, result) : broadcast(r.a, r.b, result)));
      BOOST_TEST(to_string(result) == to_string(r.result));
    }
  Shape result;
  BOOST_TEST(!broadcast({3}, {2}, result));
  BOOST_TEST(!broadcast({3, 1, 2}, {4, 3}, result));
  BOOST_TEST(!broadcast({0}, {2}, result));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
