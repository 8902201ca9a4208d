"""Displays: what they measure, and that what they draw is labelled."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import load_digits
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.metrics.pairwise import rbf_kernel

from skopu import (
    OPU,
    Camera,
    DFAClassifier,
    DFARegressor,
    GaussianMedium,
    MeasuredMedium,
    OpticalRandomFeatures,
    OPUTraceEstimator,
    OPUTruncatedSVD,
    arc_cosine_kernel,
    optical_kernel,
    opu_spectral_density,
)
from skopu.inspection import (
    AlignmentDisplay,
    KernelApproximationDisplay,
    SpeckleDisplay,
    SpectralDensityDisplay,
    SpectrumDisplay,
    TraceConvergenceDisplay,
)
from skopu.optics import Device

X, y = load_digits(return_X_y=True)
X, y = X[:200] / 16, y[:200]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def alignment(epochs=3):
    model = DFAClassifier((20, 20), track_alignment=True, random_state=0)
    for _ in range(epochs):
        model.partial_fit(X, y, classes=np.arange(10))
    return model


def all_displays():
    yield SpeckleDisplay.from_estimator(OPU(), X[:1])
    yield KernelApproximationDisplay.from_estimator(OpticalRandomFeatures(), X[:20])
    yield SpectrumDisplay.from_estimator(OPUTruncatedSVD(5).fit(X), X)
    yield TraceConvergenceDisplay.from_estimator(OPUTraceEstimator(), X.T @ X, exact=1.0)
    yield AlignmentDisplay.from_estimator(alignment())
    yield SpectralDensityDisplay.from_matrix(X.T @ X)


@pytest.mark.parametrize("display", all_displays(), ids=lambda display: type(display).__name__)
def test_drawn_titled_and_labelled(display):
    axes = getattr(display, "axes_", None)
    axes = [display.ax_] if axes is None else axes
    for ax in axes:
        assert ax.get_title()
        assert ax.get_xlabel()
        assert ax.get_ylabel()
    display.figure_.canvas.draw()
    figure, others = plt.subplots(1, len(axes))
    assert display.plot(others) is display
    assert display.figure_ is figure
    with pytest.raises(ValueError, match=f"ax must hold {len(axes)} matplotlib Axes, got 3"):
        display.plot(plt.subplots(1, 3)[1])


def test_speckle():
    opu = OPU(GaussianMedium(), Camera(bits=12), random_state=3)
    display = SpeckleDisplay.from_estimator(opu, X[:1], shape=(60, 80))
    np.testing.assert_array_equal(display.image.ravel(), opu.intensity(X[:1], 4800)[0])
    # The contrast of m independent exponential intensities has variance near 1 / m.
    assert abs(display.contrast - 1) < 4 / np.sqrt(4800)
    fitted = OpticalRandomFeatures(opu=opu).fit(X)
    np.testing.assert_array_equal(
        SpeckleDisplay.from_estimator(fitted, X[:1], shape=(60, 80)).image, display.image
    )
    assert SpeckleDisplay.from_estimator(opu, 0 * X[:1]).contrast == 0
    assert SpeckleDisplay.from_estimator(opu, X[:1], shape=(1, 1)).contrast == 0


def test_speckle_of_bad_input():
    with pytest.raises(ValueError, match="X must be one sample, a row, got 2 rows"):
        SpeckleDisplay.from_estimator(OPU(), X[:2])
    with pytest.raises(ValueError, match="shape must be"):
        SpeckleDisplay.from_estimator(OPU(), X[:1], shape=(0, 5))
    with pytest.raises(NotFittedError):
        SpeckleDisplay.from_estimator(OpticalRandomFeatures(), X[:1])


@pytest.mark.parametrize(
    ("options", "kernel"),
    [
        ({}, optical_kernel),
        ({"degree": 1}, lambda X: optical_kernel(X, degree=1)),
        ({"kernel": "arc_cosine", "degree": 2}, lambda X: arc_cosine_kernel(X, degree=2)),
        ({"kernel": "rbf"}, lambda X: rbf_kernel(X, gamma=1 / (X.shape[1] * X.var()))),
        ({"kernel": "rbf", "gamma": 0.3}, lambda X: rbf_kernel(X, gamma=0.3)),
    ],
)
@pytest.mark.parametrize("opu", [None, OPU(GaussianMedium(random_state=1))], ids=str)
def test_kernel(options, kernel, opu):
    features = OpticalRandomFeatures(**options, opu=opu, random_state=0)
    display = KernelApproximationDisplay.from_estimator(
        features, X[:30], n_features=[2000, 50], n_repeats=4
    )
    np.testing.assert_allclose(display.exact, kernel(X[:30]))
    np.testing.assert_array_equal(display.n_features, [50, 2000])
    assert display.errors.shape == (2, 4)
    assert len(np.unique(display.errors)) == 8  # each of its own glass
    assert (display.errors[1] < display.errors[0]).all()


def test_the_guide_goes_through_the_middle_of_all_points():
    sizes, errors = np.array([10, 1000]), np.array([[0.4, 0.6], [0.03, 0.03]])
    display = KernelApproximationDisplay(np.eye(2), np.eye(2), sizes, errors).plot()
    guide = display.axes_[1].lines[-1].get_ydata()
    np.testing.assert_allclose(guide, guide[0] * np.sqrt(10 / sizes))
    np.testing.assert_allclose(np.prod(guide / errors.mean(axis=1)), 1)


class Bench(Device):
    """A device that has no seed and no ideal twin."""

    def intensity(self, X, n, *, repeat=1, first_exposure=0):
        return abs(GaussianMedium(random_state=5).field(X, n)) ** 2


class Seeded(Bench):
    """A device that has a seed, and no ideal twin."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def intensity(self, X, n, *, repeat=1, first_exposure=0):
        return abs(GaussianMedium(random_state=self.random_state).field(X, n)) ** 2


