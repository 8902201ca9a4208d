"""What a way to estimate traces must offer."""

from sklearn.base import BaseEstimator

from ._random_vectors import probes


class TraceMethod(BaseEstimator):
    """A way to estimate traces from products with random vectors; the base class of all.

    A method of your own needs `estimate`. It is passed as ``method=MyMethod()``, and takes
    functions of a matrix as well as matrices.

    Attributes
    ----------
    name : str
        What errors call it.
    least : int
        Fewest products that it takes.
    unit_vectors : bool
        Whether products with all unit vectors, which are exact, take its place where as many are
        allowed. Not unless a method says so.

    Examples
    --------
    Probes of signs alone, which see the diagonal without an error:

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
        """Estimate the trace of A; the one method that a way of your own needs.

        Parameters
        ----------
        A : object
            The matrix, or a function of it, with no more than ``shape``, ``dtype`` and
            ``matmat(X)``: the product with a 2-d array of shape (n, n_columns), whose columns
            it counts.
        n_products : int
            Most columns that may be multiplied, at least ``least``.
        opu : Device
            The device.

        Returns
        -------
        value : float
            Estimate of the trace.
        standard_error : float
            Standard deviation of its error, estimated; infinite where nothing is known of it.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method estimate.")

    @staticmethod
    def probes(A, n, opu):
        """Make independent random vectors, by the device; others in each call.

        Parameters
        ----------
        A : object
            As `estimate` gets it.
        n : int
            How many.
        opu : Device
            As `estimate` gets it.

        Returns
        -------
        X : array of shape (A.shape[0], n)
            Columns of squared length A.shape[0] and of uniformly random direction.
        """
        start = A.n_probes
        A.n_probes += n
        return A.asarray(probes(opu, A.shape[0], n, A.dtype, start))
