#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

BOOST_AUTO_TEST_SUITE(snapshots_suite)

BOOST_AUTO_TEST_CASE(a_set_comes_back_with_the_same_bits) {
  const Folder folder;
  for (const Snapshots& set : {moving_points(), fixed_grid()}) {
    write_snapshots(set, folder / "a.h5");
    const Snapshots back = read_snapshots(folder / "a.h5");
    BOOST_TEST(equal(set, back));
    BOOST_TEST(back.fixed() == set.fixed());
    write_snapshots(back, folder / "b.h5");
    BOOST_TEST((read_file(folder / "a.h5") == read_file(folder / "b.h5")));
  }
}

BOOST_AUTO_TEST_SUITE_END()
