"""The glass's own matrix, from intensities alone."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import hadamard

from .._utils.checks import check_count
from .._utils.progress import progress_bar
from .._utils.streams import random_signs
from .._utils.threads import pieces
from ..optics import MeasuredMedium
from ..optics.device import Device
from ._patterns import correlations

_STEADY = 16  # exposures of what all of the matrix depends on
_ROWS = 64  # patterns that are shown in one call


class TransmissionReport(NamedTuple):
    """How well a measured matrix predicts speckle of new patterns.

    Read more in the :doc:`user guide </user_guide/bench>`.

    Attributes
    ----------
    correlation : float
        Correlation of predicted and recorded intensities over the modes; mean over random patterns.
        NaN with a single mode, which has none.
    standard_deviation : float
        Standard deviation of that correlation over patterns.
    n_test : int
        Number of these patterns, each with half of the inputs lit.
    n_frames : int
        Frames that the device took in total, by its own count.

    See Also
    --------
    measure_transmission_matrix : Returns it with the matrix.

    Examples
    --------
    >>> from skopu import OPU, GaussianMedium
    >>> from skopu.bench import measure_transmission_matrix
    >>> _, report = measure_transmission_matrix(OPU(GaussianMedium()), n_inputs=16, n_modes=50)
    >>> report.n_test, report.correlation > 0.99
    (32, True)
    """

    correlation: float
    standard_deviation: float
    n_test: int
    n_frames: int


def measure_transmission_matrix(
    opu,
    n_inputs,
    n_modes,
    *,
    n_references=8,
    reference_size=None,
    phase_steps=False,
    repeat=1,
    n_test=32,
    random_state=0,
    verbose=0,
):
    """Measure the transmission matrix of a device with patterns of zeros and ones.

    Each pattern of a Hadamard basis is shown alone and together with each of a few references,
    which use separate inputs [1]_. Their interference reveals the field to the camera.

    Read more in the :doc:`user guide </user_guide/bench>`.

    Parameters
    ----------
    opu : Device
        A `BenchOPU`, an `OPU`, or another device that shows zeros and ones. It needs ``n_inputs +
        n_references * reference_size`` inputs.
    n_inputs : int
        Number of inputs to measure, the first ones.
    n_modes : int
        Number of output modes.
    n_references : int, default=8
        Number of references, at least 3. Two suffice at a mode where they are not in phase; the
        others are for modes where two are in phase or one is dark, and reveal the noise.
    reference_size : int, default=None
        Inputs of each reference. None means an eighth of n_inputs: a quarter as bright as a pattern
        of zeros and ones.
    phase_steps : bool, default=False
        Whether the device shows negative amplitudes, like a phase modulator. Patterns then light
        all inputs, with both signs, and each reference is shown with them in two phases, 0 and pi.
        For less than twice the frames, the error falls to between a third and a half.
    repeat : int, default=1
        Number of frames of each pattern to average.
    n_test : int, default=32
        Number of random patterns for the report, at least 2.
    random_state : int, default=0
        Seed of the signs of the basis, and of the patterns of the report.
    verbose : int, default=0
        Above 0 shows a progress bar, which needs tqdm.

    Returns
    -------
    medium : MeasuredMedium
        Its ``matrix`` is complex64 of shape (n_modes, n_inputs), in the unit of the device. A row
        is known up to a phase and, since all inputs are real, up to conjugation; intensities depend
        on neither.
    report : TransmissionReport
        How well it predicts speckle.

    Raises
    ------
    ValueError
        If a number is out of range, the device has too few inputs or modes, or ``phase_steps``
        needs negative amplitudes that it cannot show.

    See Also
    --------
    skopu.MeasuredMedium.isotropy : Compare the matrix with ideal glass.
    recover_inputs : The input that made a speckle, found with the matrix.
    skopu.MeasuredMedium : A medium with a measured matrix.

    Notes
    -----
    With the field f of a pattern and a_k of reference k, I(p + s_k) - I(p) - I(s_k) = 2
    Re(conj(a_k) f). Pairs of references likewise give the real parts of conj(a_j) a_k: a positive
    semidefinite matrix of rank 2, for light of one polarisation. Its leading eigenvectors, times
    the roots of their eigenvalues, are the fields of the references in a plane, up to rotation and
    reflection [2]_. The two real components of f follow by least squares, damped by the noise,
    which is what lies outside that plane; the Hadamard transform then gives the entries. This takes
    1 + n_references frames per pattern; the number of patterns is n_inputs, rounded up to a power
    of two.

    A low correlation that neither more light nor ``repeat`` improves has other causes than noise:
    polarisations that do not interfere (there is no polariser, and the matrix above has rank 4),
    glass that drifted during the measurement, or a coherent background, as from the zeroth order of
    a modulator.

    With phase steps, I(p + s_k) - I(p - s_k) = 4 Re(conj(a_k) f), with twice n_references frames
    per pattern.

    References
    ----------
    .. [1] S. M. Popoff et al., "Measuring the transmission matrix in optics", Physical Review
       Letters 104, 2010.
    .. [2] S. Gupta et al., "Don't take it lightly: phasing optical random projections with unknown
       operators", NeurIPS 2019.

    Examples
    --------
    >>> from skopu import OPU, Camera, GaussianMedium
    >>> from skopu.bench import measure_transmission_matrix
    >>> opu = OPU(GaussianMedium(), Camera(bits=8, photons=1000), input_bits=1)
    >>> medium, report = measure_transmission_matrix(opu, n_inputs=64, n_modes=200)
    >>> medium.matrix.shape
    (200, 64)
    >>> report.correlation > 0.97
    True
    """
    if not isinstance(opu, Device):
        raise ValueError(f"opu must be an OPU or another Device, got {opu!r}.")
    n_inputs, n_modes = check_count(n_inputs, "n_inputs"), check_count(n_modes, "n_modes")
    n_references = check_count(n_references, "n_references", 3)
    n_lit = check_count(
        max(1, n_inputs // 8) if reference_size is None else reference_size, "reference_size"
    )
    repeat, n_test = check_count(repeat, "repeat"), check_count(n_test, "n_test", 2)
    opu.check(n_inputs + n_references * n_lit, n_modes, "intensity")
    references = np.zeros((n_references, n_inputs + n_references * n_lit))
    for k, reference in enumerate(references):
        reference[n_inputs + k * n_lit : n_inputs + (k + 1) * n_lit] = 1
    if phase_steps and getattr(opu, "input_bits", None) is not None:
        raise ValueError(
            f"phase_steps needs negative amplitudes, and the device shows {opu.input_bits} bits of "
            "positive ones. Leave phase_steps out."
        )
    signs = _signs(n_inputs, random_state)
    beside = _two_phases if phase_steps else _with_and_without
    frames = 0

    with progress_bar(verbose, len(signs), "matrix", " patterns") as done:

        def read(rows, repeat):
            nonlocal frames
            frames += opu.exposures(len(rows), repeat=repeat)
            return opu.project(np.asarray(rows, np.float64), n_modes, "intensity", repeat=repeat)

        alone, gram = _products(references, lambda rows: read(rows, _STEADY * repeat))

        def products_of(lit, repeat=repeat):
            """Real parts of conj(a_k) f for rows of inputs and each reference k."""
            wide = np.zeros((len(lit), references.shape[1]))
            wide[:, :n_inputs] = lit
            found = beside(wide, references, alone, lambda rows: read(rows, repeat))
            return found.astype(np.float32).reshape(len(lit), -1)

        total = np.zeros((n_inputs, n_references * n_modes), np.float32)
        if not phase_steps:
            every = products_of(np.ones((1, n_inputs)), _STEADY * repeat)
        for rows in pieces(len(signs), _ROWS):
            if phase_steps:
                seen = products_of(signs[rows])
            else:
                seen = 2 * products_of((signs[rows] + 1.0) / 2) - every
            total += signs[rows].T.astype(np.float32) @ seen
            done(rows.stop - rows.start)
    products = total.reshape(n_inputs, n_references, n_modes) / len(signs)
    matrix = _entries(products, gram)
    test = np.zeros((n_test, references.shape[1]))
    test[:, :n_inputs] = random_signs(random_state, "test", n_test, n_inputs) > 0
    test[~test.any(axis=1), 0] = 1  # there is nothing to predict of darkness
    predicted = abs(test[:, :n_inputs] @ matrix.T) ** 2
    found = correlations(predicted, read(test, repeat))
    if n_modes == 1:
        found[:] = np.nan
    report = TransmissionReport(float(found.mean()), float(found.std(ddof=1)), n_test, frames)
    return MeasuredMedium(matrix, normalize=None), report


def _signs(n_inputs, seed):
    """Rows of a Hadamard basis of the inputs, each with a random sign.

    A basis has a row of ones, and an input whose entries are all ones. Without the signs, what is
    wrong with the frame of all inputs, which is subtracted from every other, would fall upon it.
    """
    order = 1 << (n_inputs - 1).bit_length()
    basis = hadamard(order, np.int8)[:, :n_inputs]
    return basis * random_signs(seed, "basi", order, 1).astype(np.int8)


def _with_and_without(patterns, references, alone, read):
    """Real parts of conj(a_k) f, from frames of each pattern alone and beside each reference."""
    rows = np.repeat(patterns[:, None], 1 + len(references), axis=1)
    rows[:, 1:] += references
    found = read(rows.reshape(-1, rows.shape[2])).reshape(*rows.shape[:2], -1)
    return (found[:, 1:] - found[:, :1] - alone) / 2


def _two_phases(patterns, references, alone, read):
    """The same, from frames of each pattern beside each reference, and beside its negative."""
    rows = patterns[:, None, None] + np.stack([references, -references])
    found = read(rows.reshape(-1, rows.shape[3])).reshape(*rows.shape[:3], -1)
    return (found[:, 0] - found[:, 1]) / 4


def _products(references, read):
    """Intensities of references, and the real parts of conj(a_j) a_k of their fields, per mode."""
    first, second = np.triu_indices(len(references), 1)
    intensities = read(np.concatenate([references, references[first] + references[second]]))
    alone, pairs = intensities[: len(references)], intensities[len(references) :]
    gram = np.zeros((alone.shape[1], len(references), len(references)))
    diagonal = np.arange(len(references))
    gram[:, diagonal, diagonal] = alone.T
    between = (pairs - alone[first] - alone[second]).T / 2
    gram[:, first, second] = gram[:, second, first] = between
    return alone, gram


def _entries(products, gram):
    """Matrix of shape (n_modes, n_inputs) from products of its entries with the references.

    Parameters
    ----------
    products : ndarray of shape (n_inputs, n_references, n_modes)
        Real parts of conj(a_k) r.
    gram : ndarray of shape (n_modes, n_references, n_references)
        Real parts of conj(a_j) a_k.
    """
    values, vectors = np.linalg.eigh(gram)
    plane = np.einsum("ikm,mkc->imc", products, vectors, optimize=True)
    # What lies outside of the plane of the references' fields is noise.
    noise = np.square(plane[:, :, :-2]).mean(axis=(0, 2))
    # The entries with the least mean squared error: both parts have a variance of a half.
    values = np.maximum(values[:, -2:], 0)
    damped = values + 2 * noise[:, None]
    # Where there is neither light nor noise, as at a dead pixel, entries are zero.
    plane = plane[:, :, -2:] * np.divide(
        np.sqrt(values), damped, out=np.zeros_like(damped), where=damped > 0
    )
    return np.ascontiguousarray((plane[..., 0] + 1j * plane[..., 1]).T, np.complex64)
