// Snapshots from arrays as other programs lay them out.
//
// T times, n points a frame or N in all, d directions, c fields:
//   t        (T)
//   x        (n,d) or (n): the same points in all frames; (N,d): one frame after the other; (T,n,d)
//   u        (N,c), (T,n) or (T,n,c)
//   offsets  (T+1): where each frame begins in (N,...). Not needed if all frames have n points.
//   weight   (n), (N) or (T,n). Without it: by the places of the points (weights.h).
//   level    as weight;  mu (T,p) or (T);  heldout (T);  cell (levels,d) or (levels)
#pragma once
#include <lowtide/io/array.h>
#include <lowtide/io/snapshots.h>

#include <map>
#include <string>

namespace lowtide {

// Fills in the numbers of `set`, whose names and domain are there already (fields without a name are
// called u0, u1, ...), and checks all of it.
void arrange(Snapshots& set, std::map<std::string, Array> arrays, const std::string& source);

}  // namespace lowtide
