import itertools
import pickle

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import aslinearoperator
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from skopu import OPU, GaussianMedium, LayeredMedium, OPUTruncatedSVD

from .linalg.matrices import FORMS, memory_map

X = load_digits().data[:300]
ATTRIBUTES = ["components_", "singular_values_", "explained_variance_", "explained_variance_ratio_"]


@pytest.mark.parametrize("matrix", [X, scipy.sparse.csr_matrix(X)], ids=["dense", "sparse"])
def test_agrees_with_truncated_svd(matrix):
    ours = OPUTruncatedSVD(8, n_iter=8, random_state=0)
    theirs = TruncatedSVD(8, algorithm="arpack", random_state=0)
    ours_new, theirs_new = ours.fit_transform(matrix), theirs.fit_transform(matrix)
    assert np.allclose(ours_new, theirs_new, atol=1e-5)
    for name in ATTRIBUTES:
        assert np.allclose(getattr(ours, name), getattr(theirs, name), atol=1e-6), name
    assert np.allclose(ours.inverse_transform(ours_new), theirs.inverse_transform(theirs_new))
    assert list(ours.get_feature_names_out())[:2] == ["oputruncatedsvd0", "oputruncatedsvd1"]


def test_every_public_attribute_of_truncated_svd():
    ours, theirs = OPUTruncatedSVD().fit(X), TruncatedSVD().fit(X)
    public = {name for name in vars(theirs) if name.endswith("_") and name[0] != "_"}
    assert public <= set(vars(ours))


@pytest.mark.parametrize("n_iter", [0, 1, "auto"])
def test_fit_transform_is_fit_then_transform(n_iter):
    svd = OPUTruncatedSVD(5, n_iter=n_iter, random_state=0)
    assert np.array_equal(svd.fit_transform(X), svd.fit(X).transform(X))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same(form, tmp_path):
    expected = OPUTruncatedSVD(5, random_state=3).fit(X)
    matrix = FORMS[form](X, tmp_path)
    svd = OPUTruncatedSVD(5, random_state=3).fit(matrix)
    assert np.allclose(svd.transform(matrix), expected.transform(X), atol=1e-6)
    for name in ATTRIBUTES:
        if form == "operator" and name == "explained_variance_ratio_":
            assert not hasattr(svd, name)
        else:
            assert np.allclose(getattr(svd, name), getattr(expected, name), atol=1e-6), name


def test_total_variance_of_many_chunks(monkeypatch):
    drifting = X + 30 * np.arange(len(X))[:, None]
    expected = OPUTruncatedSVD(2, random_state=0).fit(drifting).explained_variance_ratio_
    monkeypatch.setattr("skopu.linalg._tall_blocks._CHUNK", 1)
    ratio = OPUTruncatedSVD(2, random_state=0).fit(drifting).explained_variance_ratio_
    assert np.allclose(ratio, expected, rtol=1e-9)


def test_ratio_goes_with_a_second_fit():
    svd = OPUTruncatedSVD(2).fit(X)
    assert not hasattr(svd.fit(aslinearoperator(X)), "explained_variance_ratio_")
    assert hasattr(svd.fit(X), "explained_variance_ratio_")


def test_a_memory_map_is_never_copied(tmp_path, monkeypatch):
    """The largest array made while a map is factored is far smaller than the map."""
    import tracemalloc

    rng = np.random.default_rng(0)
    A = rng.normal(size=(40_000, 20)) @ rng.normal(size=(20, 400))
    for dtype in (np.float32, np.int8):
        for order in ("C", "F"):
            on_disk = memory_map(A.astype(dtype), tmp_path / "map", order)
            monkeypatch.setattr("skopu.linalg._operator._PIECE_BYTES", 2**20)
            tracemalloc.start()
            OPUTruncatedSVD(2, n_oversamples=2, random_state=0).fit(on_disk)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < 0.4 * A.size * 4 if dtype == np.float32 else 0.9 * A.size


