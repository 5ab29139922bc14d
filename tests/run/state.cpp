#include <lowtide/optim/adam.h>
#include <lowtide/optim/grouped.h>
#include <lowtide/optim/lbfgs.h>
#include <lowtide/run/state.h>

#include <cmath>
#include <limits>

#include "support.h"

using namespace lowtide;
using namespace lowtide::testing;

namespace {

TensorFile saved(const std::vector<StatePart>& parts) {
  TensorFile file;
  file.source = "a";
  save_state(parts, file);
  return file;
}

void restore(const std::vector<StatePart>& parts, const TensorFile& file) { restore_state(parts, file); }

Tensors some() { return {linspace(0, 1, 6, Dtype::f64).reshaped({2, 3}), ones({4}, Dtype::f32)}; }

struct Odd {
  Tensors list{};
  double x = 0;
  template <class Visitor>
  void visit(Visitor&& see) {
    see("list", list);
    see("x", x);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(state_suite)

BOOST_AUTO_TEST_CASE(an_optimizer_goes_on_with_the_same_bits) {
  Tensors theta = some();
  Adam adam;
  for (int i = 0; i < 3; ++i) adam.step(theta, some());
  std::int64_t count = 3;
  const TensorFile file = saved({theta, adam, count});
  BOOST_TEST(file.has("0.1"));
  BOOST_TEST(file.has("1.m.0"));
  BOOST_TEST(file.metadata.at("2") == "integer 3");

  Tensors other{zeros({2, 3}, Dtype::f64), zeros({4}, Dtype::f32)};
  Adam fresh{.lr = 1};
  std::int64_t none = 0;
  restore({other, fresh, none}, file);
  BOOST_TEST(none == 3);
  BOOST_TEST(fresh.lr == adam.lr);
  adam.step(theta, some());
  fresh.step(other, some());
  for (std::size_t k = 0; k < theta.size(); ++k) BOOST_TEST(same_bits(theta[k], other[k]));
}

BOOST_AUTO_TEST_CASE(groups_of_optimizers_and_their_bases_come_back) {
  const auto make = [] {
    return Grouped{.groups = {{.optimizer = Soap{}, .tensors = {0}}, {.optimizer = Muon{}, .tensors = {1}}}};
  };
  Tensors theta{linspace(0, 1, 6, Dtype::f64).reshaped({2, 3}), ones({4, 2}, Dtype::f64)};
  const Tensors gradient{linspace(1, 3, 6, Dtype::f64).reshaped({2, 3}),
                         linspace(1, 2, 8, Dtype::f64).reshaped({4, 2})};
  Grouped grouped = make();
  for (int i = 0; i < 3; ++i) grouped.step(theta, gradient);
  const TensorFile file = saved({theta, grouped});
  Tensors other{zeros({2, 3}, Dtype::f64), zeros({4, 2}, Dtype::f64)};
  Grouped fresh = make();
  restore({other, fresh}, file);
  grouped.step(theta, gradient);
  fresh.step(other, gradient);
  for (std::size_t k = 0; k < theta.size(); ++k) BOOST_TEST(same_bits(theta[k], other[k]));

  Lbfgs lbfgs;
  lbfgs.s = {ones({3}, Dtype::f64)};
  lbfgs.value = 0.1;
  Lbfgs again;
  restore({again}, saved({lbfgs}));
  BOOST_TEST(again.s.size() == 1u);
  BOOST_TEST(again.value == 0.1);
}

BOOST_AUTO_TEST_CASE(odd_numbers_and_empty_tensors_come_back) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  for (const double x : {0.1, -0.0, 5e-324, 1.7976931348623157e308, inf, -inf, 1 / 3.0}) {
    Odd odd{.list = {Tensor(), zeros({0, 0}, Dtype::f64), ones({}, Dtype::f32), Tensor()}, .x = x};
    Odd back;
    const Folder folder;
    TensorFile file = saved({odd});
    write_safetensors(file, folder / "a");
    restore({back}, read_safetensors(folder / "a"));
    BOOST_TEST(back.x == x);
    BOOST_TEST(std::signbit(back.x) == std::signbit(x));
    BOOST_REQUIRE(back.list.size() == 4u);
    BOOST_TEST(!back.list[0]);
    BOOST_TEST((back.list[1] && back.list[1].shape == Shape{0, 0}));
    BOOST_TEST(back.list[2].item() == 1);
    BOOST_TEST(!back.list[3]);
  }
  Odd nan{.x = std::nan("")}, none{}, back{.x = 1};
  restore({back}, saved({nan}));
  BOOST_TEST(std::isnan(back.x));
  restore({back}, saved({none}));
  BOOST_TEST(back.list.empty());
}

BOOST_AUTO_TEST_CASE(the_state_of_something_else_is_refused_and_changes_nothing) {
  Tensors theta = some();
  double x = 1;
  std::int64_t n = 1;
  Adam adam;
  const TensorFile file = saved({theta, x});
  const auto expect = [&](const std::vector<StatePart>& parts, const TensorFile& from,
                          const std::string& reason) {
    const std::string told = refusal([&] { restore(parts, from); });
    BOOST_TEST(told.starts_with("a:"));
    BOOST_TEST(contains(told, reason), "'" << told << "' lacks '" << reason << "'");
    BOOST_TEST(x == 2);
    BOOST_TEST(max_abs(theta[0]) == 0);
  };
  x = 2;
  theta[0] = zeros({2, 3}, Dtype::f64);
  Tensors fewer{theta[0]}, wider{theta[0], ones({5}, Dtype::f32)}, wrong{theta[0], ones({4}, Dtype::f64)};
  expect({theta}, file, "a:1: nothing asks for it; it is the state of something else");
  expect({theta, x, n}, file, "a:2: there is no such integer");
  expect({theta, n}, file, "a:1: is 'number 1', not integer");
  expect({x, theta}, file, "a:0: is 'tensors 2', not number");
  expect({theta, adam}, file, "a:1.lr: there is no such number");
  expect({x, fewer}, saved({x, theta}), "a:1: has 2 tensors, not 1");
  expect({x, wider}, saved({x, theta}), "a:1.1: is f32 (4), not f32 (5)");
  expect({x, wrong}, saved({x, theta}), "a:1.1: is f32 (4), not f64 (4)");
  TensorFile broken = file;
  broken.tensors.pop_back();
  expect({theta, x}, broken, "a:0.1: there is no such tensor");
  broken = file;
  broken.tensors.emplace_back("0.2", ones({1}, Dtype::f64));
  expect({theta, x}, broken, "a:0.2: nothing asks for it");
  for (const std::string text : {"number", "number ", "number x", "number 1 ", "1"}) {
    broken = file;
    broken.metadata["1"] = text;
    expect({theta, x}, broken, "a:1: ");
  }
  for (const std::string text : {"tensors -1", "tensors 1e9", "tensors 99999999999999999999", "tensors 3"}) {
    broken = file;
    broken.metadata["0"] = text;
    expect({theta, x}, broken, "a:0");
  }
}

BOOST_AUTO_TEST_SUITE_END()
