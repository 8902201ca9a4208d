"""Cuts of a network into blocks: what one block sends to the next carries no gradient."""

import contextlib
import contextvars
from typing import NamedTuple

import torch
from torch import nn

_recording = contextvars.ContextVar("recording", default=None)  # so that threads have their own


class Sent(NamedTuple):
    """What a block has returned, and what the next one gets of it."""

    name: str
    output: torch.Tensor
    detached: torch.Tensor
    version: int  # of the output, which counts changes in place


class Recording:
    """What blocks have sent in one forward pass, in the order in which they ran."""

    def __init__(self, cuts):
        self.cuts, self.sent = cuts, []

    @contextlib.contextmanager
    def active(self):
        """Context in which the modules of the cuts are cut."""
        token = _recording.set(self)
        try:
            yield self
        finally:
            _recording.reset(token)

    def cut(self, name, output):
        """The output of a block as the next one gets it."""
        if not isinstance(output, torch.Tensor):
            raise TypeError(
                f"Block {name!r} returns {type(output).__name__}, and error is fed back to one "
                "tensor. Wrap it in a module that returns the tensor which the next block uses."
            )
        sent = Sent(name, output, output.detach(), output._version)
        self.sent.append(sent)
        return sent.detached

    def close(self, result):
        """The result of the network, with its graph; and checks of what went on between cuts."""
        missed = [name for name in self.cuts.names if name not in self.names()]
        if missed:
            raise ValueError(
                f"Blocks {missed} did not run in the forward pass. Name modules that it calls, by "
                "their __call__."
            )
        for sent in self.sent:
            if sent.output._version != sent.version:
                raise ValueError(
                    f"What block {sent.name!r} returns was changed in place by what follows, and "
                    "its own gradients may need it. Use inplace=False there."
                )
        if self.sent and result is self.sent[-1].detached:  # the last block was named as well
            result = self.sent.pop().output
        return result

    def names(self):
        """Names of the blocks that have run."""
        return [sent.name for sent in self.sent]


class Cuts:
    """Where a network is cut, and what is known of its blocks; shared by its replicas."""

    def __init__(self, model, blocks):
        self.names = _names(model, blocks)
        self.n_steps, self.units = 0, None
        modules = dict(model.named_modules())
        for name in self.names:
            modules[name].register_forward_hook(_Hook(self, name))

    def check_units(self, units):
        """The glass of a block begins behind those before it: units a row must not change."""
        if units != self.units:
            raise ValueError(
                f"Blocks return {units} units a row, and returned {self.units} before; they would "
                "learn from other projections now. Give inputs of one shape, for example padded."
            )


class _Hook:
    """A forward hook, which can be copied and pickled with its module."""

    def __init__(self, cuts, name):
        self.cuts, self.name = cuts, name

    def __call__(self, module, inputs, output):
        recording = _recording.get()
        if recording is None or recording.cuts is not self.cuts:
            return None
        return recording.cut(self.name, output)


def _names(model, blocks):
    """Names of the modules behind which a network is cut."""
    if blocks is None:
        return _default_names(model)
    if isinstance(blocks, str | nn.Module):
        blocks = [blocks]
    by_module = {module: name for name, module in model.named_modules() if name}
    names = []
    for block in blocks:
        name = by_module.get(block) if isinstance(block, nn.Module) else block
        if name not in by_module.values():
            raise ValueError(
                f"Block {block!r} is not a module inside the network. Its modules are "
                f"{', '.join(map(repr, by_module.values()))}."
            )
        names.append(name)
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"Block {name!r} is given twice.")
        inside = [other for other in names if other.startswith(f"{name}.")]
        if inside:
            raise ValueError(
                f"Block {name!r} contains block {inside[0]!r}: blocks must not overlap. Leave one "
                "of them out."
            )
    return names


def _default_names(model):
    """Cuts of a Sequential: before each part with a parameter of 2 dimensions, but the first."""
    if not isinstance(model, nn.Sequential):
        children = [name for name, _ in model.named_children()]
        raise ValueError(
            f"A {type(model).__name__} is cut where blocks says, and it is None: name the modules "
            f"behind which to cut, for example blocks={children[:-1]}. Only a Sequential is cut "
            "without."
        )
    parts = list(model._modules.items())
    weighted = [
        i
        for i, (_, part) in enumerate(parts)
        if any(parameter.ndim > 1 for parameter in part.parameters())
    ]
    cut_behind = [i - 1 for i in weighted[1:]]
    modules = [part for _, part in parts]
    for i in cut_behind:
        if sum(module is modules[i] for module in modules) > 1:
            raise ValueError(
                f"One module, {modules[i]!r}, stands at several places of the network, and so it "
                "cannot be cut behind it. Use a module for each."
            )
    return [parts[i][0] for i in cut_behind]
