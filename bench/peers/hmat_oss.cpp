// What bench_hmatrix measures, by hmat-oss (GPL; Debian's libhmat-oss-dev): same points, kernel and tolerance,
// f32. A program of its own, which nothing of lowtide is linked to. hmat-oss computes on one thread. usage:
// peer_hmat_oss [--most N] [--tolerance T] [--eta E] [--leaf L]
#include <hmat/hmat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "kernel_points.h"

namespace {

struct Rows {
  const double* p;
};
void entry(void* context, int i, int j, void* result) {
  const double* p = static_cast<const Rows*>(context)->p;
  // Of the entries of f32 matrices, too, the result is a double.
  *static_cast<double*>(result) = peers::kernel(p[2 * i] - p[2 * j], p[2 * i + 1] - p[2 * j + 1]);
}

double seconds_of(int repeats, const auto& f) {
  std::vector<double> t;
  for (int i = 0; i < repeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    f();
    t.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(t.begin(), t.end());
  return t[t.size() / 2];
}

double option(int argc, char** argv, const char* name, double otherwise) {
  for (int i = 1; i + 1 < argc; ++i)
    if (!std::strcmp(argv[i], name)) return std::strtod(argv[i + 1], nullptr);
  return otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const int most = static_cast<int>(option(argc, argv, "--most", 16000));
  const double tolerance = option(argc, argv, "--tolerance", 1e-4), eta = option(argc, argv, "--eta", 2);
  hmat_settings_t settings;
  hmat_get_parameters(&settings);
  settings.maxLeafSize = static_cast<int>(option(argc, argv, "--leaf", settings.maxLeafSize));
  hmat_set_parameters(&settings);
  hmat_interface_t hmat;
  hmat_init_default_interface(&hmat, HMAT_SIMPLE_PRECISION);
  if (hmat.init() != 0) return 1;
  std::printf("hmat-oss %s, f32, tolerance %g, eta %g, leaves of %d\n", hmat_get_version(), tolerance, eta,
              settings.maxLeafSize);
  for (const char* name : {"circle", "square"})
    for (int n = 1000; n <= most; n *= 2) {
      std::vector<double> p = peers::points(name, n);
      Rows context{p.data()};
      hmat_matrix_t* h = nullptr;
      const double make = seconds_of(1, [&] {
        hmat_clustering_algorithm_t* median = hmat_create_clustering_median();
        hmat_cluster_tree_t* tree = hmat_create_cluster_tree(p.data(), 2, n, median);
        hmat_delete_clustering(median);
        hmat_admissibility_t* far = hmat_create_admissibility_standard(eta);
        h = hmat.create_empty_hmatrix_admissibility(tree, tree, 0, far);
        hmat_delete_admissibility(far);
        hmat.set_low_rank_epsilon(h, tolerance);
        hmat_assemble_context_t assembly;
        hmat_assemble_context_init(&assembly);
        assembly.user_context = &context;
        assembly.simple_compute = entry;
        assembly.compression = hmat_create_compression_aca_plus(tolerance);
        assembly.progress = nullptr;
        if (hmat.assemble_generic(h, &assembly) != 0) std::exit(1);
        hmat_delete_compression(assembly.compression);
      });
      hmat_info_t info;
      hmat.get_info(h, &info);
      constexpr int k = 64;
      const auto size = static_cast<std::size_t>(n);
      const std::vector<std::int64_t> chosen = peers::columns(n, k);
      std::vector<float> x(size * k), y(size * k);
      float alpha = 1, zero = 0;
      for (std::size_t j = 0; j < k; ++j) x[j * size + static_cast<std::size_t>(chosen[j])] = 1;
      hmat.gemv('N', &alpha, h, x.data(), &zero, y.data(), k);
      double error = 0, whole = 0;
      for (std::size_t j = 0; j < k; ++j)
        for (int i = 0; i < n; ++i) {
          double exact = 0;
          entry(&context, i, static_cast<int>(chosen[j]), &exact);
          error += std::pow(static_cast<double>(y[j * size + static_cast<std::size_t>(i)]) - exact, 2);
          whole += exact * exact;
        }
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(std::sin(static_cast<double>(i)));
      const auto times = [&](int count) {
        return seconds_of(8, [&] { hmat.gemv('N', &alpha, h, x.data(), &zero, y.data(), count); });
      };
      const double one = times(1), many = times(k);
      std::printf("%-7s%6d  make %8.3f s  %7.1f MB  error %.1e  H x %8.0f us  H X %8.0f us\n", name, n, make,
                  4e-6 * static_cast<double>(info.compressed_size), std::sqrt(error / whole), one * 1e6,
                  many * 1e6);
      std::fflush(stdout);
      hmat.destroy(h);
    }
}
