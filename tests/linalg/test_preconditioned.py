import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import aslinearoperator
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import rbf_kernel

from skopu import OPUTraceEstimator, opu_trace

from ..statistics import z_score
from .matrices import FORMS, Counting, layered, symmetric

N = 150
KERNEL = rbf_kernel(load_digits().data[:N] / 16, gamma=0.05) + 1e-3 * np.eye(N)
SIZES = np.logspace(0, 8, N)
UNEVEN = symmetric(np.linspace(1, 3, N)) * np.sqrt(np.outer(SIZES, SIZES))
MATRICES = {"nystrom": KERNEL, "diagonal": UNEVEN}
EXACT = {
    "log": lambda A: np.linalg.slogdet(A)[1],
    "inv": lambda A: np.trace(np.linalg.inv(A)),
}


@pytest.mark.parametrize(
    ("method", "device"), [("hutchinson", None), ("xtrace", None), ("xtrace", layered)]
)
@pytest.mark.parametrize("function", EXACT)
@pytest.mark.parametrize("kind", MATRICES)
def test_unbiased_and_as_wrong_as_it_says(kind, function, method, device):
    A, exact = MATRICES[kind], EXACT[function](MATRICES[kind])
    found = [
        opu_trace(
            A,
            700,
            method=method,
            function=function,
            preconditioner=kind,
            lanczos_steps=30,
            opu=device and device(seed=seed),
            random_state=seed,
        )
        for seed in range(25)
    ]
    values, errors, taken = np.array(found).T
    assert taken.max() <= 700
    assert abs(z_score(values, exact)) < 4
    assert np.mean(abs(values - exact) < 2.5 * errors) > 0.8


@pytest.mark.parametrize("function", EXACT)
@pytest.mark.parametrize("kind", MATRICES)
def test_takes_fewer_steps(kind, function):
    A, exact = MATRICES[kind], EXACT[function](MATRICES[kind])
    options = {"function": function, "lanczos_steps": 15, "random_state": 0}
    found = opu_trace(A, 600, preconditioner=kind, **options)
    assert found.standard_error < 0.1 * abs(exact)
    try:
        plain = opu_trace(A, 600, **options)
    except ConvergenceWarning:  # an error here
        return
    assert found.standard_error < 0.3 * plain.standard_error


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", MATRICES)
def test_where_nothing_helps_the_error_still_covers(kind):
    """Eigenvalues over ten decades, and thirty steps."""
    A = symmetric(np.logspace(0, 10, N))
    for function, exact in EXACT.items():
        for seed in range(5):
            found = opu_trace(
                A,
                600,
                function=function,
                preconditioner=kind,
                lanczos_steps=30,
                random_state=seed,
            )
            assert abs(found.value - exact(A)) < 2 * found.standard_error


@pytest.mark.parametrize("kind", MATRICES)
def test_all_products_are_exact(kind):
    """As many vectors and steps as there are dimensions."""
    A = MATRICES[kind][:30, :30]
    for function, exact in EXACT.items():
        found = opu_trace(
            A, 2000, function=function, preconditioner=kind, lanczos_steps=30, random_state=0
        )
        assert np.isclose(found.value, exact(A), rtol=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", MATRICES)
def test_every_form_gives_the_same(form, kind, tmp_path):
    A = MATRICES[kind]
    options = {"function": "log", "preconditioner": kind, "random_state": 3}
    if kind == "diagonal" and form == "operator":
        with pytest.raises(ValueError, match=r"known only through products.*nystrom"):
            opu_trace(FORMS[form](A, tmp_path), 400, **options)
        return
    expected = opu_trace(A, 400, **options)
    assert np.allclose(opu_trace(FORMS[form](A, tmp_path), 400, **options), expected, rtol=1e-5)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_products_are_counted():
    A = Counting(KERNEL)
    for n_matvecs in (100, 399, 1000):
        A.calls.clear()
        found = opu_trace(A, n_matvecs, function="inv", preconditioner="nystrom", random_state=0)
        assert found.n_matvecs == A.n_matvecs <= n_matvecs


def test_single_precision_and_the_estimator():
    A = scipy.sparse.csr_array(UNEVEN.astype(np.float32))
    estimator = OPUTraceEstimator(800, function="log", preconditioner="diagonal", random_state=0)
    estimator.fit(A)
    assert abs(estimator.trace_ - EXACT["log"](UNEVEN)) < 4 * estimator.standard_error_


def test_bad_input():
    with pytest.raises(ValueError, match="must be None or one of"):
        opu_trace(KERNEL, function="log", preconditioner="jacobi")
    with pytest.raises(ValueError, match='needs function="log" or "inv"'):
        opu_trace(KERNEL, 400, function="sqrt", preconditioner="nystrom")
    with pytest.raises(ValueError, match="function is None"):
        opu_trace(KERNEL, preconditioner="nystrom")
    with pytest.raises(ValueError, match="positive definite"):
        opu_trace(-KERNEL, 400, function="inv", preconditioner="diagonal")
    with pytest.raises(ValueError, match="positive semi-definite"):
        opu_trace(-KERNEL, 400, function="inv", preconditioner="nystrom", random_state=0)
    with pytest.raises(ValueError, match="after 8 for the preconditioner, so n_matvecs must be"):
        opu_trace(KERNEL, 80, function="log", preconditioner="nystrom", random_state=0)
    with pytest.raises(ValueError, match="symmetric"):
        opu_trace(aslinearoperator(np.triu(KERNEL)), 400, function="log", preconditioner="nystrom")
