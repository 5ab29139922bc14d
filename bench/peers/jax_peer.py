"""The benchmarks in JAX (jitted). See README.md; `jax_peer.py lrnr --threads 1 --json`.

XLA sizes its thread pools by the CPUs that the process may use, so command_line, before the import, is what
limits it; with one thread, Eigen's pool is switched off as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from command_line import args  # first: limits the threads
from common import Chain, Hvp, Lrnr, Quantities, Siren, Step, main

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["PJRT_NPROC"] = os.environ["NPROC"] = str(args.threads)
if args.threads == 1:
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

Array = jax.Array
Layers = list[tuple[Array, Array, Array]]


def step_of(f: Callable, *operands: object) -> Step:
    """Call f and wait for all that it returns."""
    on_device = jax.tree.map(jnp.asarray, operands)
    return lambda: jax.tree.leaves(jax.block_until_ready(f(*on_device)))


def mlp(x: Array, params: list[Array]) -> Array:
    for w, b in zip(params[:-2:2], params[1:-2:2]):
        x = jnp.tanh(x @ w + b)
    return x @ params[-2] + params[-1]


def lrnr(case: Lrnr) -> Quantities:
    hyper, layers, (t, x, y) = case.arrays()
    count, m, r = y.size, case.width, case.rank

    def loss_of(s: Array, layers: Layers, x: Array, y: Array) -> Array:
        """s (f, n), x (f, p, 1), y (f, p, 1): all frames together; the hidden products see f*p rows."""
        f = len(s)
        s = s.reshape(f, case.depth, 2, r)
        biases = [s[:, layer, 1] @ b.T for layer, (_, _, b) in enumerate(layers)]  # (f, out)
        u, v, _ = layers[0]
        w = (s[:, 0, 0] * v) @ u.T  # (f, M), as v is (1, r)
        z = jnp.tanh(x * w[:, None] + biases[0][:, None])
        for layer in range(1, case.depth - 1):
            u, v, _ = layers[layer]
            h = (z.reshape(-1, m) @ v).reshape(f, -1, r) * s[:, layer, 0][:, None]
            z = jnp.tanh((h.reshape(-1, r) @ u.T).reshape(f, -1, m) + biases[layer][:, None])
        u, v, _ = layers[-1]
        w = (s[:, -1, 0] * u) @ v.T  # (f, M), as u is (1, r)
        out = jnp.einsum("fpm,fm->fp", z, w)[..., None] + biases[-1][:, None]
        return jnp.sum((out - y) ** 2) / count

    def batched(hyper: list[Array], layers: Layers, t: Array, x: Array, y: Array) -> object:
        return jax.value_and_grad(lambda h, l: loss_of(mlp(t, h), l, x, y), argnums=(0, 1))(hyper, layers)

    def frames(hyper: list[Array], layers: Layers, t: Array, x: Array, y: Array) -> object:
        """Forwards and backwards for one frame after another; the layers' gradients add up in the scan."""
        s, pull_hyper = jax.vjp(lambda h: mlp(t, h), hyper)

        def one(carry: tuple, frame: tuple) -> tuple:
            s_frame, x_frame, y_frame = frame
            loss, (s_bar, layers_bar) = jax.value_and_grad(loss_of, argnums=(0, 1))(
                s_frame[None], layers, x_frame[None], y_frame[None]
            )
            return jax.tree.map(jnp.add, carry, (loss, layers_bar)), s_bar[0]

        zero = (jnp.zeros(()), jax.tree.map(jnp.zeros_like, layers))
        (loss, layers_bar), s_bar = jax.lax.scan(one, zero, (s, x, y))
        return loss, (pull_hyper(s_bar)[0], layers_bar)

    operands = (hyper, layers, t, x, y)
    return {"gradient": {f.__name__: step_of(jax.jit(f), *operands) for f in (batched, frames)}}


def siren(case: Siren) -> Quantities:
    params, (x, y) = case.arrays()
    tile = 500 if case.points % 500 == 0 else case.points

    def loss_of(params: list[Array], x: Array, y: Array) -> Array:
        for w, b in zip(params[:-2:2], params[1:-2:2]):
            x = jnp.sin(case.omega * (x @ w + b))
        return jnp.sum((x @ params[-2] + params[-1] - y) ** 2) / case.points

    def batched(params: list[Array], x: Array, y: Array) -> object:
        return jax.value_and_grad(loss_of)(params, x, y)

    def tiles(params: list[Array], x: Array, y: Array) -> object:
        def one(carry: tuple, xy: tuple) -> tuple:
            return jax.tree.map(jnp.add, carry, jax.value_and_grad(loss_of)(params, *xy)), None

        zero = (jnp.zeros(()), jax.tree.map(jnp.zeros_like, params))
        return jax.lax.scan(one, zero, (x.reshape(-1, tile, 2), y.reshape(-1, tile, 1)))[0]

    return {"gradient": {f.__name__: step_of(jax.jit(f), params, x, y) for f in (batched, tiles)}}


def chain(case: Chain) -> Quantities:
    """jit compiles the whole chain into one loop without a tape; eager dispatches op by op, as a tape does."""
    x, c = case.arrays()

    def value(x: Array, c: Array) -> tuple[Array, Array]:
        z = x
        for _ in range(case.rounds):
            z = jnp.sin(jnp.tanh(z * c + c))
        return jnp.sum(z), z

    def both(x: Array, c: Array) -> object:
        x_bar, z = jax.grad(value, has_aux=True)(x, c)
        return z, x_bar

    return {"gradient": {"jit": step_of(jax.jit(both), x, c), "eager": step_of(both, x, c)}}


def hvp(case: Hvp) -> Quantities:
    params, direction, (x, y) = case.arrays()

    def gradient(params: list[Array], x: Array, y: Array) -> list[Array]:
        return jax.grad(lambda p: jnp.mean((mlp(x, p) - y) ** 2))(params)

    def reverse_over_reverse(params: list[Array], direction: list[Array], x: Array, y: Array) -> list[Array]:
        return jax.vjp(lambda p: gradient(p, x, y), params)[1](direction)[0]

    def forward_over_reverse(params: list[Array], direction: list[Array], x: Array, y: Array) -> list[Array]:
        return jax.jvp(lambda p: gradient(p, x, y), (params,), (direction,))[1]

    def push_push(params: list[Array], x: Array) -> Array:
        e = jnp.zeros_like(x).at[:, 0].set(1)
        u_x = lambda x: jax.jvp(lambda x: mlp(x, params), (x,), (e,))[1]  # noqa: E731
        return jax.jvp(u_x, (x,), (e,))[1][:, 0]

    second = (params, direction, x, y)
    return {
        "gradient": {"reverse": step_of(jax.jit(gradient), params, x, y)},
        "hvp": {f.__name__: step_of(jax.jit(f), *second) for f in (reverse_over_reverse, forward_over_reverse)},
        "push_push": {"jvp_of_jvp": step_of(jax.jit(push_push), params, x)},
    }


main("jax", jax.__version__, {"lrnr": lrnr, "siren": siren, "chain": chain, "hvp": hvp})
