"""An LRNR in PyTorch, d = c = 1: start, output, and loss with gradient for all frames in one batch.

z0 = x;  y_l = U_l^T (s1_l * V_l z) + B_l^T s2_l;  z_l = tanh(y_l), the last layer linear;  s = hypernetwork(t).
Factors are stored by rows, (r,M), as lowtide's are. All parameters live in one vector, of which the tensors are
views: `big` (3L-3,r,M) holds U_1.., V_2.., B_1.., `small` (3,r) holds V_1, U_L, B_L, then come W and b of the
hypernetwork. So optimizers work on a few large tensors.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

STEEPNESS, REACH = 10.0, 1.1


@dataclass(frozen=True)
class Size:
    width: int = 128
    rank: int = 24
    depth: int = 5
    hyper_width: int = 25
    hyper_depth: int = 4

    def hyper_sizes(self) -> list[int]:
        return [1, *[self.hyper_width] * (self.hyper_depth - 1), 2 * self.rank * self.depth]

    def shapes(self) -> list[tuple[int, ...]]:
        sizes = self.hyper_sizes()
        out: list[tuple[int, ...]] = [(3 * self.depth - 3, self.rank, self.width), (3, self.rank)]
        for n_in, n_out in zip(sizes, sizes[1:]):
            out += [(n_in, n_out), (n_out,)]
        return out


class Theta:
    """A vector of all parameters (or of a gradient) and its views."""

    def __init__(self, size: Size, dtype: torch.dtype = torch.float32):
        self.size = size
        shapes = size.shapes()
        counts = [math.prod(shape) for shape in shapes]
        self.flat = torch.zeros(sum(counts), dtype=dtype)
        views = [part.view(shape) for part, shape in zip(self.flat.split(counts), shapes)]
        self.big, self.small, self.hyper = views[0], views[1], views[2:]
        n = size.depth - 1
        self.u = [*self.big[:n], self.small[1, :, None]]  # (r, out)
        self.v = [self.small[0, :, None], *self.big[n : 2 * n]]  # (r, in)
        self.b = [*self.big[2 * n :], self.small[2, :, None]]

    def tensors(self) -> list[Tensor]:
        """In lowtide's order: U1, V1, B1, U2, ..., W1, b1, ..."""
        return [t for layer in zip(self.u, self.v, self.b) for t in layer] + self.hyper

    def load(self, arrays: list) -> None:
        mine = self.tensors()
        if [tuple(t.shape) for t in mine] != [tuple(a.shape) for a in arrays]:
            raise SystemExit(f"--init: shapes {[tuple(a.shape) for a in arrays]}, not {[tuple(t.shape) for t in mine]}")
        for t, a in zip(mine, arrays):
            t.copy_(torch.as_tensor(a))


def start(size: Size, generator: torch.Generator) -> Theta:
    """Kinks of the first layer spread over the domain; PyTorch's defaults for the hypernetwork, coefficients near 1."""

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)

    theta, r, m = Theta(size), size.rank, size.width
    for layer in range(size.depth):
        theta.u[layer].copy_(normal(*theta.u[layer].shape) / math.sqrt(r))
        theta.v[layer].copy_(normal(*theta.v[layer].shape) / math.sqrt(m))
        theta.b[layer].copy_(normal(*theta.b[layer].shape) / math.sqrt(r))
    sign = 2.0 * (normal(m) > 0) - 1
    slope = sign * STEEPNESS * uniform(0.5, 2, m)
    place = torch.linspace(-REACH, REACH, m, dtype=torch.float64)[torch.randperm(m, generator=generator)]
    v = normal(r, 1)
    u = normal(r, m) * STEEPNESS / r
    u += v * (slope - v[:, 0] @ u) / (v * v).sum()
    b = normal(r, m) * 0.5 * STEEPNESS / math.sqrt(r)
    b += (-slope * place - b.sum(0)) / r
    theta.u[0].copy_(u)
    theta.v[0].copy_(v)
    theta.b[0].copy_(b)
    for w, bias in zip(theta.hyper[::2], theta.hyper[1::2]):
        bound = 1 / math.sqrt(w.shape[0])
        w.copy_(uniform(-bound, bound, *w.shape))
        bias.copy_(uniform(-bound, bound, *bias.shape))
    theta.hyper[-1].fill_(1)
    return theta


def scale_output(theta: Theta, t: Tensor, x: Tensor, rms: float) -> None:
    """The last layer is linear: U and V by the root, B by all of the factor."""
    factor = rms / output(theta, t, x).square().mean().sqrt().item()
    theta.u[-1].mul_(math.sqrt(factor))
    theta.v[-1].mul_(math.sqrt(factor))
    theta.b[-1].mul_(factor)


def coefficients(hyper: list[Tensor], t: Tensor) -> Tensor:
    """t (f,1) -> s (f,n)"""
    z = t
    for w, b in zip(hyper[:-2:2], hyper[1:-2:2]):
        z = torch.addmm(b, z, w).tanh()
    return torch.addmm(hyper[-1], z, hyper[-2])