def test_passes():
    svd = OPUTruncatedSVD(5, n_iter=3, random_state=0).fit(X)
    assert (svd.n_iter_, svd.n_passes_) == (3, 2 * 3 + 2 + 2)
    auto = OPUTruncatedSVD(5, random_state=0).fit(X)
    assert auto.n_passes_ in (2 * auto.n_iter_ + 4, 2 * auto.n_iter_ + 5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype(dtype):
    svd = OPUTruncatedSVD(4, random_state=0).fit(X.astype(dtype))
    assert svd.transform(X.astype(dtype)).dtype == dtype
    assert svd.components_.dtype == svd.singular_values_.dtype == dtype


def test_orthonormal_for_low_rank_and_zero():
    for matrix in (np.zeros((30, 20)), np.ones((30, 20))):
        svd = OPUTruncatedSVD(4, random_state=0).fit(matrix)
        assert np.allclose(svd.components_ @ svd.components_.T, np.eye(4))
        assert np.isfinite(svd.explained_variance_ratio_).all()


def test_latent_semantic_analysis():
    texts = ["light light glass", "glass speckle light", "kernel ridge", "ridge kernel svd"] * 10
    y = [0, 0, 1, 1] * 10
    lsa = make_pipeline(
        TfidfVectorizer(), OPUTruncatedSVD(2, random_state=0), Normalizer(), LogisticRegression()
    )
    assert lsa.fit(texts, y).score(texts, y) == 1
    search = GridSearchCV(lsa, {"oputruncatedsvd__n_components": [1, 2]}, cv=2).fit(texts, y)
    assert search.best_score_ == 1


def test_device():
    opu = OPU(LayeredMedium(), random_state=4)
    svd = OPUTruncatedSVD(3, opu=opu).fit(X)
    assert svd.opu_ is not opu
    assert svd.opu_.get_params()["random_state"] == 4
    assert isinstance(OPUTruncatedSVD(3).fit(X).opu_.medium, GaussianMedium)
    assert isinstance(OPUTruncatedSVD(random_state=0).fit(X).opu_.random_state, int)


def test_same_random_state_same_result():
    svd = OPUTruncatedSVD(4, random_state=5)
    first = svd.fit(X).components_
    assert np.array_equal(clone(svd).fit(X).components_, first)
    loaded = pickle.loads(pickle.dumps(svd))
    assert np.array_equal(loaded.transform(X), svd.transform(X))


@pytest.mark.parametrize(
    ("matrix", "n_components", "match"),
    [
        (X, 65, r"n_components\(65\) must be <= "),
        (aslinearoperator(X), 65, r"n_components\(65\) must be <= "),
        (X * np.nan, 2, "NaN"),
        (X * 1j, 2, "[Cc]omplex"),
        (aslinearoperator(X * 1j), 2, "X must be real"),
        (X[:0], 2, "0 sample"),
    ],
)
def test_bad_input(matrix, n_components, match):
    with pytest.raises(ValueError, match=match):
        OPUTruncatedSVD(n_components).fit(matrix)


def test_nan_in_a_memory_map(tmp_path):
    broken = X.copy()
    broken[7, 3] = np.nan
    with pytest.raises(ValueError, match="X contains NaN"):
        OPUTruncatedSVD().fit(memory_map(broken, tmp_path / "map"))


def test_wrong_number_of_features(tmp_path):
    svd = OPUTruncatedSVD(3).fit(X)
    for matrix in (X[:, 1:], aslinearoperator(X[:, 1:]), memory_map(X[:, 1:], tmp_path / "map")):
        with pytest.raises(ValueError, match="X has 63 features, but OPUTruncatedSVD"):
            svd.transform(matrix)
    with pytest.raises(ValueError, match="5 columns, but there are 3 components"):
        svd.inverse_transform(X[:, :5])


def batches(data, *sizes):
    edges = np.cumsum([0, *sizes, len(data) - sum(sizes)])
    return [data[low:high] for low, high in itertools.pairwise(edges)]


def test_partial_fit_of_a_low_rank_matrix_is_exact():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 50)) + 3
    expected = TruncatedSVD(7, algorithm="arpack").fit(data)
    svd = OPUTruncatedSVD(7, random_state=0)
    for batch in batches(data, 3, 100):
        assert svd.partial_fit(batch) is svd
    for name in ATTRIBUTES:
        assert np.allclose(getattr(svd, name), getattr(expected, name), atol=1e-5), name
    assert svd.n_samples_seen_ == 200
    assert np.allclose(svd.transform(data), expected.transform(data), atol=1e-5)


@pytest.mark.parametrize("form", [name for name in FORMS if name != "operator"])
def test_partial_fit_of_every_form_gives_the_same(form, tmp_path):
    arrays, parts = OPUTruncatedSVD(5, random_state=0), OPUTruncatedSVD(5, random_state=0)
    for number, batch in enumerate(batches(X, 2, 150)):
        (tmp_path / str(number)).mkdir()
        arrays.partial_fit(batch)
        parts.partial_fit(FORMS[form](batch, tmp_path / str(number)))
    for name in ATTRIBUTES:
        assert np.allclose(getattr(arrays, name), getattr(parts, name), atol=1e-6), name


@pytest.mark.parametrize("sizes", [[], [2, 150], [100] * 2, [1] * 40])
def test_partial_fit_depends_little_on_batches(sizes):
    exact = np.linalg.svd(X, compute_uv=False)[:5]
    svd = OPUTruncatedSVD(5, random_state=0)
    for batch in batches(X, *sizes):
        svd.partial_fit(batch)
    assert np.all(svd.singular_values_ <= exact * (1 + 1e-9))
    assert np.allclose(svd.singular_values_, exact, rtol=2e-3)


