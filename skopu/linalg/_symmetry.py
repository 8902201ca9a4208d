"""Whether products with random vectors are those of a symmetric matrix."""

import numpy as np

from ._tall_blocks import inner, lengths


def check_symmetric(X, images, name):
    """Raise ValueError where images = A @ X, of two columns or more, show A unsymmetric."""
    difference = asymmetry(X, images)
    if difference > 0:
        raise ValueError(
            f"{name} must be symmetric here, but x'Ay and y'Ax differ by {difference:.3g} for "
            "random x and y. Use (A + A.T) / 2 if the difference is noise."
        )


def asymmetry(X, images):
    """Largest difference of x'Ay and y'Ax, images = A @ X; 0 where rounding may make it."""
    products = inner(X, images, map)
    rounding = 100 * np.finfo(products.dtype).eps * np.sqrt(X.shape[0])
    rounding *= np.outer(lengths(X), lengths(images)).max(initial=0)
    difference = abs(products - products.T).max(initial=0)
    return difference if difference > rounding else 0.0
