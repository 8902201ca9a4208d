"""Frames of a noisy camera, and the fields and projections that several of them give."""

import math

import numpy as np

from .._utils.arrays import backend_of, complex_of, numpy_dtype
from .._utils.streams import bit_generator, circular_gaussian, raw_bytes
from .device import write_piece
from .medium import whole_field
from .modulator import bit_planes

_DARKEST_REFERENCE = 0.25  # of the mean; a bench does not use pixels where it is darker


def take_frames(X, n_modes, *, medium, camera, repeat, first_exposure, seed):
    """Noisy intensity of the rows of X, shown in one frame each."""
    backend = backend_of(X)
    frames = backend.empty((X.shape[0], n_modes), numpy_dtype(X))
    medium.read(X, "intensity", frames, seed=seed)
    expected, keys = medium.mean_intensity(X), camera.keys_of(X)
    options = {"first_exposure": first_exposure, "repeat": repeat, "seed": seed}
    return camera.read_frames(frames, expected, keys, **options)


def take_holograms(X, n_modes, input_bits, *, medium, camera, repeat, first_exposure, seed):
    """Noisy complex field of the rows of X, from four frames of each plane."""
    backend = backend_of(X)
    xp, keys = backend.namespace, camera.keys_of(X)
    total = 0
    for weight, plane in bit_planes(X, input_bits):
        field = whole_field(medium, plane, n_modes, seed=seed)
        power = medium.mean_intensity(plane)
        amplitude = xp.sqrt(power)[:, None]
        real, imag = xp.real(field), xp.imag(field)
        parts = []
        for along, across in ((real, imag), (imag, real)):
            # Reference in phase with this part and opposite to it; the part at a
            # right angle to it adds the same to both frames.
            frames = [(along + side) ** 2 + across**2 for side in (amplitude, -amplitude)]
            options = {"repeat": repeat, "seed": seed}
            bright, dark = (
                camera.read_frames(
                    frame, 2 * power, keys, first_exposure=first_exposure + i * repeat, **options
                )
                for i, frame in enumerate(frames)
            )
            parts.append(bright - dark)
            first_exposure += 2 * repeat
        scale = _inverse(4 * amplitude, weight)
        total = total + complex_of(parts[0] * scale, parts[1] * scale)
    return total


def take_with_reference(X, n_modes, input_bits, *, medium, camera, repeat, first_exposure, seed):
    """Noisy projections of the rows of X, from two frames of each plane."""
    backend = backend_of(X)
    xp, keys = backend.namespace, camera.keys_of(X)
    strengths = backend.asarray(reference_powers(medium.glass_seed(seed), n_modes))
    total = 0
    for weight, plane in bit_planes(X, input_bits):
        field = whole_field(medium, plane, n_modes, seed=seed)
        power = medium.mean_intensity(plane)
        reference = power[:, None] * strengths
        amplitude = xp.sqrt(reference)
        real, imag = xp.real(field), xp.imag(field)
        # One exposure for both frames, that of the brighter one.
        options = {"expected": (2 + _DARKEST_REFERENCE) * power, "repeat": repeat, "seed": seed}
        together, alone = (
            camera.read_frames(
                (real + beside) ** 2 + imag**2,
                keys=keys,
                first_exposure=first_exposure + i * repeat,
                **options,
            )
            for i, beside in enumerate((amplitude, 0))
        )
        first_exposure += 2 * repeat
        scale = _inverse(math.sqrt(2) * amplitude, weight)
        total = total + (together - alone - reference) * scale
    return total


def read_real_parts(medium, X, out, finish, seed):
    """What `take_with_reference` gives without noise."""
    xp = backend_of(X).namespace

    def keep(rows, modes, field):
        write_piece(out[rows, modes], math.sqrt(2) * xp.real(field), modes, finish)

    medium.propagate(X, out.shape[1], keep, seed=seed)


def _inverse(values, weight):
    """Weight divided by values; 0 where these are 0 and there is nothing to be read."""
    xp = backend_of(values).namespace
    lit = values > 0
    return xp.where(lit, weight / xp.where(lit, values, 1.0), 0.0)


def reference_powers(seed, n_modes):
    """Power of an internal reference at each mode, in units of the row's mean."""
    speckle = circular_gaussian(raw_bytes(bit_generator(seed, "ref"), 4 * n_modes), np.complex128)
    # Speckle that is brighter than a limit exceeds it as speckle exceeds zero.
    return _DARKEST_REFERENCE + speckle.real**2 + speckle.imag**2
