#include <lowtide/optim/grouped.h>

#include "optimizers.h"

using namespace lowtide;

namespace {

Grouped of_all_kinds() {
  return {
      .lr = .01,
      .groups = {{Muon{}, {3, 1}, 1}, {Soap{}, {0}, 2}, {Adam{}, {4}, .5}, {Sgd{.momentum = .9}, {2}, 0.1}}};
}
const std::vector<Shape> shapes = {{6, 100}, {5, 30}, {7}, {30, 5}, {4, 4}};

}  // namespace

BOOST_AUTO_TEST_CASE(groups_do_what_their_optimizers_do_alone) {
  Stream stream(1, "grouped");
  Tensors theta, alone;
  for (const Shape& s : shapes) theta.push_back(stream.normal(s, Dtype::f32));
  alone = theta;
  Grouped grouped = of_all_kinds();
  Muon muon{.lr = .01};
  Soap soap{.lr = .02};
  Adam adam{.lr = .005};
  Sgd sgd{.lr = .001, .momentum = .9};
  for (int step = 0; step < 15; ++step) {
    if (step == 8) {  // one rate for all
      grouped.lr /= 2;
      muon.lr /= 2, soap.lr /= 2, adam.lr /= 2, sgd.lr = .1 * .005;
    }
    Tensors g;
    for (const Shape& s : shapes) g.push_back(stream.normal(s, Dtype::f32));
    grouped.step(theta, g);
    Tensors a = {alone[3], alone[1]}, b = {alone[0]}, c = {alone[4]}, d = {alone[2]};
    muon.step(a, {g[3], g[1]});
    soap.step(b, {g[0]});
    adam.step(c, {g[4]});
    sgd.step(d, {g[2]});
    alone = {b[0], a[1], d[0], a[0], c[0]};
    BOOST_TEST(testing::same_bits(theta, alone));
  }
}

BOOST_AUTO_TEST_CASE(grouped_obeys_the_rules) { testing::obeys_the_rules(of_all_kinds(), shapes); }

BOOST_AUTO_TEST_CASE(tensors_belong_to_one_group) {
  Tensors theta = {ones({2, 2}, Dtype::f64), ones({3}, Dtype::f64)};
  const Tensors before = theta, g = theta;
  const auto refused = [&](std::vector<Group> groups, const char* part) {
    Grouped grouped{.groups = std::move(groups)};
    BOOST_CHECK_EXCEPTION(grouped.step(theta, g), ShapeError, [&](const ShapeError& e) {
      return std::string(e.what()).find(part) != std::string::npos;
    });
    BOOST_TEST(testing::same_bits(theta, before));
  };
  refused({{Adam{}, {0}, 1}}, "tensor 1 is in no group");
  refused({{Adam{}, {0, 1}, 1}, {Sgd{}, {1}, 1}}, "tensor 1 is in groups 0 and 1");
  refused({{Adam{}, {0, 2}, 1}}, "group 0 has tensor 2 of 2");
  // An optimizer that refuses leaves its tensors where they were.
  refused({{Muon{}, {0, 1}, 1}}, "not a matrix");
}
