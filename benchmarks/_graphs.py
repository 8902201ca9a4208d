"""Graphs whose triangles have been counted."""

import pathlib

import numpy as np
import scipy.sparse


def counted_graphs(folder):
    """Name, adjacency matrix and number of triangles of each of a folder's ``graph_*.npz``."""
    for path in sorted(pathlib.Path(folder).glob("graph_*.npz")):
        with np.load(path) as file:
            if "n_triangles" not in file:
                continue
            indices, indptr = (file[name].astype(np.int32) for name in ("indices", "indptr"))
            n_triangles = int(file["n_triangles"])
        A = scipy.sparse.csr_matrix((np.ones(len(indices)), indices, indptr))
        yield path.stem.removeprefix("graph_"), A, n_triangles
