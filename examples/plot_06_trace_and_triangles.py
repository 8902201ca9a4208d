"""
==========================================
6. Counting what cannot be seen one by one
==========================================

The trace of a matrix is the sum of its diagonal; easy, unless the matrix can only be
multiplied by: the cube of a graph's adjacency matrix, whose trace counts its triangles, or
the logarithm of a kernel matrix, whose trace is the log-determinant in the likelihood of a
Gaussian process. Products with random vectors estimate it, and light is a good source of
random vectors.

Every estimate comes with its standard error, drawn below as a bar of two of them.

After this notebook you can

- estimate a trace that cannot be computed, with its error;
- choose among Hutchinson's estimator, Hutch++ and XTrace;
- get a log-determinant, and count the triangles of a graph.
"""

# %%
# Four ways to spend the same products
# ------------------------------------
# The kernel matrix of 1000 digits, whose trace is 1000, which we know, so that we can check.
# Hutchinson's error falls like one over the square root of the budget, whatever the matrix. Hutch++
# and XTrace first find the leading eigenvectors.

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse
from sklearn.datasets import load_digits
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import kneighbors_graph

from skopu import count_triangles, opu_trace

X = load_digits().data[:1000] / 16
K = rbf_kernel(X, gamma=0.02)
budgets = np.array([20, 40, 80, 160, 320])
STYLES = {"hutchinson": "o", "sketch": "v", "hutch++": "s", "xtrace": "^"}


def draw(axis, estimates, exact, title):
    """Estimates over the exact value with error bars, methods side by side."""
    axis.axhline(1, color="0.6")
    for i, (name, results) in enumerate(estimates.items()):
        values, errors, n_matvecs = np.array(results).T
        axis.errorbar(
            n_matvecs * 1.06 ** (i - 1),
            values / exact,
            2 * errors / abs(exact),
            marker=STYLES.get(name, "D"),
            linestyle="none",
            capsize=3,
            label=name,
        )
    axis.set(xscale="log", xlabel="products with the matrix", ylabel="estimate / exact value")
    axis.set_xticks(n_matvecs, [f"{m:.0f}" for m in n_matvecs])
    axis.minorticks_off()
    axis.set_title(title)
    axis.legend()


traces = {
    method: [opu_trace(K, m, method=method, random_state=0) for m in budgets] for method in STYLES
}
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
draw(axis, traces, np.trace(K), "Trace of a kernel matrix")
plt.show()
for method, results in traces.items():
    value, error, n_matvecs = results[-1]
    print(f"{method:10}: {value:8.3f} +- {error:.3f} with {n_matvecs} products")

# %%
# Log-determinant
# ---------------
# A function of the matrix takes up to ``lanczos_steps`` products, here 20, for each of its
# own.

noise = K + 0.1 * np.eye(len(K))
exact = np.linalg.slogdet(noise)[1]
logdets = {
    method: [
        opu_trace(noise, 20 * m, method=method, function="log", random_state=0)
        for m in (5, 10, 20, 40)
    ]
    for method in ("hutchinson", "hutch++", "xtrace")
}
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
draw(axis, logdets, exact, "Log-determinant of a kernel matrix + 0.1")
plt.show()

# %%
# With a few dozen products, the plain method holds its own: the logarithm's spectrum falls
# slowly, and there is little for the others to find.

# %%
# Triangles
# ---------
# A graph of the digits: each is joined to its ten nearest neighbours. A sparse graph like this one
# is counted sooner than estimated, and so it is unless we ask for an estimate.

neighbours = kneighbors_graph(load_digits().data, 10)
adjacency = scipy.sparse.csr_matrix(neighbours.maximum(neighbours.T))
n_triangles = (adjacency @ adjacency).multiply(adjacency).sum() / 6
triangles = {
    "count_triangles": [
        count_triangles(adjacency, m, method="estimate", random_state=0)
        for m in (50, 100, 200, 400)
    ]
}

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
draw(axis, triangles, n_triangles, f"{n_triangles:.0f} triangles among 1797 digits")
plt.show()
value, error, n_matvecs = triangles["count_triangles"][-1]
print(f"{n_triangles:.0f} triangles, estimated as {value:.0f} +- {error:.0f}")
print(f"and counted: {count_triangles(adjacency).value:.0f}")

# %%
# Exercise 1: a flat spectrum
# ---------------------------
# Compare "hutchinson" and "xtrace" with 100 products on a matrix whose eigenvalues are all
# between 1 and 2. Why is the plain method as good here?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

rng = np.random.default_rng(0)
Q = np.linalg.qr(rng.normal(size=(500, 500)))[0]
flat = (Q * rng.uniform(1, 2, 500)) @ Q.T
for method in ("hutchinson", "xtrace"):
    value, error, _ = opu_trace(flat, 100, method=method, random_state=0)
    print(f"{method:10}: {value:.1f} +- {error:.1f}, exact {np.trace(flat):.1f}")

# %%
# The error of the plain method is set by the spread of the eigenvalues about their mean, which is
# small here. XTrace spends half of its products on the leading eigenspace, and no space leads.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: degrees of freedom
# ------------------------------
# A ridge smoother has the effective number of degrees of freedom tr K (K + a)^-1 = n - a tr (K +
# a)^-1. Estimate it for a = 0.1 with ``function="inv"``.
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

a, n = 0.1, len(K)
value, error, _ = opu_trace(
    K + a * np.eye(n), 2000, function="inv", lanczos_steps=40, random_state=0
)
exact_freedom = n - a * np.trace(np.linalg.inv(K + a * np.eye(n)))
print(f"{n - a * value:.1f} +- {a * error:.1f} degrees of freedom, exactly {exact_freedom:.1f}")

# %%
# Of 1000 parameters of a kernel machine so few are free: the kernel is smooth.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 3: a budget
# --------------------
# The Estrada index of a graph, tr exp(A), counts closed walks of all lengths. How many products
# does tr exp(A / 5) of the graph of digits take for an error of a per mille? Draw
# :class:`~skopu.TraceConvergenceDisplay` for an :class:`~skopu.OPUTraceEstimator`.
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

from skopu import OPUTraceEstimator, TraceConvergenceDisplay

walks = adjacency / 5
estrada = np.exp(np.linalg.eigvalsh(walks.toarray())).sum()
display = TraceConvergenceDisplay.from_estimator(
    OPUTraceEstimator(method="hutchinson", function="exp", random_state=0),
    walks,
    n_matvecs=[100, 400, 1600, 6400],
    exact=estrada,
)
for m, error in zip(display.n_matvecs, display.standard_errors, strict=True):
    print(f"{m:5} products: standard error {error / estrada:.2%}")

# %%
# Four times the products halve the error, so that a per mille takes some 50,000 of them. A matrix
# of 1797 rows is small enough for all of its eigenvalues; the estimate pays where that is not so.
#
# .. raw:: html
#
#     </details>
