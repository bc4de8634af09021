"""VACA's training as a compiled loop: gradients `ROWS` rows at a time, everything they touch staying in the cache.

The definition is `GraphAutoencoder.negative_elbo`; an execution of it, no more (`loop.autograd` is the other). The
decoder's steps go through matrices over all nodes at once (`pack`), zero where there is no edge: more arithmetic than
edge by edge, but in one place, which is faster up to some tens of nodes.
"""

from __future__ import annotations

import numpy as np

from ..training.kernels import HALF, ONE, ROWS, ZERO, adam, add, compiled, copy, exp, f32, inlined
from ..training.loop import Epoch, Flat, Steps
from ..training.recipe import Recipe
from .network import HIDDEN, LAMBDA, LATENT, MESSAGE, STD_FLOOR
from .wiring import Wiring

WIDE = MESSAGE + 1
"""Hidden features of a message, and a 1 for the bias."""


@inlined
def widths(step, steps):
    """Features of a node before and after a step of the decoder."""
    return LATENT if step == 0 else HIDDEN, 1 if step == steps - 1 else HIDDEN


@inlined
def matrices(flat, d, steps, step):
    """Views of a step's packed maps: own ``(d, out, in)``, parents' ``(d out, d in)``, each with bias ``(d, out)``."""
    offset = 0
    for before in range(step):
        width, out = widths(before, steps)
        offset += d * out * (width + 1) + d * out * (d * width + 1)
    width, out = widths(step, steps)
    a = offset + d * out * width
    b = a + d * out
    c = b + d * out * d * width
    own, own_bias = flat[offset:a].reshape(d, out, width), flat[a:b].reshape(d, out)
    return own, own_bias, flat[b:c].reshape(d * out, d * width), flat[c : c + d * out].reshape(d, out)


@inlined
def layer(flat, edges, steps, step):
    """View of the weights ``(edges, 2 in + 1, out)`` of a step in the flat array of all weights."""
    offset = edges * (3 * MESSAGE + WIDE * 2 * LATENT)
    for before in range(step):
        width, out = widths(before, steps)
        offset += edges * (2 * width + 1) * out
    width, out = widths(step, steps)
    return flat[offset : offset + edges * (2 * width + 1) * out].reshape(edges, 2 * width + 1, out)


@inlined
def pack(flat, target, source, d, steps, packed):
    """Sum up the decoder's messages ``W^T [h_t, h_s, 1]``: into a node from itself, and from its parents."""
    packed[:] = ZERO
    for step in range(steps):
        weights = layer(flat, target.size, steps, step)
        own, own_bias, parents, parents_bias = matrices(packed, d, steps, step)
        out, width = own.shape[1:]
        for e in range(target.size):
            t, s = target[e], source[e]
            for o in range(out):
                if e < d:
                    own_bias[t, o] = weights[e, 2 * width, o]
                    for i in range(width):
                        own[t, o, i] = weights[e, i, o] + weights[e, width + i, o]
                else:
                    parents_bias[t, o] += weights[e, 2 * width, o]
                    for i in range(width):
                        parents[t * out + o, t * width + i] += weights[e, i, o]
                        parents[t * out + o, s * width + i] += weights[e, width + i, o]


@inlined
def unpack(by_packed, target, source, d, steps, gradient):
    """Add the gradients by the packed maps to those by the weights."""
    for step in range(steps):
        weights = layer(gradient, target.size, steps, step)
        own, own_bias, parents, parents_bias = matrices(by_packed, d, steps, step)
        out, width = own.shape[1:]
        for e in range(target.size):
            t, s = target[e], source[e]
            for o in range(out):
                weights[e, 2 * width, o] += own_bias[t, o] if e < d else parents_bias[t, o]
                for i in range(width):
                    to = own[t, o, i] if e < d else parents[t * out + o, t * width + i]
                    by = own[t, o, i] if e < d else parents[t * out + o, s * width + i]
                    weights[e, i, o] += to
                    weights[e, width + i, o] += by


@inlined
def encode(x, keep, target, source, starts, first, second, hidden, code):
    """``code (d, 8, ROWS)``: mean and log-variance, from messages ``W2^T [relu(W1^T [x_t, x_s, 1]), 1]``."""
    for e in range(target.size):
        xt, xs = x[target[e]], x[source[e]]
        for c in range(MESSAGE):
            to, by, bias = first[e, 0, c], first[e, 1, c], first[e, 2, c]
            for j in range(ROWS):
                hidden[e, c, j] = max(to * xt[j] + by * xs[j] + bias, ZERO)
        for j in range(ROWS):
            hidden[e, MESSAGE, j] = ONE
    for t in range(x.shape[0]):
        np.dot(second[t].T, hidden[t], code[t])
        a, b = starts[t], starts[t + 1]
        if b > a:
            k = (b - a) * WIDE
            heard = np.dot(second[a:b].reshape(k, 2 * LATENT).T, hidden[a:b].reshape(k, ROWS))
            for c in range(2 * LATENT):
                for j in range(ROWS):
                    code[t, c, j] += keep[t, j] * heard[c, j]


