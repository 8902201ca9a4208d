"""Light on its way through masks, transformed by compiled functions; needs numba."""

import functools
from typing import NamedTuple

import numpy as np
from numba import from_dtype, njit, types

from ._numba_steps import (
    VECTOR_BYTES,
    first_step,
    last_step_pairs,
    last_step_squares,
    middle_step,
)

_OPTIONS = {"nogil": True, "error_model": "numpy"}


def _middle_pass(radix):
    step = middle_step(radix)

    @njit(**_OPTIONS)
    def run_pass(source, out, factors, first, n, run, offset, plane):
        m = n // radix
        for p in range(m):
            i, o = offset + p * run, offset + radix * p * run
            step(source, out, factors, i, m * run, o, run, first + 2 * (radix - 1) * p, plane)

    return run_pass


_pass_2, _pass_3, _pass_4, _pass_5, _pass_8 = (_middle_pass(radix) for radix in (2, 3, 4, 5, 8))


@njit(**_OPTIONS)
def _middle(source, out, factors, passes, k, offset, plane):
    """Pass k of the plan over the run of numbers that starts at offset."""
    radix, n, run, first = passes[k, 0], passes[k, 1], passes[k, 2], passes[k, 3]
    if radix == 8:
        _pass_8(source, out, factors, first, n, run, offset, plane)
    elif radix == 4:
        _pass_4(source, out, factors, first, n, run, offset, plane)
    elif radix == 2:
        _pass_2(source, out, factors, first, n, run, offset, plane)
    elif radix == 3:
        _pass_3(source, out, factors, first, n, run, offset, plane)
    else:
        _pass_5(source, out, factors, first, n, run, offset, plane)


@njit(**_OPTIONS)
def _all_but_last(light, mask, factors, rows, columns, one, other):
    """All passes but the last behind a mask; returns which of two scratch arrays holds the field.

    Light and scratch are planes of real and of imaginary parts, the mask as `_fill_mask` says.
    A grid is transformed along its rows first.
    """
    plane, length, size = len(light) // 2, rows[0, 1], 4 * columns[-1, 2]
    m, width = length // 8, VECTOR_BYTES // light.itemsize
    source, out = one, other
    at = 0
    for offset in range(0, size, length):
        f = 0
        for start in range(0, m, width):
            p = min(start, m - width)  # goes over some numbers again where vectors do not fit
            i, o = offset + p, offset + 8 * p
            first_step(light, mask, one, factors, i, m, o, at, f, plane)
            at += 16 * width
            f += 14 * width
        source, out = one, other
        for k in range(1, len(rows)):
            _middle(source, out, factors, rows, k, offset, plane)
            source, out = out, source
    for k in range(len(columns) - 1):
        _middle(source, out, factors, columns, k, 0, plane)
        source, out = out, source
    return source


@njit(**_OPTIONS)
def _fill_mask(steps, table, length, mask):
    """Phasors in the order in which the first step takes them, vector by vector."""
    m, width = length // 8, VECTOR_BYTES // mask.itemsize
    at = 0
    for offset in range(0, len(steps), length):
        for start in range(0, m, width):
            p = offset + min(start, m - width)
            for k in range(8):
                for j in range(width):
                    phasor = table[steps[p + k * m + j]]
                    mask[at + j] = phasor.real
                    mask[at + width + j] = phasor.imag
                at += 2 * width


@njit(**_OPTIONS)
def _new_mask(size, length, like):
    """Memory for a mask of phasors, which has some twice where vectors do not fit."""
    width = VECTOR_BYTES // like.itemsize
    return np.empty(size // length * (-(-length // (8 * width))) * 16 * width, like.dtype)


def _illuminate(X, signs, shared, table, factors, rows, columns, light):
    """Planes of the field of dense rows at the last mask, in light."""
    size, length, plane = 4 * columns[-1, 2], rows[0, 1], light.shape[1] // 2
    one, other = np.empty((2, 2 * plane), light.dtype)
    mask = _new_mask(size, length, light)
    _fill_mask(np.zeros(size, np.uint8), np.ones(1, table.dtype), length, mask)
    light[:] = 0
    for r in range(len(X)):
        for k in range(len(signs)):
            light[r, k] = X[r, k] * signs[k]
    for layer in range(len(shared) + 1):
        if layer:
            _fill_mask(shared[layer - 1], table, length, mask)
        for row in light:
            field = _all_but_last(row, mask, factors, rows, columns, one, other)
            _middle(field, row, factors, columns, len(columns) - 1, 0, plane)


def _exit(light, masks, table, factors, rows, columns, first, intensity, scale, out):
    """Readings of the field behind the last masks: intensities, or real and imaginary parts.

    Modes are counted from the first mode of the first mask; out begins at mode ``first``, and its
    rows are contiguous, which the last step asks for.
    """
    size, plane = 4 * columns[-1, 2], light.shape[1] // 2
    width, per_mode = VECTOR_BYTES // light.itemsize, 1 if intensity else 2
    length, mask = rows[0, 1], _new_mask(size, rows[0, 1], light)
    one, other = np.empty((2, 2 * plane), light.dtype)
    edge = np.empty(per_mode * size, light.dtype)
    for b in range(len(masks)):
        shift = per_mode * (b * size - first)
        low, high = max(0, -shift), min(per_mode * size, out.shape[1] - shift)
        whole = high - low == per_mode * size
        _fill_mask(masks[b], table, length, mask)
        for r in range(len(light)):
            field = _all_but_last(light[r], mask, factors, rows, columns, one, other)
            readings = out[r, shift : shift + high] if whole else edge[:]
            if intensity:
                for q in range(0, size // 4, width):
                    last_step_squares(field, readings, q, size // 4, plane, scale)
            else:
                for q in range(0, size // 4, width):
                    last_step_pairs(field, readings, q, size // 4, plane, scale)
            if not whole:
                for k in range(low, high):
                    out[r, shift + k] = edge[k]


class Compiled(NamedTuple):
    """The two functions that are called from outside, for one dtype."""

    illuminate: callable
    exit: callable


@functools.cache
def compiled(dtype):
    """Functions for planes of float32 or float64, from numba's cache on disk if they are there."""
    real = from_dtype(dtype)
    table = types.Array(from_dtype(np.result_type(dtype, np.complex64)), 1, "C", readonly=True)
    steps = types.Array(types.uint8, 2, "C", readonly=True)
    passes = types.Array(types.int64, 2, "C")
    plan = types.Array(real, 1, "C"), passes, passes
    light, out = types.Array(real, 2, "C"), types.Array(real, 2, "A")

    def compile_for(function, *signature):  # one signature, whatever the layout of an argument
        return njit(types.void(*signature), cache=True, **_OPTIONS)(function)

    rows, signs = (types.Array(real, n_axes, "C", readonly=True) for n_axes in (2, 1))
    return Compiled(
        compile_for(_illuminate, rows, signs, steps, table, *plan, light),
        compile_for(_exit, light, steps, table, *plan, types.int64, types.boolean, real, out),
    )
