"""Kernels that optical random features converge to.

The exact kernels each take two matrices of samples, or two single samples as 1-d arrays, so
that they can be the ``kernel`` of `KernelRidge`, `SVC`, `Nystroem` and
`sklearn.metrics.pairwise.pairwise_kernels`. All of these but SVC call a kernel once for
every pair of dense samples: ``kernel="precomputed"`` with a matrix made here is much
faster, and the way for sparse samples. Where scikit-learn dispatches by the array API, arrays
of PyTorch and CuPy are taken and returned, on their device.

All that an estimator knows of a kernel is its entry in ``KERNELS``: how its features are made,
its parameters, and the exact kernel.
"""

from ._angular import angular_kernel
from ._arc_cosine import ARC_COSINE, arc_cosine_kernel
from ._rbf import RBF
from ._speckle import SPECKLE, optical_kernel
from .kernel import Kernel

KERNELS = {kernel.name: kernel for kernel in (SPECKLE, ARC_COSINE, RBF)}

__all__ = ["KERNELS", "Kernel", "angular_kernel", "arc_cosine_kernel", "optical_kernel"]
