// What every optimizer must do, said once.
#pragma once
#include <lowtide/autodiff.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/linalg/random.h>

#include <boost/test/unit_test.hpp>
#include <limits>
#include <map>
#include <string>

namespace lowtide::testing {

// The state by name, and back into another optimizer.
struct Saved {
  std::map<std::string, double> numbers;
  std::map<std::string, std::int64_t> counts;
  std::map<std::string, Tensors> tensors;
};

template <class Optimizer>
Saved save(Optimizer& optimizer) {
  Saved saved;
  optimizer.visit([&](std::string_view name, auto& value) {
    bool fresh = false;
    if constexpr (std::is_same_v<decltype(value), double&>)
      fresh = saved.numbers.emplace(name, value).second;
    else if constexpr (std::is_same_v<decltype(value), std::int64_t&>)
      fresh = saved.counts.emplace(name, value).second;
    else
      fresh = saved.tensors.emplace(name, value).second;
    BOOST_TEST(fresh, "two parts of the state are called " << name);
  });
  return saved;
}

template <class Optimizer>
void restore(Optimizer& optimizer, const Saved& saved) {
  optimizer.visit([&](std::string_view name, auto& value) {
    const std::string key(name);
    if constexpr (std::is_same_v<decltype(value), double&>)
      value = saved.numbers.at(key);
    else if constexpr (std::is_same_v<decltype(value), std::int64_t&>)
      value = saved.counts.at(key);
    else
      value = saved.tensors.at(key);
  });
}

inline bool same_bits(const Tensors& a, const Tensors& b) {
  bool same = a.size() == b.size();
  for (std::size_t k = 0; same && k < a.size(); ++k) same = lowtide::same_bits(a[k], b[k]);
  return same;
}

// `settings` for parameters of these shapes: the same bits on any number of threads and after a stop in
// between; gradients that do not fit, and NaN, are refused before anything has changed.
template <class Optimizer>
void obeys_the_rules(const Optimizer& settings, const std::vector<Shape>& shapes, int steps = 25) {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    Stream stream(7, "rules");
    Tensors start;
    std::vector<Tensors> gradients(static_cast<std::size_t>(steps));
    for (const Shape& s : shapes) start.push_back(stream.normal(s, dtype));
    for (Tensors& g : gradients)
      for (const Shape& s : shapes) g.push_back(stream.normal(s, dtype));
    Tensors first;
    for (const int threads : {1, 2, 4}) {
      const ThreadLimit limit(threads);
      Optimizer optimizer = settings;
      Tensors theta = start;
      for (const Tensors& g : gradients) optimizer.step(theta, g);
      if (threads == 1) first = theta;
      BOOST_TEST(same_bits(theta, first));
      for (const Tensor& p : theta) BOOST_TEST(all_finite(p));
    }
    BOOST_TEST(!same_bits(start, first));

    Optimizer before = settings, after = settings;
    Tensors theta = start;
    for (int i = 0; i < steps; ++i) {
      if (i == 13) restore(after, save(before));
      (i < 13 ? before : after).step(theta, gradients[static_cast<std::size_t>(i)]);
    }
    BOOST_TEST(same_bits(theta, first), "state that was saved and restored continues as if nothing had been");

    const Saved state = save(after);
    const auto refused = [&](const Tensors& g, const std::string& part) {
      BOOST_CHECK_EXCEPTION(after.step(theta, g), Error, [&](const Error& e) {
        return std::string(e.what()).find(part) != std::string::npos;
      });
      BOOST_TEST(same_bits(theta, first));
      for (const auto& [name, tensors] : save(after).tensors)
        BOOST_TEST(same_bits(tensors, state.tensors.at(name)), name << " has changed");
    };
    for (const double bad :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
      Tensors g = gradients[0];
      dispatch(dtype, [&](auto zero) {
        g.back().mutable_data<decltype(zero)>()[1] = static_cast<decltype(zero)>(bad);
      });
      refused(g, "element 1 of gradient " + std::to_string(shapes.size() - 1));
      BOOST_CHECK_THROW(after.step(theta, g), NonFiniteError);
    }
    refused({}, "0 gradients for " + std::to_string(shapes.size()));
    Tensors other = gradients[0];
    other[0] = other[0].cast(dtype == Dtype::f32 ? Dtype::f64 : Dtype::f32);
    refused(other, "parameter 0 is");
    Tensors fewer(theta.begin() + 1, theta.end()),
        fewer_gradients(gradients[0].begin() + 1, gradients[0].end());
    if (shapes.size() > 1) BOOST_CHECK_THROW(after.step(fewer, fewer_gradients), ShapeError);
  }
}

}  // namespace lowtide::testing