@inlined
def through_encoder(x, keep, target, source, starts, first, second, hidden, by_code, by_first, by_second, back):
    """Add the gradients by the encoder's weights, from those by its `code`, which are used up."""
    for t in range(x.shape[0]):
        add(by_second[t], np.dot(hidden[t], by_code[t].T))
        np.dot(second[t], by_code[t], back[t])
        a, b = starts[t], starts[t + 1]
        if b > a:
            k = (b - a) * WIDE
            for c in range(2 * LATENT):
                for j in range(ROWS):
                    by_code[t, c, j] *= keep[t, j]
            add(by_second[a:b].reshape(k, 2 * LATENT), np.dot(hidden[a:b].reshape(k, ROWS), by_code[t].T))
            np.dot(second[a:b].reshape(k, 2 * LATENT), by_code[t], back[a:b].reshape(k, ROWS))
    for e in range(target.size):
        xt, xs = x[target[e]], x[source[e]]
        for c in range(MESSAGE):
            to, by, bias = ZERO, ZERO, ZERO
            for j in range(ROWS):
                g = back[e, c, j] if hidden[e, c, j] > ZERO else ZERO
                to += g * xt[j]
                by += g * xs[j]
                bias += g
            by_first[e, 0, c] += to
            by_first[e, 1, c] += by
            by_first[e, 2, c] += bias


@inlined
def decode(keep, d, steps, packed, h):
    """``h[k + 1]`` from ``h[k]``, both ``(d, 8, ROWS)`` of which a step uses what it needs; relu between the steps."""
    for step in range(steps):
        own, own_bias, parents, parents_bias = matrices(packed, d, steps, step)
        out, width = own.shape[1:]
        before = h[step].ravel()[: d * width * ROWS].reshape(d, width, ROWS)
        after = h[step + 1].ravel()[: d * out * ROWS].reshape(d, out, ROWS)
        np.dot(parents, before.reshape(d * width, ROWS), after.reshape(d * out, ROWS))
        for t in range(d):
            message = np.dot(own[t], before[t])
            for o in range(out):
                for j in range(ROWS):
                    z = message[o, j] + own_bias[t, o] + keep[t, j] * (after[t, o, j] + parents_bias[t, o])
                    after[t, o, j] = z if step == steps - 1 else max(z, ZERO)


@inlined
def through_decoder(keep, d, steps, packed, h, by_packed, back):
    """Add the gradients by the packed maps, going from that by the last `h`, ``back[steps]``, to that by the first."""
    for step in range(steps - 1, -1, -1):
        own, _, parents, _ = matrices(packed, d, steps, step)
        by_own, by_own_bias, by_parents, by_parents_bias = matrices(by_packed, d, steps, step)
        out, width = own.shape[1:]
        before = h[step].ravel()[: d * width * ROWS].reshape(d, width, ROWS)
        given = back[step + 1].ravel()[: d * out * ROWS].reshape(d, out, ROWS)
        found = back[step].ravel()[: d * width * ROWS].reshape(d, width, ROWS)
        for t in range(d):
            add(by_own[t], np.dot(given[t], before[t].T))
            np.dot(own[t].T, given[t], found[t])
            for o in range(out):
                total, heard = ZERO, ZERO
                for j in range(ROWS):
                    g = given[t, o, j]
                    total += g
                    g *= keep[t, j]
                    given[t, o, j] = g
                    heard += g
                by_own_bias[t, o] += total
                by_parents_bias[t, o] += heard
        flat = given.reshape(d * out, ROWS)
        add(by_parents, np.dot(flat, before.reshape(d * width, ROWS).T))
        through = np.dot(parents.T, flat).reshape(d, width, ROWS)
        for t in range(d):
            for i in range(width):
                for j in range(ROWS):
                    g = found[t, i, j] + through[t, i, j]
                    found[t, i, j] = g if step == 0 or before[t, i, j] > ZERO else ZERO


