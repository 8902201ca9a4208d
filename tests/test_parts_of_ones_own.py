"""Media, kernels, camera effects, trace methods and solvers that users write, and get wrong."""

import numpy as np
import pytest
from sklearn.base import clone

from skopu import OPU, Camera, OpticalRandomFeatures, OpticalRidge, OPUTraceEstimator, opu_trace
from skopu.kernels import Kernel
from skopu.linalg import TraceMethod
from skopu.linear_model import RidgeSolver
from skopu.optics import CameraEffect, GaussianMedium, Medium

X = np.random.default_rng(0).normal(size=(30, 6))
y = X[:, 0]
A = X @ X.T
PLAIN = GaussianMedium(random_state=3)


class Glass(Medium):
    """What change makes of the blocks of a good medium."""

    def __init__(self, change):
        self.change = change

    def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
        block = PLAIN.matrix_block(n_inputs, inputs, modes, dtype=np.complex128, seed=3)
        return self.change(block)


class Feature(Kernel):
    """What change makes of projections."""

    def __init__(self, change, reading="linear"):
        self.change = change
        self.reading = reading

    def activate(self, piece, outputs, features):
        return self.change(piece)


class Effect(CameraEffect):
    """What change makes of a signal."""

    def __init__(self, change):
        self.change = change

    def apply(self, signal, generator):
        return self.change(signal)


class Method(TraceMethod):
    """Hutchinson's estimate, or what change makes of A, products and device."""

    name = "own"

    def __init__(self, change):
        self.change = change

    def estimate(self, A, n_products, opu):
        return self.change(A, n_products, opu)


class Solver(RidgeSolver):
    """What change makes of a problem."""

    name = "own"

    def __init__(self, change, least_norm=False):
        self.change = change
        self.least_norm = least_norm

    def solve(self, problem, alphas):
        return self.change(problem, alphas)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("change", [np.complex64, np.complex128, np.asfortranarray])
def test_blocks_of_any_precision_and_order(dtype, change):
    rows = X.astype(dtype)
    expected = PLAIN.field(rows, 50)
    assert np.allclose(Glass(change).field(rows, 50), expected, rtol=1e-4, atol=1e-5)
    expected = PLAIN.transmission_matrix(6, 50)
    assert np.allclose(Glass(change).transmission_matrix(6, 50), expected, rtol=1e-5, atol=1e-6)


def test_real_blocks_are_complex_ones():
    field = Glass(lambda block: np.ascontiguousarray(block.real)).field(X, 9)
    assert np.allclose(field, X @ PLAIN.transmission_matrix(6, 9).T.real)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (np.transpose, r"shape \(6, 9\), got complex128 of shape \(9, 6\). A row is an input"),
        (lambda block: block[:3], r"shape \(6, 9\), got complex128 of shape \(3, 9\)"),
        (lambda block: block[0], r"got complex128 of shape \(9,\)"),
        (np.ndarray.tolist, r"shape \(6, 9\), got list"),
        (lambda block: None, "got NoneType"),
        (lambda block: block.astype(str), "got <U"),
    ],
)
def test_wrong_blocks(change, match):
    medium = Glass(change)
    lit = (
        lambda: medium.field(X, 9),
        lambda: medium.transmission_matrix(6, 9),
        lambda: OPU(medium).intensity(X.astype(np.float32), 9),
        lambda: medium.as_linear_operator(6, 9).rmatvec(np.ones(9)),
    )
    for light in lit:
        with pytest.raises(ValueError, match=rf"Glass.matrix_block must .*{match}"):
            light()


@pytest.mark.parametrize("change", [lambda Z: Z > 0, lambda Z: np.sign(Z).astype(int)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_features_of_any_real_type(change, dtype):
    found = OpticalRandomFeatures(40, kernel=Feature(change), opu=OPU(PLAIN)).fit_transform(
        X.astype(dtype)
    )
    assert found.dtype == dtype
    expected = change(OPU(PLAIN).linear(X.astype(dtype), 40)) / np.sqrt(dtype(40))
    assert np.allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda Z: Z.sum(axis=0), r"got float64 of shape \(40,\). A feature is made of each"),
        (lambda Z: Z[:, :1], "got float64 of shape"),
        (lambda Z: np.hstack([Z, Z]), "got float64 of shape"),
        (lambda Z: None, "got NoneType"),
        (lambda Z: 1.0, "got float"),
        (lambda Z: Z + 1j, "real numbers .* got complex128"),
    ],
)
def test_wrong_features(change, match):
    model = OpticalRandomFeatures(40, kernel=Feature(change)).fit(X)
    with pytest.raises(ValueError, match=f"Feature.activate must return .*{match}"):
        model.transform(X)


def test_a_kernel_of_an_unknown_reading():
    with pytest.raises(ValueError, match='must be "intensity" or "linear", got \'lineer\''):
        OpticalRandomFeatures(kernel=Feature(np.cos, "lineer")).fit(X)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda signal: 1.0, r"shape \(9,\), got float"),
        (lambda signal: signal[:1], r"got float64 of shape \(1,\)"),
        (lambda signal: None, "got NoneType"),
        (np.ndarray.tolist, "got list"),
        (lambda signal: signal * 1j, "real numbers"),
    ],
)
def test_wrong_signals(change, match):
    opu = OPU(camera=Camera(effects=[Effect(change)]))
    with pytest.raises(ValueError, match=f"Effect.apply must return .*{match}"):
        opu.intensity(X, 9)


