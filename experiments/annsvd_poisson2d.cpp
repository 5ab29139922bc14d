// Poisson's equation on the unit square by a network whose middle weight is a singular value decomposition
// (Kurniati et al., ANN-SVD): 2-50-70-1 with tanh, W2 = U S VT of its value at the start, all three trained.
//
// model.weights=thin keeps all singular values, rank:K the K largest, tol:T those of T and more, dense W2
// itself. S is a full matrix, as theirs, or diagonal, as they write it: model.middle. Theirs has no bias there
// and starts by Glorot's rule.
//
// Their trial function is the solution itself, see pinn_poisson2d, so the sides are terms of the loss here;
// `published=true` is what they do: that function, 32,000 points of which all are in each step, Adam at 1e-3,
// 100 steps.
#include <lowtide/experiments/poisson_on_square.h>

using namespace lowtide;

LOWTIDE_CASE(annsvd_poisson2d, "Poisson's equation by a network with a decomposed weight", "mlp") {
  const bool published = run.param("published", false, "as published: their lift, points, optimizer and steps");
  const bool lift =
      run.param("lift", published, "build in the sides by a lift, which here is the solution itself");
  const Pinn pinn = poisson_on_square(lift);
  run.learning({.width = 50, .rank = 16, .depth = 3, .frequency = 5, .widths = {50, 70}, .weights = "rank:10"});
  if (published)
    run.equation(pinn,
                 {.points = 32000, .redraw = 100, .over = 0, .optimizer = "adam", .lr = 1e-3, .steps = 100});
  else
    run.equation(pinn, {.points = 1000, .lr = 3e-3, .steps = 4000});
  return poisson_on_square_solution(run, pinn);
}
