// What is refused: by the right type of error, in a message that names the op and both things.
#include <functional>
#include <thread>

#include "networks.h"

namespace lowtide::test {
namespace {

Var tensor(const Shape& shape, Dtype dtype = Dtype::f64) { return Var(uniform(shape, "bad use", dtype)); }

struct Misuse {
  const char* op;  // in brackets
  std::vector<const char*> named;
  std::function<void()> run;
};

// Every one throws an E whose message has "[op]" and the rest.
template <class E>
void all_throw(const std::vector<Misuse>& uses) {
  for (const auto& [op, named, run] : uses) {
    const std::string message = thrown<E>(run);
    BOOST_TEST(message.starts_with(std::string("[").append(op).append("] ")), op << ": " << message);
    for (const char* part : named) BOOST_TEST(contains(message, part), op << ", " << part << ": " << message);
    BOOST_TEST(!contains(message, "\n"), op);
  }
}

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

BOOST_AUTO_TEST_SUITE(bad_use)

BOOST_AUTO_TEST_CASE(shapes_that_disagree) {
  using Binary = Var (*)(const Var&, const Var&);
  std::vector<Misuse> uses;
  const std::pair<const char*, Binary> binary[] = {
      {"add", add},         {"sub", sub},         {"mul", mul},         {"div", div},    {"pow", pow},
      {"maximum", maximum}, {"minimum", minimum}, {"greater", greater}, {"equal", equal}};
  for (const auto& [name, op] : binary) {
    uses.push_back({name, {"(2,3)", "(4)"}, [op = op] { op(tensor({2, 3}), tensor({4})); }});
    uses.push_back({name, {"(2,3)", "(2)"}, [op = op] { op(tensor({2, 3}), tensor({2})); }});
    uses.push_back({name, {"(0)", "(2)"}, [op = op] { op(tensor({0}), tensor({2})); }});
  }
  const Var m23 = tensor({2, 3}), m33 = tensor({3, 3}), m34 = tensor({3, 4}), v3 = tensor({3}),
            k = tensor({2, 2, 3});
  const std::vector<std::int64_t> rows{0, 1};
  const std::vector<Misuse> others = {
      {"clamp", {"(2,3)", "(4)"}, [&] { clamp(m23, tensor({4}), tensor({})); }},
      {"select", {"(2,3)", "(3,4)"}, [&] { select(m23, m23, m34); }},
      {"sum", {"2", "(2,3)"}, [&] { sum(m23, 2); }},
      {"sum", {"-3", "(2,3)"}, [&] { sum(m23, -3); }},
      {"sum", {"0", "()"}, [&] { sum(tensor({}), 0); }},
      {"mean", {"2", "(2,3)"}, [&] { mean(m23, 2); }},
      {"mean",
       {"no elements"},
       [&] {
         mean(tensor({0, 3}));
       }},
      {"mean",
       {"no elements"},
       [&] {
         mean(tensor({0, 3}), 0);
       }},
      {"sum_to", {"(2)", "(2,3)"}, [&] { sum_to(m23, {2}); }},
      {"sum_to",
       {"(2,2,3)", "(2,3)"},
       [&] {
         sum_to(m23, {2, 2, 3});
       }},
      {"broadcast_to",
       {"(2,3)", "(3,4)"},
       [&] {
         broadcast_to(m23, {3, 4});
       }},
      {"broadcast_to", {"(2,3)", "(3)"}, [&] { broadcast_to(m23, {3}); }},
      {"cumulative_sum", {"2", "(2,3)"}, [&] { cumulative_sum(m23, 2); }},
      {"norm", {"2", "(2,3)"}, [&] { norm(m23, 2); }},
      {"logsumexp", {"2", "(2,3)"}, [&] { logsumexp(m23, 2); }},
      {"logsumexp",
       {"no elements"},
       [&] {
         logsumexp(tensor({2, 0}), 1);
       }},
      {"softmax", {"2", "(2,3)"}, [&] { softmax(m23, 2); }},
      {"reshape", {"(2,3)", "(4)"}, [&] { reshape(m23, {4}); }},
      {"transpose", {"(3)"}, [&] { transpose(v3); }},
      {"permute",
       {"(2,3)", "0,0"},
       [&] {
         permute(m23, {0, 0});
       }},
      {"permute",
       {"(2,3)", "2"},
       [&] {
         permute(m23, {0, 2});
       }},
      {"permute", {"(2,3)", "(1)"}, [&] { permute(m23, {1}); }},
      {"slice", {"1", "4", "(2,3)"}, [&] { slice(m23, 1, 1, 4); }},
      {"slice", {"-1", "(2,3)"}, [&] { slice(m23, 0, -1, 1); }},
      {"slice", {"2", "1", "(2,3)"}, [&] { slice(m23, 1, 2, 1); }},
      {"slice", {"2", "(2,3)"}, [&] { slice(m23, 2, 0, 1); }},
      {"concatenate",
       {"(2,3)", "(3,4)"},
       [&] {
         concatenate({m23, m34}, 0);
       }},
      {"concatenate",
       {"(2,3)", "(3)"},
       [&] {
         concatenate({m23, v3}, 0);
       }},
      {"concatenate", {"nothing"}, [&] { concatenate({}, 0); }},
      {"concatenate",
       {"2", "(2,3)"},
       [&] {
         concatenate({m23, m23}, 2);
       }},
      {"gather", {"2"}, [&] { gather(m23, std::vector<std::int64_t>{2}); }},
      {"gather",
       {"-1"},
       [&] {
         gather(m23, std::vector<std::int64_t>{0, -1});
       }},
      {"gather", {"scalar"}, [&] { gather(tensor({}), rows); }},
      {"scatter_add", {"row 1 of 1"}, [&] { scatter_add(m23, rows, 1); }},
      {"scatter_add", {"2", "3"}, [&] { scatter_add(m34, rows, 5); }},
      {"matmul", {"(2,3)", "(2,3)"}, [&] { matmul(m23, m23); }},
      {"matmul", {"(2,3) transposed", "(3,4)"}, [&] { matmul(m23, m34, Trans::yes); }},
      {"matmul", {"(2,3)", "(3)"}, [&] { matmul(m23, v3); }},
      {"batched_matmul", {"(2,2,3)", "(2,2,3)"}, [&] { batched_matmul(k, k); }},
      {"batched_matmul",
       {"(2,2,3)", "(1,3,2)"},
       [&] {
         batched_matmul(k, tensor({1, 3, 2}));
       }},
      {"batched_matmul", {"(2,3)", "(3,4)"}, [&] { batched_matmul(m23, m34); }},
      {"row_dot", {"(2,3)", "(3,4)"}, [&] { row_dot(m23, m34); }},
      {"row_dot", {"(3)", "(3)"}, [&] { row_dot(v3, v3); }},
      {"row_outer", {"(2,3)", "(3,4)"}, [&] { row_outer(m23, m34); }},
      {"dot", {"(3)", "(2,3)"}, [&] { dot(v3, m23); }},
      {"outer", {"(2,3)", "(3)"}, [&] { outer(m23, v3); }},
      {"affine", {"(2,3)", "(2,3)", "(3)"}, [&] { affine(m23, m23, v3); }},
      {"affine", {"(2,3)", "(3,4)", "(3)"}, [&] { affine(m23, m34, v3); }},
      {"low_rank_layer",
       {"(2,3)", "(3,4)", "(2,2)", "(3)"},
       [&] {
         low_rank_layer(m23, m34, m34, tensor({2, 2}), v3, v3);
       }},
      {"low_rank_layer", {"s1 (2,3)", "(F,q)"}, [&] { low_rank_layer(m23, m34, m33, m34, m23, m33); }},
      {"low_rank_layer", {"s1 (3)", "s2 (2,3)"}, [&] { low_rank_layer(m23, m34, m33, m34, v3, m23); }},
      {"low_rank_layer", {"z (3,3)", "s1 (2,3)"}, [&] { low_rank_layer(m33, m34, m33, m34, m23, m23); }},
      {"triangular_solve",
       {"(2,3)", "(2,2)"},
       [&] {
         triangular_solve(m23, tensor({2, 2}));
       }},
      {"triangular_solve",
       {"(2,2)", "(3,4)"},
       [&] {
         triangular_solve(tensor({2, 2}), m34);
       }},
      {"triangular_solve",
       {"(2,2)", "(2)"},
       [&] {
         triangular_solve(tensor({2, 2}), tensor({2}));
       }},
      {"triangular_solve",
       {"()", "(2,2)"},
       [&] {
         triangular_solve(tensor({}), tensor({2, 2}));
       }},
      {"triangular_solve",
       {"(2,3)", "(2,2)"},
       [&] {
         cholesky_solve(m23, tensor({2, 2}));
       }},
      {"tanh", {"empty"}, [&] { tanh(Var()); }},
      {"add", {"empty"}, [&] { add(m23, Var()); }},
  };
  uses.insert(uses.end(), others.begin(), others.end());
  all_throw<ShapeError>(uses);
  BOOST_TEST_MESSAGE(uses.size() << " shapes refused");
}

// Every op of the table, with an extent appended to one of its inputs: refused by name, or a legal
// broadcast; what it does not refuse it must also be able to differentiate.
BOOST_AUTO_TEST_CASE(another_shape_of_one_input) {
  int refused = 0, broadcast = 0;
  for (const Op* op : op_table())
    for (const Sample& sample : op->samples()) {
      if (sample.xs.size() < 2) continue;
      for (std::size_t i = 0; i < sample.xs.size(); ++i) {
        if (sample.xs[i].shape.rank() == Shape::max_rank) continue;
        for (const std::int64_t extent : {1, 2}) {
          Tensors xs = sample.xs;
          const Shape shape = xs[i].shape.appended(extent);
          xs[i] = full(shape, 0.7, Dtype::f64);
          const std::string label = std::string(op->name) + ", " + sample.label;
          try {
            const Tensor y = sample.f(constants(xs)).peek();
            vector_jacobian(sample.f, xs, ones(y.shape, y.dtype));
            ++broadcast;
          } catch (const ShapeError& e) {
            ++refused;
            const std::string message = e.what();
            // A tile function is made of other ops, and an op of others is named by the first that refuses.
            const bool named =
                message.starts_with(std::string("[").append(op->name) + "]") || op->name.starts_with("tiled_");
            BOOST_TEST(named, label << ": " << message);
          } catch (const std::exception& e) {
            BOOST_ERROR(label << ": " << e.what());
          }
        }
      }
    }
  BOOST_TEST(refused >= 100);
  BOOST_TEST_MESSAGE(refused << " refused, " << broadcast << " broadcast");
}

BOOST_AUTO_TEST_CASE(dtypes_that_differ) {
  const Var a = tensor({2, 2}), b = tensor({2, 2}, Dtype::f32), v = tensor({2}, Dtype::f32);
  all_throw<DtypeError>({
      {"add", {"f64", "f32"}, [&] { a + b; }},
      {"mul", {"f64", "f32"}, [&] { a* b; }},
      {"select", {"f64", "f32"}, [&] { select(a, a, b); }},
      {"concatenate",
       {"f64", "f32"},
       [&] {
         concatenate({a, b}, 0);
       }},
      {"matmul", {"f32", "f64"}, [&] { matmul(b, a); }},
      {"affine", {"f64", "f32"}, [&] { affine(a, a, v); }},
      {"low_rank_layer", {"f64", "f32"}, [&] { low_rank_layer(a, a, a, a, v, v); }},
      {"triangular_solve", {"f64", "f32"}, [&] { triangular_solve(a, b); }},
      {"tiled_sum",
       {"f64", "f32"},
       [&] {
         sum_over_tiles(Tiles{2}, {a, b}, [](const Vars& xs, const Tile&) { return sum(xs[0]); });
       }},
      {"push",
       {"f32", "f64"},
       [&] { jacobian_vector([](const Vars& x) { return x[0]; }, {a.peek()}, {b.peek()}); }},
      {"pull",
       {"f32", "f64"},
       [&] { vector_jacobian([](const Vars& x) { return x[0]; }, {a.peek()}, b.peek()); }},
      {"sum_over_tiles",
       {"f32", "f64"},
       [&] {
         sum_over_tiles(Tiles{2}, {a},
                        [](const Vars& xs, const Tile&) { return sum(cast(xs[0], Dtype::f32)); });
       }},
      {"flatten",
       {"f32", "f64"},
       [&] {
         flatten({a.peek(), b.peek()});
       }},
  });
  BOOST_TEST(((2.0 * b).dtype() == Dtype::f32));  // numbers take the dtype they meet
}

BOOST_AUTO_TEST_CASE(two_tapes) {
  Tape first;
  const Var x = first.leaf(uniform({3}, "x"));
  Tape second;
  const Var y = second.leaf(uniform({3}, "y")), z = sin(y);
  all_throw<TapeError>({
      {"mul", {"two tapes"}, [&] { x* y; }},
      {"concatenate",
       {"two tapes"},
       [&] {
         concatenate({x, y}, 0);
       }},
      {"push", {"another tape"}, [&] { push(z, x, Var(uniform({3}, "v"))); }},
      {"pull", {"another tape"}, [&] { pull(z, Var(uniform({3}, "v")), x); }},
      {"pull",
       {"two tapes"},
       [&] {
         gradient(sum(z), {y, x});
       }},
      {"mul", {"two tapes"}, [&] { pull(z, x, y, Graph::keep); }},
  });
  // Only its value is taken where the sweep is not recorded, and the sweeps go on working.
  BOOST_TEST(gap(pull(z, x, y).peek(), (x.peek().size() ? Var(x.peek()) * cos(Var(y.peek())) : Var()).peek()) <
             1e-15);
}

BOOST_AUTO_TEST_CASE(a_tape_that_is_gone) {
  Var x, y;
  {
    Tape tape;
    x = tape.leaf(uniform({3}, "x"));
    y = sum(sin(x));
  }
  const Tape other;  // takes over the memory of the first
  const auto uses = [&] {
    return std::vector<Misuse>{
        {"sin", {"outlived"}, [&] { sin(x); }},
        {"mul", {"outlived"}, [&] { tensor({3}) * x; }},
        {"pull", {"outlived"}, [&] { gradient(y, {x}); }},
        {"push", {"outlived"}, [&] { push(y, x, tensor({3})); }},
        {"value", {"outlived"}, [&] { y.value(); }},
        {"value", {"outlived"}, [&] { y.item(); }},
    };
  };
  all_throw<TapeError>(uses());
  BOOST_TEST(std::isfinite(y.peek().item()));  // looking is free
  Tape tape;
  x = tape.leaf(uniform({3}, "x"));
  y = sum(sin(x));
  tape.clear();
  all_throw<TapeError>(uses());
  const Var again = tape.leaf(uniform({3}, "x"));
  all_throw<TapeError>(uses());
  BOOST_TEST(gradient(sum(again), {again})[0].peek().at(0) == 1);
}

BOOST_AUTO_TEST_CASE(a_tape_that_was_consumed) {
  Tape tape;
  const Var x = tape.leaf(uniform({3}, "x")), y = sum(sin(x));
  gradient(y, {x}, Graph::consume);
  all_throw<TapeError>({
      {"pull", {"consumed"}, [&] { gradient(y, {x}); }},
      {"push", {"consumed"}, [&] { push(y, x, tensor({3})); }},
      {"sin", {"consumed"}, [&] { sin(x); }},
      {"leaf", {"consumed"}, [&] { tape.leaf(uniform({3}, "x")); }},
      {"variable", {"consumed"}, [&] { variable(uniform({3}, "x")); }},
  });
  tape.clear();
  const Var z = tape.leaf(uniform({3}, "x"));
  BOOST_TEST(gradient(sum(z), {z})[0].peek().at(0) == 1);
}

BOOST_AUTO_TEST_CASE(outer_variables_in_tiles) {
  const Tensor x0 = uniform({3}, "x");
  const auto with = [&](auto tile_function, std::int64_t points = 4) {
    return [=] {
      value_and_grad(
          [=](const Var& x) {
            const Var outer = sin(x);
            return sum_over_tiles(Tiles{points, 1}, {2.0 * x},
                                  [=](const Vars& args, const Tile&) { return tile_function(args[0], outer); });
          },
          x0);
    };
  };
  for (const int threads : {1, 4}) {
    const ThreadLimit limit(threads);
    all_throw<TapeError>({
        {"exp", {"sealed", "arguments"}, with([](const Var&, const Var& outer) { return sum(exp(outer)); })},
        {"mul", {"sealed", "arguments"}, with([](const Var& x, const Var& outer) { return sum(x * outer); })},
        {"mul", {"sealed", "arguments"}, with([](const Var& x, const Var& outer) { return sum(outer * x); })},
        {"value", {"stop_gradient"}, with([](const Var& x, const Var& outer) {
           return sum(x) * outer.item();
         })},
        {"value", {"stop_gradient"}, with([](const Var& x, const Var&) { return sum(x) * x.value().at(0); })},
    });
  }
  // A result that is another's, whether or not an argument is tracked.
  Tape tape;
  const Var outer = tape.leaf(uniform({}, "x"));
  all_throw<TapeError>({{"sum_over_tiles", {"arguments"}, [&] {
                           sum_over_tiles(Tiles{2}, {square(outer)},
                                          [=](const Vars&, const Tile&) { return outer; });
                         }}});
  all_throw<TapeError>({{"sum_over_tiles", {"arguments"}, [&] {
                           sum_over_tiles(Tiles{2}, {tensor({})},
                                          [=](const Vars&, const Tile&) { return outer; });
                         }}});
  // Afterwards the tape is open again.
  BOOST_TEST(gradient(square(outer), {outer})[0].peek().item() == 2 * outer.peek().item());
  // A value that was taken outside is a constant of the function.
  BOOST_CHECK_NO_THROW(with([c = uniform({3}, "c")](const Var& x, const Var&) { return sum(x * Var(c)); })());
}

BOOST_AUTO_TEST_CASE(tile_functions) {
  const Var x = tensor({3});
  const auto tiled = [&](auto f, Tiles tiles = {4, 2}) {
    return [=] { sum_over_tiles(tiles, {x}, [=](const Vars& args, const Tile&) { return f(args[0]); }); };
  };
  const auto total = [](const Var& v) { return sum(v); };
  all_throw<ShapeError>({
      {"sum_over_tiles", {"(3)", "one number"}, tiled([](const Var& v) { return v; })},
      {"sum_over_tiles", {"nothing"}, tiled([](const Var&) { return Var(); })},
      {"sum_over_tiles", {"-1"}, tiled(total, Tiles{-1, 2})},
      {"sum_over_tiles", {"0"}, tiled(total, Tiles{4, 0})},
      {"sum_over_tiles",
       {"no arguments"},
       [] { sum_over_tiles(Tiles{2}, {}, [](const Vars&, const Tile&) { return tensor({}); }); }},
      {"matmul", {"(3)"}, tiled([](const Var& v) { return matmul(v, v); })},
  });
}

// Reading a value would drop a derivative.
BOOST_AUTO_TEST_CASE(values_inside_functions) {
  const Tensor x = uniform({3}, "x");
  const auto reads = [](const Vars& v) { return sum(v[0] * v[0].value().at(0)); };
  const auto item = [](const Vars& v) { return sum(v[0]) * sum(v[0]).item(); };
  for (const Function f : {Function(reads), Function(item)})
    all_throw<TapeError>({
        {"value", {"stop_gradient", "peek"}, [&] { value_and_grad(f, Tensors{x}); }},
        {"value", {"stop_gradient"}, [&] { jacobian_vector(f, {x}, {x}); }},
        {"value", {"stop_gradient"}, [&] { vector_jacobian(f, {x}, scalar(1, Dtype::f64)); }},
        {"value", {"stop_gradient"}, [&] { hvp(f, {x}, {x}); }},
        {"value", {"stop_gradient"}, [&] { Linearization(f, {x}); }},
    });
  const auto fine = [](const Vars& v) {
    return sum(v[0] * stop_gradient(v[0]).value().at(0)) + sum(v[0]) * (v[0].peek().at(0) + tensor({}).item());
  };
  BOOST_CHECK_NO_THROW(value_and_grad(fine, Tensors{x}));
  Tape tape;  // one's own tape is not guarded
  BOOST_TEST(tape.leaf(x).value().at(0) == x.at(0));
}

BOOST_AUTO_TEST_CASE(another_thread) {
  Tape tape;
  const Var x = tape.leaf(uniform({3}, "x")), y = sum(sin(x));
  const auto elsewhere = [](auto f) {
    return [f] {
      std::exception_ptr error;
      std::thread([&] {
        try {
          f();
        } catch (...) {
          error = std::current_exception();
        }
      }).join();
      if (error) std::rethrow_exception(error);
    };
  };
  all_throw<TapeError>({
      {"sin", {"another thread"}, elsewhere([&] { sin(x); })},
      {"pull", {"another thread"}, elsewhere([&] { gradient(y, {x}); })},
      {"push", {"another thread"}, elsewhere([&] { push(y, x, tensor({3})); })},
      {"leaf", {"another thread"}, elsewhere([&] { tape.leaf(uniform({3}, "x")); })},
      {"variable", {"no tape"}, elsewhere([&] { variable(uniform({3}, "x")); })},
  });
  BOOST_CHECK_NO_THROW(elsewhere([&] { value_and_grad([](const Var& v) { return sum(v); }, x.peek()); })());
  BOOST_CHECK_NO_THROW(gradient(y, {x}));
}

BOOST_AUTO_TEST_CASE(derivatives_that_do_not_fit) {
  Tape tape;
  const Tensor x0 = uniform({3}, "x");
  const Var x = tape.leaf(x0), y = sin(x), c = tensor({3});
  all_throw<TapeError>({
      {"push", {"constant"}, [&] { push(y, c, c); }},
      {"push",
       {"constant"},
       [&] {
         push(y, {x, c}, {c, c});
       }},
      {"pull", {"constant"}, [&] { pull(y, c, c); }},
      {"pull",
       {"constant"},
       [&] {
         gradient(sum(y), {x, c});
       }},
      {"push", {"no variables"}, [&] { push(y, Vars{}, Vars{}); }},
      {"pull", {"no variables"}, [&] { gradient(sum(y), {}); }},
      {"pull", {"no variables"}, [&] { value_and_grad([](const Vars&) { return tensor({}); }, Tensors{}); }},
      {"pull", {"no variables"}, [&] { hvp([](const Vars&) { return tensor({}); }, {}, {}); }},
      {"push", {"no variables"}, [&] { jacobian_vector([](const Vars&) { return tensor({}); }, {}, {}); }},
  });
  const auto f = [](const Vars& v) { return sin(v[0]); };
  const auto number = [](const Vars& v) { return sum(sin(v[0])); };
  all_throw<ShapeError>({
      {"push", {"(4)", "(3)"}, [&] { push(y, x, tensor({4})); }},
      {"push",
       {"(3,1)", "(3)"},
       [&] {
         push(y, x, tensor({3, 1}));
       }},
      {"push", {"nothing", "(3)"}, [&] { push(y, x, Var()); }},
      {"push",
       {"2", "1"},
       [&] {
         push(y, {x}, {c, c});
       }},
      {"pull", {"()", "(3)"}, [&] { pull(y, tensor({}), x); }},
      {"pull",
       {"2", "1"},
       [&] {
         pull(Vars{y}, {c, c}, {x});
       }},
      {"gradient", {"(3)"}, [&] { gradient(y, {x}); }},
      {"value_and_grad", {"(3)"}, [&] { value_and_grad(f, Tensors{x0}); }},
      {"value_and_grad", {"nothing"}, [&] { value_and_grad([](const Vars&) { return Var(); }, Tensors{x0}); }},
      {"hvp", {"(3)"}, [&] { hvp(f, {x0}, {x0}); }},
      {"push", {"(4)", "(3)"}, [&] { hvp(number, {x0}, {uniform({4}, "v")}); }},
      {"push",
       {"2", "1"},
       [&] {
         hvp(number, {x0}, {x0, x0});
       }},
      {"push", {"0", "1"}, [&] { jacobian_vector(f, {x0}, {}); }},
      {"pull", {"(4)", "(3)"}, [&] { vector_jacobian(f, {x0}, uniform({4}, "v")); }},
      {"push", {"(4)", "(3)"}, [&] { Linearization(f, {x0}).push({uniform({4}, "v")}); }},
      {"unflatten", {"(3)", "4"}, [&] { unflatten(x0, {uniform({4}, "v")}); }},
      {"item", {"(3)"}, [&] { c.item(); }},
  });
  // A result that does not depend on its variables has derivatives that are zero.
  BOOST_TEST(max_abs(gradient(tensor({}), {x})[0].peek()) == 0);
  BOOST_TEST(max_abs(push(c, x, c).peek()) == 0);
}

BOOST_AUTO_TEST_CASE(non_finite_numbers) {
  const Tensor x = uniform({3}, "x"), one = ones({3}, Dtype::f64);
  const auto at = [&](auto f, const Tensor& point) {
    return [=] { value_and_grad([&](const Vars& v) { return f(v[0]); }, Tensors{point}); };
  };
  const auto tiled = [](auto f) {
    return [f](const Var& v) {
      return sum_over_tiles(Tiles{9, 2}, {v}, [f](const Vars& args, const Tile&) { return f(args[0]); });
    };
  };
  const auto by_log = [](const Var& v) { return sum(exp(tanh(log(v - 2.0)))); };             // NaN
  const auto by_div = [](const Var& v) { return sum(1.0 - 1.0 / (v - stop_gradient(v))); };  // Inf
  const auto by_exp = [](const Var& v) { return sum(exp(1e4 * square(v + 1.0))); };
  const auto slope_of_sqrt = [](const Var& v) { return 2.0 * sum(1.0 + sqrt(v)); };  // value finite, slope not
  const auto slope_of_pow = [](const Var& v) { return sum(sin(pow(v, 0.5))); };
  const auto hidden = [](const Var& v) { return sum(tanh(exp(1e4 * square(v + 1.0)))); };  // Inf, then 1
  const Tensor zero = zeros({3}, Dtype::f64);
  for (const int threads : {1, 4}) {
    const ThreadLimit limit(threads);
    all_throw<NonFiniteError>({
        {"log", {"first value", "(3)"}, at(by_log, x)},
        {"div", {"first value", "(3)"}, at(by_div, one)},
        {"exp", {"first value"}, at(by_exp, one)},
        {"sqrt", {"cotangents"}, at(slope_of_sqrt, zero)},
        {"pow", {"cotangents"}, at(slope_of_pow, zero)},
        {"exp", {"first value"}, at(hidden, one)},
        {"log", {"first value", "(3)"}, at(tiled(by_log), x)},
        {"div", {"first value", "(3)"}, at(tiled(by_div), one)},
        {"exp", {"first value"}, at(tiled(by_exp), one)},
        {"sqrt", {"cotangents"}, at(tiled(slope_of_sqrt), zero)},
        {"pow", {"cotangents"}, at(tiled(slope_of_pow), zero)},
    });
  }
  all_throw<NonFiniteError>({
      {"value_and_grad", {"argument 0"}, at(by_exp, from({3}, {1, infinity, 0}))},
      {"value_and_grad", {"argument 0"}, at(slope_of_sqrt, from({3}, {1, std::nan(""), 0}))},
  });
  // The sweeps themselves do not look.
  Tape tape;
  const Var v = tape.leaf(zero);
  BOOST_TEST(std::isinf(max_abs(gradient(slope_of_sqrt(v), {v})[0].peek())));
  tape.check_finite(true);
  all_throw<NonFiniteError>({{"reciprocal", {"first value"}, [&] { reciprocal(v); }}});
}

BOOST_AUTO_TEST_CASE(solves_without_a_solution) {
  const Var b = tensor({2, 1});
  all_throw<SolverError>({
      {"triangular_solve",
       {"1", "0"},
       [&] {
         triangular_solve(Var(from({2, 2}, {1, 0, 5, 0})), b);
       }},
      {"triangular_solve",
       {"0", "nan"},
       [&] {
         triangular_solve(Var(from({2, 2}, {std::nan(""), 0, 5, 1})), b);
       }},
      {"triangular_solve",
       {"0", "inf"},
       [&] {
         triangular_solve(Var(from({2, 2}, {infinity, 0, 5, 1})), b);
       }},
      {"triangular_solve",
       {"1"},
       [&] {
         cholesky_solve(Var(from({2, 2}, {1, 0, 5, 0})), b);
       }},
  });
}

BOOST_AUTO_TEST_CASE(names_of_ops) {
  BOOST_TEST(op_named("tanh").name == "tanh");
  BOOST_TEST(contains(thrown<Error>([] { op_named("tahn"); }), "[op_named] there is no op tahn"));
}

// A variable needs a tape, and goes to the innermost one.
BOOST_AUTO_TEST_CASE(variables_without_a_tape) {
  all_throw<TapeError>({{"variable", {"no tape"}, [] { variable(uniform({3}, "x")); }}});
  Tape outer;
  {
    Tape inner;
    variable(uniform({3}, "x"));
    BOOST_TEST(inner.nodes() == 1);
  }
  BOOST_TEST(outer.nodes() == 0);
  variable(uniform({3}, "x"));
  BOOST_TEST(outer.nodes() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace lowtide::test
