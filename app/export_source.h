// Pieces of the C sources that `lowtide export --format c` writes.
#pragma once
#include <lowtide/autodiff/ops.h>
#include <lowtide/experiments/scaling.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lowtide::app {

// `name` as a part of a C identifier.
std::string identifier(std::string_view name);
// What may stand in a comment.
std::string comment_text(std::string_view text);

// `text` with a name in place of each @.
std::string named(std::string_view text, const std::string& name);

// "static const float W1[6] = {...};" whose numbers are those of `numbers` to the last bit.
std::string array_source(const std::string& name, std::span<const float> numbers);

// Columns are padded with zeros to so many numbers, what is multiplied with them too.
std::int64_t padded(std::int64_t n);

// What the function gets and gives, for the comment at the top: lines of "x[0]  in [0, 1]".
std::string about_points(const Scaling& scaling);
std::string about_times(const Scaling& scaling);
std::string about_fields(const Scaling& scaling);

// 2 (what - low) / (high - low) - 1
std::string scaled_source(const Range& range, const std::string& what);
std::string number_source(double number);

// The type @_real and y += a x, which all sources need.
extern const char* const real_source;
extern const char* const product_source;
// void activate_tanh(int n, @_real *y) and the like; with what it calls.
std::string activation_source(const std::vector<Activation>& used);

// Under LOWTIDE_MAIN a program that takes `inputs` from its command line and prints u, which `call` makes of
// in[0], in[1], ...; under LOWTIDE_BENCH one that times it, with inputs that change within `ranges`; and `many`
// too.
struct ManyPoints {
  std::string declared, once, each;
};
std::string main_source(const std::vector<std::string>& inputs, const std::vector<Range>& ranges,
                        std::size_t fields, const std::string& call,
                        const std::optional<ManyPoints>& many = {});

}  // namespace lowtide::app
