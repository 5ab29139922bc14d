#define BOOST_TEST_MODULE reduction
#include <boost/test/unit_test.hpp>
