"""The engines that transform the light of layered media: they agree, and one stands in."""

import sys
import types
import warnings

import numpy as np
import pytest
import scipy.sparse

from skopu.optics import OPU, LayeredMedium, _engines

VARIABLE = "SKOPU_ENGINE"


@pytest.fixture
def fresh(monkeypatch):
    """Nothing compiled, nothing warned of, no wish of the environment's."""
    monkeypatch.setattr(_engines, "_outcomes", {})
    _engines._warn.cache_clear()
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def numba():
    return pytest.importorskip("numba")


def readings(monkeypatch, engine, X, n, n_layers=3):
    monkeypatch.setenv(VARIABLE, engine)
    opu = OPU(LayeredMedium(n_layers))
    return opu.field(X, n), opu.intensity(X, n), opu.linear(X, 2 * n - 1)


# Every length that blocks of one dimension have, and grids whose rows do not fit vectors.
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("d", [70, 1100, 1200, 1500, 1900, 2048, 9000, 16_385, 20_000, 30_000])
def test_compiled_transforms_are_those_of_scipy(monkeypatch, numba, d, dtype):
    X = np.random.default_rng(d).normal(size=(60, d)).astype(dtype)[:: 1 if d < 300 else 20]
    n = LayeredMedium().block_size(d) + 700
    expected = readings(monkeypatch, "scipy", X, n)
    found = readings(monkeypatch, "numba", X, n)
    for x, y in zip(found, expected, strict=True):
        assert x.dtype == y.dtype
        assert abs(x - y).max() < 20 * np.finfo(dtype).eps * abs(y).max()


@pytest.mark.parametrize("n_layers", [1, 2, 4])
def test_number_of_masks(monkeypatch, numba, n_layers):
    X = np.random.default_rng(0).normal(size=(3, 1000))
    expected = readings(monkeypatch, "scipy", X, 2500, n_layers)
    found = readings(monkeypatch, "numba", X, 2500, n_layers)
    for x, y in zip(found, expected, strict=True):
        assert np.allclose(x, y, rtol=0, atol=1e-12 * abs(y).max())


def test_rows_and_outputs_of_any_layout(monkeypatch, numba):
    """Sparse, Fortran-ordered, strided, read-only, unaligned: the same to the last bit."""
    monkeypatch.setenv(VARIABLE, "numba")
    opu, X = OPU(), np.random.default_rng(0).normal(size=(6, 900))
    expected = opu.intensity(X, 1500)
    read_only = X.copy()
    read_only.flags.writeable = False
    shifted = np.empty(X.nbytes + 1, np.uint8)[1:].view(X.dtype).reshape(X.shape)
    shifted[...] = X
    for rows in (
        scipy.sparse.csr_matrix(X),
        np.asfortranarray(X),
        np.repeat(X, 2, axis=1)[:, ::2],
        read_only,
        shifted,
    ):
        assert np.array_equal(opu.intensity(rows, 1500), expected)
    outs = np.empty((6, 3000))[:, ::2], np.empty((6, 1500), order="F")
    unaligned = np.empty(8 * 6 * 1500 + 1, np.uint8)[1:].view("f8").reshape(6, 1500)
    for out in (*outs, unaligned):
        assert np.array_equal(opu.project(X, 1500, "intensity", out=out), expected)
        assert np.array_equal(out, expected)


def test_modes_from_the_middle(monkeypatch, numba):
    X, medium = np.random.default_rng(0).normal(size=(4, 1000)), LayeredMedium()
    monkeypatch.setenv(VARIABLE, "scipy")
    expected = medium.field(X, 6000)
    monkeypatch.setenv(VARIABLE, "numba")
    for start, n in ((0, 900), (1000, 1048), (1024, 2048), (5, 3), (2047, 3953)):
        assert np.allclose(medium.field(X, n, start), expected[:, start : start + n], atol=1e-11)


def test_numba_is_used_where_there_is_enough_to_do(monkeypatch, numba, fresh):
    chosen = []

    def engine(masks):
        chosen.append("numba")
        return _engines.SciPyTransforms(masks)

    monkeypatch.setattr(_engines, "_compile", lambda medium, dtype: (engine, None))
    X = np.random.default_rng(0).normal(size=(300, 1000))
    OPU().intensity(X[:2], 2000)
    assert chosen == []
    OPU().intensity(X, 2000)
    assert chosen == ["numba"]
    monkeypatch.setattr(_engines, "n_threads", lambda: 64)
    OPU().intensity(X[:50], 10_000)
    assert chosen == ["numba"]
    monkeypatch.setenv(VARIABLE, "scipy")
    OPU().intensity(X, 2000)
    assert chosen == ["numba"]


def test_no_numba_is_no_reason_to_warn(monkeypatch, fresh):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "skopu.optics._numba_transforms", raising=False)
    monkeypatch.delitem(sys.modules, "skopu.optics._numba_passes", raising=False)
    X = np.random.default_rng(0).normal(size=(300, 1000))
    OPU().intensity(X, 2000)
    monkeypatch.setenv(VARIABLE, "numba")
    with pytest.warns(RuntimeWarning, match="numba is not installed"):
        OPU().intensity(X, 2000)


class WrongTransforms(_engines.SciPyTransforms):
    def read(self, light, blocks, inside, kind, out, workers):
        out[...] = 0


def raise_system_error(masks):
    raise SystemError("a numba for another NumPy")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [(WrongTransforms, "not SciPy's"), (raise_system_error, "for another NumPy")],
)
def test_broken_engine_is_named_once_and_replaced(monkeypatch, fresh, broken, reason):
    module = types.ModuleType("skopu.optics._numba_transforms")
    module.NumbaTransforms = broken
    monkeypatch.setitem(sys.modules, module.__name__, module)
    X, opu = np.random.default_rng(0).normal(size=(300, 1000)), OPU()
    with pytest.warns(RuntimeWarning, match=reason):
        found = opu.intensity(X, 2000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(opu.intensity(X, 2000), found)
    monkeypatch.setenv(VARIABLE, "scipy")
    assert np.array_equal(opu.intensity(X, 2000), found)


def test_unknown_engine(monkeypatch):
    monkeypatch.setenv(VARIABLE, "cuda")
    with pytest.raises(ValueError, match="must be"):
        OPU().intensity(np.ones((300, 1000)), 2000)
