"""Dask collections: lazy features, and linear algebra chunk by chunk."""

import os
import pickle
import signal
import threading
import time

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skopu import (
    OPU,
    OPUPCA,
    Camera,
    GaussianMedium,
    OpticalRandomFeatures,
    OPUTraceEstimator,
    OPUTruncatedSVD,
    count_triangles,
    opu_diagonal,
    opu_eigh,
    opu_lstsq,
    opu_matmul,
    opu_nystrom,
    opu_spectral_density,
    opu_svd,
    opu_trace,
)
from skopu._utils import threads
from skopu._utils.dask_collections import map_rows
from skopu.linalg._operators import operator_of

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("dask.distributed")

X, y = load_digits(return_X_y=True)
X, y = X[:300] / 16, y[:300]
CHUNKED = da.from_array(X, chunks=((100, 0, 60, 140), 64))
NOISY = OPU(GaussianMedium(), Camera(bits=8, photons=200), random_state=1)
SYMMETRIC = X.T @ X


class Untouchable:
    """Data that must not be computed."""

    shape, dtype, ndim = (300, 64), np.dtype(np.float64), 2

    def __getitem__(self, key):
        raise AssertionError("computed")


@pytest.fixture(scope="module")
def cluster():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield cluster


class TestFeatures:
    @pytest.mark.parametrize("opu", [None, NOISY])
    @pytest.mark.parametrize("kernel", ["speckle", "arc_cosine", "rbf"])
    def test_as_of_an_array(self, kernel, opu):
        features = OpticalRandomFeatures(90, kernel=kernel, opu=opu, random_state=0).fit(CHUNKED)
        lazy = features.transform(CHUNKED)
        assert isinstance(lazy, da.Array)
        assert lazy.shape == (300, 90)
        assert lazy.chunks == ((100, 0, 60, 140), (90,))
        assert np.allclose(lazy.compute(scheduler="threads"), features.transform(X), 0, 1e-12)
        whole = OpticalRandomFeatures(90, kernel=kernel, opu=opu, random_state=0).fit_transform(X)
        assert np.allclose(lazy.compute(scheduler="threads"), whole, 0, 1e-12)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.uint8, bool])
    def test_metadata(self, dtype):
        array = da.from_array(X[:20].astype(dtype), chunks=(7, 64))
        lazy = OpticalRandomFeatures(9, random_state=0).fit(array).transform(array)
        computed = lazy.compute()
        assert lazy.dtype == lazy._meta.dtype == computed.dtype
        assert computed.dtype == (np.float32 if dtype in (np.float16, np.float32) else float)

    def test_nothing_is_computed(self):
        array = da.from_array(Untouchable(), chunks=(100, 64), meta=np.empty((0, 0)))
        assert OpticalRandomFeatures(9).fit(array).transform(array).shape == (300, 9)

    def test_only_the_seed_travels(self):
        array = da.from_array(np.zeros((100_000, 784), np.float32), chunks=(10_000, 784))
        features = OpticalRandomFeatures(10_000, random_state=0).fit(array)
        graph = features.transform(array).__dask_graph__()
        layers = [layer for name, layer in graph.layers.items() if "array-" not in name]
        assert sum(len(pickle.dumps(dict(layer))) for layer in layers) < 50_000

    def test_sparse_chunks(self):
        features = OpticalRandomFeatures(30, random_state=0).fit(X)
        lazy = features.transform(CHUNKED.map_blocks(scipy.sparse.csr_array))
        assert np.allclose(lazy.compute(), features.transform(X))

    def test_rows_of_unknown_number(self):
        features = OpticalRandomFeatures(30, random_state=0).fit(X)
        some = features.transform(CHUNKED[CHUNKED[:, 20] > 0.5])
        assert np.isnan(some.shape[0])
        assert np.allclose(some.compute(), features.transform(X[X[:, 20] > 0.5]))

    def test_dataframe(self):
        frame = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(64)])
        lazy = dd.from_pandas(frame, npartitions=3)
        features = OpticalRandomFeatures(30, random_state=0).fit(lazy)
        assert list(features.feature_names_in_) == list(frame.columns)
        assert np.allclose(features.transform(lazy).compute(), features.transform(frame))
        with pytest.raises(ValueError, match="feature names should match"):
            features.transform(lazy[list(frame.columns[::-1])])

    def test_pipeline(self):
        pipeline = make_pipeline(OpticalRandomFeatures(200, random_state=0), RidgeClassifier())
        assert np.array_equal(pipeline.fit(CHUNKED, y).predict(CHUNKED), pipeline.predict(X))


