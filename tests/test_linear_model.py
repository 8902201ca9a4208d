"""OpticalRidge and OpticalRidgeClassifier: ridge regression on features made in blocks."""

import pickle

import numpy as np
import pytest
import scipy.sparse
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, lsqr
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge, RidgeClassifier, RidgeClassifierCV, RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import skopu._feature_map
from skopu import (
    OPU,
    Camera,
    GaussianMedium,
    OpticalRandomFeatures,
    OpticalRidge,
    OpticalRidgeClassifier,
)
from skopu._feature_map import feature_map
from skopu.linear_model import (
    RIDGE_SOLVERS,
    RidgeProblem,
    RidgeSolver,
    _conjugate_gradients,
    _row_sums,
    _solvers,
)
from skopu.linear_model._row_sums import RowSums

X, y = load_digits(return_X_y=True)
X, y = X[:200] / 16, y[:200]
D, t = load_diabetes(return_X_y=True)
D = D / D.std(axis=0)
T = np.column_stack([t, D[:, 0] * 50])
WEIGHTS = np.random.default_rng(0).random(len(y))
ALPHAS = [0.1, 20, 1e4]


@pytest.fixture
def small_blocks(monkeypatch):
    """Several blocks of rows, also of small data."""
    monkeypatch.setattr(skopu._feature_map, "_BLOCK_BYTES", 8 * 40 * 70)


def scikit_learn(make, n, alphas, data, *arguments, **options):
    Z = OpticalRandomFeatures(n, random_state=0).fit_transform(data)
    return make(alphas, **options).fit(Z, *arguments), Z


def agree(model, reference, rtol=1e-9):
    scale = rtol * abs(reference.coef_).max()
    assert model.coef_.shape[-1] == reference.coef_.shape[-1]  # (n,) or (1, n) by their version
    assert np.allclose(model.coef_, reference.coef_, 0, scale)
    assert np.allclose(model.intercept_, reference.intercept_, rtol, rtol)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("solver", ["direct", "cg"])
@pytest.mark.parametrize("n", [40, 250])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("fit_intercept", [True, False])
class TestAsInScikitLearn:
    """Fewer and more features than samples, whose products are taken in another way."""

    def test_one_alpha(self, solver, n, weights, fit_intercept):
        model = OpticalRidgeClassifier(
            n, alphas=0.01, solver=solver, fit_intercept=fit_intercept, tol=1e-10, random_state=0
        ).fit(X, y, weights)
        reference, Z = scikit_learn(
            RidgeClassifier, n, 0.01, X, y, weights, fit_intercept=fit_intercept
        )
        agree(model, reference, 1e-7 if solver == "cg" else 1e-9)
        assert np.array_equal(model.predict(X), reference.predict(Z))
        assert model.best_score_ is None

    # Of 250 features of 200 weighted samples, generalized cross-validation takes the smallest.
    @pytest.mark.filterwarnings("ignore:The best of alphas:UserWarning")
    def test_several_alphas(self, solver, n, weights, fit_intercept):
        model = OpticalRidge(
            n, alphas=ALPHAS, solver=solver, fit_intercept=fit_intercept, tol=1e-10, random_state=0
        ).fit(X, y, weights)
        reference, _ = scikit_learn(RidgeCV, n, ALPHAS, X, y, weights, fit_intercept=fit_intercept)
        if solver == "direct":
            assert np.isclose(model.best_score_, reference.best_score_, 1e-6)
        assert model.alpha_ == reference.alpha_ or solver == "cg"
        reference, _ = scikit_learn(
            Ridge, n, model.alpha_, X, y, weights, fit_intercept=fit_intercept
        )
        agree(model, reference, 1e-7)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("solver", ["direct", "cg"])
def test_several_targets(solver):
    options = {"solver": solver, "tol": 1e-11, "random_state": 0}
    alphas = [1, 300, 1e5]
    model = OpticalRidge(40, alphas=alphas, **options).fit(D, T)
    reference, Z = scikit_learn(RidgeCV, 40, alphas, D, T)
    assert model.alpha_ == reference.alpha_
    agree(model, reference, 1e-7)
    assert np.allclose(model.predict(D), reference.predict(Z))
    assert np.isclose(model.score(D, T), reference.score(Z, T))


