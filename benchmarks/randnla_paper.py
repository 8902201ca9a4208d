"""The RandNLA paper's four tasks over compression ratios: is the loss by light negligible?

    python benchmarks/randnla_paper.py

Matrix product, trace, triangles and SVD from random projections, each by a digital Gaussian
sketch of NumPy's, by the ideal device, and by a device with an 8-bit camera, shot noise and
read noise, where the compression ratio is the number of projections over the dimension.
Errors are relative, means over seeds. "loss" is the difference, seed by seed, from the line
above it, with its 95 % interval: of the ideal device from the digital sketch, of the noisy
camera from the ideal one, which sees the same glass, and of ``OPU.aurora(flaws=True)``, which
has crosstalk too, from that. D. Hesslow et al., "Photonic co-processors in HPC: using LightOn
OPUs for Randomized Numerical Linear Algebra", Hot Chips 33, 2021.
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np
from _camera import NOISY
from _report import write_table
from sklearn.datasets import load_digits

from skopu import OPU, GaussianMedium

RATIOS = [0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
N = 1000


class Digital:
    """A stored Gaussian matrix, with the device's interface."""

    def __init__(self, seed):
        self.seed = seed

    def linear(self, X, n):
        R = np.random.default_rng(self.seed).standard_normal((X.shape[1], n))
        return X @ R


def devices(seed):
    return {
        "digital Gaussian": Digital(seed),
        "ideal device": OPU(GaussianMedium(), random_state=seed),
        "noisy 8-bit camera": OPU(GaussianMedium(), NOISY, random_state=seed),
        "as imperfect as the real machine": OPU.aurora(seed, flaws=True).set_params(
            medium__medium=GaussianMedium(), input_bits=None, max_inputs=None
        ),
    }


def _congruence(device, A, m):
    """R'AR / m from the rows of A and the reading of each input alone, which is R.

    A R sent through the same glass again would give mode i nearly all of the light of
    column i, and saturate a camera.
    """
    return device.linear(np.eye(N), m).T @ device.linear(A, m) / m


def matrix_product():
    X = load_digits().data[:N] / 16
    A, B = X[:, :32], X[:, 32:]
    exact = A.T @ B

    def error(device, m):
        left, right = device.linear(A.T, m), device.linear(B.T, m)
        return np.linalg.norm(left @ right.T / m - exact) / np.linalg.norm(exact)

    return error


def trace():
    rng = np.random.default_rng(10**6)  # no seed of a sketch
    Q, _ = np.linalg.qr(rng.standard_normal((N, N)))
    A = (Q * np.linspace(3, 1, N)) @ Q.T

    def error(device, m):
        return abs(np.trace(_congruence(device, A, m)) / np.trace(A) - 1)

    return error


def triangles():
    rng = np.random.default_rng(10**6)  # no seed of a sketch
    # Communities, as social networks have them, with many triangles.
    community = np.arange(N) // 50
    odds = np.where(community[:, None] == community, 0.6, 0.01)
    A = np.triu(rng.random((N, N)) < odds, 1).astype(float)
    A += A.T
    exact = np.trace(A @ A @ A)

    def error(device, m):
        B = _congruence(device, A, m)
        return abs(np.trace(B @ B @ B) / exact - 1)

    return error


def svd():
    rng = np.random.default_rng(10**6)  # no seed of a sketch
    U, _ = np.linalg.qr(rng.standard_normal((N, N)))
    V, _ = np.linalg.qr(rng.standard_normal((N, N)))
    values = np.arange(1, N + 1.0) ** -1
    A = (U * values) @ V.T

    def error(device, m):
        # Relative residual of the best approximation within one sketch's range, of rank 20.
        Q, _ = np.linalg.qr(device.linear(A, m))
        left, sizes, right = np.linalg.svd(Q.T @ A, full_matrices=False)
        approximation = (Q @ left[:, :20] * sizes[:20]) @ right[:20]
        return np.linalg.norm(A - approximation) / np.linalg.norm(A)

    return error


TASKS = {"matrix product": matrix_product, "trace": trace, "triangles": triangles, "SVD": svd}


def measure(n_seeds):
    for task, make in TASKS.items():
        error = make()
        for ratio in RATIOS:
            m = round(ratio * N)
            errors = np.array(
                [[error(device, m) for device in devices(seed).values()] for seed in range(n_seeds)]
            )
            for i, name in enumerate(devices(0)):
                loss = errors[:, i] - errors[:, max(i - 1, 0)]
                row = {
                    "task": task,
                    "compression ratio": ratio,
                    "device": name,
                    "error": float(errors[:, i].mean()),
                    "loss": float(loss.mean()),
                    "95 % interval +-": float(1.96 * loss.std(ddof=1) / np.sqrt(n_seeds)),
                }
                print(row, flush=True)
                yield row


def draw(rows, path):
    figure, axes = plt.subplots(2, 2, figsize=(9, 7), layout="constrained")
    styles = dict(zip(devices(0), [("o", "-"), ("s", "--"), ("^", ":"), ("P", "-.")], strict=True))
    for axis, task in zip(axes.flat, TASKS, strict=True):
        for name, (marker, line) in styles.items():
            chosen = [row for row in rows if row["task"] == task and row["device"] == name]
            axis.errorbar(
                [row["compression ratio"] for row in chosen],
                [row["error"] for row in chosen],
                [row["95 % interval +-"] for row in chosen],
                marker=marker,
                linestyle=line,
                capsize=4,
                label=name,
                alpha=0.8,
            )
        axis.set(xscale="log", yscale="log", title=task)
    for axis in axes[1]:
        axis.set_xlabel("projections / dimension")
    for axis in axes[:, 0]:
        axis.set_ylabel("relative error")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle("Randomized linear algebra by NumPy and by light")
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--output", default="randnla_paper.csv")
    parser.add_argument("--figure", default="randnla_paper.png")
    arguments = parser.parse_args()
    rows = list(measure(arguments.seeds))
    draw(rows, arguments.figure)
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