def field(theta: Theta, s: Tensor, x: Tensor) -> Tensor:
    """s (f,n), x (p,1) -> (f,p), in plain operations that autograd follows."""
    f, p, r, depth = len(s), len(x), theta.size.rank, theta.size.depth
    blocks = s.split(r, dim=1)
    u, v, b = theta.u, theta.v, theta.b
    w = (blocks[0] * v[0][:, 0]) @ u[0]  # (f,M): a thin layer is assembled
    z = torch.addcmul((blocks[1] @ b[0])[:, None], x, w[:, None]).tanh()  # (f,p,M)
    for l in range(1, depth - 1):
        h = (z.view(f * p, -1) @ v[l].t()).view(f, p, r) * blocks[2 * l][:, None]
        y = (h.view(f * p, r) @ u[l]).view(f, p, -1)
        z = (y + (blocks[2 * l + 1] @ b[l])[:, None]).tanh()
    w = (blocks[-2] * u[-1][:, 0]) @ v[-1]
    return torch.baddbmm((blocks[-1] @ b[-1])[:, None], z, w[:, :, None])[:, :, 0]


def output(theta: Theta, t: Tensor, x: Tensor) -> Tensor:
    with torch.no_grad():
        return field(theta, coefficients(theta.hyper, t), x)


class Autograd:
    """Loss sum (u - y)^2 / scale and its gradient, as PyTorch derives it."""

    def __init__(self, theta: Theta, grad: Theta):
        self.leaves, self.grad = theta, grad
        self.theta = Theta.__new__(Theta)

    def __call__(self, t: Tensor, x: Tensor, y: Tensor, scale: float) -> Tensor:
        source, n = self.leaves, self.leaves.size.depth - 1
        big = source.big.detach().requires_grad_()
        small = source.small.detach().requires_grad_()
        hyper = [p.detach().requires_grad_() for p in source.hyper]
        parts, thin = big.unbind(0), small.unbind(0)
        net = self.theta
        net.size = source.size
        net.u = [*parts[:n], thin[1][:, None]]
        net.v = [thin[0][:, None], *parts[n : 2 * n]]
        net.b = [*parts[2 * n :], thin[2][:, None]]
        loss = (field(net, coefficients(hyper, t), x) - y).square().sum() / scale
        gradients = torch.autograd.grad(loss, [big, small, *hyper])
        torch.cat([g.reshape(-1) for g in gradients], out=self.grad.flat)
        return loss.detach()


