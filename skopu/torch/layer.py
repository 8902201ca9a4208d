"""Random features of light as a layer of a network."""

import torch

from .._feature_map import kernel_of, make_map
from .._utils.checks import check_count
from ..kernels import KERNELS, Kernel
from ..optics import LayeredMedium
from ._seeded import SeededModule


class OPULayer(SeededModule):
    """Layer without parameters that maps the last dimension to random features made by light.

    It computes the features of `skopu.OpticalRandomFeatures` with the same parameters [1]_, on the
    device and in the dtype of its input. Only ``gamma`` cannot follow the data: give a number.

    Read more in the :doc:`user guide </user_guide/pytorch>`.

    Parameters
    ----------
    n : int
        Number of features.
    kernel : {"speckle", "arc_cosine", "rbf"} or Kernel, default="speckle"
        Feature computed from the light, see `skopu.OpticalRandomFeatures`.
    degree : float, default=None
        Degree of "speckle" or "arc_cosine"; None means 2 or 1, respectively.
    gamma : float, default=None
        Width of "rbf"; None means 1 over the number of inputs.
    opu : Device, default=None
        The optical device. None uses a `skopu.LayeredMedium` and an ideal camera.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None or has no seed, and the offsets of "rbf". None draws
        from the generator of PyTorch, which `torch.manual_seed` seeds.
    input_gradient : bool, default=True
        Whether gradients flow to the inputs. They use the adjoint of the ideal field, regardless of
        camera noise.

    Attributes
    ----------
    seed : int
        Seed of the device. ``load_state_dict`` restores it; a ``state_dict`` never holds a matrix.

    See Also
    --------
    skopu.OpticalRandomFeatures : The same as a transformer.
    skopu.torch.DirectFeedback : Training without back-propagation.
    skopu.optical_kernel : The kernel of "speckle" features.

    Notes
    -----
    Light is computed in float32 or float64, on the device of its input; half precision is widened,
    also within `torch.autocast`. `torch.compile` skips the layer and compiles what is before and
    after it.

    For backward passes, the inputs are kept and their field is computed again. There are no second
    derivatives.

    References
    ----------
    .. [1] A. Saade et al., "Random projections through multiple optical scattering:
       approximating kernels at the speed of light", ICASSP 2016.

    Examples
    --------
    >>> import torch
    >>> from skopu.torch import OPULayer
    >>> model = torch.nn.Sequential(OPULayer(1000, "arc_cosine", random_state=0),
    ...                             torch.nn.Linear(1000, 10))
    >>> model(torch.ones(3, 784)).shape
    torch.Size([3, 10])
    >>> list(model.state_dict())
    ['0._extra_state', '1.weight', '1.bias']
    """

    def __init__(
        self,
        n,
        kernel="speckle",
        degree=None,
        gamma=None,
        *,
        opu=None,
        random_state=None,
        input_gradient=True,
    ):
        super().__init__(opu, random_state)
        self.n = check_count(n, "n")
        if not isinstance(kernel, Kernel) and kernel not in KERNELS:
            raise ValueError(
                f"kernel must be one of {', '.join(map(repr, KERNELS))} or a Kernel, got "
                f"{kernel!r}."
            )
        self.kernel, self.degree, self.gamma = kernel, degree, gamma
        self.input_gradient = input_gradient
        self._map = None

    @torch.compiler.disable
    def forward(self, X):
        """Features of the rows of X.

        Parameters
        ----------
        X : Tensor of shape (..., n_inputs)
            Real numbers that the device can show.

        Returns
        -------
        features : Tensor of shape (..., n)
            On the device of X and, if X is floating point, in its dtype.

        Raises
        ------
        ValueError
            If X is complex, 0-dimensional, without columns or not finite; if its number of inputs
            has changed, or the device has too few inputs or outputs.
        """
        if X.is_complex() or X.ndim == 0 or X.shape[-1] == 0:
            raise ValueError(
                f"OPULayer takes real rows of at least one input, got {X.dtype} of shape "
                f"{tuple(X.shape)}."
            )
        dtype = X.dtype if X.is_floating_point() else torch.get_default_dtype()
        wide = dtype if dtype in (torch.float32, torch.float64) else torch.float32
        rows = X.reshape(-1, X.shape[-1]).to(wide)
        features = self._features_of(rows.shape[1])
        if not torch.isfinite(rows).all():
            raise ValueError(
                "OPULayer was given NaN or infinity, which no modulator can show. If this happens "
                "in training, lower the learning rate."
            )
        if not self.input_gradient:
            rows = rows.detach()
        with torch.autocast(X.device.type, enabled=False):
            if len(rows) == 0:
                made = rows.new_zeros((0, self.n))
            else:
                reading = _Reading.apply(rows, features.opu, self.n, features.kernel.reading)
                made = features.kernel.activate(reading, slice(0, self.n), features)
                made = made * features.scale()
        return made.reshape(*X.shape[:-1], self.n).to(dtype)

    def _features_of(self, n_inputs):
        """The map for so many inputs, made anew where the seed has changed."""
        known = self._map
        if known is not None and known.n_inputs != n_inputs:
            raise ValueError(
                f"OPULayer has seen rows of {known.n_inputs} inputs, and now of {n_inputs}. Use a "
                "layer for each."
            )
        if known is None or known.seed != self.seed:
            kernel, gamma = kernel_of(self.kernel), self.gamma
            if kernel.has_gamma and gamma is None:
                gamma = 1 / n_inputs
            opu = self._make_device(LayeredMedium)
            self._map = make_map(self.n, kernel, self.degree, gamma, n_inputs, opu, self.seed)
        return self._map

    def extra_repr(self):
        """What `repr` says of the layer."""
        kernel = repr(self.kernel)
        given = {"degree": self.degree, "gamma": self.gamma, "opu": self.opu}
        more = "".join(f", {name}={value}" for name, value in given.items() if value is not None)
        return f"n={self.n}, kernel={kernel}{more}, seed={self.seed}"


class _Reading(torch.autograd.Function):
    """Readings of a device, whose gradient is that of ideal ones."""

    @staticmethod
    def forward(ctx, rows, opu, n, kind):
        ctx.opu, ctx.kind = opu, kind
        ctx.save_for_backward(rows)
        return opu.project(rows, n, kind)

    @staticmethod
    def backward(ctx, cotangents):
        (rows,) = ctx.saved_tensors
        return _Gradient.apply(rows, cotangents, ctx.opu, ctx.kind), None, None, None


class _Gradient(torch.autograd.Function):
    """The gradient of readings; an error where a graph of gradients is differentiated again."""

    @staticmethod
    def forward(ctx, rows, cotangents, opu, kind):
        ctx.kind = kind
        return opu.vjp(rows, cotangents, kind)

    @staticmethod
    def backward(ctx, cotangents):
        if ctx.kind == "linear" and not ctx.needs_input_grad[1]:
            return None, None, None, None  # the same at all rows
        raise RuntimeError(
            "OPULayer has no second derivatives, which a gradient of a gradient needs. Detach the "
            "first gradient, or take it without create_graph."
        )
