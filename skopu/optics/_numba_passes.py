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
            step(source, out, factors, i, m * run, o, run, first + p, m, plane)

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

    Light, mask and scratch are planes of real and of imaginary parts. A grid is transformed
    along its rows first.
    """
    plane, length, size = len(light) // 2, rows[0, 1], 4 * columns[-1, 2]
    m, width = length // 8, VECTOR_BYTES // light.itemsize
    source, out = one, other
    for offset in range(0, size, length):
        for p in range(0, m, width):
            # The last vector goes over some numbers again where vectors do not fit.
            first_step(light, mask, one, factors, offset, min(p, m - width), m, plane)
        source, out = one, other
        for k in range(1, len(rows)):
            _middle(source, out, factors, rows, k, offset, plane)
            source, out = out, source
    for k in range(len(columns) - 1):
        _middle(source, out, factors, columns, k, 0, plane)
        source, out = out, source
    return source


@njit(**_OPTIONS)
def _fill_mask(steps, table, mask):
    plane = len(mask) // 2
    for k in range(len(steps)):
        mask[k] = table[steps[k]].real
        mask[k + plane] = table[steps[k]].imag


def _illuminate(X, signs, shared, table, factors, rows, columns, light):
    """Planes of the field of dense rows at the last mask, in light."""
    plane = light.shape[1] // 2
    mask, one, other = np.empty((3, 2 * plane), light.dtype)
    for r in range(len(X)):
        row = light[r]
        row[:] = 0
        for k in range(len(signs)):
            row[k] = X[r, k] * signs[k]
        mask[:plane] = 1
        mask[plane:] = 0
        for layer in range(len(shared) + 1):
            field = _all_but_last(row, mask, factors, rows, columns, one, other)
            _middle(field, row, factors, columns, len(columns) - 1, 0, plane)
            if layer < len(shared):
                _fill_mask(shared[layer], table, mask)


def _exit(light, masks, table, factors, rows, columns, first, intensity, scale, out):
    """Readings of the field behind the last masks: intensities, or real and imaginary parts.

    Modes are counted from the first mode of the first mask; out begins at mode ``first``, and its
    rows are contiguous, which the last step asks for.
    """
    size, plane = 4 * columns[-1, 2], light.shape[1] // 2
    width, per_mode = VECTOR_BYTES // light.itemsize, 1 if intensity else 2
    mask, one, other = np.empty((3, 2 * plane), light.dtype)
    edge = np.empty(per_mode * size, light.dtype)
    for b in range(len(masks)):
        shift = per_mode * (b * size - first)
        low, high = max(0, -shift), min(per_mode * size, out.shape[1] - shift)
        whole = high - low == per_mode * size
        _fill_mask(masks[b], table, mask)
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
