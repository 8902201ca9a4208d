"""Angles between updates of blocks and their true gradients."""

import contextlib

import torch

from ..neural_network.feedback import angle


@contextlib.contextmanager
def unchanged(model):
    """Context that leaves buffers and random numbers as they were; its value begins these anew."""
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        with torch.random.fork_rng():
            yield lambda: torch.manual_seed(0)
    finally:
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)


def angle_between(update, gradient):
    """Angle in degrees over all parameters of which there is an update."""
    pairs = [
        (some, torch.zeros_like(some) if other is None else other)
        for some, other in zip(update, gradient, strict=True)
        if some is not None
    ]
    sides = (
        torch.cat([part.flatten().cpu().double() for part in side])
        for side in zip(*pairs, strict=True)
    )
    return angle(*(side.numpy() for side in sides))
