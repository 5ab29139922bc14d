"""The benchmarks in PyTorch (eager). See README.md; `torch_peer.py lrnr --threads 1 --json`.

torch.set_num_threads rules only torch's own loops. Debian's build takes its products from OpenBLAS, which has
threads of its own and reads its limit when loaded: hence command_line before all else.
"""

from __future__ import annotations

from command_line import args  # first: limits the threads
from common import Chain, Hvp, Lrnr, Quantities, Siren, main
from machine import favour_torch

favour_torch(avx512=args.bench != "chain")  # which AVX-512 slows by 8 %; hvp gains 10 %

import torch  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.autograd import grad  # noqa: E402

torch.set_num_threads(args.threads)


def leaf(array: object) -> Tensor:
    return torch.tensor(array).requires_grad_()


def mlp(x: Tensor, params: list[Tensor]) -> Tensor:
    for w, b in zip(params[:-2:2], params[1:-2:2]):
        x = torch.addmm(b, x, w).tanh_()
    return torch.addmm(params[-1], x, params[-2])


def lrnr(case: Lrnr) -> Quantities:
    hyper_np, layers_np, data = case.arrays()
    hyper = [leaf(a) for a in hyper_np]
    layers = [(leaf(u), leaf(v), leaf(b)) for u, v, b in layers_np]
    params = hyper + [p for layer in layers for p in layer]
    t, x, y = (torch.tensor(a) for a in data)
    count, m, r = y.numel(), case.width, case.rank

    def loss_of(s: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """s (f, n), x (f, p, 1), y (f, p, 1): all frames together; the hidden products see f*p rows."""
        blocks = s.split(r, dim=1)
        biases = [s2 @ b.t() for s2, (_, _, b) in zip(blocks[1::2], layers)]  # (f, out)
        f = len(s)
        u, v, _ = layers[0]
        w = (blocks[0][:, None] * v) @ u.t()  # (f, 1, M)
        z = torch.baddbmm(biases[0][:, None], x, w).tanh_()
        for layer in range(1, case.depth - 1):
            u, v, _ = layers[layer]
            h = (z.view(-1, m) @ v).view(f, -1, r) * blocks[2 * layer][:, None]
            z = (h.view(-1, r) @ u.t()).view(f, -1, m).add_(biases[layer][:, None]).tanh_()
        u, v, _ = layers[-1]
        w = (blocks[-2][:, None] * u) @ v.t()  # (f, 1, M)
        out = torch.baddbmm(biases[-1][:, None], z, w.transpose(1, 2))
        return (out - y).square().sum() / count

    def frame_loss(s: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """s (n), x (p, 1), y (p, 1): one frame, its bias added by the product itself."""
        blocks = s.split(r)
        u, v, b = layers[0]
        z = torch.addmm(b @ blocks[1], x, (blocks[0] * v) @ u.t()).tanh_()
        for layer in range(1, case.depth - 1):
            u, v, b = layers[layer]
            z = torch.addmm(b @ blocks[2 * layer + 1], (z @ v) * blocks[2 * layer], u.t()).tanh_()
        u, v, b = layers[-1]
        out = torch.addmm(b @ blocks[-1], z, v @ (blocks[-2] * u).t())
        return (out - y).square().sum() / count

    def batched() -> list[Tensor]:
        loss = loss_of(mlp(t, hyper), x, y)
        return [loss.detach(), *grad(loss, params)]

    def frames() -> list[Tensor]:
        """A backward sweep after each frame: activations stay small, gradients add up in place."""
        for p in params:
            p.grad = None
        s = mlp(t, hyper)
        s_leaf, total = s.detach().requires_grad_(), torch.zeros(())
        for s_frame, x_frame, y_frame in zip(s_leaf, x, y):
            loss = frame_loss(s_frame, x_frame, y_frame)
            loss.backward()
            total += loss.detach()
        s.backward(s_leaf.grad)
        return [total, *(p.grad for p in params)]

    return {"gradient": {"batched": batched, "frames": frames}}


def siren(case: Siren) -> Quantities:
    params_np, data = case.arrays()
    params = [leaf(a) for a in params_np]
    x, y = (torch.tensor(a) for a in data)

    def loss_of(x: Tensor, y: Tensor) -> Tensor:
        for w, b in zip(params[:-2:2], params[1:-2:2]):
            x = torch.addmm(b, x, w).mul_(case.omega).sin()
        return (torch.addmm(params[-1], x, params[-2]) - y).square().sum() / case.points

    def batched() -> list[Tensor]:
        loss = loss_of(x, y)
        return [loss.detach(), *grad(loss, params)]

    def tiles() -> list[Tensor]:
        for p in params:
            p.grad = None
        total = torch.zeros(())
        for x_tile, y_tile in zip(x.split(500), y.split(500)):
            loss = loss_of(x_tile, y_tile)
            loss.backward()
            total += loss.detach()
        return [total, *(p.grad for p in params)]

    return {"gradient": {"batched": batched, "tiles": tiles}}


def chain(case: Chain) -> Quantities:
    x_np, c_np = case.arrays()
    x, c = leaf(x_np), torch.tensor(c_np)

    def eager() -> list[Tensor]:
        z = x
        for _ in range(case.rounds):
            z = torch.sin(torch.tanh(z * c + c))
        return [z.detach(), *grad(z.sum(), [x])]

    return {"gradient": {"eager": eager}}


def hvp(case: Hvp) -> Quantities:
    params_np, direction_np, data = case.arrays()
    params = [leaf(a) for a in params_np]
    direction = [torch.tensor(a) for a in direction_np]
    x, y = (torch.tensor(a) for a in data)
    x_leaf = x.clone().requires_grad_()
    frozen = [p.detach() for p in params]

    def loss_of() -> Tensor:
        return (mlp(x, params) - y).square().mean()

    def gradient() -> list[Tensor]:
        return list(grad(loss_of(), params))

    def reverse_over_reverse() -> list[Tensor]:
        first = grad(loss_of(), params, create_graph=True)
        return list(grad(first, params, direction))

    def double_backward() -> list[Tensor]:
        """u_xx by two backward sweeps: the points are independent, so the gradient of a sum has each point's."""
        (u_x,) = grad(mlp(x_leaf, frozen).sum(), [x_leaf], create_graph=True)
        (u_xx,) = grad(u_x[:, 0].sum(), [x_leaf])
        return [u_xx[:, 0]]

    return {
        "gradient": {"reverse": gradient},
        "hvp": {"reverse_over_reverse": reverse_over_reverse},
        "push_push": {"double_backward": double_backward},
    }


main("torch", torch.__version__, {"lrnr": lrnr, "siren": siren, "chain": chain, "hvp": hvp})
