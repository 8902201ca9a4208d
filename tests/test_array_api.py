"""Arrays of PyTorch, CuPy and the array API's strict model, against NumPy's results.

The strict model's arrays lie on a made-up device that refuses to be read by NumPy, as those
of a GPU do, and its functions do what the standard says and no more.
"""

import copy
import importlib
import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

import skopu._feature_map
from skopu import (
    OPU,
    OPUPCA,
    Camera,
    DFAClassifier,
    DFAGraphClassifier,
    GaussianMedium,
    LayeredMedium,
    MeasuredMedium,
    OpticalRandomFeatures,
    OpticalRidge,
    OpticalRidgeClassifier,
    OPUTraceEstimator,
    OPUTruncatedSVD,
)
from skopu._utils import arrays
from skopu.kernels import arc_cosine_kernel, optical_kernel
from skopu.linalg import (
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
from skopu.optics import flaws

pytest.importorskip("array_api_compat")
pytest.importorskip("scipy", "1.14", reason="scikit-learn dispatches with SciPy 1.14 or newer.")


@pytest.fixture(autouse=True)
def dispatch():
    with sklearn.config_context(array_api_dispatch=True):
        yield


PLACES = [
    ("array_api_strict", "device1"),
    ("torch", "cpu"),
    ("torch", "cuda"),
    ("cupy", "cuda"),
]


def why_not(library, device):
    """Why there are no arrays of that library on that device here, None where there are."""
    try:
        module = importlib.import_module(library)
    except ImportError as error:
        return str(error)
    if device == "cuda" and not module.cuda.is_available():
        return f"{library} finds no GPU on this machine."
    return None


@pytest.mark.parametrize("place", PLACES, ids=" ".join)
def test_there_are_arrays(place):
    reason = why_not(*place)
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(params=[place for place in PLACES if why_not(*place) is None], ids=" ".join)
def put(request):
    """Function that makes arrays of one library on one device."""
    library, device = request.param
    module = importlib.import_module(library)
    if library == "array_api_strict":
        device = module.Device(device)
    options = {} if library == "cupy" else {"device": device}
    return lambda values: module.asarray(values, **options)


def check_same(found, expected, beside, tol, scale=None):
    """Found lies beside that array, and is NumPy's expected to a tolerance."""
    scale = abs(expected).max() if scale is None else scale
    assert arrays.place(found) == arrays.place(beside)
    found = arrays.to_numpy(found)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert abs(found - expected).max() <= tol * scale


X = np.random.default_rng(0).normal(size=(9, 40))
DTYPES = [np.float32, np.float64]


def rounding(dtype):
    return 40 * float(np.finfo(dtype).eps)


MEDIA = [
    LayeredMedium(random_state=1),
    LayeredMedium(1),
    LayeredMedium(2),
    LayeredMedium(4),
    GaussianMedium(random_state=2),
    MeasuredMedium(GaussianMedium().transmission_matrix(50, 3000)),
    flaws.UnevenLight(flaws.Crosstalk(flaws.UnscatteredLight())),
    flaws.Grains(),
    flaws.PartialCoherence(),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "start"), [(1, 0), (900, 700), (1500, 1024), (2500, 0)])
@pytest.mark.parametrize("medium", MEDIA, ids=str)
def test_same_glass(put, medium, n, start, dtype):
    light = X.astype(dtype)
    field = medium.field(put(light), n, start)
    norm = np.linalg.norm(light, axis=1).max()
    check_same(field, medium.field(light, n, start), put(light), rounding(dtype), norm)


def test_same_glass_in_two_dimensions_and_small_memory(put, rng):
    light = rng.normal(size=(3, 20000))
    expected = LayeredMedium().field(light, 50000)
    with sklearn.config_context(working_memory=1):  # row by row
        check_same(LayeredMedium().field(put(light), 50000), expected, put(light), 1e-13)
        gaussian = GaussianMedium().field(put(light), 7)
    check_same(gaussian, GaussianMedium().field(light, 7), put(light), 1e-13)


def test_blocks_of_masks_are_moved_one_by_one(put, monkeypatch):
    monkeypatch.setattr("skopu.optics.layered.BLOCK_ENTRIES", 2048)
    expected = LayeredMedium().field(X, 5000, 100)
    check_same(LayeredMedium().field(put(X), 5000, 100), expected, put(X), 1e-13)