@inlined
def add_gradient(x, keep, noise, share, graph, weights, gradients, steps, packed, by_packed, work):
    """Add the gradient of ``Σ share negative_elbo`` over ``x (d, ROWS)``, ``keep (d, ROWS)``, ``noise (d, 4, ROWS)``.

    `weights` and `gradients` are the encoder's two tensors, `packed` and `by_packed` the decoder's maps.
    """
    target, source, starts = graph
    hidden, through, code, h, back = work
    d = x.shape[0]
    encode(x, keep, target, source, starts, weights[0], weights[1], hidden, code)
    z = h[0].ravel()[: d * LATENT * ROWS].reshape(d, LATENT, ROWS)
    for t in range(d):
        for i in range(LATENT):
            for j in range(ROWS):
                spread = exp(HALF * code[t, LATENT + i, j])
                z[t, i, j] = code[t, i, j] + (spread + f32(STD_FLOOR)) * noise[t, i, j]
    decode(keep, d, steps, packed, h)
    last = back[steps].ravel()[: d * ROWS].reshape(d, ROWS)
    found = h[steps].ravel()[: d * ROWS].reshape(d, ROWS)
    for t in range(d):
        for j in range(ROWS):
            last[t, j] = share[j] * f32(2 / LAMBDA) * (found[t, j] - x[t, j])
    through_decoder(keep, d, steps, packed, h, by_packed, back)
    by_z = back[0].ravel()[: d * LATENT * ROWS].reshape(d, LATENT, ROWS)
    for t in range(d):
        for i in range(LATENT):
            for j in range(ROWS):
                spread = exp(HALF * code[t, LATENT + i, j])
                std = spread + f32(STD_FLOOR)
                by_std = by_z[t, i, j] * noise[t, i, j] + share[j] * (std - ONE / std)
                code[t, i, j] = by_z[t, i, j] + share[j] * code[t, i, j]
                code[t, LATENT + i, j] = HALF * spread * by_std
    by_first, by_second = gradients
    through_encoder(x, keep, target, source, starts, weights[0], weights[1], hidden, code, by_first, by_second, through)


@compiled
def epoch(x, keep, noise, batch, lr, weight_decay, done, graph, steps, buffers, weights, gradients, packs, work):
    """Adam steps on the mean of the negative ELBO over nodes and rows; a short last batch is left out."""
    parameters, gradient, mean, square = buffers
    packed, by_packed = packs
    target, source, _ = graph
    d, n = x.shape
    block, kept, drawn = np.zeros((d, ROWS), f32), np.zeros((d, ROWS), f32), np.zeros((d, LATENT, ROWS), f32)
    share = np.zeros(ROWS, f32)
    for start in range(0, n - batch + 1, batch):
        gradient[:] = ZERO
        by_packed[:] = ZERO
        pack(parameters, target, source, d, steps, packed)
        for first in range(start, start + batch, ROWS):
            rows = min(ROWS, start + batch - first)
            copy(block, x, first, rows)
            copy(kept, keep, first, rows)
            copy(drawn.reshape(d * LATENT, ROWS), noise.reshape(d * LATENT, n), first, rows)
            for j in range(ROWS):
                share[j] = ONE / f32(d * batch) if j < rows else ZERO
            add_gradient(block, kept, drawn, share, graph, weights, gradients, steps, packed, by_packed, work)
        unpack(by_packed, target, source, d, steps, gradient)
        for i in range(gradient.size):
            gradient[i] += weight_decay * parameters[i]
        done += 1
        adam(parameters, gradient, mean, square, f32(lr / (1 - 0.9**done)), f32(1 / np.sqrt(1 - 0.999**done)))


def take_steps(flat: Flat, recipe: Recipe, wiring: Wiring, steps: int) -> Steps:
    """Steps for autoencoders of this wiring, whose decoder has `steps` steps."""
    d, edges = wiring.size, wiring.edges
    sizes = [widths(step, steps) for step in range(steps)]
    packed = sum(d * out * (width + 1) + d * out * (d * width + 1) for width, out in sizes)
    packs = tuple(np.zeros(packed, f32) for _ in range(2))
    parts = (edges, WIDE), (edges, WIDE), (d, 2 * LATENT), (steps + 1, d, HIDDEN), (steps + 1, d, HIDDEN)
    work = tuple(np.zeros((*part, ROWS), f32) for part in parts)
    graph = wiring.target.numpy(), wiring.source.numpy(), wiring.starts.numpy()
    arrays = (flat.buffers, flat.weights[:2], flat.gradients[:2], packs, work)
    decay = f32(recipe.weight_decay)

    def run(drawn: Epoch, rate: float, done: int) -> None:
        x, keep, noise = (part.numpy() for part in drawn)
        epoch(x, keep, noise, recipe.batch_size, rate, decay, done, graph, steps, *arrays)

    return run
