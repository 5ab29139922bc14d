// All of the room.
#pragma once
#include <lowtide/optim/adam.h>
#include <lowtide/optim/curriculum.h>
#include <lowtide/optim/grouped.h>
#include <lowtide/optim/lbfgs.h>
#include <lowtide/optim/losses.h>
#include <lowtide/optim/mollifier.h>
#include <lowtide/optim/muon.h>
#include <lowtide/optim/optimizer.h>
#include <lowtide/optim/ridge.h>
#include <lowtide/optim/schedule.h>
#include <lowtide/optim/sgd.h>
#include <lowtide/optim/soap.h>
