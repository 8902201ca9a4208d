"""Ridge regression and classification on random features that need not fit into memory."""

import numpy as np
import scipy.sparse
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import compute_sample_weight
from sklearn.utils.validation import column_or_1d

from .._utils.arrays import like, to_numpy
from .._utils.fitting import unchanged_on_error
from .._utils.private_sklearn import StrOptions, fit_context
from ._optical_ridge import BaseOpticalRidge


class OpticalRidge(MultiOutputMixin, RegressorMixin, BaseOpticalRidge):
    """Ridge regression on optical random features that need not fit into memory.

    The same model as a pipeline of `OpticalRandomFeatures` and
    `sklearn.linear_model.Ridge` (or `RidgeCV`, for several ``alphas``), for more features
    than fit into memory: each block of features is made, used and dropped [1]_.

    Read more in the :doc:`user guide </user_guide/kernel_machines>`.

    Parameters
    ----------
    n : int, default=10000
        Number of features.
    alphas : float or array-like of float, default=1.0
        Strength of the L2 penalty. Of several, cross-validation chooses the best: leave-one-out,
        or generalized cross-validation if ``solver`` is "cg". The smallest must not be lost in
        rounding, which in float32 is about 1e-6 of the largest eigenvalue of the features'
        inner products where others are near 0; "direct" then raises an error.
    kernel : {"speckle", "arc_cosine", "rbf"} or Kernel, default="speckle"
        Kernel of the features, see `OpticalRandomFeatures`. Features of "speckle" are the same
        for x and -x: where signs matter, as in standardised data, choose another kernel.
    degree : float, default=None
        Degree of the kernel; None is the kernel's default, see `OpticalRandomFeatures`.
    gamma : float or "scale", default=None
        Width of "rbf", see `OpticalRandomFeatures`.
    fit_intercept : bool, default=True
        Whether to fit an intercept, which is not penalised.
    solver : {"auto", "direct", "cg"} or RidgeSolver, default="auto"
        "direct" sums the inner products of features, holding one block of rows at a time, and
        factors that matrix (n^2 numbers; 4 n^2 with several alphas). "cg" never holds it: each
        step of conjugate gradients goes over all features. "auto" is "direct" up to n=25000.
        Features that all fit into scikit-learn's ``working_memory`` are kept for later passes;
        otherwise each pass makes them again. "cg" also holds about a thousand sums of samples,
        up to four times ``working_memory``.
    tol : float, default=1e-4
        "cg" stops when residuals are this small, relative to the right-hand sides. For the random
        vectors that help to choose among several alphas it stops at ten times this.
    max_iter : int, default=100
        Maximum number of steps of "cg".
    opu : Device, default=None
        The device; cloned by `fit`. None uses a `LayeredMedium` and an ideal camera, with a seed
        drawn from ``random_state``.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None, and what "cg" draws. Pass an int for the same
        result at each `fit`.
    verbose : int, default=0
        Above 0 shows a progress bar, which needs tqdm.

    Attributes
    ----------
    coef_ : ndarray of shape (n,) or (n_targets, n)
        Weights of the features.
    intercept_ : float or ndarray of shape (n_targets,)
        Added to predictions; a float if y is 1-d.
    alpha_ : float
        The penalty used.
    best_score_ : float or None
        Negative mean squared error of cross-validation at ``alpha_``; None with a single alpha.
    n_iter_ : int
        Number of times `fit` went over all features: once; "direct" with several alphas twice,
        unless there are fewer samples than features; "cg" once, and once more per step.
    opu_ : OPU
        The device used.
    n_features_in_ : int
        Number of inputs seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of inputs seen during `fit`, if X had names that are all strings.

    See Also
    --------
    OpticalRidgeClassifier : The same for classification.
    OpticalRandomFeatures : The features alone, for any linear model.
    sklearn.linear_model.Ridge : Ridge regression on features in memory.
    sklearn.kernel_ridge.KernelRidge : Ridge regression with the exact kernel.

    References
    ----------
    .. [1] A. Saade et al., "Random projections through multiple optical scattering:
       approximating kernels at the speed of light", ICASSP 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skopu import OpticalRidge
    >>> X, y = load_diabetes(return_X_y=True)
    >>> ridge = OpticalRidge(n=1000, kernel="rbf", alphas=[0.1, 1, 10], random_state=0)
    >>> model = make_pipeline(StandardScaler(), ridge).fit(X[:300], y[:300])
    >>> ridge.alpha_, bool(model.score(X[300:], y[300:]) > 0.4)
    (1.0, True)
    """

    @unchanged_on_error()
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Weights of samples.

        Returns
        -------
        self : object
            Fitted model.

        Raises
        ------
        ValueError
            If the data or weights are not finite, a parameter does not suit the kernel, the
            device has fewer inputs or outputs, alphas are lost in rounding, or errors of
            cross-validation are not finite.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If the solver has not converged.
        UserWarning
            If the best of three or more alphas is the smallest or the largest.
        """
        if scipy.sparse.issparse(y):
            raise ValueError("y is sparse. Give y.toarray().")
        X, y = self._validate(X, y, y_numeric=True)
        targets = y.astype(np.float64, copy=False).reshape(len(y), -1)
        self._solve(X, targets, self._weights(sample_weight, targets))
        # Of one column, too, there is one row of weights, as Ridge has it.
        if self.coef_.shape[0] == 1:
            self.coef_ = self.coef_[0, :]
        if y.ndim == 1:
            self.intercept_ = self.intercept_[0]
        return self

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predictions.
        """
        targets = self._targets(X, "predict")
        return targets[:, 0] if self.coef_.ndim == 1 else targets

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = self.kernel == "speckle"  # x and -x look alike
        return tags


