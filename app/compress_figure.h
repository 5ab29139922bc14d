// What compression costs, as pictures.
#pragma once
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lowtide::app {

struct CompressionCurve {
  std::string name;                               // of the method
  std::vector<std::pair<double, double>> points;  // share of the bytes, relative error of the output
};
// False if gnuplot is not installed, as draw().
bool draw_compression(const std::vector<CompressionCurve>& curves, const std::filesystem::path& svg);

struct LayerErrors {
  std::string method, name;        // of the model; a method has one colour, a model its own points and dashes
  std::vector<std::string> names;  // of the layers
  std::vector<double> errors;      // of the output, by this layer alone
};
bool draw_layers(const std::vector<LayerErrors>& models, const std::filesystem::path& svg);

}  // namespace lowtide::app
