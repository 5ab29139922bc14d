#define BOOST_TEST_MODULE pde
#include <boost/test/unit_test.hpp>
