import pickle

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import aslinearoperator
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from skopu import OPU, OPUPCA, Camera, GaussianMedium

from .linalg.matrices import FORMS

X, y = load_digits(return_X_y=True)
X = X[:400]
ATTRIBUTES = [
    *("components_", "mean_", "explained_variance_", "explained_variance_ratio_"),
    *("singular_values_", "noise_variance_"),
]
SPARSE = scipy.sparse.random(300, 120, 0.1, "csr", random_state=0)


def assert_like_pca(ours, theirs, rtol=1e-6):
    for name in ATTRIBUTES:
        atol = rtol if name == "components_" else 1e-9
        assert np.allclose(getattr(ours, name), getattr(theirs, name), rtol, atol), name


@pytest.mark.parametrize("n_components", [1, 8, 40, None])
@pytest.mark.parametrize("whiten", [False, True])
def test_like_scikit_learns(n_components, whiten):
    data = X[:, X.var(axis=0) > 1]
    ours = OPUPCA(n_components, whiten=whiten, tol=1e-8, vector_tol=1e-6, random_state=0)
    theirs = PCA(n_components, whiten=whiten, svd_solver="full").fit(data)
    found = ours.fit_transform(data)
    assert_like_pca(ours, theirs)
    assert ours.n_components_ == theirs.n_components_
    assert ours.n_samples_ == ours.n_samples_seen_ == 400
    assert np.allclose(found, theirs.transform(data), atol=1e-5)
    assert np.allclose(ours.transform(data[:7]), found[:7])
    back = ours.inverse_transform(found)
    assert np.allclose(back, theirs.inverse_transform(theirs.transform(data)), atol=1e-5)
    plain = PCA(n_components, svd_solver="full").fit(data)  # covariance is that of the data
    assert np.allclose(ours.get_covariance(), plain.get_covariance())
    assert np.allclose(ours.get_precision(), plain.get_precision())
    assert np.allclose(ours.get_precision() @ ours.get_covariance(), np.eye(data.shape[1]))
    assert np.allclose(ours.score_samples(data), plain.score_samples(data))
    assert np.isclose(ours.score(data), plain.score(data))


@pytest.mark.parametrize("tol", [0.1, 0.01, 1e-4])
def test_variances_are_within_the_tolerance(tol):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(500, 200)) * np.arange(1, 201) ** -0.4 + 10
    exact = PCA(svd_solver="full").fit(data).singular_values_[:15]
    pca = OPUPCA(15, tol=tol, random_state=0).fit(data)
    errors = 1 - pca.singular_values_ / exact
    assert np.all(errors <= pca.error_bound_)
    assert np.all(pca.error_bound_ <= tol * (1 + 1e-6))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_centred(form, tmp_path):
    dense = SPARSE.toarray() + (0 if form in ("csr", "csc", "coo") else 50)
    theirs = PCA(6, svd_solver="full").fit(dense)
    ours = OPUPCA(6, tol=1e-8, random_state=0)
    data = FORMS[form](dense, tmp_path)
    found = ours.fit_transform(data)
    assert np.allclose(ours.singular_values_, theirs.singular_values_)
    assert np.allclose(ours.mean_, dense.mean(axis=0))
    assert np.allclose(ours.transform(data), found)
    assert np.allclose(found.mean(axis=0), 0)
    if form == "operator":
        assert not hasattr(ours, "noise_variance_")
        for method in (ours.get_covariance, ours.get_precision):
            with pytest.raises(ValueError, match="does not reveal the total variance"):
                method()
        with pytest.raises(ValueError, match="does not reveal the total variance"):
            ours.score(dense)
        ours.fit(dense)
        with pytest.raises(ValueError, match="score needs rows"):
            ours.score(data)
    else:
        assert np.allclose(ours.noise_variance_, theirs.noise_variance_)
        assert np.isclose(ours.score(data), theirs.score(dense))


def test_a_fit_of_an_operator_forgets_ratios():
    pca = OPUPCA(3).fit(X).fit(aslinearoperator(X))
    assert not hasattr(pca, "explained_variance_ratio_")


@pytest.mark.parametrize("share", [1e-6, 0.3, 0.8, 0.95, 0.9999])
@pytest.mark.parametrize("data", [X, SPARSE], ids=["dense", "sparse"])
def test_a_share_of_the_variance(data, share):
    dense = data.toarray() if scipy.sparse.issparse(data) else data
    theirs = PCA(share, svd_solver="full").fit(dense)
    ours = OPUPCA(share, tol=1e-6, random_state=0).fit(data)
    assert ours.n_components_ == theirs.n_components_ == len(ours.components_)
    assert np.allclose(ours.explained_variance_ratio_, theirs.explained_variance_ratio_)
    assert len(ours.error_bound_) == len(ours.vector_error_bound_) == ours.n_components_


