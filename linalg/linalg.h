// All of linear algebra.
#pragma once
#include <lowtide/linalg/blas.h>
#include <lowtide/linalg/dtype.h>
#include <lowtide/linalg/error.h>
#include <lowtide/linalg/jacobi.h>
#include <lowtide/linalg/krylov.h>
#include <lowtide/linalg/lapack.h>
#include <lowtide/linalg/linop.h>
#include <lowtide/linalg/matrix.h>
#include <lowtide/linalg/nystrom.h>
#include <lowtide/linalg/parallel.h>
#include <lowtide/linalg/pool.h>
#include <lowtide/linalg/random.h>
#include <lowtide/linalg/randomized_svd.h>
#include <lowtide/linalg/shape.h>
#include <lowtide/linalg/tensor.h>
