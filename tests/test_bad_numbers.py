"""Masked entries, and numbers that no float holds, are refused at every door."""

import numpy as np
import pytest

import skopu
from skopu.kernels import arc_cosine_kernel, optical_kernel

X = np.random.default_rng(0).random((30, 5))
y = np.arange(30) % 3
t = X[:, 0]
K = np.ones((30, 30)) - np.eye(30)


def masked(values):
    """One entry masked, whose number would pass."""
    mask = np.zeros(values.shape, bool)
    mask.flat[5] = True
    return np.ma.array(values, mask=mask)


def fitted(estimator, X=X, y=y):
    return estimator.fit(X, y)


SMALL = {"max_iter": 2}
# What is called with the values that are bad, and good ones.
DOORS = {
    "features": (skopu.OpticalRandomFeatures(3).fit, X),
    "features, transform": (fitted(skopu.OpticalRandomFeatures(3)).transform, X),
    "pca": (skopu.OPUPCA(2).fit, X),
    "pca, transform": (fitted(skopu.OPUPCA(2)).transform, X),
    "pca, score": (fitted(skopu.OPUPCA(2)).score, X),
    "pca, partial_fit": (skopu.OPUPCA(2).partial_fit, X),
    "pca, inverse": (fitted(skopu.OPUPCA(2)).inverse_transform, X[:, :2]),
    "svd": (skopu.OPUTruncatedSVD(2).fit, X),
    "svd, transform": (fitted(skopu.OPUTruncatedSVD(2)).transform, X),
    "svd, partial_fit": (skopu.OPUTruncatedSVD(2).partial_fit, X),
    "svd, inverse": (fitted(skopu.OPUTruncatedSVD(2)).inverse_transform, X[:, :2]),
    "trace": (skopu.OPUTraceEstimator().fit, K),
    "opu_trace": (skopu.opu_trace, K),
    "opu_diagonal": (skopu.opu_diagonal, K),
    "opu_eigh": (lambda A: skopu.opu_eigh(A, 2), K),
    "opu_nystrom": (lambda A: skopu.opu_nystrom(A, 2), K @ K),
    "opu_spectral_density": (skopu.opu_spectral_density, K),
    "opu_svd": (lambda A: skopu.opu_svd(A, 2), X),
    "opu_matmul": (lambda A: skopu.opu_matmul(A, X, 10), X),
    "opu_lstsq": (lambda A: skopu.opu_lstsq(A, t), X),
    "opu_lstsq, b": (lambda b: skopu.opu_lstsq(X, b), t),
    "opu_lstsq, weights": (lambda w: skopu.opu_lstsq(X, t, sample_weight=w), t),
    "triangles": (skopu.count_triangles, K),
    "optical_kernel": (optical_kernel, X),
    "optical_kernel, Y": (lambda Y: optical_kernel(X, Y), X),
    "arc_cosine_kernel": (arc_cosine_kernel, X),
    "ridge": (lambda X: skopu.OpticalRidge(5).fit(X, t), X),
    "ridge, y": (lambda y: skopu.OpticalRidge(5).fit(X, y), t),
    "ridge, weights": (lambda w: skopu.OpticalRidge(5).fit(X, t, w), t),
    "ridge, predict": (fitted(skopu.OpticalRidge(5)).predict, X),
    "ridge classifier": (lambda X: skopu.OpticalRidgeClassifier(5).fit(X, y), X),
    "ridge classifier, weights": (lambda w: skopu.OpticalRidgeClassifier(5).fit(X, y, w), t),
    "network": (lambda X: skopu.DFAClassifier(**SMALL).fit(X, y), X),
    "network, partial_fit": (
        lambda X: skopu.DFAClassifier(**SMALL).partial_fit(X, y, classes=range(3)),
        X,
    ),
    "network, predict": (lambda Z: skopu.DFAClassifier(**SMALL).fit(X, y).predict(Z), X),
    "network, predict_proba": (
        lambda Z: skopu.DFAClassifier(**SMALL).fit(X, y).predict_proba(Z),
        X,
    ),
    "regressor, y": (lambda y: skopu.DFARegressor(**SMALL).fit(X, y), t),
    "regressor, partial_fit": (lambda y: skopu.DFARegressor(**SMALL).partial_fit(X, y), t),
    "regressor, predict": (lambda Z: skopu.DFARegressor(**SMALL).fit(X, t).predict(Z), X),
    "graph": (lambda X: skopu.DFAGraphClassifier(**SMALL).fit(X, y), X),
    "graph, adjacency": (lambda A: skopu.DFAGraphClassifier(**SMALL).fit(X, y, A), K),
    "graph, predict": (lambda Z: skopu.DFAGraphClassifier(**SMALL).fit(X, y).predict(Z), X),
    "graph, predict, adjacency": (
        lambda A: skopu.DFAGraphClassifier(**SMALL).fit(X, y).predict(X, A),
        K,
    ),
    "device": (lambda X: skopu.OPU().intensity(X, 3), X),
    "device, linear": (lambda X: skopu.OPU().linear(X, 3), X),
    "medium": (lambda X: skopu.LayeredMedium().field(X, 3), X),
    "measured": (lambda M: skopu.MeasuredMedium(M).field(X, 3), X[:, :5]),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("door", DOORS)
def test_masked_entries(door):
    function, values = DOORS[door]
    function(np.ma.array(values))  # none is masked
    with pytest.raises(ValueError, match=r"has masked entries.*Fill them"):
        function(masked(values))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("door", DOORS)
def test_integers_that_no_float_holds(door):
    function, values = DOORS[door]
    huge = values.astype(object)
    huge.flat[5] = 10**400
    with pytest.raises(ValueError, match=r"too large|must hold numbers"):
        function(huge)


@pytest.mark.parametrize("sizes", [(5.5,), (3, 2.5), (True,), np.array([2.5])])
@pytest.mark.parametrize("estimator", [skopu.DFAClassifier, skopu.DFAGraphClassifier])
def test_hidden_layers_are_whole(estimator, sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        estimator(hidden_layer_sizes=sizes).fit(X, y)
