"""Prints the traces of torch.optim.lr_scheduler.ReduceLROnPlateau that tests/optim/schedule.cpp holds ours to:
epochs of reductions, and the rate, best value, bad epochs and cooldown that are left. Made with PyTorch 1.13."""

import torch

TENTHS = [10, 9, 9.5, 9, 8.95, 9.2, 8.999, 8.0, 8.1, 8.2,
          8.3, 8.05, 7.95, 7.9, 7.99, 8.4, float("nan"), 8, 8, 8,
          3, 2.95, 2.9, 2.85, 3.1, 3.2, 3.3, 3.4, -1, -1.02,
          -1.1, -1.05, -1.2, -1, -1, -1, -1, -1, -1, -1]

for options in (
    {"factor": 0.5, "patience": 2, "threshold": 0.01},
    {"factor": 0.5, "patience": 1, "threshold": 0.06, "threshold_mode": "abs"},
    {"factor": 0.5, "patience": 1, "threshold": 0.01, "cooldown": 3, "min_lr": 0.1},
    {"factor": 0.1, "patience": 0, "threshold": 0.001, "eps": 0.0001},
):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    reductions = []
    for epoch, tenth in enumerate(TENTHS):
        before = optimizer.param_groups[0]["lr"]
        plateau.step(0.1 * tenth)
        if optimizer.param_groups[0]["lr"] != before:
            reductions.append(epoch)
    print(reductions, optimizer.param_groups[0]["lr"], plateau.best, plateau.num_bad_epochs, plateau.cooldown_counter)
