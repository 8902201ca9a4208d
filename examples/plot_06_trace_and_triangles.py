"""
==========================================
6. Counting what cannot be seen one by one
==========================================

The trace of a matrix is the sum of its diagonal, which is easy if the entries are at hand, but not
if all one can do is multiply by the matrix. Examples are the cube of a graph's adjacency matrix,
whose trace counts its triangles, and the logarithm of a kernel matrix, whose trace is the
log-determinant in the likelihood of a Gaussian process. Products with random vectors estimate it,
and light is a good source of random vectors.

Every estimate comes with its standard error. We test both: how far are estimates from the truth,
and how often is the truth within two standard errors?

After this notebook you can

- estimate a trace that cannot be computed, with its error;
- choose among Hutchinson's estimator, Hutch++ and XTrace;
- tell when a standard error can be trusted;
- get a log-determinant, and count the triangles of a graph.

:doc:`/user_guide/linear_algebra` has more on each of these.
"""

# %%
# Why random products tell a trace
# --------------------------------
# Let g be a random vector with :math:`E \, g g^T = I`. Then
#
# .. math::
#
#     E \, g^T A g = E \, \mathrm{tr} \, A g g^T = \mathrm{tr} \, A,
#
# and *Hutchinson's estimator* is the mean of :math:`g^T A g` over m such probes. *Hutch++* spends
# only a third of its products on probes. It multiplies a third of its vectors by A, and takes an
# orthonormal basis Q of the results, which nearly contains the leading eigenvectors. With
# :math:`P = I - Q Q^T`,
#
# .. math::
#
#     \mathrm{tr} \, A = \mathrm{tr} \, Q^T A Q + \mathrm{tr} \, P A P.
#
# The first part is computed exactly, by the products A Q, and only the second is estimated.
# *XTrace* takes each of its vectors in turn as the only probe, with the Q of all the others, and
# gives the mean over these; so no vector is there for one purpose alone.
#
# Many estimates of one trace
# ---------------------------
# The kernel matrix of 500 digits has a trace of 500, which we know, so that we can check. One
# estimate is a matter of luck, so we make a hundred of each kind, ten for each seed, all with glass
# of their own and so with other random vectors. Then we look at two things:
#
# - the root mean square of the errors,
# - the share of estimates that are within two standard errors of the truth. For normal errors and a
#   standard error that is exactly known, that would be 95 %.

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse
from sklearn.datasets import load_digits
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import kneighbors_graph

from skopu import count_triangles, opu_trace

seeds = range(10)


def repeated(estimate, n_matvecs):
    """Values and their standard errors, each with one row for each seed."""
    found = []
    for seed in seeds:
        glasses = np.random.default_rng([seed, n_matvecs]).integers(2**31, size=10)
        results = [estimate(n_matvecs=n_matvecs, random_state=int(glass)) for glass in glasses]
        found.append([(result.value, result.standard_error) for result in results])
    return np.moveaxis(np.array(found), 2, 0)


def mean_and_error(values):
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values))


def rms(values, exact):
    """Root mean square of relative errors in %, and its standard error."""
    square, error = mean_and_error(np.mean((100 * (values / exact - 1)) ** 2, axis=1))
    return np.sqrt(square), error / (2 * np.sqrt(square))


def coverage(values, errors, exact):
    """Share in % of intervals of two standard errors that hold the exact value, and its error."""
    return mean_and_error(100 * np.mean(abs(values - exact) < 2 * errors, axis=1))