class OpticalRidgeClassifier(ClassifierMixin, BaseOpticalRidge):
    """Ridge classifier on optical random features that need not fit into memory.

    The same model as a pipeline of `OpticalRandomFeatures` and
    `sklearn.linear_model.RidgeClassifier` (or `RidgeClassifierCV`, for several ``alphas``),
    for more features than fit into memory: each block of features is made, used and dropped
    [1]_. Classes become targets of -1 and 1.

    Read more in the :doc:`user guide </user_guide/kernel_machines>`.

    Parameters
    ----------
    n : int, default=10000
        Number of features.
    alphas : float or array-like of float, default=1.0
        Strength of the L2 penalty. Of several, cross-validation chooses the best: leave-one-out,
        or generalized cross-validation if ``solver`` is "cg". The smallest must not be lost in
        rounding, which in float32 is about 1e-6 of the largest eigenvalue of the features'
        inner products where others are near 0; "direct" then raises an error.
    kernel : {"speckle", "arc_cosine", "rbf"} or Kernel, default="speckle"
        Kernel of the features, see `OpticalRandomFeatures`. Features of "speckle" are the same
        for x and -x: where signs matter, as in standardised data, choose another kernel.
    degree : float, default=None
        Degree of the kernel; None is the kernel's default, see `OpticalRandomFeatures`.
    gamma : float or "scale", default=None
        Width of "rbf", see `OpticalRandomFeatures`.
    fit_intercept : bool, default=True
        Whether to fit an intercept, which is not penalised.
    class_weight : dict or "balanced", default=None
        Weights of classes; "balanced" makes them inversely proportional to class frequencies.
    solver : {"auto", "direct", "cg"} or RidgeSolver, default="auto"
        "direct" sums the inner products of features, holding one block of rows at a time, and
        factors that matrix (n^2 numbers; 4 n^2 with several alphas). "cg" never holds it: each
        step of conjugate gradients goes over all features. "auto" is "direct" up to n=25000.
        Features that all fit into scikit-learn's ``working_memory`` are kept for later passes;
        otherwise each pass makes them again. "cg" also holds about a thousand sums of samples,
        up to four times ``working_memory``.
    tol : float, default=1e-4
        "cg" stops when residuals are this small, relative to the right-hand sides. For the random
        vectors that help to choose among several alphas it stops at ten times this.
    max_iter : int, default=100
        Maximum number of steps of "cg".
    opu : Device, default=None
        The device; cloned by `fit`. None uses a `LayeredMedium` and an ideal camera, with a seed
        drawn from ``random_state``.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None, and what "cg" draws. Pass an int for the same
        result at each `fit`.
    verbose : int, default=0
        Above 0 shows a progress bar, which needs tqdm.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; numeric ones, like predictions, are an array of the library of X.
    coef_ : ndarray of shape (1, n) or (n_classes, n)
        Weights of the features.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Added to predictions.
    alpha_ : float
        The penalty used.
    best_score_ : float or None
        Negative mean squared error of cross-validation at ``alpha_``; None with a single alpha.
    n_iter_ : int
        Number of times `fit` went over all features: once; "direct" with several alphas twice,
        unless there are fewer samples than features; "cg" once, and once more per step.
    opu_ : OPU
        The device used.
    n_features_in_ : int
        Number of inputs seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of inputs seen during `fit`, if X had names that are all strings.

    See Also
    --------
    OpticalRidge : The same for regression.
    OpticalRandomFeatures : The features alone, for any linear model.
    sklearn.linear_model.RidgeClassifier : Ridge classifier on features in memory.

    References
    ----------
    .. [1] A. Saade et al., "Random projections through multiple optical scattering:
       approximating kernels at the speed of light", ICASSP 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skopu import OpticalRidgeClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = OpticalRidgeClassifier(n=2000, random_state=0).fit(X[:1200] / 16, y[:1200])
    >>> round(model.score(X[1200:] / 16, y[1200:]), 2)
    0.97
    """

    _parameter_constraints = {
        **BaseOpticalRidge._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        n=10000,
        *,
        alphas=1.0,
        kernel="speckle",
        degree=None,
        gamma=None,
        fit_intercept=True,
        class_weight=None,
        solver="auto",
        tol=1e-4,
        max_iter=100,
        opu=None,
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            n,
            alphas=alphas,
            kernel=kernel,
            degree=degree,
            gamma=gamma,
            fit_intercept=fit_intercept,
            solver=solver,
            tol=tol,
            max_iter=max_iter,
            opu=opu,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    @unchanged_on_error()
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Classes, or 1 or 0 for each label.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Weights of samples.

        Returns
        -------
        self : object
            Fitted model.

        Raises
        ------
        ValueError
            If the data or weights are not finite, a parameter does not suit the kernel, the
            device has fewer inputs or outputs, alphas are lost in rounding, or errors of
            cross-validation are not finite.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If the solver has not converged.
        UserWarning
            If the best of three or more alphas is the smallest or the largest.
        """
        X, y = self._validate(X, y)
        self._binarizer = LabelBinarizer(pos_label=1, neg_label=-1)
        Y = self._binarizer.fit_transform(y).astype(np.float64)
        self.classes_ = self._binarizer.classes_
        if self.classes_.dtype.kind in "biuf":
            self.classes_ = like(self.classes_, X)
        if not self._binarizer.y_type_.startswith("multilabel"):
            y = column_or_1d(y, warn=True)
        sample_weight = self._weights(sample_weight, Y)
        if self.class_weight is not None:
            weight = compute_sample_weight(self.class_weight, y)
            sample_weight = weight if sample_weight is None else sample_weight * weight
        self._solve(X, Y, sample_weight)
        return self

    def decision_function(self, X):
        """Scores of the classes; a positive score favours a class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes, one score, which is positive for ``classes_[1]``.
        """
        targets = self._targets(X, "decision_function")
        return targets[:, 0] if targets.shape[1] == 1 else targets

    def predict(self, X):
        """Predict classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Classes, or 1 or 0 for each label.
        """
        targets = to_numpy(self._targets(X, "predict"))
        if self._binarizer.y_type_.startswith("multilabel"):
            targets = np.where(targets > 0, 1, -1)
        return like(self._binarizer.inverse_transform(targets, threshold=0), self.classes_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.poor_score = self.kernel == "speckle"  # x and -x look alike
        return tags
