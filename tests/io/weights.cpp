#include <lowtide/io/weights.h>

#include <boost/test/unit_test.hpp>

using namespace lowtide;
using Numbers = std::vector<double>;

BOOST_AUTO_TEST_CASE(weights_by_the_places_of_points) {
  const Tensor line = from({4, 1}, {3, 0, 1, 2});  // in any order
  BOOST_TEST((default_weights(line, {}, {}) == Numbers{0.5, 0.5, 1, 1}));
  BOOST_TEST((default_weights(line, {-1}, {5}) == Numbers{2.5, 1.5, 1, 1}));
  BOOST_TEST((default_weights(line, {0.5}, {5}) == Numbers{0.5, 0.5, 1, 1}));  // that domain does not hold them

  const Tensor product = from({6, 2}, {0, 0, 1, 0, 3, 0, 0, 2, 1, 2, 3, 2});
  BOOST_TEST((default_weights(product, {}, {}) == Numbers{0.5, 1.5, 1, 0.5, 1.5, 1}));
  BOOST_TEST((default_weights(product, {0, -1}, {3, 2}) == Numbers{1, 3, 2, 0.5, 1.5, 1}));

  const Tensor scattered = from({4, 2}, {0, 0, 1, 0.1, 3, 0.2, 0, 2});
  BOOST_TEST((default_weights(scattered, {}, {}) == Numbers(4, 0.25)));
  BOOST_TEST((default_weights(scattered, {0, 0}, {4, 2}) == Numbers(4, 2)));
  const Tensor twice = from({4, 2}, {0, 0, 1, 1, 0, 0, 1, 1});
  BOOST_TEST((default_weights(twice, {}, {}) == Numbers(4, 0.25)));
  BOOST_TEST((default_weights(from({1, 1}, {7}), {}, {}) == Numbers{1}));
}
