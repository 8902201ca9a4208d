"""Progress bars of long work: on request alone."""

import contextlib
import io
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits

from skopu import (
    OPUPCA,
    DFAClassifier,
    DFAGraphClassifier,
    OpticalRandomFeatures,
    OpticalRidge,
    OPUTruncatedSVD,
)
from skopu._utils.progress import progress_bar

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_digits(return_X_y=True)
X, y = X[:200] / 16, y[:200]


WORK = {
    "features": (OpticalRandomFeatures(50), "10.0k/10.0k"),
    "pca": (OPUPCA(3, n_iter=1), "4 passes"),
    "svd": (OPUTruncatedSVD(3, n_iter=1), "6 passes"),
    "ridge": (OpticalRidge(20, alphas=[1, 2]), "400/400"),
    "ridge, conjugate gradients": (OpticalRidge(60, solver="cg"), "1 passes"),
    "training": (DFAClassifier((5,), max_iter=3), "3.00/3.00"),
    "training ": (DFAGraphClassifier((5,), max_iter=4), "4.00/4.00"),
}


def fresh(name):
    """That model, as no other test left it, and what its bar counts."""
    model, count = WORK[name]
    return clone(model), count


def work(model):
    model.fit(X, y)
    if hasattr(model, "transform"):
        model.transform(X)
    return model


@pytest.mark.parametrize("name", WORK)
def test_bar_on_request(name, capsys):
    model, count = fresh(name)
    work(model)
    assert capsys.readouterr() == ("", "")
    work(model.set_params(verbose=1))
    shown = capsys.readouterr().err
    assert f"{name.strip()}:" in shown
    assert count in shown


def test_bars_of_threads_that_end_in_any_order_leave_stdout(capsys):
    before = sys.stdout
    with contextlib.ExitStack() as first, contextlib.ExitStack() as second:
        first.enter_context(progress_bar(1, 2, "first", ""))
        second.enter_context(progress_bar(1, 2, "second", ""))
        assert sys.stdout is not before
        first.close()
        print("above the second")
        second.close()
        assert sys.stdout is before
    assert capsys.readouterr().out == "above the second\n"
    replaced = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()):
        with progress_bar(1, 2, "bar", ""):
            sys.stdout = replaced  # by someone else, who keeps it
        assert sys.stdout is replaced


def test_models_in_threads_leave_stdout(capsys):
    before = sys.stdout
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            list(pool.map(lambda name: work(fresh(name)[0].set_params(verbose=1)), WORK))
    assert sys.stdout is before


def test_what_is_printed_goes_above_the_bar(capsys):
    model = DFAClassifier((5,), max_iter=2, verbose=True, random_state=0).fit(X, y)
    assert f"Iteration 2, loss = {model.loss_:.8f}\n" in capsys.readouterr().out


def test_no_bar_for_each_batch(capsys):
    DFAClassifier((5,), verbose=True).partial_fit(X, y, classes=np.unique(y))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", WORK)
def test_results_are_the_same(name):
    model, _ = fresh(name)
    quiet = work(model.set_params(random_state=0, verbose=0))
    before = {key: value for key, value in vars(quiet).items() if isinstance(value, np.ndarray)}
    after = vars(work(model.set_params(verbose=1)))
    assert all(np.array_equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("name", WORK)
def test_without_tqdm(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    model, _ = fresh(name)
    model.set_params(verbose=1)
    if name == "training":  # scikit-learn's loop prints all the same
        work(model)
        return
    with pytest.raises(ImportError, match=r"verbose=1 shows a progress bar of tqdm"):
        work(model)
