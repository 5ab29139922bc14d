#include <fmt/format.h>
#include <lowtide/io/file.h>
#include <lowtide/io/vti.h>

#include <array>
#include <bit>
#include <string_view>

namespace lowtide {
namespace {

static_assert(std::endian::native == std::endian::little);

// For an attribute; XML has no way at all to say most control characters.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\t' || c == '\n' || c == '\r')
      out += fmt::format("&#{};", static_cast<int>(c));
    else
      out += static_cast<unsigned char>(c) < 32 ? '_' : c;
  }
  return out;
}

std::string_view bytes_of(const Tensor& values) {
  return dispatch(values.dtype, [&](auto zero) {
    using T = decltype(zero);
    return std::string_view(reinterpret_cast<const char*>(values.data<T>()),
                            static_cast<std::size_t>(values.size()) * sizeof(T));
  });
}

void check(const ImageData& image) {
  const std::size_t d = image.count.size();
  std::int64_t n = 1;
  for (const std::int64_t count : image.count) n *= count;
  if (d < 1 || d > 3 || image.low.size() != d || image.spacing.size() != d)
    fail<ShapeError>("write_vti", fmt::format("{} counts, {} corners and {} spacings; one to three of each", d,
                                              image.low.size(), image.spacing.size()));
  for (const auto& [name, values] : image.fields)
    if (values.shape.rank() < 1 || values.shape.rank() > 2 || values.shape[0] != n)
      fail<ShapeError>("write_vti",
                       fmt::format("field {}: {} for a grid of {}", name, to_string(values.shape), n));
}

}  // namespace

void write_vti(const ImageData& image, const std::filesystem::path& path) {
  check(image);
  std::string extent, origin, spacing;
  for (std::size_t a = 0; a < 3; ++a) {
    const bool there = a < image.count.size();
    const char* gap = a > 0 ? " " : "";
    const std::int64_t last = there ? image.count[a] - (image.at == ImageData::At::points) : 0;
    extent += fmt::format("{}0 {}", gap, last);
    origin += fmt::format("{}{}", gap, there ? image.low[a] : 0);
    spacing += fmt::format("{}{}", gap, there ? image.spacing[a] : 1);
  }
  const char* data = image.at == ImageData::At::cells ? "CellData" : "PointData";
  std::string head = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<VTKFile type=\"ImageData\" version=\"1.0\" byte_order=\"LittleEndian\" header_type=\"UInt64\">\n"
      "<ImageData WholeExtent=\"{0}\" Origin=\"{1}\" Spacing=\"{2}\">\n",
      extent, origin, spacing);
  if (image.time)
    head += fmt::format(
        "<FieldData><DataArray type=\"Float64\" Name=\"TimeValue\" NumberOfTuples=\"1\" format=\"ascii\">{}"
        "</DataArray></FieldData>\n",
        *image.time);
  head += fmt::format("<Piece Extent=\"{}\">\n<{}>\n", extent, data);
  std::vector<std::string> sizes;
  std::size_t offset = 0;
  for (const auto& [name, values] : image.fields) {
    head += fmt::format(
        "<DataArray type=\"{}\" Name=\"{}\" NumberOfComponents=\"{}\" format=\"appended\" offset=\"{}\"/>\n",
        values.dtype == Dtype::f32 ? "Float32" : "Float64", escaped(name),
        values.shape.rank() == 2 ? values.shape[1] : 1, offset);
    const std::uint64_t size = bytes_of(values).size();
    const auto raw = std::bit_cast<std::array<char, 8>>(size);
    sizes.emplace_back(raw.data(), raw.size());
    offset += raw.size() + size;
  }
  head += fmt::format("</{}>\n</Piece>\n</ImageData>\n<AppendedData encoding=\"raw\">\n_", data);
  std::vector<std::string_view> pieces{head};
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    pieces.push_back(sizes[k]);
    pieces.push_back(bytes_of(image.fields[k].second));
  }
  pieces.push_back("\n</AppendedData>\n</VTKFile>\n");
  write_file(path, pieces);
}

void write_pvd(const std::vector<std::pair<double, std::string>>& frames, const std::filesystem::path& path) {
  std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<VTKFile type=\"Collection\" version=\"1.0\" byte_order=\"LittleEndian\">\n<Collection>\n";
  for (const auto& [time, file] : frames)
    text += fmt::format("<DataSet timestep=\"{}\" part=\"0\" file=\"{}\"/>\n", time, escaped(file));
  write_file(path, text + "</Collection>\n</VTKFile>\n");
}

}  // namespace lowtide
