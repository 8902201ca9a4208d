"""Work on more than memory holds, in processes that may take little more of it."""

import subprocess
import sys
import textwrap

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("The limit on a process's data is Linux's.", allow_module_level=True)

PREPARE = """
import resource
import numpy as np
import scipy.sparse
from sklearn.datasets import make_classification
from skopu import *

def data():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmData"))

def limit(mebibytes):
    most = data() + mebibytes * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))

X, y = make_classification(30_000, 40, n_informative=20, random_state=0)
X = X.astype(np.float32)
features = OpticalRandomFeatures(n=3000, random_state=0).fit(X)
features.transform(X[:1000])  # what threads and libraries take once
np.ones((300, 300)) @ np.ones((300, 300))
OPUTruncatedSVD(3).fit(X[:100])
"""


def run(code, path):
    """Standard output of code, after what all have in common, in a process of its own."""
    code = PREPARE + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_limit_holds(tmp_path):
    """What all other tests do without: 343 MiB of features."""
    code = """
    limit(200)
    try:
        features.transform(X)
    except MemoryError:
        print("refused")
    """
    assert run(code, tmp_path) == ["refused"]


def test_features_go_to_a_memory_map(tmp_path):
    code = """
    import sys
    limit(100)
    out = np.memmap(sys.argv[1] + "/features", np.float32, "w+", shape=(30_000, 3000))
    features.transform(X, out=out)
    print(np.allclose(out[-50:], features.transform(X[-50:]), rtol=1e-4))
    """
    assert run(code, tmp_path) == ["True"]


def test_a_medium_of_a_terabyte(tmp_path):
    code = """
    rows = np.ones((1, 10**6), np.float32)
    limit(150)
    print(OPU().intensity(rows, 10**6).mean() > 9e5)
    """
    assert run(code, tmp_path) == ["True"]


def test_a_million_sparse_inputs(tmp_path):
    code = """
    X = scipy.sparse.random(40, 10**6, 1e-4, "csr", np.float32, random_state=0)
    limit(150)
    print(OpticalRandomFeatures(n=1000).fit_transform(X).shape == (40, 1000))
    """
    assert run(code, tmp_path) == ["True"]


def test_svd_of_a_memory_map(tmp_path):
    code = """
    import sys
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3000, 40)))[0].T
    A = np.memmap(sys.argv[1] + "/matrix", np.float32, "w+", shape=(30_000, 3000))
    parts = [slice(start, start + 5000) for start in range(0, 30_000, 5000)]
    for part in parts:
        A[part] = X[part] @ rotation
    exact = np.linalg.svd(X, compute_uv=False)[:3]
    limit(150)
    svd = OPUTruncatedSVD(3, random_state=0).fit(A)
    stream = OPUTruncatedSVD(3, random_state=0)
    for part in parts:
        stream.partial_fit(A[part])
    print(np.allclose(svd.singular_values_, exact, rtol=0.01))
    print((0.8 * exact < stream.singular_values_).all())
    """
    assert run(code, tmp_path) == ["True", "True"]


def test_ridge_on_features_that_do_not_fit(tmp_path):
    code = """
    limit(250)
    print(OpticalRidgeClassifier(n=3000, kernel="arc_cosine").fit(X, y).score(X, y) > 0.9)
    """
    assert run(code, tmp_path) == ["True"]


def test_least_squares_of_an_operator(tmp_path):
    """A random matrix for its products would take 153 MiB, one for each column 10 MiB."""
    code = """
    from scipy.sparse.linalg import aslinearoperator
    A = X.astype(np.float64)
    x = np.arange(40.0)
    limit(100)
    print(np.allclose(opu_lstsq(aslinearoperator(A), A @ x, random_state=0).x, x))
    """
    assert run(code, tmp_path) == ["True"]