def test_two_classes_and_several_labels():
    for target in (y % 2, np.column_stack([y % 2, y > 4, y == 3]).astype(int)):
        model = OpticalRidgeClassifier(50, alphas=ALPHAS, random_state=0).fit(X, target)
        reference, Z = scikit_learn(RidgeClassifierCV, 50, ALPHAS, X, target)
        agree(model, reference)
        assert np.array_equal(model.predict(X), reference.predict(Z))
        assert np.allclose(model.decision_function(X), reference.decision_function(Z))


@pytest.mark.parametrize("class_weight", ["balanced", {0: 3, 1: 0.5}])
def test_weights_of_classes(class_weight):
    target = (y == 3).astype(int)
    options = {"class_weight": class_weight}
    model = OpticalRidgeClassifier(50, random_state=0, **options).fit(X, target, WEIGHTS)
    agree(model, scikit_learn(RidgeClassifier, 50, 1.0, X, target, WEIGHTS, **options)[0])


def test_text_labels():
    names = np.array([f"digit {i}" for i in range(10)])[y]
    model = OpticalRidgeClassifier(200, alphas=0.01, random_state=0).fit(X, names)
    assert model.score(X, names) > 0.9
    assert list(model.classes_) == sorted(set(names))


@pytest.mark.parametrize("solver", ["direct", "cg"])
@settings(max_examples=20, deadline=None)
@given(n_samples=st.integers(1, 12), n_features=st.integers(1, 5), n=st.integers(1, 15))
def test_shapes(solver, n_samples, n_features, n):
    rng = np.random.default_rng(n_samples)
    data, target = rng.normal(size=(n_samples, n_features)), rng.normal(size=n_samples)
    model = OpticalRidge(n, solver=solver, tol=1e-10, random_state=0).fit(data, target)
    agree(model, scikit_learn(Ridge, n, 1.0, data, target)[0], 1e-7)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("solver", ["direct", "cg"])
def test_single_precision(solver):
    model = OpticalRidgeClassifier(150, alphas=0.01, solver=solver, random_state=0)
    double, single = clone(model).fit(X, y), model.fit(X.astype(np.float32), y)
    assert single.coef_.dtype == single.intercept_.dtype == np.float32
    assert single.decision_function(X.astype(np.float32)).dtype == np.float32
    assert np.mean(single.predict(X.astype(np.float32)) == double.predict(X)) > 0.999


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("container", [scipy.sparse.csr_array, scipy.sparse.coo_matrix])
def test_sparse(container):
    model = OpticalRidgeClassifier(60, random_state=0)
    dense, sparse = clone(model).fit(X, y), model.fit(container(X), y)
    assert np.allclose(dense.coef_, sparse.coef_)
    assert np.array_equal(dense.predict(X), sparse.predict(container(X)))


@pytest.mark.usefixtures("small_blocks")
def test_a_noisy_camera_sees_the_same_in_every_pass():
    opu = OPU(GaussianMedium(), Camera(bits=8, photons=100), random_state=1)
    model = OpticalRidge(80, alphas=0.1, solver="cg", tol=1e-10, opu=opu).fit(X, y)
    Z = OpticalRandomFeatures(80, opu=opu).fit_transform(X)
    agree(model, Ridge(0.1).fit(Z, y), 1e-7)


def test_features_far_from_zero_lose_no_precision():
    # Squares of features are 1e6 times their variance; sums of float32 would hide that.
    shifted = np.hstack([X, np.full((len(X), 1), 60.0)]).astype(np.float32)
    model = OpticalRidge(50, alphas=1.0, kernel="speckle", random_state=0)
    double, single = clone(model).fit(shifted.astype(np.float64), y), model.fit(shifted, y)
    assert np.allclose(double.predict(shifted.astype(np.float64)), single.predict(shifted), 0, 0.01)


