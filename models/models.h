// All models.
#pragma once
#include <lowtide/models/colora.h>
#include <lowtide/models/frame.h>
#include <lowtide/models/lrnr.h>
#include <lowtide/models/lrnr_cheb.h>
#include <lowtide/models/mlp_xt.h>
#include <lowtide/models/network.h>
#include <lowtide/models/nif.h>
#include <lowtide/models/pod.h>
#include <lowtide/models/siren_hyper.h>
#include <lowtide/models/siren_shift.h>
