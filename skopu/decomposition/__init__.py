"""Matrix decomposition with random projections made by light."""

from .pca import OPUPCA
from .truncated_svd import OPUTruncatedSVD

__all__ = ["OPUPCA", "OPUTruncatedSVD"]
