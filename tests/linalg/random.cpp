#include <lowtide/linalg/parallel.h>

#include <algorithm>
#include <bit>
#include <set>

#include "check.h"

namespace lowtide::test {
namespace {

// The largest distance between the empirical distribution of x and F, times sqrt(n): above 1.95 in
// one case of a thousand (Kolmogorov).
template <class F>
double kolmogorov(std::vector<double> x, const F& distribution) {
  std::sort(x.begin(), x.end());
  const auto n = static_cast<double>(x.size());
  double d = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = distribution(x[i]), below = static_cast<double>(i) / n;
    d = std::max({d, exact - below, below + 1 / n - exact});
  }
  return d * std::sqrt(n);
}

double moment(const std::vector<double>& x, double center, int power) {
  double sum = 0;
  for (double v : x) sum += std::pow(v - center, power);
  return sum / static_cast<double>(x.size());
}

double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - 0.5) * (y[i] - 0.5);
  return 12 * sum / static_cast<double>(x.size());
}

std::vector<double> draw(Stream s, std::int64_t n) { return to_vector(s.uniform({n}, Dtype::f64)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(random)

// From the file kat_vectors of Random123.
BOOST_AUTO_TEST_CASE(philox_known_answers) {
  using Words = std::array<std::uint32_t, 4>;
  constexpr std::uint32_t all = 0xffffffff;
  BOOST_TEST((philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  BOOST_TEST(
      (philox({all, all, all, all}, {all, all}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  BOOST_TEST((philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

BOOST_AUTO_TEST_CASE(elements_are_words_of_philox) {
  Stream s;
  s.key = 0x299f31d0'a4093822;
  for (std::uint64_t j : {std::uint64_t{0}, std::uint64_t{5}, std::uint64_t{1} << 40}) {
    const auto r = philox({static_cast<std::uint32_t>(j), static_cast<std::uint32_t>(j >> 32), 0, 0},
                          {0xa4093822, 0x299f31d0});
    BOOST_TEST(s.bits(2 * j) == (r[0] | std::uint64_t{r[1]} << 32));
    BOOST_TEST(s.bits(2 * j + 1) == (r[2] | std::uint64_t{r[3]} << 32));
    BOOST_TEST(s.uniform(2 * j) == static_cast<double>(s.bits(2 * j) >> 11) / 9007199254740992.0);
  }
}

// From a second implementation in Python. If these change, no stored run can be repeated.
BOOST_AUTO_TEST_CASE(golden_values) {
  Stream s(42, "init");
  BOOST_TEST(s.key == 7388936003481064906u);
  BOOST_TEST(s.child("layer", 3).key == 4045305557703968212u);
  BOOST_TEST(s.bits(0) == 13278743591801476945u);
  BOOST_TEST(s.bits(1000001) == 4023872468542975401u);
  BOOST_TEST(s.uniform(7) == 0x1.3386d7fd2aac8p-2);
  BOOST_TEST(std::abs(s.normal(7) - 0.7342293706163462) < 1e-14);
  const auto p = Stream(1, "p").permutation(8);
  BOOST_TEST(p == (PoolVector<std::int64_t>{1, 3, 2, 4, 6, 5, 0, 7}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(random_access_equals_sequence) {
  const Stream start(3, "access");
  for (std::int64_t first : {0, 1, 2, 5})
    for (std::int64_t n : {0, 1, 2, 3, 16384, 16385, 50001}) {
      Stream a = start, b = start;
      a.uniform({first}, Dtype::f32);
      b.normal({first}, Dtype::f32);
      const Tensor u = a.uniform({n}, Dtype::f64), g = b.normal({n}, Dtype::f64);
      BOOST_TEST(a.counter == static_cast<std::uint64_t>(first + n));
      BOOST_TEST(b.counter == static_cast<std::uint64_t>(first + n));
      std::int64_t wrong = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        const auto element = static_cast<std::uint64_t>(first + i);
        wrong += u.at(i) != start.uniform(element);
        wrong += g.at(i) != start.normal(element);
      }
      BOOST_TEST(wrong == 0);
    }
  // A saved stream goes on where it was.
  Stream a = start;
  a.normal({5, 3}, Dtype::f32);
  Stream b;
  b.key = a.key, b.counter = a.counter;
  BOOST_TEST(same_bits(a.uniform({4}, Dtype::f64), b.uniform({4}, Dtype::f64)));
}

BOOST_AUTO_TEST_CASE(threads_and_dtypes_change_nothing) {
  const Stream s(3, "threads");
  const Tensor u = Stream(s).uniform({300, 301}, Dtype::f64, -2, 3),
               g = Stream(s).normal({300, 301}, Dtype::f64, 1, 2);
  for (int threads : {1, 2, 7}) {
    ThreadLimit limit(threads);
    BOOST_TEST(same_bits(Stream(s).uniform({301, 300}, Dtype::f64, -2, 3).reshaped({300, 301}), u));
    BOOST_TEST(same_bits(Stream(s).normal({301, 300}, Dtype::f64, 1, 2).reshaped({300, 301}), g));
    BOOST_TEST(same_bits(Stream(s).uniform({300, 301}, Dtype::f32, -2, 3), u.cast(Dtype::f32)));
    BOOST_TEST(same_bits(Stream(s).normal({300, 301}, Dtype::f32, 1, 2), g.cast(Dtype::f32)));
  }
}

BOOST_AUTO_TEST_CASE(uniform_distribution) {
  const std::vector<double> x = draw(Stream(1, "uniform"), 200000);
  BOOST_TEST(kolmogorov(x, [](double v) { return v; }) < 1.95);
  const double n = std::sqrt(static_cast<double>(x.size()));
  BOOST_TEST(std::abs(moment(x, 0, 1) - 0.5) < 4 * std::sqrt(1.0 / 12) / n);
  BOOST_TEST(std::abs(moment(x, 0.5, 2) - 1.0 / 12) < 4 * std::sqrt(1.0 / 180) / n);
  std::vector<double> even, odd;
  for (std::size_t i = 0; i < x.size(); i += 2) even.push_back(x[i]), odd.push_back(x[i + 1]);
  BOOST_TEST(std::abs(correlation(even, odd)) < 4 / std::sqrt(static_cast<double>(even.size())));
  std::int64_t ones[64] = {};
  const Stream s(1, "bits");
  for (std::uint64_t i = 0; i < 20000; ++i)
    for (int b = 0; b < 64; ++b) ones[b] += s.bits(i) >> b & 1;
  for (std::int64_t count : ones)
    BOOST_TEST(std::abs(static_cast<double>(count) - 10000) < 4.5 * std::sqrt(5000.0));
}

BOOST_AUTO_TEST_CASE(uniform_stays_below_its_end) {
  // Rounded to f32 (spacing 8) a quarter of these would be the upper end itself.
  const Tensor t = Stream(1, "end").uniform({4000}, Dtype::f32, 1e8, 1e8 + 16);
  std::set<double> seen;
  for (double v : to_vector(t)) seen.insert(v);
  BOOST_TEST(seen == (std::set<double>{1e8, 1e8 + 8}), boost::test_tools::per_element());
  BOOST_TEST(max_abs(Stream(1, "end").uniform({9}, Dtype::f64, 2, 2)) == 2);
  BOOST_TEST(
      contains(thrown<NonFiniteError>([] { Stream(1, "end").uniform({9}, Dtype::f64, 2, 1); }), "from 2 to 1"));
  BOOST_TEST(!thrown<NonFiniteError>([] { Stream(1, "end").uniform({9}, Dtype::f64, nan, 1); }).empty());
  BOOST_TEST(!thrown<NonFiniteError>([] { Stream(1, "end").normal({9}, Dtype::f64, 0, -1); }).empty());
}

BOOST_AUTO_TEST_CASE(normal_distribution) {
  Stream s(1, "normal");
  const std::vector<double> x = to_vector(s.normal({200000}, Dtype::f64));
  BOOST_TEST(kolmogorov(x, [](double v) { return std::erfc(-v / std::sqrt(2.0)) / 2; }) < 1.95);
  const double n = std::sqrt(static_cast<double>(x.size()));
  BOOST_TEST(std::abs(moment(x, 0, 1)) < 4 / n);
  BOOST_TEST(std::abs(moment(x, 0, 2) - 1) < 4 * std::sqrt(2.0) / n);
  BOOST_TEST(std::abs(moment(x, 0, 3)) < 4 * std::sqrt(15.0) / n);
  BOOST_TEST(std::abs(moment(x, 0, 4) - 3) < 4 * std::sqrt(96.0) / n);
  double neighbours = 0;
  for (std::size_t i = 0; i < x.size(); i += 2) neighbours += x[i] * x[i + 1];
  BOOST_TEST(std::abs(neighbours) < 4 * n / std::sqrt(2.0));
}

BOOST_AUTO_TEST_CASE(names_make_independent_streams) {
  const Stream root(1, "a");
  std::vector<Stream> streams{root,          Stream(2, "a"),  Stream(1, "b"),
                              Stream(1, ""), Stream(1, "aa"), Stream(0, "a")};
  for (std::uint64_t i = 0; i < 4; ++i)
    for (const char* name : {"x", "y"}) streams.push_back(root.child(name, i));
  streams.push_back(root.child("x").child("x"));
  const std::int64_t n = 20000;
  for (std::size_t i = 0; i < streams.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      BOOST_TEST(streams[i].key != streams[j].key);
      BOOST_TEST(std::abs(correlation(draw(streams[i], n), draw(streams[j], n))) <
                 5 / std::sqrt(static_cast<double>(n)));
      // Every bit of the key is as good as tossed anew.
      const int differing = std::popcount(streams[i].key ^ streams[j].key);
      BOOST_TEST((differing > 10 && differing < 54));
    }
  std::set<std::uint64_t> keys;
  for (std::uint64_t i = 0; i < 1000; ++i)
    for (int k = 0; k < 100; ++k) keys.insert(Stream(i, "n" + std::to_string(k)).child("c", i).key);
  BOOST_TEST(keys.size() == 100000u);
  // A child is there whatever the parent has drawn.
  Stream drawn = root;
  drawn.uniform({100}, Dtype::f64);
  BOOST_TEST(drawn.child("x", 1).key == root.child("x", 1).key);
  BOOST_TEST(drawn.child("x", 1).counter == 0u);
}

BOOST_AUTO_TEST_CASE(permutations) {
  Stream s(5, "permutation");
  for (std::int64_t n : {0, 1, 2, 1000}) {
    const std::uint64_t before = s.counter;
    auto p = s.permutation(n);
    BOOST_TEST(s.counter - before == static_cast<std::uint64_t>(n));
    std::sort(p.begin(), p.end());
    for (std::int64_t i = 0; i < n; ++i) BOOST_TEST(p[static_cast<std::size_t>(i)] == i);
  }
  // All six orders of three things, equally often.
  std::vector<std::int64_t> count(27, 0);
  for (int i = 0; i < 6000; ++i) {
    const auto p = s.permutation(3);
    ++count[static_cast<std::size_t>(9 * p[0] + 3 * p[1] + p[2])];
  }
  for (std::size_t c : {5, 7, 11, 15, 19, 21}) BOOST_TEST(std::abs(static_cast<double>(count[c]) - 1000) < 130);
  BOOST_TEST(!thrown<ShapeError>([&] { s.below(0); }).empty());
  BOOST_TEST(!thrown<ShapeError>([&] { s.permutation(-1); }).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
