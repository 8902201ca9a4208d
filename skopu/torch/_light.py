"""Tensors on their way through a device."""

import torch


def project(opu, rows, n, mode):
    """Readings of rows, on their device: by NumPy on a CPU, where that is faster."""
    if rows.device.type == "cpu":
        return torch.from_numpy(opu.project(rows.numpy(), n, mode))
    return opu.project(rows, n, mode)


def vjp(opu, rows, cotangents, mode):
    """Vector-Jacobian product of `project`."""
    if rows.device.type == "cpu":
        found = opu.vjp(rows.numpy(), cotangents.numpy(), mode)
        return torch.from_numpy(found)
    return opu.vjp(rows, cotangents, mode)
