"""Muon and SOAP in PyTorch, written for the tensors of torch_lrnr.Theta: matrices of one shape go in one batch.

Muon (Jordan et al. 2024) for `big`; SOAP (Vyas et al. 2024) for the rest, with bases on sides of 2 to 64 only, one QR
power step on them every 10 steps, and no step at the first gradient, which the bases come from.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torch_lrnr import Theta


class Muon:
    def __init__(self, theta: Theta, grad: Theta, momentum: float = 0.95):
        self.p, self.g, self.momentum = theta.big, grad.big, momentum
        self.m = torch.zeros_like(self.p)

    def step(self, lr: float) -> None:
        """All iterates of Newton-Schulz are polynomials in the Gram matrix of the short side times the matrix."""
        self.m.lerp_(self.g, 1 - self.momentum)
        u = self.g.lerp(self.m, self.momentum)
        u.mul_(torch.linalg.vector_norm(u, dim=(1, 2), keepdim=True).clamp_(min=1e-30).reciprocal_())
        a = u @ u.mT  # (k,r,r)
        q = None
        for i in range(5):
            p = torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315)
            p.diagonal(dim1=1, dim2=2).add_(3.4445)
            q = p if q is None else p @ q
            if i < 4:
                a = p @ a @ p
        torch.baddbmm(self.p, q, u, alpha=-lr * math.sqrt(u.shape[2]), out=self.p)


class Side:
    """The basis of one side of a batch of matrices, kept by its columns; `left` turns rows."""

    def __init__(self, g: Tensor, left: bool):
        self.left, self.average = left, 0.05 * self.gram(g, left)
        self.basis = torch.linalg.eigh(self.average)[1]

    @staticmethod
    def gram(g: Tensor, left: bool) -> Tensor:
        return g @ g.mT if left else g.mT @ g

    def turn(self, x: Tensor, back: bool = False) -> Tensor:
        q = self.basis.mT if self.left != back else self.basis
        return q @ x if self.left else x @ q

    def update(self, g: Tensor) -> None:
        self.average.lerp_(self.gram(g, self.left), 0.05)

    def new_basis(self, m: Tensor, v: Tensor) -> None:
        """m (k,a,b) is turned into the new basis, v moves with the order of the vectors; both in place."""
        image = self.average @ self.basis
        order = (self.basis * image).sum(1).argsort(dim=1, descending=True)
        columns = order[:, None].expand_as(image)
        old, self.basis = self.basis, torch.linalg.qr(image.gather(2, columns).double())[0].to(image.dtype)
        turn = self.basis.mT @ old
        if self.left:
            m.copy_(turn @ m)
            v.copy_(v.gather(1, order[:, :, None].expand_as(v)))
        else:
            m.copy_(m @ turn.mT)
            v.copy_(v.gather(2, order[:, None].expand_as(v)))


class Soap:
    """Moments and steps of all tensors in one vector, only the rotations tensor by tensor."""

    def __init__(self, theta: Theta, grad: Theta, hyper_factor: float, largest: int = 64):
        start = theta.big.numel()
        self.p, self.g = theta.flat[start:], grad.flat[start:]
        self.largest, self.steps = largest, -1
        self.m, self.v = torch.zeros_like(self.p), torch.zeros_like(self.p)
        self.turned, self.factor = torch.empty_like(self.p), torch.full_like(self.p, hyper_factor)
        self.factor[: theta.small.numel()] = 1
        self.shapes = [(theta.small.shape[0], theta.small.shape[1], 1)]  # three columns
        self.shapes += [(1, *t.shape) if t.dim() == 2 else (1, 1, 1, len(t)) for t in theta.hyper]  # no basis: rank 4
        self.sides: list[list[Side]] = []
        self.views = [self.split(x) for x in (self.g, self.m, self.v, self.turned)]

    def split(self, flat: Tensor) -> list[Tensor]:
        parts = flat.split([math.prod(shape) for shape in self.shapes])
        return [part.view(shape) for part, shape in zip(parts, self.shapes)]

    def bases_of(self, g: Tensor) -> list[Side]:
        if g.dim() != 3:
            return []
        return [Side(g, left) for left in (True, False) if 1 < g.shape[1 if left else 2] <= self.largest]

    def step(self, lr: float) -> None:
        self.steps += 1
        gs, ms, vs, turned = self.views
        if self.steps == 0:
            self.sides = [self.bases_of(g) for g in gs]
            return
        self.turned.copy_(self.g)
        for g, to, sides in zip(gs, turned, self.sides):
            if sides:
                for side in sides:
                    g = side.turn(g)
                to.copy_(g)
        self.m.lerp_(self.turned, 0.05)
        self.v.mul_(0.95).addcmul_(self.turned, self.turned, value=0.05)
        correction = 1 - 0.95**self.steps
        denominator = self.v.div(correction).sqrt_().add_(1e-8)
        torch.div(self.m, denominator, out=self.turned).mul_(self.factor)
        for to, sides in zip(turned, self.sides):
            if sides:
                x = to
                for side in sides:
                    x = side.turn(x, back=True)
                to.copy_(x)
        self.p.add_(self.turned, alpha=-lr / correction)
        for g, m, v, sides in zip(gs, ms, vs, self.sides):
            for side in sides:
                side.update(g)
                if self.steps % 10 == 0:
                    side.new_basis(m, v)
