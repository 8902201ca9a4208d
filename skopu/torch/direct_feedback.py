"""Direct feedback alignment of any network of PyTorch's."""

import warnings

import torch
from torch import nn

from .._utils.checks import check_not_negative
from ..neural_network.feedback import feedback_device
from ._alignment import angle_between, unchanged
from ._cuts import Cuts, Recording
from ._feeding import Feeding
from ._graphs import check_blocks
from ._seeded import SeededModule


class DirectFeedback(SeededModule):
    """Network cut into blocks that learn from random projections of its output error.

    No gradient flows between blocks. In the backward pass, the gradient of the loss with respect to
    the output is sent through the device, and its readings replace the gradient of what each block
    returns [1]_ [2]_. Everything else is left to PyTorch: the loss, ``loss.backward()``, the
    optimizer, accumulation, mixed precision.

    Read more in the :doc:`user guide </user_guide/pytorch>`.

    Parameters
    ----------
    model : Module or callable
        The network, or a function without arguments that returns one.
    blocks : list of str or Module, default=None
        Modules, or their names, after which the network is cut. Whatever runs between two cuts is a
        block; the last one, up to the output, learns from the true gradient. None cuts a
        `torch.nn.Sequential` before each part that has a weight of two or more dimensions, except
        the first.
    feedback : {"dense", "optical", "backprop"}, default="dense"
        "dense" projects the error exactly: the ideal digital reference, with the glass of the
        device. "optical" sends it through ``opu``, with its modulator, holography and camera.
        "backprop" uses the true gradient, for comparison.
    error_encoding : {"exact", "ternary"}, default="exact"
        "ternary" reduces the projected error to -1, 0 and 1.
    ternary_threshold : float, default=0.25
        Entries of the error up to this share of the largest of the same sign and row become 0.
        From 0 to below 1.
    opu : Device, default=None
        The optical device. None means an ideal one, with a `skopu.GaussianMedium` if its
        matrix has at most 2**24 entries, otherwise with a `skopu.LayeredMedium`, which stores no
        matrix.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None or has no seed. None draws from the generator of
        PyTorch, which `torch.manual_seed` seeds.

    Attributes
    ----------
    model : Module
        The network, trained in place.
    seed : int
        Seed of the device. ``load_state_dict`` restores it; a ``state_dict`` never holds a feedback
        matrix.

    See Also
    --------
    skopu.DFAClassifier : Perceptrons, without PyTorch.
    skopu.torch.OPULayer : Random features made by light as a layer.

    Notes
    -----
    If the output and what a block returns share their leading dimensions, like tokens in a
    transformer or nodes of a graph, each position learns from its own error, by the same
    projections. Otherwise, as in the feature maps of a convolution, all positions get the error of
    the sample. A block with n units per row and K entries in the error gets projections of variance
    ``2 / (n + K)``, as in `skopu.DFAClassifier`: with the same glass and weights, gradients agree
    to rounding. The units of all blocks use consecutive output modes.

    Gradients are those of DFA whenever PyTorch records them, also under `torch.nn.DataParallel`.
    The network must return logits and the loss must fit them: if the network ends with its own
    softmax, `forward` warns.

    References
    ----------
    .. [1] A. Nokland, "Direct feedback alignment provides learning in deep neural networks",
       NIPS 2016.
    .. [2] J. Launay et al., "Hardware beyond backpropagation: a photonic co-processor for
       direct feedback alignment", 2020, arXiv:2012.06373.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from skopu.torch import DirectFeedback
    >>> net = nn.Sequential(nn.Linear(64, 100), nn.Tanh(), nn.Linear(100, 10))
    >>> model = DirectFeedback(net, random_state=0)
    >>> optimizer = torch.optim.Adam(model.parameters())
    >>> X, y = torch.randn(32, 64), torch.randint(10, (32,))
    >>> loss = nn.functional.cross_entropy(model(X), y)
    >>> loss.backward()
    >>> optimizer.step()
    """

    def __init__(
        self,
        model,
        blocks=None,
        *,
        feedback="dense",
        error_encoding="exact",
        ternary_threshold=0.25,
        opu=None,
        random_state=None,
    ):
        super().__init__(opu, random_state)
        for name, value, known in (
            ("feedback", feedback, ("dense", "optical", "backprop")),
            ("error_encoding", error_encoding, ("exact", "ternary")),
        ):
            if value not in known:
                raise ValueError(f"{name} must be one of {known}, got {value!r}.")
        check_not_negative(ternary_threshold, "ternary_threshold", 1)
        self.feedback, self.error_encoding = feedback, error_encoding
        self.ternary_threshold = ternary_threshold
        self.model = model if isinstance(model, nn.Module) else model()
        if not isinstance(self.model, nn.Module):
            raise TypeError(
                f"model must be a torch.nn.Module, or a function that makes one, got {model!r}."
            )
        self._cuts = Cuts(self.model, blocks)
        self._devices = {}

    def forward(self, *inputs, **named):
        """Output of the network, with direct feedback alignment as its backward pass.

        Parameters
        ----------
        *inputs, **named
            Inputs of the network.

        Returns
        -------
        output : Tensor
            Output of the network.

        Raises
        ------
        TypeError
            If a block or the network does not return a single tensor.
        ValueError
            If the cuts do not make blocks: one did not run, a tensor bypasses one, a parameter
            belongs to none, or a result was changed in place; if numbers of units have changed;
            or if the device cannot show the error or has too few outputs for all units.

        Warns
        -----
        UserWarning
            If the output is that of a softmax; at the first pass only.
        """
        if self.feedback == "backprop" or not torch.is_grad_enabled():
            return self.model(*inputs, **named)
        names, output, hidden = self._run(inputs, named)
        feeding = Feeding(self, self._device_of, names, output, hidden)
        units = [rows.n_units for rows in feeding.rows]
        if self._cuts.units is None:  # the first pass
            if not getattr(self, "_is_replica", False):  # whose parameters have another graph
                check_blocks(self.model, [*names, "output"], [*hidden, output])
            _warn_of_softmax(output)
            self._cuts.units = units
        self._cuts.check_units(units)
        return _Feedback.apply(feeding, output, *hidden)

    def alignment(self, inputs, loss):
        """Angle between the update of each block and its true gradient.

        Weights, gradients and statistics, such as those of batch norm, are not changed; both
        gradients use the same dropout.

        Parameters
        ----------
        inputs : Tensor or tuple
            Inputs of the network.
        loss : callable
            Function that maps the output to the loss, a tensor with one number.

        Returns
        -------
        angles : dict of float
            Angles in degrees, over all parameters of a block, under the names of the modules after
            which the network is cut. 90 is no alignment. The block after the last cut, whose angle
            is 0, is left out.

        Examples
        --------
        >>> import torch
        >>> from torch import nn
        >>> from skopu.torch import DirectFeedback
        >>> net = nn.Sequential(nn.Linear(64, 100), nn.Tanh(), nn.Linear(100, 10))
        >>> model = DirectFeedback(net, random_state=0)
        >>> X, y = torch.randn(32, 64), torch.randint(10, (32,))
        >>> list(model.alignment(X, lambda output: nn.functional.cross_entropy(output, y)))
        ['1']
        """
        inputs = inputs if isinstance(inputs, tuple) else (inputs,)
        parameters = [each for each in self.model.parameters() if each.requires_grad]
        n_steps = self.n_steps
        with torch.enable_grad(), unchanged(self.model) as begin:
            begin()
            names, output, hidden = self._run(inputs, {})
            (error,) = torch.autograd.grad(loss(output), output)
            fed = Feeding(self, self._device_of, names, output, hidden)(error)
            self.n_steps = n_steps
            updates = {
                name: torch.autograd.grad(each, parameters, given, allow_unused=True)
                for name, each, given in zip(names, hidden, fed, strict=True)
                if each.requires_grad
            }
            begin()
            gradient = torch.autograd.grad(loss(self.model(*inputs)), parameters, allow_unused=True)
        return {name: angle_between(update, gradient) for name, update in updates.items()}

    @property
    def n_steps(self):
        """Number of backward passes, each with its own noise."""
        return self._cuts.n_steps

    @n_steps.setter
    def n_steps(self, n_steps):
        self._cuts.n_steps = n_steps

    def _device_of(self, medium):
        """The device that errors are shown to, of that medium if none was given."""
        wanted = self.seed, medium
        if wanted not in self._devices:
            device = feedback_device(self._make_device(medium), self.feedback == "optical")
            self._devices[wanted] = device
        return self._devices[wanted]

    def get_extra_state(self):
        """What ``state_dict`` holds beside parameters: seed of the glass, and number of passes."""
        return torch.cat([super().get_extra_state(), torch.tensor([self.n_steps])])

    def set_extra_state(self, state):
        """Take seed and number of passes from what is loaded; see `get_extra_state`."""
        super().set_extra_state(state[:1])
        self.n_steps = int(state[1])

    def extra_repr(self):
        """What `repr` says beside the network."""
        blocks = f"blocks={self._cuts.names}"
        return f"{blocks}, feedback={self.feedback!r}, seed={self.seed}"

    def _run(self, inputs, named):
        """Names and outputs of the blocks, but for the last, and in between the network's own."""
        with Recording(self._cuts).active() as recording:
            output = self.model(*inputs, **named)
        if not isinstance(output, torch.Tensor):
            raise TypeError(
                f"The network returns {type(output).__name__}, but DFA needs the error of one "
                "tensor. Wrap it in a module that returns only the logits."
            )
        output = recording.close(output)
        names, hidden = recording.names(), [sent.output for sent in recording.sent]
        return names, output, hidden


class _Feedback(torch.autograd.Function):
    """The output as it is, whose gradient goes to all blocks by the device."""

    @staticmethod
    def forward(ctx, feeding, output, *hidden):
        ctx.feeding = feeding
        return output.view_as(output)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, error):
        return None, error, *ctx.feeding(error)


def _warn_of_softmax(output):
    if output.ndim < 2 or output.shape[-1] < 2 or output.numel() == 0:
        return
    rows = output.detach().double().flatten(0, -2)
    sums = rows.sum(1) if rows.min() >= 0 else rows.logsumexp(1) + 1
    if (sums - 1).abs().max() < 1e-3:
        warnings.warn(
            "The network ends with a softmax, and the error at the output is not that of its "
            "logits, which DFA feeds back. Return logits, with a loss such as CrossEntropyLoss.",
            stacklevel=3,
        )
