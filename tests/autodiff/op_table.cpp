// Every op enters this test by existing.
#include <fmt/format.h>
#include <lowtide/autodiff.h>

#include <boost/test/unit_test.hpp>
#include <set>

using namespace lowtide;

BOOST_AUTO_TEST_SUITE(op_table_suite)

BOOST_AUTO_TEST_CASE(every_op_tells_the_truth) {
  std::int64_t checks = 0;
  for (const Op* op : op_table()) {
    const CheckReport report = check(*op);
    BOOST_TEST(report.ok(), op->name << ": " << report.text());
    checks += report.checks;
  }
  BOOST_TEST_MESSAGE(op_table().size() << " ops, " << checks << " checks");
  BOOST_TEST(op_table().size() >= 55u);
}

BOOST_AUTO_TEST_CASE(names_are_unique) {
  std::set<std::string_view> names;
  for (const Op* op : op_table()) BOOST_TEST(names.insert(op->name).second, op->name << " is there twice");
}

BOOST_AUTO_TEST_SUITE_END()