class TestLinearAlgebra:
    @pytest.mark.parametrize("opu", [None, NOISY])
    @pytest.mark.parametrize("n_iter", [0, "auto"])
    def test_svd(self, opu, n_iter):
        options = {"n_iter": n_iter, "opu": opu, "random_state": 0}
        for found, expected in zip(
            opu_svd(CHUNKED, 8, **options), opu_svd(X, 8, **options), strict=True
        ):
            assert np.allclose(found, expected, atol=1e-8)

    @pytest.mark.parametrize("dtype", [np.float32, np.int64])
    def test_truncated_svd(self, dtype):
        array, chunked = (16 * X).astype(dtype), (16 * CHUNKED).astype(dtype)
        expected = OPUTruncatedSVD(5, random_state=0).fit(array)
        svd = OPUTruncatedSVD(5, random_state=0).fit(chunked)
        for name in (
            "components_",
            "singular_values_",
            "explained_variance_",
            "explained_variance_ratio_",
        ):
            assert np.allclose(getattr(svd, name), getattr(expected, name), rtol=1e-4, atol=1e-4)
        assert svd.n_passes_ == expected.n_passes_
        lazy = svd.transform(chunked)
        assert isinstance(lazy, da.Array)
        assert lazy.dtype == lazy.compute().dtype == svd.transform(array).dtype
        assert np.allclose(lazy.compute(), expected.transform(array), rtol=1e-4, atol=1e-3)

    @pytest.mark.parametrize("n_components", [5, 0.8])
    def test_pca(self, n_components):
        expected = OPUPCA(n_components, whiten=True, random_state=0).fit(X)
        pca = OPUPCA(n_components, whiten=True, random_state=0).fit(CHUNKED)
        for name in ("components_", "mean_", "singular_values_", "explained_variance_ratio_"):
            assert np.allclose(getattr(pca, name), getattr(expected, name), rtol=1e-4, atol=1e-4)
        lazy = pca.transform(CHUNKED)
        assert isinstance(lazy, da.Array)
        assert np.allclose(lazy.compute(), expected.transform(X), rtol=1e-4, atol=1e-3)
        assert np.allclose(pca.score_samples(CHUNKED), expected.score_samples(X))
        parts = OPUPCA(5, random_state=0).partial_fit(CHUNKED)
        assert np.allclose(parts.mean_, expected.mean_)

    def test_partial_fit(self):
        expected = OPUTruncatedSVD(5, random_state=0).partial_fit(X)
        svd = OPUTruncatedSVD(5, random_state=0).partial_fit(CHUNKED)
        assert np.allclose(svd.components_, expected.components_)
        assert np.allclose(svd.explained_variance_ratio_, expected.explained_variance_ratio_)

    def test_each_product_reads_every_chunk_once(self):
        reads = []

        def read(chunk):
            reads.append(len(chunk))
            return chunk

        array = da.from_array(X, chunks=(100, 64)).map_blocks(read, meta=np.empty((0, 0)))
        svd = OPUTruncatedSVD(5, random_state=0).fit(array)
        assert len(reads) == 3 * svd.n_passes_

    def test_trace(self):
        chunked = da.from_array(SYMMETRIC, chunks=(20, 64))
        for n, options in [
            (50, {}),
            (100, {}),
            (100, {"function": "sqrt"}),
            (100, {"method": "sketch"}),
        ]:
            found = opu_trace(chunked, n, random_state=0, **options)
            expected = opu_trace(SYMMETRIC, n, random_state=0, **options)
            assert np.allclose(found, expected, rtol=1e-6)
        estimator = OPUTraceEstimator(30, random_state=0).fit(chunked)
        assert np.isclose(estimator.trace_, opu_trace(SYMMETRIC, 30, random_state=0).value)

    def test_diagonal_and_eigenvalues(self):
        chunked = da.from_array(SYMMETRIC, chunks=(20, 64))
        for use in (opu_diagonal, lambda A, **options: opu_eigh(A, 4, tol=1e-6, **options)):
            found, expected = (use(A, random_state=0) for A in (chunked, SYMMETRIC))
            assert np.allclose(found[0], expected[0], rtol=1e-6)
            assert np.allclose(found[1], expected[1], rtol=1e-4, atol=1e-4)
        found, expected = (opu_nystrom(A @ A, 4, random_state=0) for A in (chunked, SYMMETRIC))
        assert np.allclose(found.s, expected.s, rtol=1e-6)
        assert np.isclose(found.error_bound, expected.error_bound, rtol=1e-5)

    def test_spectral_density(self):
        chunked = da.from_array(SYMMETRIC, chunks=(20, 64))
        options = {"lanczos_steps": 10, "random_state": 0}
        found = opu_spectral_density(chunked, 50, **options)
        expected = opu_spectral_density(SYMMETRIC, 50, **options)
        assert np.allclose(found.nodes, expected.nodes)
        assert found.n_matvecs == 50

    @pytest.mark.parametrize("n_columns", [3, 64])  # many rows for each column, and few
    def test_lstsq(self, n_columns):
        x = np.linspace(1, 2, n_columns)
        matrix = X[:, 20 : 20 + n_columns] if n_columns == 3 else X + np.eye(300, 64)
        chunked = da.from_array(matrix, chunks=(70, n_columns))
        found = opu_lstsq(chunked, matrix @ x, random_state=0)
        assert np.allclose(found.x, x)
        assert found.n_iter == opu_lstsq(matrix, matrix @ x, random_state=0).n_iter

    @pytest.mark.parametrize("n_rows", [3, 40])  # many columns for each row, and few
    @pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_matrix])
    def test_lstsq_with_fewer_rows(self, kind, n_rows):
        matrix = np.hstack([X[100 : 100 + n_rows]] * 2)
        chunked = da.from_array(matrix, chunks=(2, 128)).map_blocks(kind)
        b, weights = np.linspace(1, 2, n_rows), np.linspace(1, 3, n_rows)
        for options in ({}, {"damp": 1}, {"sample_weight": weights, "damp": 1}):
            found = opu_lstsq(chunked, b, random_state=0, **options)
            expected = opu_lstsq(matrix, b, random_state=0, **options)
            assert np.allclose(found.x, expected.x)
            assert (found.rank, found.n_iter) == (expected.rank, expected.n_iter)

    @pytest.mark.parametrize("n_columns", [3, 64])
    def test_lstsq_with_weights(self, n_columns):
        matrix = X[:, 20 : 20 + n_columns] if n_columns == 3 else X + np.eye(300, 64)
        chunked = da.from_array(matrix, chunks=(70, n_columns))
        options = {"sample_weight": np.arange(300), "damp": 0.1, "random_state": 0}
        found = opu_lstsq(chunked, y, **options)
        assert np.allclose(found.x, opu_lstsq(matrix, y, **options).x)

    def test_matmul_and_triangles(self):
        found = opu_matmul(CHUNKED, CHUNKED, 50, random_state=0).value
        assert np.allclose(found, opu_matmul(X, X, 50, random_state=0).value)
        complete = np.ones((30, 30)) - np.eye(30)
        chunked = da.from_array(complete, chunks=(7, 30))
        assert np.isclose(count_triangles(chunked, random_state=0).value, 4060)


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (CHUNKED.rechunk((100, 32)), r"cut along its columns, into 2 chunks.*rechunk\(\{1: -1\}\)"),
        (CHUNKED.astype(object), "must hold real numbers, got dtype object"),
        (CHUNKED.astype(complex), "must hold real numbers, got dtype complex128"),
        (CHUNKED[0], "must be 2-d"),
    ],
)
def test_bad_chunks(bad, match):
    for use in (
        OpticalRandomFeatures(3).fit,
        OpticalRandomFeatures(3).fit(X).transform,
        OPUTruncatedSVD().fit,
        OPUTruncatedSVD().fit(X).transform,
        lambda A: opu_svd(A, 2),
    ):
        with pytest.raises(ValueError, match=match):
            use(bad)


