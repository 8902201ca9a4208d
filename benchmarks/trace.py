"""Trace estimation: skopu's methods against plain Hutchinson, matfree and imate.

    python benchmarks/trace.py [--data FOLDER]

For each matrix, method and budget of products: the root mean square relative error over
seeds, and the part of seeds whose 95 % interval (1.96 standard errors) holds the true value.
"NumPy" is Hutchinson's estimator with signs drawn by NumPy. imate, where it is installed,
is given the same number of products in samples of 20 Lanczos steps, for the functions it
has. matfree, where it is installed with JAX, has as many too, in double precision; what JAX
compiles is compiled before the clock runs. FOLDER holds graphs as ``graph_*.npz`` (indices
and indptr of the CSR adjacency matrix, n_triangles), for example of the Stanford Large
Network Dataset Collection.
"""

import argparse
import functools
import time

import numpy as np
import scipy.sparse
from _graphs import counted_graphs
from _report import write_table
from sklearn.datasets import load_digits
from sklearn.metrics.pairwise import rbf_kernel

from skopu import OPU, GaussianMedium, LayeredMedium, count_triangles, opu_trace

try:
    import imate
except ImportError:
    imate = None
try:
    import jax
    import matfree.decomp
    import matfree.funm
    import matfree.stochtrace
except ImportError:
    jax = None
else:
    jax.config.update("jax_enable_x64", True)

N = 1000
LANCZOS_STEPS = 20


def _rotated(values):
    Q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((N, N)))
    A = (Q * values) @ Q.T
    return (A + A.T) / 2


def matrices():
    j = np.arange(N)
    step = np.where(j < 30, 1, 1e-3)
    kernel = rbf_kernel(load_digits().data[:N] / 16)
    return {
        "flat, 3 to 1": _rotated(np.linspace(3, 1, N)),
        "j^-2": _rotated((j + 1.0) ** -2),
        "0.7^j": _rotated(0.7**j),
        "30 ones, then 1e-3": _rotated(step),
        "diagonal, 3 to 1": np.diag(np.linspace(3, 1, N)),
        "diagonal step": np.diag(step),
        "identity of 50": np.eye(50),
        "kernel of digits": kernel,
    }


def _numpy_hutchinson(A, n_matvecs, seed):
    X = np.random.default_rng(seed).choice([-1.0, 1.0], (len(A), n_matvecs))
    forms = np.sum(X * (A @ X), axis=0)
    return forms.mean(), forms.std(ddof=1) / np.sqrt(n_matvecs)


@functools.cache
def _matfree_estimate(method, n, n_vectors, function=None):
    """Compiled estimate of a trace, and its standard error, of a seed and an n x n matrix.

    `leave_one_out_xtrace` takes two products a vector, a function `LANCZOS_STEPS`, others one.
    """
    stochtrace, like = matfree.stochtrace, jax.numpy.zeros(n)
    if function is not None:
        tridiagonal = matfree.decomp.tridiag_sym(LANCZOS_STEPS)
        matrix_function = matfree.funm.dense_funm_sym_eigh(function)
        integrand = matfree.funm.monte_carlo_funm_sym(matrix_function, tridiagonal)
    else:
        integrand = getattr(stochtrace, method)()
    if method.startswith("monte_carlo"):
        sampler = stochtrace.sampler_signs(like, num=n_vectors)
        estimate = stochtrace.estimator_monte_carlo_mean_and_sem(integrand, sampler)
    else:
        # Directions that are no signs, as its authors advise with vectors left out in turn.
        sampler = stochtrace.sampler_sphere(like, num=min(n_vectors, n))
        estimate = stochtrace.estimator_leave_one_out_mean_and_sem(integrand, sampler)
    return jax.jit(lambda seed, A: estimate(lambda x, A: A @ x, jax.random.key(seed), A))