def test_generalized_cross_validation_is_that_of_the_hat_matrix():
    # The trace by random vectors has a known spread; its mean over seeds is exact.
    alpha, n = 0.01, 60
    Z = OpticalRandomFeatures(n, random_state=0).fit_transform(X)
    Z -= Z.mean(axis=0)
    hat = Z @ np.linalg.solve(Z.T @ Z + alpha * np.eye(n), Z.T)
    centred = y - y.mean()
    residual = np.mean((centred - hat @ centred) ** 2)
    off_diagonal = hat - np.diag(hat.diagonal())
    spread = np.sqrt(2 * np.sum(off_diagonal**2) / _conjugate_gradients._PROBES)
    freedoms = []
    for seed in range(25):
        opu = OPU(random_state=OpticalRandomFeatures(n, random_state=0).fit(X).opu_.random_state)
        model = OpticalRidge(
            n, alphas=[alpha, 1e9], solver="cg", tol=1e-9, opu=opu, random_state=seed
        ).fit(X, y)
        assert model.alpha_ == alpha
        # score = -residual / (1 - (trace + 1) / n_samples)^2
        freedoms.append(len(y) * (1 - np.sqrt(residual / -model.best_score_)) - 1)
    z = (np.mean(freedoms) - np.trace(hat)) / (spread / np.sqrt(len(freedoms)))
    assert abs(z) < 4
    assert 0.6 < np.std(freedoms) / spread < 1.5


def test_conjugate_gradients_that_do_not_converge_are_told(monkeypatch):
    monkeypatch.setattr(_row_sums, "_MOST_SUMS", 1)
    model = OpticalRidge(200, alphas=1e-6, solver="cg", max_iter=2)
    with pytest.warns(
        ConvergenceWarning, match='"cg" has not converged to tol=0.0001. Raise max_iter=2'
    ) as told:
        model.fit(X, y)
    assert told[0].filename == __file__
    assert model.n_iter_ == 3  # the sums, and two steps


@pytest.mark.parametrize("n_sums", [100, 150, 200])
def test_random_sums_of_samples_save_steps(n_sums, monkeypatch):
    model = OpticalRidge(100, alphas=1e-3, solver="cg", tol=1e-6, max_iter=5000, random_state=0)
    monkeypatch.setattr(_row_sums, "_MOST_SUMS", 1)
    few = clone(model).fit(X, y).n_iter_
    monkeypatch.setattr(_row_sums, "_MOST_SUMS", n_sums)
    good = model.fit(X, y).n_iter_
    assert 3 * good < few
    assert n_sums < 200 or good <= 4  # as many sums as samples leave nothing to do


def problem_of(n, seed=0, weights=None):
    """A problem, and its centred and weighted features."""
    model = OpticalRandomFeatures(n, random_state=0)
    features, options = feature_map(model, X), {"tol": 1e-4, "max_iter": 9, "verbose": 0}
    problem = RidgeProblem(features, X, T[:200], weights, fit_intercept=True, seed=seed, **options)
    weights = np.ones(len(X)) if weights is None else weights
    Z = model.fit_transform(X)
    return problem, np.sqrt(weights)[:, None] * (Z - np.average(Z, axis=0, weights=weights))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_inner_products_of_random_sums_have_those_of_samples_as_their_mean(weights, monkeypatch):
    monkeypatch.setattr(_row_sums, "_MOST_SUMS", 30)
    found = []
    for seed in range(200):
        problem, Z = problem_of(6, seed, weights)
        sums = RowSums(problem)
        for rows, block in problem.blocks():
            sums.add(rows, block)
        sums.preconditioner(problem.mean, 1)
        found.append(sums._sums.T @ sums._sums)
    error = np.mean(found, axis=0) - Z.T @ Z
    z = error / (np.std(found, axis=0) / np.sqrt(len(found)))
    assert abs(z).max() < 5


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("n", [50, 300])
def test_as_many_random_sums_as_samples_solve_exactly(n):
    problem, Z = problem_of(n, weights=WEIGHTS)
    sums = RowSums(problem)
    for rows, block in problem.blocks():
        sums.add(rows, block)
    shifts = np.array([0.01, 0.01 * 8**3, 0.01])
    columns = np.random.default_rng(0).normal(size=(n, 3))
    found = sums.preconditioner(problem.mean, 0.01)(columns, shifts)
    assert np.allclose(Z.T @ (Z @ found) + shifts * found, columns)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("solver", ["direct", "cg"])
