"""Settings of the whole suite."""

import importlib.metadata
import os

# Workers share the processors; BLAS libraries read it when NumPy is first imported. With all
# threads in each, the suite takes half as much time again.
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0)):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))

import hypothesis
import numpy as np
import pytest

# Else scikit-learn skips its array API checks, which it cannot do with older versions of
# SciPy. SciPy reads it when it is first imported.
if tuple(map(int, importlib.metadata.version("scipy").split(".")[:2])) >= (1, 14):
    os.environ["SCIPY_ARRAY_API"] = "1"
os.environ.setdefault("MPLBACKEND", "agg")  # no windows

# The examples follow from the test's own code, so that each run sees the same.
hypothesis.settings.register_profile("same", derandomize=True, print_blob=True)
hypothesis.settings.load_profile("same")


@pytest.fixture
def rng():
    """A generator of the test's own: what it draws depends on no other test."""
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def global_generator():
    """What random_state=None draws from, the same in each test."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    yield
    np.random.set_state(state)  # noqa: NPY002