def test_glass_of_a_device_of_ones_own():
    features = OpticalRandomFeatures(opu=Seeded(), random_state=0)
    display = KernelApproximationDisplay.from_estimator(
        features, X[:30], n_features=[10, 100], n_repeats=3
    )
    assert len(np.unique(display.errors)) == 6


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("bench", [False, True])
def test_glass_that_is_measured_has_no_spread(noisy, bench):
    camera = Camera(photons=10) if noisy else None
    matrix = GaussianMedium(random_state=5).transmission_matrix(64, 100)
    opu = Bench() if bench else OPU(MeasuredMedium(matrix), camera)
    display = KernelApproximationDisplay.from_estimator(
        OpticalRandomFeatures(opu=opu, random_state=0), X[:30], n_features=[10, 100]
    )
    assert display.errors.shape == (2, 1)
    (bars,) = display.axes_[1].containers
    assert not bars.has_yerr
    assert bars.get_label() == "one piece of glass"


def test_kernel_errors_are_those_of_features_of_that_number():
    measured = MeasuredMedium(GaussianMedium().transmission_matrix(64, 500))
    features = OpticalRandomFeatures(opu=OPU(measured), random_state=0)
    display = KernelApproximationDisplay.from_estimator(
        features, X[:30], n_features=[50, 500], n_repeats=2
    )
    for n, errors in zip([50, 500], display.errors, strict=True):
        Z = features.set_params(n=n).fit_transform(X[:30])
        exact = optical_kernel(X[:30])
        expected = np.linalg.norm(Z @ Z.T - exact) / np.linalg.norm(exact)
        np.testing.assert_allclose(errors, expected)  # no seed changes a laboratory's glass


