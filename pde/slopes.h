// Limited slopes: how a cell's value is thought to vary inside the cell.
#pragma once
#include <cstdint>
#include <string>

namespace lowtide::pde {

// zero: no slopes, first order. none: central differences, second order and oscillating. minmod is the most
// careful limiter, superbee the sharpest; mc (monotonized central) and van_leer lie between.
enum class Limiter { zero, none, minmod, mc, van_leer, superbee };
const char* name_of(Limiter limiter);
Limiter limiter_named(const std::string& name);  // InputError

// Half the limited difference over each of n cells, from the cells before (m) and after (p). Reads and writes
// up to pack_slack numbers (law.h) beyond n.
using HalfSlopes = void(const double* m, const double* w, const double* p, double* half, std::int64_t n);
HalfSlopes* half_slopes(Limiter limiter);

}  // namespace lowtide::pde