def test_features_are_kept_where_they_fit(solver, weights):
    made = []

    class Counting(OPU):
        def project(self, rows, *arguments, **options):
            made.append(len(rows))
            return super().project(rows, *arguments, **options)

    camera = Camera(bits=8, photons=100)
    model = OpticalRidge(80, alphas=[0.1, 10.0], solver=solver, tol=1e-10, random_state=0)
    model.set_params(opu=Counting(GaussianMedium(), camera, random_state=1))
    kept = clone(model).fit(X, y, weights)
    rows_kept = sum(made)
    made.clear()
    with sklearn.config_context(working_memory=80 * 8 * (len(X) - 1) / 2**20):
        made_anew = clone(model).fit(X, y, weights)
    assert kept.n_iter_ == made_anew.n_iter_ > 1
    assert sum(made) - rows_kept == (kept.n_iter_ - 1) * len(X)
    assert kept.alpha_ == made_anew.alpha_
    assert np.array_equal(kept.coef_, made_anew.coef_)


@pytest.mark.usefixtures("small_blocks")
def test_features_are_kept_once_and_not_written_to():
    problem, Z = problem_of(40)
    expected = problem_of(40)[0].multiply(np.eye(40))
    for _, block in problem.blocks():
        problem.keep_features()  # from the next pass on
        with pytest.raises(ValueError, match="read-only"):
            block *= 2
    for _ in range(3):
        problem.keep_features()
        assert np.allclose(problem.multiply(np.eye(40)), expected)
        assert np.allclose(expected, Z.T @ Z)


@pytest.mark.parametrize("scale", [1e-60, 1e-38, 1, 1e38, 1e60])
def test_conjugate_gradients_in_any_unit(scale, monkeypatch):
    monkeypatch.setattr(_row_sums, "_MOST_SUMS", 100)
    alphas = [1e-3 * scale**4, 1e3 * scale**4]  # as squares of features, which are squares
    model = OpticalRidge(60, alphas=alphas, solver="cg", tol=1e-9, random_state=0).fit(X * scale, y)
    expected = clone(model).set_params(alphas=[1e-3, 1e3]).fit(X, y)
    assert np.isclose(model.alpha_, expected.alpha_ * scale**4)
    assert np.allclose(
        model.coef_ * scale**2, expected.coef_, atol=1e-6 * abs(expected.coef_).max()
    )


@pytest.mark.parametrize("rows", [np.zeros((20, 3)), np.ones((20, 3)), np.eye(3)])
@pytest.mark.parametrize("alpha", [1e-200, 1.0, 1e200])
def test_conjugate_gradients_on_next_to_nothing(rows, alpha):
    target = np.arange(len(rows), dtype=float)
    for fit_intercept in (True, False):
        model = OpticalRidge(
            9, alphas=alpha, solver="cg", fit_intercept=fit_intercept, max_iter=999
        )
        assert np.isfinite(model.fit(rows, target).predict(rows)).all()


def test_samples_without_weight_count_for_nothing_in_generalized_cross_validation():
    weights = WEIGHTS * (np.arange(len(y)) < 120)
    model = OpticalRidge(60, alphas=ALPHAS, solver="cg", tol=1e-10, random_state=0)
    scores = [
        clone(model).fit(X[:stop], y[:stop], weights[:stop]).best_score_ for stop in (120, 200)
    ]
    assert np.isclose(*scores, rtol=0.05)  # the trace comes from other random vectors


def test_large_grams_are_left_to_conjugate_gradients(monkeypatch):
    monkeypatch.setattr(_solvers, "_LARGEST_GRAM", 100)
    assert OpticalRidge(101, random_state=0).fit(X, y).n_iter_ > 1
    assert OpticalRidge(100, random_state=0).fit(X, y).n_iter_ == 1


def test_refit_clone_and_pickle():
    model = OpticalRidgeClassifier(40, alphas=ALPHAS, random_state=0)
    first = clone(model).fit(X, y)
    again = pickle.loads(pickle.dumps(model.fit(X[:50], y[:50]).fit(X, y)))
    assert np.array_equal(first.coef_, again.coef_)
    assert np.array_equal(first.predict(X), again.predict(X))


def test_grid_search_over_the_number_of_features():
    pipeline = make_pipeline(OpticalRidgeClassifier(alphas=0.1, random_state=0))
    search = GridSearchCV(pipeline, {"opticalridgeclassifier__n": [5, 200]}, cv=3).fit(X, y)
    assert search.best_params_ == {"opticalridgeclassifier__n": 200}