def test_other_bad_input():
    unknown = CHUNKED[CHUNKED[:, 20] > 0.5]
    for use in (OPUTruncatedSVD().fit, lambda A: opu_svd(A, 2)):
        with pytest.raises(ValueError, match="chunks of unknown size"):
            use(unknown)
    features = OpticalRandomFeatures(3).fit(X)
    with pytest.raises(ValueError, match="out must be None"):
        features.transform(CHUNKED, out=np.empty((300, 3)))
    with pytest.raises(ValueError, match="X has 63 features"):
        features.transform(CHUNKED[:, :63])
    holes = features.transform(da.where(CHUNKED > 0.9, np.nan, CHUNKED))
    with pytest.raises(ValueError, match="NaN or infinity"):
        holes.compute()


@pytest.mark.parametrize("form", [scipy.sparse.coo_matrix, scipy.sparse.lil_array])
def test_sparse_chunks_of_any_form(form):
    chunked = da.from_array(X, chunks=(110, 64)).map_blocks(form)
    for make in (OPUTruncatedSVD, OPUPCA):
        model, same = (make(3, random_state=0).fit(each) for each in (chunked, X))
        assert np.allclose(model.singular_values_, same.singular_values_)
        assert np.allclose(model.transform(chunked).compute(), same.transform(X))
        make(3, random_state=0).partial_fit(chunked)
    assert np.isclose(OPUPCA(3, random_state=0).fit(X).score(chunked), same.score(X))
    assert np.allclose(opu_lstsq(chunked, y).x, opu_lstsq(X, y).x)
    found = OpticalRandomFeatures(9, kernel="rbf", random_state=0).fit_transform(chunked)
    expected = OpticalRandomFeatures(9, kernel="rbf", random_state=0).fit_transform(X)
    assert np.allclose(found.compute(), expected)


