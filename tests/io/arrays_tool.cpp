// For numpy_reads.py and vtk_reads.py: "npz FILE" and "vti FOLDER" write known values.
#include <fmt/format.h>
#include <lowtide/io/npy.h>
#include <lowtide/io/vti.h>

#include <string_view>

using namespace lowtide;

namespace {

void write_archive(const std::filesystem::path& path) {
  write_npz({{"a", linspace(0, 1, 6, Dtype::f32).reshaped({2, 3})},
             {"b.c", linspace(-1, 1, 24, Dtype::f64).reshaped({2, 3, 4})},
             {"none", zeros({0, 5}, Dtype::f64)},
             {"one", scalar(0.1, Dtype::f32)},
             {"text", std::string("\xc3\xa9\xf0\x9f\x8c\x8a = \"x\"\n\xff")},
             {"empty", std::string()},
             {"words", std::vector<std::string>{"density", "p", ""}},
             {"whole", std::vector<std::int64_t>{3, -1}},
             {"no words", std::vector<std::string>{}},
             {"\xc3\xbc", ones({1}, Dtype::f64)}},
            path);
}

void write_images(const std::filesystem::path& folder) {
  using enum ImageData::At;
  write_vti({.at = cells,
             .count = {3, 2},
             .low = {-1, 0.5},
             .spacing = {0.25, 0.125},
             .fields = {{"a<b & \"c\">\xc3\xa9'", linspace(0, 5, 6, Dtype::f64)},
                        {"two", linspace(0, 11, 12, Dtype::f32).reshaped({6, 2})}},
             .time = 0.1},
            folder / "cells.vti");
  write_vti({.at = points,
             .count = {4},
             .low = {2},
             .spacing = {0.5},
             .fields = {{"u", linspace(0, 3, 4, Dtype::f64)}}},
            folder / "points.vti");
  write_vti({.at = cells,
             .count = {4},
             .low = {2},
             .spacing = {0.5},
             .fields = {{"u", linspace(0, 3, 4, Dtype::f32)}}},
            folder / "line.vti");
  write_pvd({{0, "cells.vti"}, {0.5, "a&b.vti"}}, folder / "all.pvd");
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  try {
    std::string_view(words[1]) == "npz" ? write_archive(words[2]) : write_images(words[2]);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