def _matfree(A, method, each, function=None):
    """Estimate of tr(A) by matfree, of which a vector costs ``each`` products."""
    A = jax.numpy.asarray(A)

    def estimate(n_matvecs, seed):
        found = _matfree_estimate(method, len(A), n_matvecs // each, function)(seed, A)
        return tuple(map(float, found))

    return estimate


def methods(A):
    def ours(method, medium):
        def estimate(n_matvecs, seed):
            opu = OPU(medium(), random_state=seed)
            return opu_trace(A, n_matvecs, method=method, opu=opu)[:2]

        return estimate

    found = {
        "xtrace": ours("xtrace", GaussianMedium),
        "xtrace, layered": ours("xtrace", LayeredMedium),
        "xnystrace": ours("xnystrace", GaussianMedium),
        "hutch++": ours("hutch++", GaussianMedium),
        "hutchinson": ours("hutchinson", GaussianMedium),
        "sketch": ours("sketch", GaussianMedium),
        "NumPy": functools.partial(_numpy_hutchinson, A),
    }
    if jax is not None:
        found["matfree xtrace"] = _matfree(A, "leave_one_out_xtrace", 2)
        found["matfree xnystrace"] = _matfree(A, "leave_one_out_xnystrace", 1)
        found["matfree hutchinson"] = _matfree(A, "monte_carlo_trace", 1)
    return found


def _row(task, method, n_matvecs, exact, results, seconds):
    values, errors = np.array(results, dtype=float).T
    relative = values / exact - 1
    return {
        "task": task,
        "method": method,
        "products": n_matvecs,
        "rms relative error": float(np.sqrt(np.mean(relative**2))),
        "covered": float(np.mean(np.abs(values - exact) <= 1.96 * errors)),
        "ms": 1e3 * seconds / len(results),
    }


def _measure(task, method, n_matvecs, exact, estimate, n_seeds):
    estimate(0)  # compiles what is compiled
    start = time.perf_counter()
    results = [estimate(seed) for seed in range(n_seeds)]
    row = _row(task, method, n_matvecs, exact, results, time.perf_counter() - start)
    print(row, flush=True)
    return row


def traces(n_seeds):
    for task, A in matrices().items():
        for name, estimate in methods(A).items():
            for n_matvecs in (20, 50, 100, 200):
                yield _measure(
                    task,
                    name,
                    n_matvecs,
                    np.trace(A),
                    functools.partial(estimate, n_matvecs),
                    n_seeds,
                )


def _imate_functions(A, n_samples):
    """Estimates by imate's stochastic Lanczos quadrature, from one kind of run each."""
    options = {
        "method": "slq",
        "lanczos_degree": LANCZOS_STEPS,
        "min_num_samples": n_samples,
        "max_num_samples": n_samples,
        "orthogonalize": -1,
        "return_info": True,
    }

    def logdet(seed):
        value, info = imate.logdet(A, gram=False, seed=seed, **options)
        return value, info["error"]["absolute_error"] / 1.96

    def inverse(seed):
        value, info = imate.traceinv(A, gram=False, seed=seed, **options)
        return value, info["error"]["absolute_error"] / 1.96

    return {"log": logdet, "inv": inverse}


def functions(n_seeds):
    A = matrices()["kernel of digits"] + 0.1 * np.eye(N)
    eigenvalues = np.linalg.eigvalsh(A)
    exact = {
        "log": np.log(eigenvalues).sum(),
        "inv": (1 / eigenvalues).sum(),
        "sqrt": np.sqrt(eigenvalues).sum(),
        "exp": np.exp(eigenvalues / eigenvalues[-1]).sum(),
    }
    for function, value in exact.items():
        matrix = A / eigenvalues[-1] if function == "exp" else A
        for method in ("xtrace", "hutch++", "hutchinson"):
            for n_matvecs in (200, 400, 1000):
                yield _measure(
                    f"{function} of kernel + 0.1",
                    method,
                    n_matvecs,
                    value,
                    lambda seed, A=matrix, n=n_matvecs, m=method, f=function: opu_trace(
                        A, n, method=m, function=f, random_state=seed
                    )[:2],
                    n_seeds,
                )
        if imate is not None and function in ("log", "inv"):
            for n_matvecs in (200, 400, 1000):
                yield _measure(
                    f"{function} of kernel + 0.1",
                    "imate",
                    n_matvecs,
                    value,
                    _imate_functions(A, n_matvecs // LANCZOS_STEPS)[function],
                    n_seeds,
                )
        if jax is not None:
            asked = getattr(jax.numpy, "reciprocal" if function == "inv" else function)
            estimate = _matfree(matrix, "monte_carlo_trace", LANCZOS_STEPS, asked)
            for n_matvecs in (200, 400, 1000):
                yield _measure(
                    f"{function} of kernel + 0.1",
                    "matfree",
                    n_matvecs,
                    value,
                    functools.partial(estimate, n_matvecs),
                    n_seeds,
                )


def _sketched_triangles(A, n_matvecs, seed):
    """The paper's way: tr((R'AR)^3) / 6 of one sketch."""
    n = A.shape[0]
    R = OPU(GaussianMedium(), random_state=seed).linear(scipy.sparse.identity(n), n_matvecs)
    B = R.T @ (A @ R) / n_matvecs
    return np.trace(B @ B @ B) / 6, np.nan


def triangles(folder, n_seeds):
    for graph, A, exact in counted_graphs(folder):
        task = f"triangles of {graph}"
        ways = {
            "count_triangles": lambda n, seed, A=A: _estimated_triangles(A, n, seed),
            "hutchinson of A^3": lambda n, seed, A=A: _hutchinson_cube(A, n, seed),
            "sketch of the paper": lambda n, seed, A=A: _sketched_triangles(A, n, seed),
        }
        for name, way in ways.items():
            for n_matvecs in (50, 100, 200, 400):
                yield _measure(
                    task,
                    name,
                    n_matvecs,
                    exact,
                    lambda seed, way=way, n=n_matvecs: way(n, seed),
                    n_seeds,
                )


def _estimated_triangles(A, n_matvecs, seed):
    return count_triangles(A, n_matvecs, method="estimate", random_state=seed)[:2]


def _hutchinson_cube(A, n_matvecs, seed):
    X = np.random.default_rng(seed).choice([-1.0, 1.0], (A.shape[0], n_matvecs // 2))
    once = A @ X
    forms = np.sum(once * (A @ once), axis=0) / 6
    return forms.mean(), forms.std(ddof=1) / np.sqrt(len(forms))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", help="folder of graphs, see above")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--output", default="trace.csv")
    arguments = parser.parse_args()
    rows = [*traces(arguments.seeds), *functions(min(arguments.seeds, 50))]
    if arguments.data:
        rows += triangles(arguments.data, 20)
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