def study(estimators, exact, budgets, title):
    """Draw rms errors and coverage of each estimator, and print those of two budgets."""
    _, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for i, (name, estimate) in enumerate(estimators.items()):
        found = [repeated(estimate, budget) for budget in budgets]
        errors = [rms(values, exact) for values, _ in found]
        shares = [coverage(*both, exact) for both in found]
        place = np.array(budgets) * 1.05**i
        style = {"fmt": "osv"[i], "color": f"C{i}", "capsize": 3, "label": name}
        left.errorbar(place, *np.transpose(errors), **style)
        right.errorbar(place, *np.transpose(shares), **style)
        for k in (0, -1):
            start = f"{title}, {name}, {budgets[k]} products"
            print("{}, error %: {:.3f} +- {:.3f}".format(start, *errors[k]))
            print("{}, coverage %: {:.1f} +- {:.1f}".format(start, *shares[k]))
    right.axhline(95, color="0.6", label="95 %")
    left.set(yscale="log", ylabel="rms error, %", title=title)
    left.yaxis.set_major_formatter("{x:g}")
    right.set(ylim=(50, 102), ylabel="truth within two standard errors, %", title="Coverage")
    for axis in (left, right):
        axis.set(xscale="log", xlabel="products with the matrix")
        axis.set_xticks(budgets, budgets)
        axis.set_xticks([], minor=True)
        axis.legend()
    return left


def draw_theory(axis, eigenvalues, n_vectors, budgets):
    """Error of Hutchinson's estimator, sqrt(2 / m) times the spread of the eigenvalues."""
    spread = np.linalg.norm(eigenvalues - eigenvalues.mean()) / abs(eigenvalues.sum())
    error = 100 * np.sqrt(2 / np.array(n_vectors)) * spread
    axis.plot(budgets, error, "C0:", label="theory of hutchinson")
    axis.legend()


X = load_digits().data[:500] / 16
K = rbf_kernel(X, gamma=0.02)
eigenvalues = np.linalg.eigvalsh(K)
budgets = [20, 40, 80, 160]
methods = ("hutchinson", "hutch++", "xtrace")
traces = {method: partial(opu_trace, K, method=method) for method in methods}
axis = study(traces, np.trace(K), budgets, "Trace of a kernel matrix")
draw_theory(axis, eigenvalues, budgets, budgets)
plt.show()

# %%
# Bars are standard errors over seeds. Hutchinson's error falls like one over the square root of the
# budget m. The dotted line is the theory, :math:`\sqrt{2 / m} \, \|A - \bar\lambda I\|_F` with the
# mean eigenvalue :math:`\bar\lambda`: skopu's probes all have the length :math:`\sqrt n`, so that a
# multiple of the identity costs no error. Hutch++ and XTrace find the leading eigenvectors first,
# which hold nearly all of the trace: with 20 products their errors are smaller by a factor of
# twenty or more, with 160 by hundreds. Two standard errors hold the truth in some 95 % of cases
# with 160 products, and in somewhat fewer with 20. That is to be expected: by Student's t
# distribution, it is 94 % if they are estimated from 20 numbers, as Hutchinson's are, and 92 % if
# from ten, as XTrace's are.
#
# Log-determinant
# ---------------
# A function of the matrix takes up to ``lanczos_steps`` products, here 20, for each of its
# own: 100 products with the matrix are five with its logarithm.

noise = K + 0.1 * np.eye(len(K))
budgets = [100, 200, 400]
logdets = {
    method: partial(opu_trace, noise, method=method, function="log")
    for method in ("hutchinson", "xtrace")
}
axis = study(logdets, np.linalg.slogdet(noise)[1], budgets, "Log-determinant")
draw_theory(axis, np.log(eigenvalues + 0.1), np.array(budgets) / 20, budgets)
plt.show()

# %%
# Here the plain method is the better one: the spectrum of the logarithm falls slowly, and there is
# little for XTrace to find. And with 100 products the intervals are too short. Hutchinson's
# standard error is then the spread of five numbers, XTrace's even of two, and the spread of so few
# says little: by Student's t distribution, two standard errors hold the truth in 88 and 70 % of
# cases. Take twenty products with the function at least, or the wider intervals of that
# distribution.
#
# Triangles
# ---------
# A graph of the digits: each is joined to its ten nearest neighbours. A sparse graph like this one
# is counted sooner than estimated, and so it is unless we ask for an estimate.