def test_an_effect_cannot_write_to_the_signal():
    """It would be the next exposure's as well."""

    def double(signal):
        signal *= 2
        return signal

    opu = OPU(camera=Camera(effects=[Effect(double)]))
    with pytest.raises(ValueError, match="read-only"):
        opu.intensity(X, 9, repeat=2)


def in_two_parts(A, n_products, opu):
    """Hutch++ by two sets of probes."""
    rank = n_products // 3
    Q, _ = np.linalg.qr(A.matmat(Method.probes(A, rank, opu)))
    known = np.sum(Q * A.matmat(Q))
    rest = Method.probes(A, n_products - 2 * rank, opu)
    rest -= Q @ (Q.T @ rest)
    forms = (rest * A.matmat(rest)).sum(axis=0)
    return known + forms.mean(), forms.std(ddof=1) / len(forms) ** 0.5


@pytest.mark.parametrize("function", [None, "sqrt"])
def test_probes_are_others_in_each_call(function):
    matrix = np.diag(np.r_[np.full(5, 100.0), np.ones(95)])
    truth = np.sum(np.sqrt(matrix) if function else matrix)
    z = []
    for seed in range(40):
        found = opu_trace(
            matrix,
            60 if function is None else 300,
            method=Method(in_two_parts),
            function=function,
            lanczos_steps=5,
            random_state=seed,
        )
        z.append((found.value - truth) / found.standard_error)
    assert abs(np.mean(z)) < 4 * 1.3 / 40**0.5
    assert np.std(z) < 2


def test_probes_are_the_next_of_one_sequence():
    seen = []

    def remember(A, n_products, opu):
        seen.append(np.hstack([Method.probes(A, n, opu) for n in (1, 3, 4)]))
        seen.append(Method(None).probes(type(A)(A.A, "A"), 8, opu))
        return 0.0, 0.0

    opu_trace(A, 8, method=Method(remember), random_state=0)
    assert np.allclose(*seen)


@pytest.mark.parametrize(
    "found",
    [1.0, (1.0,), (1.0, 2.0, 3.0), (np.nan, 1.0), (1.0, np.nan), (1.0, -1.0), None, ("one", "two")],
)
def test_wrong_estimates(found):
    for estimate in (opu_trace, lambda A, **options: OPUTraceEstimator(**options).fit(A)):
        with pytest.raises(ValueError, match=r"Method\.estimate must return a finite") as told:
            estimate(A, method=Method(lambda *arguments: found))
        assert repr(found) in str(told.value)


def test_too_many_products():
    def spend(A, n_products, opu):
        A.matmat(np.ones((30, n_products + 1)))
        return 1.0, 1.0

    with pytest.raises(ValueError, match="has made 11 products, and n_matvecs=10 were allowed"):
        opu_trace(A, 10, method=Method(spend))


def test_products_take_columns():
    with pytest.raises(ValueError, match=r"2-d arrays of columns, got shape \(30,\)"):
        opu_trace(A, 10, method=Method(lambda A, n, opu: A.matmat(np.ones(30))))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda problem, alphas: np.zeros((20, 1)), r"must return problem.solution\(coef, alpha\)"),
        (lambda problem, alphas: None, "got NoneType"),
        (lambda problem, alphas: problem.solution(np.full((20, 1), np.nan), 1), "20 that are NaN"),
        (lambda problem, alphas: problem.solution(np.zeros(20), 1), r"got shape \(20,\)"),
    ],
)
def test_wrong_solutions(change, match):
    model = OpticalRidge(20, solver=Solver(change))
    with pytest.raises(ValueError, match=match):
        model.fit(X, y)
    assert not hasattr(model, "coef_")


def test_coefficients_as_a_list():
    def zeros(problem, alphas):
        return problem.solution([[0.0]] * 20, alphas[0])

    model = OpticalRidge(20, solver=Solver(zeros)).fit(X, y)
    assert np.allclose(model.predict(X), y.mean())


def test_a_solver_of_one_alpha_is_given_one():
    model = OpticalRidge(20, alphas=[1.0, 2.0], solver=Solver(None))
    with pytest.raises(ValueError, match='"own" does not choose among alphas'):
        model.fit(X, y)


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (OpticalRandomFeatures(kernel=Feature(np.cos)), "kernel__reading"),
        (OPUTraceEstimator(method=Method(None)), "method__change"),
        (OpticalRidge(solver=Solver(None)), "solver__least_norm"),
        (OPU(Glass(None)), "medium__change"),
    ],
)
def test_parameters_of_parts_have_nested_names(estimator, name):
    part, parameter = name.split("__")
    copy = clone(estimator).set_params(**{name: "other"})
    assert getattr(getattr(copy, part), parameter) == "other"
    assert getattr(getattr(estimator, part), parameter) != "other"
    assert f"{parameter}='other'" in repr(getattr(copy, part))