@pytest.mark.parametrize("alphas", [0.0, -1, [], [1, -1], [[1, 2]], [np.inf], ["a"]])
def test_alphas_are_positive(alphas):
    with pytest.raises(ValueError, match="alphas"):
        OpticalRidge(10, alphas=alphas).fit(X, y)


@pytest.mark.parametrize("alphas", [1.0, [1.0, 2.0], [1.0, 10.0, 100.0]])
def test_alphas_lost_in_rounding_are_refused_one_or_several(alphas):
    """One outlier makes the largest eigenvalue 1e10 times its like."""
    draws = np.random.default_rng(0)
    rows = draws.normal(size=(2000, 8))
    rows[7] *= 300
    target = rows[:, 0] ** 2 + draws.normal(size=2000)
    model = OpticalRidge(300, alphas=alphas, random_state=0)
    with pytest.raises(ValueError, match=r"alpha=1.0 is too small .* Raise alphas"):
        model.fit(rows.astype(np.float32), target)
    if alphas != [1.0, 10.0, 100.0]:
        others = np.arange(2000) != 7
        assert model.fit(rows, target).score(rows[others], target[others]) > 0.5


@pytest.mark.parametrize("alphas", [0.003, [0.003, 1e5]])
def test_alphas_lost_in_rounding_are_refused_before_the_pass(alphas, monkeypatch):
    """Squares of 8 inputs have 36 dimensions, whatever the number of features."""
    draws = np.random.default_rng(1)
    rows = draws.normal(size=(20000, 8)).astype(np.float32)

    def blocks(*arguments):
        raise AssertionError("There was a pass.")

    monkeypatch.setattr(RidgeProblem, "blocks", blocks)
    with pytest.raises(ValueError, match=r"alpha=0.003 is too small"):
        OpticalRidge(300, alphas=alphas, random_state=0).fit(rows, rows[:, 0])


def test_one_outlier_among_the_first_rows_is_not_taken_for_many():
    """Were one in 256 rows like it, the largest eigenvalue would hide the penalty."""
    draws = np.random.default_rng(2)
    rows = draws.normal(size=(20000, 8)).astype(np.float32)
    rows[0] *= 8
    model = OpticalRidge(300, alphas=3.0, random_state=0)
    assert model.fit(rows, rows[:, 0] ** 2).score(rows, rows[:, 0] ** 2) > 0.9


@pytest.mark.parametrize("solver", ["direct", "cg"])
def test_errors_of_cross_validation_must_be_finite(solver):
    model = OpticalRidge(30, alphas=[0.1, 1.0], solver=solver, random_state=0)
    with pytest.raises(ValueError, match="errors of cross-validation are not finite"):
        model.fit(X, y * 1e200)


@pytest.mark.parametrize("solver", ["direct", "cg", "auto"])
@pytest.mark.parametrize("n", [40, 250])
def test_best_alpha_at_an_edge_is_told(n, solver):
    model = OpticalRidge(n, solver=solver, tol=1e-10, random_state=0)
    with pytest.warns(UserWarning, match=r"is 1000\.0, the smallest .*: a smaller one") as warned:
        clone(model).set_params(alphas=[1e5, 1e3, 1e4]).fit(X, y)
    assert warned[0].filename == __file__
    noise = np.random.default_rng(4).normal(size=len(y))
    with pytest.warns(UserWarning, match=r"is 10\.0, the largest of them: a larger one"):
        clone(model).set_params(alphas=[1e-1, 1, 10]).fit(X, noise)
    assert clone(model).set_params(alphas=[1e-6, 1e5]).fit(X, y).alpha_ in (1e-6, 1e5)


def test_one_sample_of_weight_has_no_cross_validation():
    weights = np.zeros(len(y))
    weights[3] = 2
    for solver in ("direct", "cg"):
        model = OpticalRidge(10, alphas=[1, 2], solver=solver)
        with pytest.raises(ValueError, match="n_samples = 1, or one of weight"):
            model.fit(X, y, weights)


