"""A measured transmission matrix: files, memory maps, normalisation, report."""

import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skopu.optics import OPU, GaussianMedium, MeasuredMedium
from tests.statistics import z_score


def glass(n_outputs=300, n_inputs=40, scale=7.0):
    return scale * GaussianMedium(1).transmission_matrix(n_inputs, n_outputs)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "glass.npy"
    np.save(file, glass())
    return file


def test_normalisation():
    matrix = glass()
    scaled = MeasuredMedium(matrix).transmission_matrix(40, 300)
    assert_allclose(np.mean(np.abs(scaled) ** 2), 1)
    assert_allclose(scaled, matrix / np.sqrt(np.mean(np.abs(matrix) ** 2)))
    as_is = MeasuredMedium(matrix, normalize=None)
    assert_array_equal(as_is.transmission_matrix(40, 100, start=200), matrix[200:])


def test_fewer_inputs_light_the_first():
    matrix, X = glass(), np.random.default_rng(0).normal(size=(3, 25))
    field = MeasuredMedium(matrix, normalize=None).field(X, 300)
    assert_allclose(field, X @ matrix[:, :25].T)


@pytest.mark.parametrize("kind", ["path", "str", "map"])
def test_stays_mapped_after_clone_and_pickle(path, kind):
    given = {"path": path, "str": str(path), "map": np.load(path, mmap_mode="r")}[kind]
    X = np.random.default_rng(0).normal(size=(3, 40))
    expected = MeasuredMedium(glass()).field(X, 300)
    medium = MeasuredMedium(given)
    assert_allclose(medium.field(X, 300), expected)
    for copy in (clone(medium), pickle.loads(pickle.dumps(medium)), clone(OPU(medium)).medium):
        assert isinstance(copy._open()[0], np.memmap)
        assert_allclose(copy.field(X, 300), expected)
        assert len(pickle.dumps(copy)) < 2000


def test_changes_to_a_copy_on_write_map_survive_pickling(path):
    changed = np.load(path, mmap_mode="c")
    changed[0] = 5
    copy = pickle.loads(pickle.dumps(MeasuredMedium(changed)))
    assert_array_equal(copy._open()[0], changed)


def test_clones_do_not_read_the_file_again(path, monkeypatch):
    medium = MeasuredMedium(path)
    medium.field(np.ones((1, 40)), 5)
    monkeypatch.setattr(MeasuredMedium, "_check", None)
    clone(medium).field(np.ones((1, 40)), 5)


def test_map_of_fortran_order_and_slice_of_a_map_survive_pickling(tmp_path):
    np.save(tmp_path / "f.npy", np.asfortranarray(glass()))
    whole = np.load(tmp_path / "f.npy", mmap_mode="r")
    assert not whole.flags.c_contiguous
    for given in (whole, whole[50:], whole[:, ::2]):
        copy = pickle.loads(pickle.dumps(MeasuredMedium(given, normalize=None)))
        assert_array_equal(copy._open()[0], given)