def test_far_from_the_origin():
    """The spread is found beside a mean that is ten thousand times larger."""
    data = np.random.default_rng(0).normal(size=(200, 30)) * np.arange(1, 31) + 1e4
    for dtype, rtol in ((np.float64, 1e-5), (np.float32, 1e-3)):
        exact = PCA(4, svd_solver="full").fit(data)
        ours = OPUPCA(4, tol=1e-3, random_state=0).fit(data.astype(dtype))
        assert np.allclose(ours.explained_variance_, exact.explained_variance_, rtol=rtol)
        assert np.isclose(ours.noise_variance_, exact.noise_variance_, rtol=rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_are_kept(dtype):
    for pca in (OPUPCA(4).fit(X.astype(dtype)), OPUPCA(4).partial_fit(X.astype(dtype))):
        for name in ("components_", "mean_", "explained_variance_", "singular_values_"):
            assert getattr(pca, name).dtype == dtype, name
        assert pca.transform(X.astype(dtype)).dtype == dtype
    assert OPUPCA(4).fit(X.astype(np.uint8)).components_.dtype == np.float64


def test_constant_columns_and_constant_rows():
    data = np.c_[X[:, :20], np.full(400, 7.0)]
    ours, theirs = OPUPCA(5, tol=1e-8).fit(data), PCA(5, svd_solver="full").fit(data)
    assert np.allclose(ours.explained_variance_, theirs.explained_variance_)
    assert np.allclose(ours.components_[:, -1], 0, atol=1e-8)
    for still in (np.ones((10, 4)), np.zeros((10, 4)), scipy.sparse.csr_matrix((10, 4))):
        pca = OPUPCA(2, whiten=True).fit(still)
        assert np.allclose(pca.components_ @ pca.components_.T, np.eye(2))
        assert np.allclose(pca.explained_variance_, 0)
        assert np.allclose(pca.explained_variance_ratio_, 0)
        assert np.isfinite(pca.transform(still)).all()
    assert OPUPCA(0.5).fit(np.ones((10, 4))).n_components_ == 1


def test_two_rows_and_one_feature():
    pca = OPUPCA().fit([[1.0, 2.0], [3.0, 2.0]])
    assert np.allclose(pca.explained_variance_, [2, 0])
    pca = OPUPCA().fit(np.arange(6.0)[:, None])
    assert np.allclose(pca.transform([[0.0]]), [[-2.5]])
    assert np.isclose(pca.score([[2.5]]), -0.5 * np.log(2 * np.pi * 3.5))


def split(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", [50, 120, 400])
def test_partial_fit_is_closer_than_incremental_pca(size):
    exact = PCA(6, svd_solver="full").fit(X)
    ours, theirs = OPUPCA(6, random_state=0), IncrementalPCA(6)
    for batch in split(X, size):
        assert ours.partial_fit(batch) is ours
        theirs.partial_fit(batch)
    errors = [
        abs(pca.explained_variance_ / exact.explained_variance_ - 1).max() for pca in (ours, theirs)
    ]
    assert errors[0] < 2e-3
    assert errors[0] < errors[1] / 5 or size == 400
    assert np.allclose(ours.mean_, exact.mean_)
    assert np.isclose(ours.noise_variance_, exact.noise_variance_, rtol=1e-2)
    assert ours.n_samples_seen_ == 400
    assert not hasattr(ours, "error_bound_")


def test_partial_fit_of_batches_whose_means_differ():
    """The scatter between batches counts, whatever the kind of matrix."""
    rng = np.random.default_rng(0)
    data = np.vstack([rng.normal(size=(30, 12)) * 0.1 + rng.normal(size=12) * 5 for _ in range(6)])
    exact = PCA(3, svd_solver="full").fit(data)
    for kind in (np.asarray, scipy.sparse.csr_matrix):
        pca = OPUPCA(3, random_state=0)
        for batch in split(data, 30):
            pca.partial_fit(kind(batch))
        assert np.allclose(pca.explained_variance_, exact.explained_variance_)
        assert np.allclose(abs(pca.components_ @ exact.components_.T), np.eye(3), atol=1e-5)


def test_partial_fit_goes_on_from_fit_and_fit_begins_anew():
    exact = PCA(4, svd_solver="full").fit(X)
    pca = OPUPCA(4, random_state=0).fit(X[:200]).partial_fit(X[200:300])
    pca = pickle.loads(pickle.dumps(pca)).partial_fit(X[300:])
    assert pca.n_samples_seen_ == 400
    assert np.allclose(pca.mean_, exact.mean_)
    assert np.allclose(pca.explained_variance_, exact.explained_variance_, rtol=0.05)
    assert np.isclose(pca.noise_variance_, exact.noise_variance_, rtol=0.02)
    pca.fit(X)
    assert np.array_equal(pca.components_, OPUPCA(4, random_state=0).fit(X).components_)
    with pytest.raises(ValueError, match="raised since the first batch"):
        pca.set_params(n_components=5).partial_fit(X)
    with pytest.raises(ValueError, match="fit has seen a LinearOperator"):
        OPUPCA(2).fit(aslinearoperator(X)).partial_fit(X)


def test_partial_fit_of_single_rows_after_two():
    pca = OPUPCA(2).partial_fit(X[:2]).partial_fit(X[2:3])
    assert pca.n_samples_seen_ == 3
    exact = PCA(2).fit(X[:3])
    assert np.allclose(pca.explained_variance_, exact.explained_variance_)


@pytest.mark.parametrize(
    ("data", "options", "match"),
    [
        (X[:1], {"n_components": 1}, "at least two rows, got n_samples = 1"),
        (X[:5], {"n_components": 6}, r"n_components\(6\) must be <= .* = 5"),
        (X, {"n_components": 1.5}, "n_components"),
        (X, {"n_components": 1.0}, "n_components"),
        (X, {"n_components": "mle"}, "n_components"),
        (X, {"tol": 0}, "tol"),
        (X.astype(np.float32), {"n_components": 2, "tol": 1e-6}, "float32 can tell"),
        (aslinearoperator(X), {"n_components": 0.5}, "is a share of the total variance"),
        (np.full((5, 3), 1e200), {"n_components": 1, "tol": 0.5}, None),
        (X * 1e200, {"n_components": 1}, "so large"),
        (np.where(np.eye(400, 64) > 0, np.nan, X), {"n_components": 2}, "NaN"),
    ],
)
def test_bad_input(data, options, match):
    pca = OPUPCA(**options)
    if match is None:  # large, but with no variance at all
        assert np.allclose(pca.fit(data).explained_variance_, 0)
        return
    with pytest.raises(ValueError, match=match):
        pca.fit(data)
    assert not hasattr(pca, "n_features_in_")


def test_bad_batches():
    with pytest.raises(ValueError, match="needs a number of components"):
        OPUPCA(0.5).partial_fit(X)
    with pytest.raises(ValueError, match="n_samples = 1"):
        OPUPCA(1).partial_fit(X[:1])
    with pytest.raises(ValueError, match="takes rows"):
        OPUPCA(1).partial_fit(aslinearoperator(X))
    pca = OPUPCA(2).partial_fit(X)
    before = dict(vars(pca))
    with pytest.raises(ValueError, match="9 features"):
        pca.partial_fit(X[:, :9])
    assert all(vars(pca)[name] is before[name] for name in before)


def test_no_density_where_all_variance_is_explained():
    pca = OPUPCA(9).fit(X[:10])
    for method in (pca.get_precision, lambda: pca.score(X)):
        with pytest.raises(ValueError, match="Fit with fewer components"):
            method()


def test_a_noisy_device_finds_the_same():
    exact = PCA(5, svd_solver="full").fit(X).singular_values_
    opu = OPU(GaussianMedium(), Camera(bits=8, photons=1000))
    assert np.allclose(OPUPCA(5, opu=opu).fit(X).singular_values_, exact, rtol=0.01)


def test_in_a_grid_search():
    data, target = load_iris(return_X_y=True)
    model = make_pipeline(OPUPCA(random_state=0), LinearSVC())
    search = GridSearchCV(model, {"opupca__n_components": [1, 2, 0.99]}, cv=3).fit(data, target)
    assert search.best_score_ > 0.9
    names = search.best_estimator_[0].get_feature_names_out()
    assert names[0] == "opupca0"


@pytest.mark.parametrize("mean", [0, 100, 1e4])
def test_bounds_know_of_large_means_in_float32(mean):
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(500, 40)) * np.r_[3, 2, np.full(38, 0.1)]).astype(np.float32)
    rows += np.float32(mean) * (1 + rng.random(40, dtype=np.float32))
    exact = np.linalg.svd(rows - rows.mean(axis=0, dtype=np.float64), compute_uv=False)[:5]
    found = OPUPCA(5, random_state=0).fit(rows)
    assert np.all(abs(1 - exact / found.singular_values_) <= found.error_bound_)
    assert np.allclose(found.singular_values_[:2], exact[:2], rtol=1e-3)
    assert (found.error_bound_[-1] > 0.5) == (mean == 1e4)  # where rounding hides the rest


def test_score_finds_nan_in_a_memory_map(tmp_path):
    """Which is not read in search of it beforehand."""
    model, holes = OPUPCA(3, random_state=0).fit(X), X.copy()
    holes[100, 3] = np.nan
    np.save(tmp_path / "X.npy", holes)
    with pytest.raises(ValueError, match="contains NaN or infinity"):
        model.score(np.load(tmp_path / "X.npy", mmap_mode="r"))
