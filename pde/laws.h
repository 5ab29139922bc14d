// The laws that lowtide brings. In one dimension and two; V is a pack of numbers (see law.h).
#pragma once
#include <lowtide/pde/acoustics.h>
#include <lowtide/pde/advection.h>
#include <lowtide/pde/burgers.h>
#include <lowtide/pde/euler.h>