def test_a_large_map_is_never_in_memory_as_a_whole(tmp_path):
    big = np.lib.format.open_memmap(
        tmp_path / "big.npy", "w+", dtype=np.complex64, shape=(2000, 20_000)
    )
    for row in range(0, 2000, 100):
        big[row : row + 100] = row + 1j
    size = big.nbytes
    del big
    medium = MeasuredMedium(tmp_path / "big.npy")
    X = np.ones((2, 20_000), np.float32)
    tracemalloc.start()
    medium.field(X, 2000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.8 * size


def test_clone_shares_the_array_and_set_params_replaces_it():
    matrix = glass()
    medium = MeasuredMedium(matrix)
    assert clone(medium).get_params()["matrix"] is matrix
    before = medium.field(np.ones((1, 40)), 10)
    medium.set_params(matrix=matrix[::-1], normalize=None)
    after = medium.field(np.ones((1, 40)), 10)
    assert_allclose(after, matrix[::-1][:10].sum(axis=1)[None])
    assert not np.allclose(before, after)


@pytest.mark.parametrize("dtype", [np.complex64, np.float64, np.int16])
def test_other_types(dtype):
    matrix = glass().real.astype(dtype)
    X = np.ones((1, 40))
    assert_allclose(
        MeasuredMedium(matrix, None).field(X, 9), matrix[:9].sum(axis=1)[None], rtol=1e-5
    )
    assert_allclose(
        MeasuredMedium(matrix.tolist(), None).field(X, 9), matrix[:9].sum(axis=1)[None], rtol=1e-5
    )


@pytest.mark.parametrize(("n_outputs", "n_inputs"), [(60, 20), (7, 30), (2, 1), (1, 2)])
def test_report_of_ideal_glass(n_outputs, n_inputs):
    """The squares of the expected numbers are the means of squares, also of small glass."""
    reports = [
        MeasuredMedium(7 * GaussianMedium(seed).transmission_matrix(n_inputs, n_outputs)).isotropy()
        for seed in range(500)
    ]
    assert abs(z_score([report.rms**2 for report in reports], 49)) < 4.5
    measured = ["mean", "pseudo_variance", "input_spread", "output_spread"]
    expected = {name: f"expected_{name}" for name in measured}
    if n_outputs > 1:
        names = ["mode_correlation", "neighbour_correlation"]
        expected |= dict.fromkeys(names, "expected_mode_correlation")
    for name, expected_name in expected.items():
        squares = np.array([getattr(report, name) ** 2 for report in reports])
        mean_square = getattr(reports[0], expected_name) ** 2
        if np.ptp(squares) < 1e-12:  # one row or column has no spread, one input no angles
            assert_allclose(squares, mean_square, atol=1e-12)
        else:
            assert abs(z_score(squares, mean_square)) < 4.5, name


def test_expected_report_is_that_of_large_glass():
    report = MeasuredMedium(glass(1200, 400)).isotropy()
    assert report.expected_mode_correlation == 1 / 20
    assert_allclose(report.expected_mean, 1 / np.sqrt(480_000))
    assert_allclose(report.expected_pseudo_variance, np.sqrt(2 / 480_000), rtol=1e-5)
    assert_allclose(report.expected_input_spread, 1 / np.sqrt(1200), rtol=0.002)
    assert_allclose(report.expected_output_spread, 1 / np.sqrt(400), rtol=0.002)


def test_report_of_bad_glass():
    good = glass(1200, 400)
    vignetted = good * np.linspace(0.2, 1.8, 400)
    assert MeasuredMedium(vignetted).isotropy().input_spread > 0.5
    assert MeasuredMedium(vignetted.T.copy()).isotropy().output_spread > 0.5
    blurred = good + np.roll(good, 1, axis=0)
    assert MeasuredMedium(blurred).isotropy().neighbour_correlation > 0.45
    assert MeasuredMedium(good.real).isotropy().pseudo_variance > 0.9
    assert MeasuredMedium(good + 14).isotropy().mean > 0.8
    assert MeasuredMedium(good[:1]).isotropy().mode_correlation == 0


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones(5), "must be 2-d"),
        (np.ones((0, 5)), "must be 2-d"),
        (np.array([["a"]]), "must hold numbers"),
        (np.array([[1, None]], dtype=object), "must hold numbers"),
        (np.array([[1.0, np.nan]]), "NaN or infinity in 1 of rows 0 to 0"),
        (np.array([[1.0, complex(0, np.inf)]]), "NaN or infinity"),
        (np.zeros((3, 3)), "no light"),
    ],
)
def test_bad_matrix(matrix, message):
    with pytest.raises(ValueError, match=message):
        MeasuredMedium(matrix).field(np.ones((1, 1)), 1)


def test_a_matrix_too_small_to_be_scaled():
    with pytest.raises(ValueError, match="no float can scale"):
        MeasuredMedium(1e-310 * glass()).field(np.ones((1, 1)), 1)


@pytest.mark.parametrize("scale", [1e-160, 1e160])
def test_isotropy_of_any_scale(scale):
    rms, *report = MeasuredMedium(scale * glass()).isotropy()
    expected_rms, *expected = MeasuredMedium(glass()).isotropy()
    assert_allclose(rms, scale * expected_rms)
    assert_allclose(report, expected)


def test_a_sparse_matrix():
    with pytest.raises(ValueError, match="must be dense"):
        MeasuredMedium(scipy.sparse.csr_array(glass().real)).field(np.ones((1, 1)), 1)


def test_bad_normalize():
    with pytest.raises(ValueError, match="normalize"):
        MeasuredMedium(glass(), normalize="max").field(np.ones((1, 1)), 1)


def test_bad_files(tmp_path):
    def use(name):
        MeasuredMedium(tmp_path / name).field(np.ones((1, 1)), 1)

    with pytest.raises(FileNotFoundError, match="There is no transmission matrix at"):
        use("missing.npy")
    np.save(tmp_path / "whole.npy", glass())
    content = (tmp_path / "whole.npy").read_bytes()
    for length in (len(content) // 2, 60, 3, 0):
        (tmp_path / "part.npy").write_bytes(content[:length])
        with pytest.raises(ValueError, match="truncated"):
            use("part.npy")
    np.save(tmp_path / "objects.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="pickled"):
        use("objects.npy")
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps(glass(3, 3)))
    with pytest.raises(ValueError, match="pickled"):
        use("pickle.npy")
    np.savez(tmp_path / "several.npz", a=glass())
    with pytest.raises(ValueError, match="several arrays"):
        use("several.npz")


def test_asking_for_too_much():
    medium = MeasuredMedium(glass())
    message = "40 inputs and 300 output modes; 41 inputs and 5 modes were asked for"
    with pytest.raises(ValueError, match=message):
        medium.field(np.ones((1, 41)), 5)
    for ask in (
        lambda: medium.field(np.ones((1, 40)), 200, start=101),
        lambda: medium.transmission_matrix(40, 301),
        lambda: medium.as_linear_operator(40, 301),
    ):
        with pytest.raises(ValueError, match="301 modes were asked for"):
            ask()