@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_matrix], ids=["array", "csr"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_spectrum(form, dtype):
    A = form(X.astype(dtype))
    exact = np.linalg.svd(X, compute_uv=False)
    rough = OPUTruncatedSVD(20, n_oversamples=0, n_iter=0, random_state=0).fit(A)
    display = SpectrumDisplay.from_estimator(rough, A)
    assert display.errors.max() > 0.1
    nearest = abs(exact - display.singular_values[:, None]).min(axis=1)
    assert (nearest <= display.errors + 1e-5 * exact[0]).all()
    good = TruncatedSVD(20, algorithm="arpack").fit(X)
    display = SpectrumDisplay.from_estimator(good, A)
    np.testing.assert_allclose(display.singular_values, exact[:20], rtol=1e-5)
    assert display.errors.max() < 1e-5 * exact[0]
    np.testing.assert_allclose(
        display.energy_ratio, np.cumsum(exact[:20] ** 2) / np.sum(exact**2), rtol=1e-5
    )


def test_spectrum_of_bad_input():
    with pytest.raises(NotFittedError):
        SpectrumDisplay.from_estimator(OPUTruncatedSVD(), X)
    with pytest.raises(ValueError, match="X has 9 features, but OPUTruncatedSVD was fitted with"):
        SpectrumDisplay.from_estimator(OPUTruncatedSVD().fit(X), X[:, :9])


@pytest.mark.parametrize("opu", [None, OPU(GaussianMedium(random_state=1))], ids=str)
def test_traces_are_independent_estimates(opu):
    A = X.T @ X
    estimator = OPUTraceEstimator(method="hutchinson", opu=opu, random_state=0)
    sizes = [40] * 60 + [10]
    display = TraceConvergenceDisplay.from_estimator(estimator, A, n_matvecs=sizes)
    np.testing.assert_array_equal(display.n_matvecs, sizes)
    errors = (display.values - np.trace(A)) / display.standard_errors
    assert abs(errors[:60].mean()) < 4 / np.sqrt(60)
    assert 0.7 < errors[:60].std() < 1.4  # 60 values know it to 10 %
    again = TraceConvergenceDisplay.from_estimator(estimator, A, n_matvecs=sizes)
    np.testing.assert_array_equal(again.values, display.values)


def test_traces_by_glass_that_is_measured():
    A = X.T @ X
    medium = MeasuredMedium(GaussianMedium(random_state=5).transmission_matrix(64, 100))
    estimator = OPUTraceEstimator(8, method="hutchinson", opu=OPU(medium))
    display = TraceConvergenceDisplay.from_estimator(estimator, A, n_matvecs=[8, 8])
    fitted = estimator.fit(A)
    np.testing.assert_array_equal(display.values, fitted.trace_)
    np.testing.assert_array_equal(display.standard_errors, fitted.standard_error_)


def test_alignment():
    model = alignment(4)
    display = AlignmentDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.angles, model.alignment_)
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["hidden layer 1", "hidden layer 2"]
    with pytest.raises(ValueError, match=r"recorded no angles\. Fit it with track_alignment=True"):
        AlignmentDisplay.from_estimator(DFARegressor(max_iter=1, tol=9).partial_fit(X, y))
    with pytest.raises(NotFittedError):
        AlignmentDisplay.from_estimator(DFAClassifier())


def test_spectral_density():
    A = X.T @ X
    exact = np.linalg.eigvalsh(A)
    options = {"n_matvecs": 200, "lanczos_steps": 20, "random_state": 0}
    found = opu_spectral_density(A, **options)
    display = SpectralDensityDisplay.from_matrix(A, eigenvalues=exact[::-1], **options)
    np.testing.assert_array_equal(display.spectral_density.nodes, found.nodes)
    (line,) = display.ax_.lines
    np.testing.assert_allclose(line.get_ydata(), found.density(line.get_xdata()).value)
    assert sum(bar.get_height() * bar.get_width() for bar in display.ax_.patches) == pytest.approx(
        1
    )
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["+- 2 standard errors", "estimate", "exact"]
    smooth = SpectralDensityDisplay(found).plot(width=50).ax_.lines[0]
    np.testing.assert_allclose(smooth.get_ydata(), found.density(smooth.get_xdata(), 50).value)
    with pytest.raises(ValueError, match="width must be a positive number"):
        display.plot(width=0)
    with pytest.raises(ValueError, match="must be symmetric"):
        SpectralDensityDisplay.from_matrix(np.triu(A))


def test_cumulative_share_of_eigenvalues():
    A = X.T @ X
    display = SpectralDensityDisplay.from_matrix(
        A, random_state=0, eigenvalues=np.linalg.eigvalsh(A), cumulative=True
    )
    estimate, exact = display.ax_.lines
    share = display.spectral_density.cumulative(estimate.get_xdata())
    np.testing.assert_allclose(estimate.get_ydata(), share.value)
    assert exact.get_ydata()[[0, -1]].tolist() == [0, 1]
    assert abs(share.value - exact.get_ydata()).max() < 0.1
    assert not display.ax_.patches


def test_without_matplotlib(monkeypatch):
    display = AlignmentDisplay(np.ones((2, 2)))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        display.plot()


@pytest.mark.parametrize("sizes", [(), 10, "12", [0], [2.5]])
def test_bad_sizes(sizes):
    with pytest.raises(ValueError, match="n_features must be"):
        KernelApproximationDisplay.from_estimator(OpticalRandomFeatures(), X, n_features=sizes)
    with pytest.raises(ValueError, match="n_matvecs must be"):
        TraceConvergenceDisplay.from_estimator(OPUTraceEstimator(), np.eye(9), n_matvecs=sizes)
    with pytest.raises(ValueError, match="shape must be"):
        SpeckleDisplay.from_estimator(OPU(), X[:1], shape=sizes)
