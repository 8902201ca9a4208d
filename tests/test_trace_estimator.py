import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import aslinearoperator
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from skopu import OPU, GaussianMedium, LayeredMedium, OPUTraceEstimator, opu_trace
from skopu.linalg import TRACE_METHODS, TraceMethod

from .linalg.matrices import FORMS, memory_map

X = load_digits().data[:200] / 16
K = rbf_kernel(X) + np.eye(200)


def test_is_opu_trace():
    for options in (
        {},
        {"method": "hutch++", "n_matvecs": 30},
        {"function": "log", "lanczos_steps": 10},
        {"opu": OPU(LayeredMedium(), random_state=3)},
    ):
        estimator = OPUTraceEstimator(**options, random_state=0).fit(K)
        device = estimator.opu_
        expected = opu_trace(K, **{"n_matvecs": 100, **options, "opu": device})
        fitted = estimator.trace_, estimator.standard_error_, estimator.n_matvecs_
        assert fitted == expected
        assert isinstance(device.random_state, int)


def test_in_a_pipeline_after_a_kernel():
    logdet = OPUTraceEstimator(2000, function="log", random_state=0)
    kernel = FunctionTransformer(lambda X: rbf_kernel(X) + np.eye(len(X)))
    pipeline = make_pipeline(kernel, logdet).fit(X)
    exact = np.linalg.slogdet(K)[1]
    assert abs(pipeline[-1].trace_ - exact) < 4 * pipeline[-1].standard_error_
    assert pipeline[-1].standard_error_ < 0.01 * exact


@pytest.mark.parametrize("form", FORMS)
def test_every_form(form, tmp_path):
    estimator = OPUTraceEstimator(60, random_state=0).fit(FORMS[form](K, tmp_path))
    assert np.isclose(estimator.trace_, OPUTraceEstimator(60, random_state=0).fit(K).trace_)
    assert estimator.n_features_in_ == 200


def test_tags_and_device():
    tags = get_tags(OPUTraceEstimator())
    assert tags.input_tags.pairwise
    assert tags.input_tags.sparse
    opu = OPU(GaussianMedium(), random_state=4)
    estimator = OPUTraceEstimator(opu=opu).fit(K)
    assert estimator.opu_ is not opu
    again = clone(estimator).fit(K)
    assert again.trace_ == estimator.trace_


@pytest.mark.parametrize(
    ("matrix", "options", "match"),
    [
        (K[:5], {}, "square"),
        (aslinearoperator(K[:5]), {}, "square"),
        (scipy.sparse.csr_matrix(K[:5]), {}, "square"),
        (K * np.nan, {}, "NaN"),
        (K, {"n_matvecs": 3}, "at least 4, got 3"),
        (np.triu(K), {"function": "exp"}, "must be symmetric"),
    ],
)
def test_bad_input(matrix, options, match):
    with pytest.raises(ValueError, match=match):
        OPUTraceEstimator(**options).fit(matrix)


def test_nan_in_a_memory_map(tmp_path):
    with pytest.raises(ValueError, match="contains NaN"):
        OPUTraceEstimator().fit(memory_map(K * np.nan, tmp_path / "map"))


class Signs(TraceMethod):
    name, least = "signs", 3

    def estimate(self, A, n_products, opu):
        X = np.copysign(1, self.probes(A, n_products, opu))
        forms = (X * A.matmat(X)).sum(axis=0)
        return forms.mean(), forms.std(ddof=1) / np.sqrt(n_products)


@pytest.mark.parametrize("function", [None, "log"])
@pytest.mark.parametrize("form", FORMS)
def test_a_method_of_ones_own(form, function, tmp_path):
    A = np.diag(np.linspace(1, 2, 50))
    options = {"function": function, "lanczos_steps": 50}
    estimator = OPUTraceEstimator(500, method=Signs(), random_state=0, **options)
    estimator = clone(estimator).fit(FORMS[form](A, tmp_path))
    exact = np.trace(A) if function is None else np.log(A.diagonal()).sum()
    assert np.isclose(estimator.trace_, exact)  # signs see a diagonal without an error
    assert estimator.n_matvecs_ <= 500


def test_methods_are_names_or_objects():
    for name, method in TRACE_METHODS.items():
        by_name, by_object = (
            OPUTraceEstimator(20, method=each, random_state=0).fit(K).trace_
            for each in (name, method)
        )
        assert by_name == by_object
    with pytest.raises(ValueError, match=r'"signs" takes at least 3 products.*got 2'):
        opu_trace(K, 2, method=Signs())
    for wrong in ("signs", Signs, 3, ["xtrace"]):
        with pytest.raises(ValueError, match=r"hutch\+\+.* or an instance of TraceMethod"):
            opu_trace(K, method=wrong)
        with pytest.raises(ValueError, match="method"):
            OPUTraceEstimator(method=wrong).fit(K)
    with pytest.raises(NotImplementedError, match="needs a method estimate"):
        opu_trace(K, method=TraceMethod())