def test_bad_data():
    with pytest.raises(ValueError, match="at least one non-zero"):
        OpticalRidge(10).fit(X, y, np.zeros(len(y)))
    with pytest.raises(ValueError, match=r"[Nn]egative values"):
        OpticalRidge(10).fit(X, y, -WEIGHTS)
    for solver in ("direct", "cg"):
        with pytest.raises(ValueError, match="overflow float32"):
            OpticalRidge(10, solver=solver).fit(X.astype(np.float32) * 1e10, y)
    with pytest.raises(ValueError, match="Inner products of the features overflow"):
        OpticalRidge(50).fit(1e150 * X[:20], y[:20])
    with pytest.raises(ValueError, match="y is sparse"):
        OpticalRidge(10).fit(X[:3], scipy.sparse.csr_array(np.eye(3)))
    with pytest.raises(ValueError, match=r"alpha=1e-30 is too small .* Raise alphas"):
        OpticalRidge(100, alphas=1e-30).fit(np.repeat(X[:20], 10, axis=0), y)
    with pytest.raises(ValueError, match="no gamma"):
        OpticalRidge(10, gamma=1.0).fit(X, y)
    with pytest.raises(ValueError, match="Unknown label type"):
        OpticalRidgeClassifier(10).fit(X, y + 0.5)


class ByLsqr(RidgeSolver):
    """Each target by SciPy; the mean of features is gathered by whichever pass is the first."""

    name = "lsqr"

    def __init__(self, multiply_first=False):
        self.multiply_first = multiply_first

    def solve(self, problem, alphas):
        if self.multiply_first:
            problem.multiply(np.eye(problem.n)[:, :1])
        right = problem.right_hand_sides()

        def multiply(x):
            return problem.multiply(x.reshape(-1, 1)).ravel() + alphas[0] * x

        G = LinearOperator((problem.n, problem.n), multiply, multiply, dtype=np.float64)
        exactly = {"atol": 1e-14, "btol": 1e-14, "conlim": 0, "iter_lim": 2000}
        coef = np.column_stack([lsqr(G, b, **exactly)[0] for b in right.T])
        return problem.solution(coef, alphas[0])


@pytest.mark.parametrize("multiply_first", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_a_solver_of_ones_own(multiply_first, fit_intercept, small_blocks):
    model = OpticalRidge(40, alphas=0.1, fit_intercept=fit_intercept, random_state=0)
    expected = clone(model).fit(X, T[:200], WEIGHTS)
    own = clone(model.set_params(solver=ByLsqr(multiply_first))).fit(X, T[:200], WEIGHTS)
    size = np.linalg.norm(expected.coef_)
    assert np.linalg.norm(own.coef_ - expected.coef_) < 1e-6 * size
    assert np.allclose(own.intercept_, expected.intercept_, atol=1e-6 * size)
    assert np.array_equal(pickle.loads(pickle.dumps(own)).predict(X), own.predict(X))


def test_solvers_are_names_or_objects():
    for name, solver in RIDGE_SOLVERS.items():
        by_name, by_object = (
            OpticalRidge(300, solver=each, random_state=0).fit(X, y).coef_
            for each in (name, solver)
        )
        assert np.array_equal(by_name, by_object)
    for wrong in ("lsqr", ByLsqr, None):
        with pytest.raises(ValueError, match="solver"):
            OpticalRidge(10, solver=wrong).fit(X, y)

    class OfWrongShape(RidgeSolver):
        def solve(self, problem, alphas):
            return problem.solution(np.zeros(problem.n), alphas[0])

    with pytest.raises(ValueError, match=r"coefficients of shape \(10, 1\), got shape \(10,\)"):
        OpticalRidge(10, solver=OfWrongShape()).fit(X, y)
    with pytest.raises(NotImplementedError, match="needs a method solve"):
        OpticalRidge(10, solver=RidgeSolver()).fit(X, y)


def test_one_column_is_one_target():
    model, ridge = OpticalRidge(30, random_state=0), Ridge()
    for fitted in (model.fit(X, y[:, None]), ridge.fit(X, y[:, None])):
        assert fitted.predict(X).shape == (len(X),)
        assert fitted.coef_.ndim == 1
    assert np.array_equal(model.predict(X), clone(model).fit(X, y).predict(X))


@pytest.mark.parametrize("targets", [y, y[:, None], np.column_stack([y, y])], ids=np.shape)
def test_shapes_are_those_of_ridge(targets):
    model, reference = OpticalRidge(10).fit(X, targets), Ridge().fit(X, targets)
    for name in ("coef_", "intercept_"):
        found, expected = (np.shape(getattr(each, name)) for each in (model, reference))
        assert found[:-1] == expected[:-1] if name == "coef_" else found == expected
