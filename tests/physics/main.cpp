#define BOOST_TEST_MODULE physics
#include <boost/test/unit_test.hpp>
