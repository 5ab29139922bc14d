// Everything a differentiable program needs. Definers of ops are included on their own.
#pragma once
#include <lowtide/autodiff/check.h>
#include <lowtide/autodiff/functions.h>
#include <lowtide/autodiff/ops.h>
#include <lowtide/autodiff/tiles.h>
