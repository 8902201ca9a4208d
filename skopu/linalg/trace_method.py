"""What a way to estimate traces must offer."""

from sklearn.base import BaseEstimator

from ._random_vectors import probes


class TraceMethod(BaseEstimator):
    """Base class of the methods that estimate traces from products with random vectors.

    A method of your own needs `estimate`. Pass it as ``method=MyMethod()``. It works for functions
    of a matrix as well as for matrices.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Attributes
    ----------
    name : str
        Its name in error messages.
    least : int
        Smallest number of products it needs.
    unit_vectors : bool
        Whether products with all unit vectors, which are exact, replace it if enough products are
        allowed. False by default.

    See Also
    --------
    skopu.opu_trace : Estimates traces by a method.
    skopu.OPUTraceEstimator : The estimator that uses it.

    Examples
    --------
    Probes of random signs, which give the trace of a diagonal matrix exactly:

    >>> import numpy as np
    >>> from skopu.linalg import TraceMethod, opu_trace
    >>> class Signs(TraceMethod):
    ...     name = "signs"
    ...
    ...     def estimate(self, A, n_products, opu):
    ...         X = np.copysign(1, self.probes(A, n_products, opu))
    ...         forms = (X * A.matmat(X)).sum(axis=0)
    ...         return forms.mean(), forms.std(ddof=1) / n_products**0.5
    >>> round(opu_trace(np.diag(np.arange(50.0)), 10, method=Signs(), random_state=0).value)
    1225
    """

    name = "custom"
    least = 2
    unit_vectors = False

    def estimate(self, A, n_products, opu):
        """Estimate the trace of A; the one method that a class of your own needs.

        Parameters
        ----------
        A : object
            The matrix, or a function of it. It has only ``shape``, ``dtype`` and ``matmat(X)``, the
            product with an array of shape (n, n_columns), whose columns it counts.
        n_products : int
            Maximum number of columns to multiply, at least ``least``.
        opu : Device
            The device.

        Returns
        -------
        value : float
            Estimate of the trace.
        standard_error : float
            Estimated standard deviation of its error; infinite if nothing is known about it.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method estimate.")

    @staticmethod
    def probes(A, n, opu):
        """Read independent random vectors from the device; new ones in each call.

        Parameters
        ----------
        A : object
            The argument of `estimate`.
        n : int
            Number of vectors.
        opu : Device
            The argument of `estimate`.

        Returns
        -------
        X : array of shape (A.shape[0], n)
            Columns of squared length A.shape[0] and uniformly random direction.
        """
        start = A.n_probes
        A.n_probes += n
        return A.asarray(probes(opu, A.shape[0], n, A.dtype, start))
