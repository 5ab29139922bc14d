// For safetensors_reads.py: "write FILE" writes known tensors, "read FILE" prints what is in one.
#include <fmt/format.h>
#include <lowtide/io/safetensors.h>

#include <string_view>

using namespace lowtide;

int main(int count, char** words) {
  if (count != 3) return 2;
  try {
    if (std::string_view(words[1]) == "write") {
      write_safetensors(
          {.tensors = {{"weights.0", linspace(0, 1, 6, Dtype::f32).reshaped({2, 3})},
                       {"\xc3\xa9 \"quoted\"", linspace(-1, 1, 24, Dtype::f64).reshaped({2, 3, 4})},
                       {"none", zeros({0, 5}, Dtype::f64)},
                       {"one", scalar(0.1, Dtype::f32)}},
           .metadata = {{"kind", "a \"test\"\n"}}},
          words[2]);
      return 0;
    }
    const TensorFile file = read_safetensors(words[2]);
    for (const auto& [key, value] : file.metadata) fmt::print("{}={}\n", key, value);
    for (const auto& [name, tensor] : file.tensors) {
      fmt::print("{} {} {}", name, name_of(tensor.dtype), to_string(tensor.shape));
      for (const double value : to_vector(tensor)) fmt::print(" {}", value);
      fmt::print("\n");
    }
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
