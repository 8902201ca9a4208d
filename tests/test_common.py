"""scikit-learn's own checks, and those that its parametrize_with_checks leaves out."""

import pytest
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    check_set_output_transform,
    check_set_output_transform_pandas,
    check_set_output_transform_polars,
    check_transformer_get_feature_names_out,
    check_transformer_get_feature_names_out_pandas,
    parametrize_with_checks,
)

from skopu import (
    OPU,
    OPUPCA,
    Camera,
    DFAClassifier,
    DFAGraphClassifier,
    DFARegressor,
    GaussianMedium,
    LayeredMedium,
    OpticalRandomFeatures,
    OpticalRidge,
    OpticalRidgeClassifier,
    OPUTraceEstimator,
    OPUTruncatedSVD,
)
from skopu.optics import flaws


def noisy(medium):
    return OPU(medium, Camera(bits=12, photons=500, read_noise=0.01), random_state=3)


def flawed():
    """A device with all flaws that do not depend on time."""
    glass = flaws.UnscatteredLight(flaws.PartialCoherence(LayeredMedium(1)))
    effects = [flaws.DarkLevel(), flaws.PixelGain(), flaws.Nonlinearity(), flaws.DefectivePixels()]
    camera = Camera(bits=12, photons=500, effects=effects)
    return OPU(flaws.UnevenLight(flaws.Crosstalk(glass)), camera, random_state=3)


ESTIMATORS = [
    OpticalRandomFeatures(n=12),
    OpticalRandomFeatures(n=7, kernel="speckle", degree=1, opu=OPU(LayeredMedium(2))),
    OpticalRandomFeatures(n=7, kernel="arc_cosine"),
    OpticalRandomFeatures(n=7, kernel="rbf", opu=OPU(GaussianMedium())),
    OpticalRandomFeatures(n=12, opu=noisy(LayeredMedium())),
    OpticalRandomFeatures(n=7, kernel="arc_cosine", degree=2, opu=noisy(GaussianMedium())),
    OpticalRandomFeatures(n=12, opu=flawed()),
    OpticalRandomFeatures(n=12, opu=OPU(flaws.Grains())),
    OPUPCA(n_components=1),
    OPUPCA(n_components=1, whiten=True, opu=noisy(LayeredMedium())),
    OPUTruncatedSVD(n_components=1),
    OPUTruncatedSVD(n_components=1, n_iter=0, opu=noisy(LayeredMedium())),
    OPUTraceEstimator(n_matvecs=4),
    OPUTraceEstimator(n_matvecs=6, method="sketch", opu=noisy(GaussianMedium())),
    OPUTraceEstimator(n_matvecs=5, method="hutch++", opu=OPU(LayeredMedium())),
    OpticalRidge(n=100),
    OpticalRidge(n=100, kernel="arc_cosine", alphas=[0.1, 1], solver="cg"),
    OpticalRidgeClassifier(n=100, kernel="rbf"),
    OpticalRidgeClassifier(n=20, kernel="arc_cosine", alphas=[0.1, 1]),
    OpticalRidgeClassifier(n=20, solver="cg"),
    DFAClassifier(max_iter=50),
    DFAClassifier(max_iter=50, activation="tanh", error_encoding="ternary"),
    DFARegressor(max_iter=100),
    DFAGraphClassifier(max_iter=50),
    DFAGraphClassifier(max_iter=50, feedback="backprop"),
]

LEFT_OUT = [check_dataframe_column_names_consistency, check_param_validation]
LEFT_OUT_TRANSFORMER = [
    check_set_output_transform,
    check_set_output_transform_pandas,
    check_set_output_transform_polars,
    check_transformer_get_feature_names_out,
    check_transformer_get_feature_names_out_pandas,
]


# Networks of the checks are small and train for a short while.
unfinished = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def skip_without_gpu(check):
    """Skip a check on a GPU of PyTorch's where there is none; scikit-learn's fails there."""
    used = str(getattr(check, "keywords", ""))
    if "'cuda'" in used:
        torch = pytest.importorskip("torch")
        if not torch.cuda.is_available():
            pytest.skip("PyTorch finds no CUDA device on this machine.")


@unfinished
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_checks(estimator, check):
    skip_without_gpu(check)
    check(estimator)


@unfinished
# Some of these checks pass an array to what was fitted with a DataFrame, and back.
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        (estimator, check)
        for estimator in ESTIMATORS
        for check in LEFT_OUT + (LEFT_OUT_TRANSFORMER if hasattr(estimator, "transform") else [])
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_checks_left_out(estimator, check):
    check(type(estimator).__name__, estimator)