neighbours = kneighbors_graph(load_digits().data, 10)
adjacency = scipy.sparse.csr_matrix(neighbours.maximum(neighbours.T))
n_triangles = count_triangles(adjacency).value
triangles = {"count_triangles": partial(count_triangles, adjacency, method="estimate")}
print(f"{n_triangles:.0f} triangles among {adjacency.shape[0]} digits")
_ = study(triangles, n_triangles, [50, 100, 200], "Triangles of a graph")
plt.show()

# %%
# With 200 products the error is below 1 %, and the intervals hold the truth as often as they
# should.
#
# Exercise 1: a flat spectrum
# ---------------------------
# Compare "hutchinson" and "xtrace" with 100 products on a matrix whose eigenvalues are all
# between 1 and 2. Which is better, and why?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

rng = np.random.default_rng(seeds[0])
Q = np.linalg.qr(rng.normal(size=(500, 500)))[0]
flat = (Q * np.linspace(1, 2, 500)) @ Q.T
for method in ("hutchinson", "xtrace"):
    values, _ = repeated(partial(opu_trace, flat, method=method), 100)
    error, uncertainty = rms(values, np.trace(flat))
    print(f"flat spectrum, {method}, error %: {error:.3f} +- {uncertainty:.3f}")

# %%
# The plain one. Its error is set by the spread of the eigenvalues about their mean, which is small
# here. XTrace spends half of its products on the leading eigenspace, and no space leads.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: degrees of freedom
# ------------------------------
# A ridge smoother has the effective number of degrees of freedom tr K (K + a)^-1 = n - a tr (K +
# a)^-1. Estimate it for a = 0.1 with ``function="inv"``, 800 products and ``lanczos_steps=40``.
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

a, n = 0.1, len(K)
freedom = n - a * np.sum(1 / (eigenvalues + a))
inverse = partial(opu_trace, noise, function="inv", lanczos_steps=40, method="hutchinson")
values, _ = repeated(inverse, 800)
found, error = mean_and_error((n - a * values)[:, 0])
print(f"exactly {freedom:.2f} degrees of freedom")
print(f"mean of {len(seeds)} estimates: {found:.2f} +- {error:.2f}")

# %%
# Of 500 parameters of a kernel machine so few are free: the kernel is smooth.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 3: a budget
# --------------------
# The Estrada index of a graph, tr exp(A), adds up its closed walks of all lengths; one of k steps
# has the weight 1 / k!. How many products does tr exp(A / 5) of the graph of digits take for an
# error of 1 %? Predict it from the standard error of one estimate with 400 products by
# "hutchinson", and check. Draw :class:`~skopu.TraceConvergenceDisplay` for an
# :class:`~skopu.OPUTraceEstimator`.
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

from skopu import OPUTraceEstimator, TraceConvergenceDisplay

walks = adjacency / 5
estrada = np.exp(np.linalg.eigvalsh(walks.toarray())).sum()
needed = []
for seed in seeds:
    pilot = opu_trace(walks, 400, method="hutchinson", function="exp", random_state=seed)
    needed.append(400 * (pilot.standard_error / pilot.value / 0.01) ** 2)
found, error = mean_and_error(np.array(needed))
print(f"products for an error of 1 %: {found:.0f} +- {error:.0f}")
plain = partial(opu_trace, walks, method="hutchinson", function="exp")
found, error = rms(repeated(plain, 500)[0], estrada)
print(f"500 products, error %: {found:.2f} +- {error:.2f}")
estimator = OPUTraceEstimator(method="hutchinson", function="exp", random_state=seeds[0])
sizes = [100, 200, 500]
_ = TraceConvergenceDisplay.from_estimator(estimator, walks, n_matvecs=sizes, exact=estrada)

# %%
# Some 500, although one seed alone may well be wrong by a third: its standard error comes from
# twenty numbers. ``rtol=0.01`` does such a search by itself. Ten times the accuracy would take a
# hundred times as many products, 50,000. It is cheaper to compute all 1797 eigenvalues. The
# estimate pays where that cannot be done.
#
# .. raw:: html
#
#     </details>