def test_frames_of_mixed_and_nullable_columns():
    columns = [f"c{i}" for i in range(8)]
    frame = pd.DataFrame(X[:, 20:28], columns=columns)
    expected = OPUPCA(2, random_state=0).fit(frame).singular_values_
    for dtype in ("Float64", {"c0": "Float64"}, {"c1": "float32"}):
        chunked = dd.from_pandas(frame.astype(dtype), 3)
        found = OPUPCA(2, random_state=0).fit(chunked).singular_values_
        assert np.allclose(found, expected, rtol=1e-6)
    mixed = frame.assign(lit=frame.c3 > 0.5)
    found = OPUPCA(2, random_state=0).fit(dd.from_pandas(mixed, 3)).singular_values_
    assert np.allclose(found, OPUPCA(2, random_state=0).fit(mixed).singular_values_)
    with pytest.raises(ValueError, match="Encode categories"):
        OPUPCA(2).fit(dd.from_pandas(frame.assign(name="a"), 3))


def test_no_rows_and_holes():
    for use in (OPUTruncatedSVD(2).fit, OPUPCA(2).fit, OpticalRandomFeatures(3, kernel="rbf").fit):
        with pytest.raises(ValueError, match="has no rows"):
            use(da.zeros((0, 64)))
    holes = da.where(CHUNKED > 0.9, np.nan, CHUNKED)
    for use in (OpticalRandomFeatures(3, kernel="rbf").fit, OPUPCA(2).fit(X).score):
        with pytest.raises(ValueError, match="contains NaN or infinity"):
            use(holes)


