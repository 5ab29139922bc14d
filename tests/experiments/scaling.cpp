// Between the units of a problem and those of a network, and as lines in the file of a model.
#include <lowtide/experiments/scaling.h>
#include <lowtide/io/file.h>

#include "../run/support.h"
#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

BOOST_AUTO_TEST_SUITE(scaling_suite)

BOOST_AUTO_TEST_CASE(the_domain_and_the_times_become_minus_one_to_one) {
  const Scaling scaling = scaling_of(waves(4, 10), "");
  const Tensor x = scaling.points(from({3, 1}, {0, .5, 2}));
  BOOST_TEST((x.dtype == Dtype::f32));
  BOOST_TEST(x.at(0) == -1);
  BOOST_TEST(x.at(1) == -.5);
  BOOST_TEST(x.at(2) == 1);
  BOOST_TEST(scaling.time(.5).at(0) == -1);
  BOOST_TEST(scaling.time(2).at(0) == 0);
  BOOST_TEST(scaling.time(3.5).at(0) == 1);
  BOOST_CHECK_THROW(scaling.points(from({1, 2}, {0, 0})), ShapeError);
  BOOST_CHECK_THROW(scaling.time(2, {1.0}), InputError);
}

// Without a domain its ends are those of the points; parameters have their own ranges.
BOOST_AUTO_TEST_CASE(ranges_come_from_the_numbers_where_nothing_says_them) {
  Snapshots set = waves(4, 10);
  set.low = set.high = {};
  set.mu = from({4, 2}, {5, 3, 6, 3, 7, 3, 9, 3});
  set.parameters = {"a", "b"};
  const Scaling scaling = scaling_of(set, "");
  BOOST_TEST(scaling.x[0].low == set.x.at(0));
  BOOST_TEST(scaling.x[0].high == set.x.at(9));
  const Tensor t = scaling.time(3.5, {5, 3});
  BOOST_TEST(scaling.parameters() == 2);
  BOOST_TEST(t.at(0) == 1);
  BOOST_TEST(t.at(1) == -1);
  BOOST_TEST(t.at(2) == 0);  // always the same
}

BOOST_AUTO_TEST_CASE(one_field_by_its_maximum_several_by_their_rms) {
  Snapshots set = waves(5, 30, 3);
  set.heldout[2] = 1;
  set.u.mutable_data<double>()[2 * 30 * 3 + 1] = 1e6;  // in the frame that nobody has seen
  double most = 0, square[3] = {0, 0, 0};
  for (const std::int64_t k : {0, 1, 3, 4})
    for (std::int64_t i = 0; i < 90; ++i) {
      const double u = set.u.at(k * 90 + i);
      if (i % 3 == 1) most = std::max(most, std::abs(u));
      square[i % 3] += u * u / (4 * 30);
    }
  const Scaling one = scaling_of(set, "momentum"), all = scaling_of(set, ""),
                two = scaling_of(set, "energy,density");
  BOOST_TEST((one.fields == std::vector<std::string>{"momentum"}));
  BOOST_TEST(one.size[0] == most);
  for (std::size_t f = 0; f < 3; ++f) BOOST_TEST(near(all.size[f], std::sqrt(square[f]), 1e-14));
  BOOST_TEST((two.fields == std::vector<std::string>{"energy", "density"}));
  BOOST_TEST(near(two.size[0], std::sqrt(square[2]), 1e-14));
  BOOST_TEST((columns_of(set, two.fields) == std::vector<std::int64_t>{2, 0}));

  const Tensor u = columns(set.values(1), {0, 1, 2}), there = all.values(u), back = all.physical_values(there);
  BOOST_TEST((there.dtype == Dtype::f32));
  BOOST_TEST((back.dtype == Dtype::f64));
  for (std::int64_t i = 0; i < u.size(); ++i) {
    BOOST_TEST(near(there.at(i), u.at(i) / all.size[static_cast<std::size_t>(i % 3)], 1e-7));
    BOOST_TEST(std::abs(back.at(i) - u.at(i)) <= 1e-7 * std::abs(u.at(i)));
  }
}

BOOST_AUTO_TEST_CASE(fields_that_cannot_be_learned_are_refused) {
  Snapshots set = waves(3, 10, 2);
  BOOST_TEST(contains(refusal([&] { scaling_of(set, "densty"); }), "densty; there are density, momentum"));
  for (std::int64_t i = 0; i < 30; ++i) set.u.mutable_data<double>()[2 * i + 1] = 0;
  BOOST_TEST(contains(refusal([&] { scaling_of(set, ""); }), "momentum is zero everywhere"));
}

BOOST_AUTO_TEST_CASE(a_file_keeps_every_digit) {
  Scaling scaling{.x = {{-1.0 / 3, std::nextafter(2.0, 3.0)}, {1e-300, 1e300}},
                  .t = {{0, .038}, {-7, 0.1 + 0.2}},
                  .fields = {"density", "x velocity"},
                  .size = {6.123456789012345, 5e-324}};
  const Scaling back = scaling_from(scaling.metadata(), "file");
  BOOST_TEST((back.fields == scaling.fields));
  BOOST_TEST((back.size == scaling.size));
  BOOST_REQUIRE(back.x.size() == 2);
  BOOST_REQUIRE(back.t.size() == 2);
  for (std::size_t k = 0; k < 2; ++k) {
    BOOST_TEST((back.x[k].low == scaling.x[k].low && back.x[k].high == scaling.x[k].high));
    BOOST_TEST((back.t[k].low == scaling.t[k].low && back.t[k].high == scaling.t[k].high));
  }
}

BOOST_AUTO_TEST_CASE(hostile_lines_are_refused_by_name) {
  const auto good = scaling_of(waves(4, 10, 2), "").metadata();
  const auto refused = [&](const std::string& key, const char* text) {
    auto bad = good;
    if (text)
      bad[key] = text;
    else
      bad.erase(key);
    const std::string message = refusal([&] { scaling_from(bad, "some.safetensors"); });
    BOOST_TEST(message.starts_with("some.safetensors:" + key + ": "),
               key << "=" << (text ? text : "none") << ": " << message);
  };
  for (const char* key : {"scaling.x", "scaling.t"})
    for (const char* text : {(const char*)nullptr, "", "0", "0,1,2", "0,x", "0,nan", "inf,1", "0,1e999", "0, 1",
                             "2,1", ",", "0,1,"})
      refused(key, text);
  for (const char* text : {(const char*)nullptr, "", "1", "1,2,3", "1,0", "-1,1", "1,nan", "1,2,"})
    refused("scaling.size", text);
  refused("scaling.fields", nullptr);
  BOOST_TEST(refusal([&] { scaling_from(good, "x"); }).empty());
}

BOOST_AUTO_TEST_SUITE_END()