class ByHand:
    """The same with the sweep backwards written out: every pass in place, products into kept buffers, and
    tanh(y) = 2 sigmoid(2y) - 1, whose factors go into the small matrices, because torch's sigmoid takes a quarter of
    the time of its tanh. Frames may be dealt to several Python threads (`workers`; torch holds no lock in its
    operations), and each one's taken in `chunks`, which keeps activations in the cache."""

    def __init__(self, theta: Theta, grad: Theta, chunks: int = 1, workers: int = 1):
        self.theta, self.grad = theta, grad
        grads = [grad] + [Theta(theta.size) for _ in range(workers - 1)]
        self.sweeps = [Sweep(theta, own, chunks) for own in grads]
        self.pool = ThreadPoolExecutor(workers - 1) if workers > 1 else None

    def __call__(self, t: Tensor, x: Tensor, y: Tensor, scale: float) -> Tensor:
        hyper = [p.detach().requires_grad_() for p in self.theta.hyper]
        s = coefficients(hyper, t)
        values, n = s.detach(), -(-len(t) // len(self.sweeps))
        parts = list(zip(self.sweeps, values.split(n), y.split(n)))
        later = [self.pool.submit(sweep, s_part, x, y_part, scale) for sweep, s_part, y_part in parts[1:]]
        sweep, s_part, y_part = parts[0]
        results = [sweep(s_part, x, y_part, scale)] + [future.result() for future in later]
        factors = self.grad.big.numel() + self.grad.small.numel()
        for sweep, _, _ in parts[1:]:
            self.grad.flat[:factors].add_(sweep.grad.flat[:factors])
        gs = torch.cat([g for _, g in results]) if later else results[0][1]
        for g, p in zip(self.grad.hyper, torch.autograd.grad(s, hyper, gs)):
            g.copy_(p)
        return sum(loss for loss, _ in results)


class Sweep:
    def __init__(self, theta: Theta, grad: Theta, chunks: int):
        self.theta, self.grad, self.chunks = theta, grad, chunks
        self.kept: dict[tuple, Tensor] = {}

    @torch.no_grad()
    def __call__(self, s: Tensor, x: Tensor, y: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        n = -(-len(s) // self.chunks)
        results = [
            self.chunk(s_part, x, y_part, scale, first=k == 0)
            for k, (s_part, y_part) in enumerate(zip(s.split(n), y.split(n)))
        ]
        if len(results) == 1:
            return results[0]
        return sum(loss for loss, _ in results), torch.cat([g for _, g in results])

    def buffer(self, name: object, *shape: int) -> Tensor:
        key = (name, *shape)
        if key not in self.kept:
            self.kept[key] = torch.empty(shape)
        return self.kept[key]

    def chunk(self, s: Tensor, x: Tensor, y: Tensor, scale: float, first: bool) -> tuple[Tensor, Tensor]:
        u, v, b = self.theta.u, self.theta.v, self.theta.b
        gu, gv, gb = self.grad.u, self.grad.v, self.grad.b
        size, f, p = self.theta.size, len(s), len(x)
        m, r, depth, beta = size.width, size.rank, size.depth, 0.0 if first else 1.0
        blocks = s.split(r, dim=1)
        s1, s2 = blocks[::2], blocks[1::2]
        sigmoid_pull = torch.ops.aten.sigmoid_backward.grad_input

        # Forwards. z_l = 2 q_l - 1, q_l = sigmoid(2 y_l).
        vq, twice = [s] * depth, [s] * depth  # V q; 2 s1 * V z, which is 4 s1 * V q - 2 s1 * V 1
        ones = [a.sum(1) for a in v[1:-1]]
        q: list[Tensor] = [self.buffer(("q", l), f, p, m) for l in range(depth - 1)]
        thin = s1[0] * v[0][:, 0]
        torch.addcmul((s2[0] @ b[0]).mul_(2)[:, None], x, (thin @ u[0]).mul_(2)[:, None], out=q[0]).sigmoid_()
        for l in range(1, depth - 1):
            vq[l], scaled = (q[l - 1].view(f * p, m) @ v[l].t()).view(f, p, r), 2 * s1[l]
            twice[l] = torch.addcmul((-scaled * ones[l - 1])[:, None], vq[l], (2 * scaled)[:, None])
            torch.mm(twice[l].view(f * p, r), u[l], out=q[l].view(f * p, m))
            q[l].add_((s2[l] @ b[l]).mul_(2)[:, None]).sigmoid_()
        thick = s1[-1] * u[-1][:, 0]
        w = thick @ v[-1]  # (f,M)
        d = torch.bmm(w[:, None], q[-1].transpose(1, 2))[:, 0].mul_(2)  # half the time of q w
        d.add_(s2[-1] @ b[-1] - w.sum(1, keepdim=True)).sub_(y)
        loss = d.square().sum() / scale

        # Backwards; g is the cotangent of y_l.
        gs = torch.empty_like(s)
        gs1, gs2 = gs.split(r, dim=1)[::2], gs.split(r, dim=1)[1::2]
        d.mul_(2 / scale)
        total = d.sum(1, keepdim=True)  # (f,1)
        torch.mul(total, b[-1].t(), out=gs2[-1])
        gb[-1].addmm_(s2[-1].t(), total, beta=beta)
        gw = torch.bmm(d[:, None], q[-1])[:, 0].mul_(2).sub_(total)
        gv[-1].addmm_(thick.t(), gw, beta=beta)
        ga = gw @ v[-1].t()
        torch.mul(ga, u[-1].t(), out=gs1[-1])
        gu[-1].mul_(beta).add_((ga * s1[-1]).sum(0)[:, None])
        g = torch.mul(d[:, :, None], (4 * w)[:, None], out=self.buffer("g", f, p, m))
        sigmoid_pull(g, q[-1], grad_input=g)
        for l in range(depth - 2, 0, -1):
            flat = g.view(f * p, m)
            total = g.sum(1)
            torch.mm(total, b[l].t(), out=gs2[l])
            gb[l].addmm_(s2[l].t(), total, beta=beta)
            gu[l].addmm_(twice[l].view(f * p, r).t(), flat, beta=beta, alpha=0.5)
            gh = (flat @ u[l].t()).view(f, p, r)
            sums = gh.sum(1)
            gs1[l].copy_(vq[l].mul_(gh).sum(1).mul_(2).sub_(sums * ones[l - 1]))
            gh = gh.mul_(s1[l][:, None]).view(f * p, r)
            gv[l].addmm_(gh.t(), q[l - 1].view(f * p, m), beta=beta, alpha=2).sub_((sums * s1[l]).sum(0)[:, None])
            torch.addmm(flat, gh, v[l], beta=0, alpha=4, out=flat)
            sigmoid_pull(g, q[l - 1], grad_input=g)
        both = torch.bmm(torch.cat([torch.ones_like(x), x], 1).t().expand(f, 2, p), g)
        total, gw = both[:, 0], both[:, 1]
        torch.mm(total, b[0].t(), out=gs2[0])
        gb[0].addmm_(s2[0].t(), total, beta=beta)
        gu[0].addmm_(thin.t(), gw, beta=beta)
        ga = gw @ u[0].t()
        torch.mul(ga, v[0].t(), out=gs1[0])
        gv[0].mul_(beta).add_((ga * s1[0]).sum(0)[:, None])
        return loss, gs