def test_graphs_are_checked():
    A = np.triu(np.random.default_rng(0).random((60, 60)) < 0.3, 1)
    A = (A | A.T).astype(float)
    for form in (np.asarray, scipy.sparse.csr_array, scipy.sparse.coo_matrix):
        chunked = [da.from_array(each, chunks=(17, 60)).map_blocks(form) for each in (A, 5 * A)]
        loops = da.from_array(A + np.eye(60), chunks=(17, 60)).map_blocks(form)
        assert np.isclose(count_triangles(chunked[0], 2000).value, count_triangles(A).value)
        with pytest.raises(ValueError, match="must hold zeros and ones"):
            count_triangles(chunked[1], 2000)
        with pytest.raises(ValueError, match="has self-loops"):
            count_triangles(loops, 2000)


class TestOnWorkers:
    """A cluster of two worker processes."""

    def test_features(self, cluster):
        features = OpticalRandomFeatures(90, opu=NOISY).fit(X)
        assert np.array_equal(features.transform(CHUNKED).compute(), features.transform(X))

    def test_svd(self, cluster):
        found = opu_svd(CHUNKED, 5, random_state=0)
        assert np.allclose(found[1], opu_svd(X, 5, random_state=0)[1])

    def test_grid_search(self, cluster):
        pipeline = make_pipeline(OpticalRandomFeatures(random_state=0), RidgeClassifier())
        search = GridSearchCV(pipeline, {"opticalrandomfeatures__n": [5, 100, 400]}, cv=2)
        expected = search.fit(X, y).cv_results_["mean_test_score"]
        with joblib.parallel_backend("dask"):
            found = search.fit(X, y).cv_results_["mean_test_score"]
        assert np.array_equal(found, expected)

    def test_a_worker_is_killed(self, cluster, tmp_path):
        def slow(chunk):
            (tmp_path / "begun").touch()
            time.sleep(0.2)
            return chunk

        process = next(iter(distributed.get_client().run(os.getpid).values()))

        def kill():
            while not (tmp_path / "begun").exists():
                time.sleep(0.01)
            os.kill(process, signal.SIGKILL)

        features = OpticalRandomFeatures(200, opu=NOISY).fit(X)
        array = da.from_array(X, chunks=(20, 64)).map_blocks(slow, meta=np.empty((0, 0)))
        killer = threading.Thread(target=kill)
        killer.start()
        found = features.transform(array).compute()
        killer.join()
        pids = distributed.get_client().run(os.getpid).values()
        assert process not in pids
        assert np.array_equal(found, features.transform(X))


class TestThreads:
    """Tasks that run at once, in threads of one process, share the processor."""

    @pytest.mark.parametrize(("n_tasks", "expected"), [(1, 8), (2, 4), (3, 2)])
    def test_features(self, n_tasks, expected, monkeypatch):
        monkeypatch.setattr(threads, "_all_threads", lambda: 8)
        barrier, taken = threading.Barrier(n_tasks, timeout=30), []

        def transform(chunk):
            barrier.wait()
            taken.append(threads.n_threads())
            barrier.wait()
            return chunk

        rows = da.from_array(np.ones((2 * n_tasks, 3)), chunks=(2, 3))
        with dask.config.set(scheduler="threads", num_workers=n_tasks):
            map_rows(transform, rows, 3, np.float64).compute()
        assert taken == n_tasks * [expected]
        assert threads.n_threads() == 8

    def test_linear_algebra(self, monkeypatch):
        monkeypatch.setattr(threads, "_all_threads", lambda: 8)
        barrier, taken = threading.Barrier(2, timeout=30), []

        def work(chunk, *parts):
            barrier.wait()
            taken.append(threads.n_threads())
            barrier.wait()
            return chunk.sum()

        operator = operator_of(da.from_array(np.ones((4, 3)), chunks=(2, 3)), "A")
        with dask.config.set(scheduler="threads", num_workers=2):
            operator.map_chunks(work)
            operator.sum_over_chunks(work, [0, 1])
        assert taken == [4, 4, 4, 4]

    def test_a_task_that_fails_gives_its_part_back(self, monkeypatch):
        monkeypatch.setattr(threads, "_all_threads", lambda: 8)
        with pytest.raises(ZeroDivisionError), threads.shared_threads():
            1 / 0  # noqa: B018
        with threads.shared_threads(), threads.shared_threads():
            assert threads.n_threads() == 8