@pytest.mark.parametrize("decay", [0.5, 1.0])
def test_energy_that_partial_fit_misses(decay):
    """Batches that bring new directions lose little more than the best components would."""
    values = np.arange(1, 61) ** -decay
    for seed in range(5):
        rng = np.random.default_rng(seed)
        data = rng.normal(size=(300, 60)) * values
        svd = OPUTruncatedSVD(5, random_state=seed)
        for batch in batches(data, *[30] * 9):
            svd.partial_fit(batch)
        rest = data - data @ svd.components_.T @ svd.components_
        least = np.sum(np.linalg.svd(data, compute_uv=False)[5:] ** 2)
        assert 1 <= np.sum(rest**2) / least < 1.01


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_partial_fit_keeps_orthonormal_components(dtype):
    for data in (np.zeros((4, 30)), X[:3], X):
        svd = OPUTruncatedSVD(10, random_state=0).partial_fit(data.astype(dtype))
        assert svd.components_.dtype == svd.singular_values_.dtype == dtype
        tol = 1e-5 if dtype == np.float32 else 1e-12
        assert np.allclose(svd.components_ @ svd.components_.T, np.eye(10), atol=tol)
        expected = np.linalg.norm(data, 2)
        floor = 10 * np.sqrt(np.finfo(dtype).eps) * expected + 1e-100
        assert np.all(svd.singular_values_[len(data) :] <= floor)
        assert np.isclose(svd.singular_values_[0], expected, rtol=1e-3)


def test_partial_fit_goes_on_from_fit_and_fit_begins_anew():
    exact = np.linalg.svd(X, compute_uv=False)[:3]
    svd = OPUTruncatedSVD(3, random_state=0).fit(X[:200])
    again = pickle.loads(pickle.dumps(svd)).partial_fit(X[200:])
    assert np.array_equal(again.components_, svd.partial_fit(X[200:]).components_)
    assert svd.n_samples_seen_ == len(X)
    assert np.allclose(svd.singular_values_, exact, rtol=0.02)
    assert np.array_equal(
        svd.fit(X).components_, OPUTruncatedSVD(3, random_state=0).fit(X).components_
    )
    with pytest.raises(ValueError, match="fit has seen a LinearOperator"):
        svd.fit(aslinearoperator(X)).partial_fit(X)


@pytest.mark.parametrize(
    ("dtype", "scale", "match"),
    [
        (np.float32, 1e-22, "so small that float32 does not hold"),
        (np.float32, 1e22, "so large that float32 does not hold"),
        (np.float64, 1e-170, "so small that float64 does not hold"),
        (np.float64, 1e155, "so large that float64 does not hold"),
    ],
)
def test_variance_beyond_the_range_of_floats_is_refused(dtype, scale, match):
    rows = (np.random.default_rng(0).normal(size=(50, 8)) * scale).astype(dtype)
    for fit in (OPUTruncatedSVD(2).fit, OPUTruncatedSVD(2).partial_fit):
        with pytest.raises(ValueError, match=match + " their squares. Scale X first"):
            fit(rows)
    ordinary = np.random.default_rng(1).normal(size=(50, 8)).astype(dtype)
    if scale < 1:  # beside which they are nothing
        OPUTruncatedSVD(2).partial_fit(ordinary).partial_fit(rows)
    zero = OPUTruncatedSVD(2).partial_fit(0 * ordinary)
    assert np.array_equal(zero.explained_variance_ratio_, [0, 0])


def test_a_failed_partial_fit_changes_nothing():
    svd = OPUTruncatedSVD(3, random_state=0)
    holes = np.where(np.eye(300, 64) > 0, np.nan, X)
    with pytest.raises(ValueError, match="NaN"):
        svd.partial_fit(holes)
    assert not hasattr(svd, "n_features_in_")
    before = dict(vars(svd.partial_fit(X)))
    for bad, match in [
        (X[:, :9], "X has 9 features, but OPUTruncatedSVD is expecting 64"),
        (holes, "NaN"),
        (aslinearoperator(X), "takes rows"),
    ]:
        with pytest.raises(ValueError, match=match):
            svd.partial_fit(bad)
        assert vars(svd) == before or all(vars(svd)[name] is before[name] for name in before)
    with pytest.raises(ValueError, match="raised since the first batch"):
        svd.set_params(n_components=5).partial_fit(X)
    with pytest.raises(ValueError, match="must be <= n_features = 64"):
        OPUTruncatedSVD(65).partial_fit(X)
