#include <fmt/format.h>
#include <lowtide/run/block_figure.h>

#include <algorithm>

namespace lowtide {

Figure block_figure(const BlockStructure& s, const std::filesystem::path& svg, int pixels) {
  const auto longest = static_cast<double>(std::max<std::int64_t>({s.rows, s.cols, 1}));
  const double scale = pixels / longest;
  Figure f{.path = svg,
           .width = static_cast<int>(scale * static_cast<double>(s.cols)) + 160,
           .height = static_cast<int>(scale * static_cast<double>(s.rows)) + 90};

  // A set of data for the dense blocks, one for those of low rank, and one for each size of letters.
  constexpr int sizes[] = {20, 14, 10, 7};
  std::string dense, low, ranks[std::size(sizes)];
  for (const Block& b : s.blocks) {
    if (b.rows == 0 || b.cols == 0) continue;
    const double share = static_cast<double>(b.entries()) / static_cast<double>(b.rows * b.cols);
    (b.dense() ? dense : low) +=
        fmt::format("{},{},{},{},{},{:.4f}\n", b.col, b.col + b.cols, b.row, b.row + b.rows, b.rank, share);
    const std::string digits = fmt::format("{}", b.rank);
    const double wide = scale * static_cast<double>(b.cols) / static_cast<double>(digits.size()),
                 high = scale * static_cast<double>(b.rows);
    for (std::size_t i = 0; !b.dense() && i < std::size(sizes); ++i)
      if (high >= 1.4 * sizes[i] && wide >= .9 * sizes[i]) {
        ranks[i] += fmt::format("{},{},{}\n", static_cast<double>(b.col) + static_cast<double>(b.cols) / 2,
                                static_cast<double>(b.row) + static_cast<double>(b.rows) / 2, digits);
        break;
      }
  }
  std::vector<std::string> plots;
  const auto add = [&](const std::string& rows, const std::string& how) {
    if (rows.empty()) return;
    if (!plots.empty()) f.data += "\n\n";
    f.data += rows;
    plots.push_back(fmt::format("data index {} using {}", plots.size(), how));
  };
  const std::string box = "(($1+$2)/2.):(($3+$4)/2.):1:2:3:4";
  add(low, box + ":6 with boxxyerror fs solid border lc rgb '#404040' lw .5 lc palette");
  add(dense, box + " with boxxyerror fs solid border lc rgb '#404040' lw .5 lc rgb '#9a9a9a'");
  for (std::size_t i = 0; i < std::size(sizes); ++i)
    add(ranks[i], fmt::format("1:2:3 with labels font ',{}' tc rgb 'black'", sizes[i]));
  f.script = fmt::format(
      "unset key\nset size ratio -1\nset xrange [0:{}]\nset yrange [{}:0]\nset cbrange [0:1]\n"
      "set palette defined (0 '#f3f8fd', 1 '#3d8fd1')\nset cblabel 'entries / those of the dense block'\n"
      "set title '({},{}): {} blocks, {:.1f} % of the entries'\n",
      std::max<std::int64_t>(s.cols, 1), std::max<std::int64_t>(s.rows, 1), s.rows, s.cols, s.blocks.size(),
      s.rows * s.cols == 0 ? 0.
                           : 100. * static_cast<double>(s.entries()) / static_cast<double>(s.rows * s.cols));
  f.script += "plot ";
  for (std::size_t i = 0; i < plots.size(); ++i) f.script += (i ? ", \\\n     " : "") + plots[i];
  if (plots.empty()) f.script += "0 lc rgb 'white'";
  f.script += "\n";
  return f;
}

}  // namespace lowtide