def test_devices_with_flaws(put):
    medium = flaws.PartialCoherence(flaws.Crosstalk(GaussianMedium()), n_speckles=3)
    effects = [flaws.DarkLevel(), flaws.PixelGain(), flaws.Nonlinearity(), flaws.DefectivePixels()]
    for camera in (None, Camera(photons=50, effects=effects)):
        opu = OPU(medium, camera)
        expected = opu.intensity(X, 300)
        check_same(opu.intensity(put(X), 300), expected, put(X), rounding(np.float64))
    drifting = [OPU(flaws.Drift(rate=0.1)).intensity(x, 300) for x in (X, put(X))]
    check_same(drifting[1], drifting[0], put(X), rounding(np.float64))


CAMERAS = [
    None,
    Camera(bits=8),
    Camera(bits=8, exposure=0.02),
    Camera(photons=100, read_noise=0.1),
    Camera(bits=10, photons=500, random_state=4),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("input_bits", [None, 1, 3])
@pytest.mark.parametrize("camera", CAMERAS, ids=str)
@pytest.mark.parametrize("kind", ["intensity", "linear", "internal_reference"])
def test_device(put, kind, camera, input_bits, dtype, rng):
    opu = OPU(GaussianMedium(), camera, input_bits, random_state=5)
    if kind == "internal_reference":
        kind = "linear"
        opu.set_params(holography="internal_reference")
    light = X if input_bits is None else rng.integers(0, 2**input_bits, X.shape)
    light = light.astype(dtype)
    light[3] = 0
    if kind == "linear" and input_bits == 3:
        light[4] *= -1
    expected = getattr(opu, kind)(light, 301, repeat=2)
    found = getattr(opu, kind)(put(light), 301, repeat=2)
    if camera is None or camera.bits is None:
        check_same(found, expected, put(light), rounding(dtype))
        return
    # What lies at the edge of two counts may be read as either, one in 1e5 in float32.
    assert arrays.place(found) == arrays.place(put(light))
    differ = abs(arrays.to_numpy(found) - expected) > rounding(dtype) * abs(expected).max()
    assert differ.mean() <= (0.002 if dtype == np.float32 else 0)


def test_camera(put, rng):
    intensity = rng.exponential(size=(4, 300))
    for camera in (Camera(bits=6), Camera(bits=6, photons=50, read_noise=0.1)):
        check_same(camera.read(put(intensity)), camera.read(intensity), put(intensity), 1e-14)
        counts = camera.read(put(intensity), counts=True)
        check_same(counts, camera.read(intensity, counts=True), put(intensity), 0)
    with pytest.raises(ValueError, match="cannot be negative"):
        Camera().read(put(-intensity))


FEATURES = [
    {"kernel": "speckle"},
    {"kernel": "speckle", "degree": 1},
    {"kernel": "speckle", "degree": 3.5},
    {"kernel": "arc_cosine", "degree": 0},
    {"kernel": "arc_cosine"},
    {"kernel": "arc_cosine", "degree": 2},
    {"kernel": "rbf", "gamma": 0.1},
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", FEATURES, ids=str)
def test_features(put, options, dtype):
    rows = X.astype(dtype)
    features = OpticalRandomFeatures(n=1501, random_state=0, **options)
    expected = clone(features).fit_transform(rows)
    found = features.fit_transform(put(rows))
    check_same(found, expected, put(rows), 4 * rounding(dtype))
    again = pickle.loads(pickle.dumps(features)).transform(put(rows[:1]))
    check_same(again, expected[:1], put(rows), 4 * rounding(dtype))


def test_features_of_integers(put, rng):
    rows = rng.integers(0, 9, (4, 6))
    features = OpticalRandomFeatures(n=50, random_state=0)
    check_same(features.fit_transform(put(rows)), features.fit_transform(rows), put(rows), 1e-13)


def test_pipeline(rng):
    torch = pytest.importorskip("torch")
    y = rng.normal(size=9)
    model = make_pipeline(OpticalRandomFeatures(n=300, random_state=0), Ridge(solver="svd"))
    expected = clone(model).fit(X, y).predict(X)
    predicted = model.fit(torch.asarray(X), torch.asarray(y)).predict(torch.asarray(X))
    check_same(predicted, expected, torch.asarray(X), 1e-9)


@pytest.mark.parametrize(("alphas", "dtype"), [(10.0, np.float64), ([10.0, 30.0], np.float32)])
@pytest.mark.parametrize("n", [60, 300])
@pytest.mark.parametrize("solver", ["direct", "cg"])
def test_ridge(put, solver, n, alphas, dtype, monkeypatch, rng):
    """Fewer and more features than samples; several blocks, kept and made anew."""
    monkeypatch.setattr(skopu._feature_map, "_BLOCK_BYTES", 8 * 40 * 70)
    rows, Y, weights = (
        rng.normal(size=(150, 9)).astype(dtype),
        rng.normal(size=(150, 2)),
        rng.random(150),
    )
    model = OpticalRidge(n, alphas=alphas, kernel="rbf", solver=solver, tol=1e-6, random_state=0)
    for y, sample_weight in ((Y, None), (Y[:, 0], weights)):
        expected = clone(model).fit(rows, y, sample_weight)
        tol = 1e4 * float(np.finfo(dtype).eps)
        found = clone(model).fit(put(rows), y if sample_weight is None else put(y), sample_weight)
        assert found.alpha_ == expected.alpha_
        if np.size(alphas) > 1:
            assert found.best_score_ == pytest.approx(expected.best_score_, rel=tol)
        check_same(found.coef_, expected.coef_, put(rows), tol)
        check_same(found.intercept_, np.asarray(expected.intercept_), put(rows), tol)
        again = pickle.loads(pickle.dumps(found))
        for other in DTYPES:  # also than in fit
            shown = rows.astype(other)
            predicted, as_expected = again.predict(put(shown)), expected.predict(shown)
            check_same(predicted, as_expected, put(rows), max(tol, rounding(other)))
    with sklearn.config_context(working_memory=149 * n * dtype().itemsize / 2**20):
        anew = clone(model).fit(put(rows), put(y), put(weights))
    check_same(anew.coef_, expected.coef_, put(rows), tol)


@pytest.mark.parametrize("solver", ["direct", "cg"])
def test_ridge_classifier(put, solver, rng):
    rows = rng.normal(size=(120, 9))
    y = (rows[:, 0] > 0) + 2 * (rows[:, 1] > 0)
    model = OpticalRidgeClassifier(50, kernel="arc_cosine", solver=solver, random_state=0)
    expected = clone(model).fit(rows, y)
    scores = clone(model).fit(put(rows), put(y)).decision_function(put(rows))
    check_same(scores, expected.decision_function(rows), put(rows), 1e-4)
    names = np.array(["a", "b", "c", "d"])
    labels = np.stack([y == 1, y > 1, y > 2], axis=1).astype(int)
    for target, where in ((y, put), (y, np.asarray), (names[y], list), (labels, put)):
        for weights in (None, "balanced" if target.ndim == 1 else None):
            model.set_params(class_weight=weights)
            expected = clone(model).fit(rows, target).predict(rows)
            found = clone(model).fit(put(rows), where(target)).predict(put(rows))
            assert arrays.place(found) == arrays.place(expected if where is list else put(rows))
            assert np.array_equal(arrays.to_numpy(found), expected)
    torch = pytest.importorskip("torch")
    rows, y = torch.asarray(rows), torch.asarray(y)
    assert model.set_params(class_weight=None).fit(rows, y).score(rows, y) > 0.8


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("degree", [0.5, 1, 2, 3])
def test_optical_kernel(put, degree, dtype):
    A, B = X[:4].astype(dtype), X[2:].astype(dtype)
    A[0] = 0
    for samples in ((A,), (A, B)):
        expected = optical_kernel(*samples, degree=degree)
        check_same(optical_kernel(*map(put, samples), degree=degree), expected, put(A), 1e-6)
    single = optical_kernel(put(A[1]), put(B[1]), degree=degree)
    assert single == pytest.approx(optical_kernel(A[1], B[1], degree=degree), rel=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("degree", [0, 1, 2])
def test_arc_cosine_kernel(put, degree, dtype):
    A, B = X[:4].astype(dtype), X[2:].astype(dtype)
    for samples in ((A,), (A, B)):
        expected = arc_cosine_kernel(*samples, degree=degree)
        check_same(arc_cosine_kernel(*map(put, samples), degree=degree), expected, put(A), 1e-6)


def decaying(m, n, dtype=np.float64):
    rng = np.random.default_rng([m, n])
    U = np.linalg.qr(rng.normal(size=(m, n)))[0]
    V = np.linalg.qr(rng.normal(size=(n, n)))[0]
    return ((U * 0.9 ** np.arange(n)) @ V.T).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_iter", [0, 2, "auto"])
@pytest.mark.parametrize("shape", [(80, 60), (300, 40)], ids=str)
def test_svd(put, shape, n_iter, dtype):
    A = decaying(*shape, dtype)
    for opu in (None, OPU(LayeredMedium(), Camera(bits=12))):
        options = {"n_iter": n_iter, "opu": opu, "random_state": 0}
        expected = opu_svd(A, 12, **options)
        found = opu_svd(put(A), 12, **options)
        for one, other in zip(found, expected, strict=True):
            check_same(one, other, put(A), 1e4 * np.finfo(dtype).eps)


def test_svd_of_low_rank_and_of_zeros(put):
    A = np.outer(np.arange(1.0, 31), np.arange(1.0, 21))
    for matrix in (A, 0 * A):
        U, s, Vt = map(arrays.to_numpy, opu_svd(put(matrix), 3, random_state=0))
        np.testing.assert_allclose((U * s) @ Vt, matrix, atol=1e-10)
        np.testing.assert_allclose(U.T @ U, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(Vt @ Vt.T, np.eye(3), atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", [{"n_components": 5}, {"n_components": 0.9, "whiten": True}])
def test_pca(put, dtype, options):
    A = decaying(200, 30, dtype) + 1
    expected = OPUPCA(random_state=0, **options)
    pca = clone(expected)
    X_new = pca.fit_transform(put(A))
    tol = 2e3 * np.finfo(dtype).eps
    check_same(X_new, expected.fit_transform(A), put(A), tol)
    check_same(pca.transform(put(A[:1])), expected.transform(A[:1]), put(A), tol)
    check_same(
        pca.inverse_transform(X_new), expected.inverse_transform(expected.transform(A)), put(A), tol
    )
    for name in ("components_", "mean_", "singular_values_", "explained_variance_ratio_"):
        check_same(getattr(pca, name), getattr(expected, name), put(A), tol)
    check_same(pca.get_covariance(), expected.get_covariance(), put(A), tol)
    assert np.isclose(pca.score(put(A)), expected.score(A), rtol=1e-3)
    for rows in (slice(0, 50), slice(50, 200)):
        pca.set_params(n_components=4).partial_fit(put(A[rows]))
    check_same(pca.mean_, expected.mean_, put(A), tol)


@pytest.mark.parametrize("dtype", DTYPES)
def test_truncated_svd(put, dtype):
    A = decaying(200, 30, dtype)
    expected = OPUTruncatedSVD(5, random_state=0)
    svd = clone(expected)
    X_new = svd.fit_transform(put(A))
    tol = 1e3 * np.finfo(dtype).eps
    check_same(X_new, expected.fit_transform(A), put(A), tol)
    check_same(svd.transform(put(A[:1])), expected.transform(A[:1]), put(A), tol)
    check_same(
        svd.inverse_transform(X_new), expected.inverse_transform(expected.transform(A)), put(A), tol
    )
    expected.fit(A)
    for name in ("components_", "singular_values_", "explained_variance_ratio_"):
        check_same(getattr(svd, name), getattr(expected, name), put(A), tol)
    for rows in (slice(0, 3), slice(3, 200)):
        svd.partial_fit(put(A[rows]))
        expected.partial_fit(A[rows])
    for name in ("components_", "singular_values_", "explained_variance_ratio_"):
        check_same(getattr(svd, name), getattr(expected, name), put(A), tol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [None, "log", "inv", "sqrt", np.exp])
@pytest.mark.parametrize("method", ["hutchinson", "hutch++", "xtrace", "xnystrace", "sketch"])
def test_trace(put, method, function, dtype, rng):
    Q = np.linalg.qr(rng.normal(size=(60, 60)))[0]
    A = ((Q * np.linspace(1, 2, 60)) @ Q.T).astype(dtype)
    A = (A + A.T) / 2
    options = {"method": method, "function": function, "lanczos_steps": 8, "random_state": 0}
    n_matvecs = 40 if function is None else 200
    expected = opu_trace(A, n_matvecs, **options)
    found = opu_trace(put(A), n_matvecs, **options)
    assert found.value == pytest.approx(expected.value, rel=5 * rounding(dtype))
    assert found.n_matvecs == expected.n_matvecs
    estimator = OPUTraceEstimator(n_matvecs, method=method, function=function, lanczos_steps=8)
    trace = estimator.set_params(random_state=0).fit(put(A)).trace_
    assert trace == pytest.approx(expected.value, rel=5 * rounding(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_trace_by_unit_vectors(put, dtype, rng):
    A = rng.normal(size=(30, 30)).astype(dtype)
    found = opu_trace(put(A), 30)
    assert type(found.value) is type(found.standard_error) is float
    assert found.n_matvecs == 30
    assert abs(found.value - np.trace(A.astype(float))) < found.standard_error
    assert found.standard_error < 100 * rounding(dtype)


def test_trace_where_krylov_spaces_are_exhausted(put):
    A = np.diag([1.0] * 30 + [2.0] * 30)
    A[:2, :2] = [[1, 0.5], [0.5, 1]]  # of some alone
    expected = opu_trace(A, 300, function="log", random_state=0)
    found = opu_trace(put(A), 300, function="log", random_state=0)
    assert found.value == pytest.approx(expected.value, rel=1e-9)
    with pytest.raises(ValueError, match="must be symmetric"):
        opu_trace(put(np.triu(X[:, :9])), 40, function="exp")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [None, "inv"])
@pytest.mark.parametrize("method", ["hutchinson", "xdiag"])
def test_diagonal(put, method, function, dtype, rng):
    Q = np.linalg.qr(rng.normal(size=(60, 60)))[0]
    A = ((Q * np.linspace(1, 2, 60)) @ Q.T).astype(dtype)
    A = (A + A.T) / 2
    for n_matvecs in (200, 600):  # and by unit vectors
        options = {"method": method, "function": function, "lanczos_steps": 8, "random_state": 0}
        expected = opu_diagonal(A, n_matvecs, **options)
        found = opu_diagonal(put(A), n_matvecs, **options)
        check_same(found.value, expected.value, put(A), 100 * rounding(dtype))
        scale = abs(expected.value).max()
        check_same(
            found.standard_error, expected.standard_error, put(A), 100 * rounding(dtype), scale
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_eigenvalues(put, dtype, rng):
    Q = np.linalg.qr(rng.normal(size=(60, 60)))[0]
    A = ((Q * np.r_[4, 3, 2, np.linspace(0.1, 1, 57)]) @ Q.T).astype(dtype)
    A = (A + A.T) / 2
    tol = 300 * rounding(dtype)
    for which in ("LM", "SA"):
        expected = opu_eigh(A, 2, which=which, n_iter=3, random_state=0)
        found = opu_eigh(put(A), 2, which=which, n_iter=3, random_state=0)
        check_same(found.w, expected.w, put(A), tol)
        check_same(found.V, expected.V, put(A), tol)
    expected, found = (opu_nystrom(B, 3, random_state=0) for B in (A, put(A)))
    check_same(found.s, expected.s, put(A), tol)
    check_same(found.U, expected.U, put(A), tol)
    assert found.error_bound == pytest.approx(expected.error_bound, rel=tol)


@pytest.mark.parametrize("dtype", DTYPES)
def test_spectral_density(put, dtype, rng):
    Q = np.linalg.qr(rng.normal(size=(60, 60)))[0]
    A = (Q * np.r_[np.linspace(0, 1, 40), np.linspace(2, 3, 20)]) @ Q.T
    A = ((A + A.T) / 2).astype(dtype)
    options = {"lanczos_steps": 8, "random_state": 0}
    expected = opu_spectral_density(A, 100, **options)
    found = opu_spectral_density(put(A), 100, **options)
    tol = 100 * rounding(dtype)
    np.testing.assert_allclose(found.nodes, expected.nodes, atol=tol)
    assert found.n_matvecs == expected.n_matvecs
    for x in (0.5, 1.5):
        assert found.cumulative(x) == pytest.approx(expected.cumulative(x), abs=tol)


def test_triangles(put, rng):
    A = np.triu(rng.random((80, 80)) < 0.1, 1).astype(float)
    A += A.T
    exact = np.trace(A @ A @ A) / 6
    for W, options in ((A, {}), (8 * np.triu(A), {"weighted": True, "directed": True})):
        options["random_state"] = 0
        expected = count_triangles(W, 150, method="estimate", **options)
        found = count_triangles(put(W), 150, method="estimate", **options)
        assert found == pytest.approx(expected, rel=1e-9)
        scale = 8 if options.get("weighted") else 1
        assert count_triangles(put(W), 150, **options).value == pytest.approx(scale * exact)
    for wrong, message in ((2 * A, "zeros and ones"), (A + np.eye(80), "self-loops")):
        with pytest.raises(ValueError, match=message):
            count_triangles(put(wrong), 150)


@pytest.mark.parametrize("dtype", DTYPES)
def test_matmul(put, dtype):
    A, B = decaying(500, 8, dtype), decaying(500, 5)
    expected = opu_matmul(A, B, 100, random_state=0)
    found = opu_matmul(put(A), put(B), 100, random_state=0)
    check_same(found.value, expected.value, put(A), 40 * np.finfo(dtype).eps)
    assert found.standard_error == pytest.approx(expected.standard_error, rel=1e-5)


@pytest.mark.parametrize("m", [100, 3000])
def test_lstsq(put, m, rng):
    A, b = decaying(m, 6), rng.normal(size=(m, 2))
    expected = np.linalg.lstsq(A, b, rcond=None)[0]
    solution = opu_lstsq(put(A), put(b), random_state=0)
    check_same(solution.x, expected, put(A), 1e-12)
    check_same(solution.residues, np.square(b - A @ expected).sum(axis=0), put(A), 1e-12)
    single = opu_lstsq(put(A), put(b[:, 0]), random_state=0)
    check_same(single.x, expected[:, 0], put(A), 1e-12)
    assert isinstance(single.residues, float)


@pytest.mark.parametrize("m", [100, 3000])
def test_lstsq_in_single_precision(put, m, monkeypatch, rng):
    monkeypatch.setattr("skopu.linalg._operator._PIECE_BYTES", 8 * 6 * 64)
    A, b = decaying(m, 6, np.float32), rng.normal(size=(m, 2)).astype(np.float32)
    expected = opu_lstsq(A, b, random_state=0)
    solution = opu_lstsq(put(A), put(b), random_state=0)
    check_same(solution.x, expected.x, put(A), 1e-11)
    check_same(solution.residues, expected.residues, put(A), 1e-11)
    assert solution.rank == expected.rank == 6


@pytest.mark.parametrize("shape", [(100, 6), (3000, 6), (6, 100), (6, 3000)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lstsq_of_any_shape_with_weights(put, dtype, shape, rng):
    A, b = rng.normal(size=shape).astype(dtype), rng.normal(size=(shape[0], 2))
    weights = rng.random(shape[0])
    for options in ({}, {"damp": 0.5}):
        expected = opu_lstsq(A, b, sample_weight=weights, random_state=0, **options)
        weighted = {"sample_weight": put(weights), **options}
        solution = opu_lstsq(put(A), put(b), random_state=0, **weighted)
        check_same(solution.x, expected.x, put(A), 1e-11)
        check_same(solution.residues, expected.residues, put(A), 1e-11, scale=1)
        assert solution.rank == 6
    with pytest.raises(ValueError, match=r"A is an array of .*, sample_weight one of numpy"):
        opu_lstsq(put(A), put(b), sample_weight=weights)


def test_without_dispatch_the_answer_is_numpys():
    torch = pytest.importorskip("torch")
    with sklearn.config_context(array_api_dispatch=False):
        found = OpticalRandomFeatures(n=20, random_state=0).fit_transform(torch.asarray(X))
        assert isinstance(found, np.ndarray)
        assert isinstance(LayeredMedium().field(torch.asarray(X), 5), np.ndarray)


def test_mixed_devices(put, rng):
    A, b = decaying(50, 4), rng.normal(size=50)
    with pytest.raises(ValueError, match=r"A is an array of .*, b one of numpy on cpu. Move"):
        opu_lstsq(put(A), b)
    with pytest.raises(ValueError, match="A is an array of numpy on cpu, B one of"):
        opu_matmul(A, put(A), 10)
    with pytest.raises(ValueError, match="X is an array of numpy on cpu, Y one of"):
        optical_kernel(A, put(A))
    svd = OPUTruncatedSVD(2).fit(put(A))
    message = r"OPUTruncatedSVD.{}\(\) must use the same namespace"
    for method in ("transform", "partial_fit"):
        svd.partial_fit(put(A))
        with pytest.raises(ValueError, match=message.format(method)):
            getattr(svd, method)(A)
    with pytest.raises(ValueError, match=message.format("inverse_transform")):
        svd.inverse_transform(A[:, :2])
    features = OpticalRandomFeatures(n=5).fit(A)
    with pytest.raises(ValueError, match=r"OpticalRandomFeatures.transform\(\) must use the same"):
        features.transform(put(A))
    for one, other in ((put(A), A), (A, put(A))):
        ridge = OpticalRidge(n=5).fit(one, b)
        with pytest.raises(ValueError, match=r"OpticalRidge.predict\(\) must use the same"):
            ridge.predict(other)


@pytest.mark.parametrize("estimator", [DFAClassifier(), DFAGraphClassifier()], ids=str)
def test_estimators_of_numpys_arrays_say_so(put, estimator):
    with pytest.raises(ValueError, match=r"takes NumPy arrays, got one of .* Convert it"):
        estimator.fit(put(X), put(np.arange(9) % 2))


def test_bad_input(put):
    features = OpticalRandomFeatures(n=5)
    for wrong, message in (
        (X * np.nan, "NaN"),
        (X + 0j, "must be real"),
        (X[0], "2D|2-d"),
        (X[:0], "0 sample"),
    ):
        with pytest.raises(ValueError, match=message):
            features.fit(put(wrong))
    for wrong, message in ((X * np.inf, "infinity"), (X + 0j, "must be real"), (X[0], "2-d")):
        with pytest.raises(ValueError, match=message):
            OPU().intensity(put(wrong), 5)
        with pytest.raises(ValueError, match=message):
            opu_svd(put(wrong), 1)
    with pytest.raises(ValueError, match="shows 0 and 1"):
        OPU(input_bits=1).intensity(put(X), 5)
    with pytest.raises(ValueError, match="must be None here"):
        features.fit(put(X)).transform(put(X), out=np.empty((9, 5)))


def test_unknown_dtype():
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match=r"dtype torch\.bfloat16, which NumPy does not know"):
        OpticalRandomFeatures(n=5).fit(torch.ones(3, 2, dtype=torch.bfloat16))


def test_out_of_memory_says_what_to_do(monkeypatch):
    torch = pytest.importorskip("torch")

    def fail(*args, **options):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 PiB.")

    fft = importlib.import_module("array_api_compat.torch.fft")
    monkeypatch.setattr(fft, "fftn", fail)
    light = torch.ones(2, 100)
    with pytest.raises(MemoryError, match=r"working_memory=MiB\), now 1024 MiB, or pass fewer"):
        OpticalRandomFeatures(n=2000).fit(light).transform(light)
    monkeypatch.setattr(fft, "fftn", lambda *args, **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        LayeredMedium().field(light, 2000)


def test_without_array_api_compat(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setitem(importlib.sys.modules, "array_api_compat", None)
    with pytest.raises(ImportError, match="pip install array-api-compat"):
        LayeredMedium().field(torch.asarray(X), 5)


def test_kernels_of_integers(put):
    """As accurate as NumPy's, whatever the library's own default is."""
    numbers = np.array([[16777217, 2], [3, 4]])
    for kernel in (optical_kernel, arc_cosine_kernel):
        expected = kernel(numbers, degree=1)
        check_same(kernel(put(numbers), degree=1), expected, put(numbers), 1e-14)


def test_half_precision_and_gradients():
    torch = pytest.importorskip("torch")
    half = torch.tensor(X, dtype=torch.float16)
    check_same(optical_kernel(half), optical_kernel(half.numpy()), half, 1e-12)
    for make in (OPUPCA, OPUTruncatedSVD):
        fitted = make(2, random_state=0).fit(torch.tensor(X, requires_grad=True))
        assert not fitted.components_.requires_grad
        same = copy.deepcopy(fitted).components_
        assert torch.allclose(same, make(2, random_state=0).fit(torch.tensor(X)).components_)


def test_dask_after_a_fit_elsewhere(put):
    chunked = pytest.importorskip("dask.array").from_array(X, chunks=(4, 40))
    for make in (OPUPCA, OPUTruncatedSVD):
        with pytest.raises(ValueError, match="must use the same namespace"):
            make(2, random_state=0).fit(put(X)).transform(chunked)
