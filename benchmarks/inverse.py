"""From speckle back to what was shown: how many modes an input takes, here and in deepinv.

    python benchmarks/inverse.py --seeds 20

Real rows behind ideal glass, without noise. A row is found where its relative error, up to the
sign, is below 1 %. deepinv (``pip install deepinv``) starts from its spectral method and descends
by its gradient of the amplitude loss, of which the real part is kept after each step; it is left
out where it is not installed.
"""

import argparse
import warnings

import numpy as np
from _report import write_table

from skopu import OPU, GaussianMedium
from skopu.bench import recover_inputs

try:
    import deepinv
    import torch
except ImportError:
    deepinv = None

N_INPUTS = 100
RATIOS = [1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0]
KINDS = {  # rows, and what is known of them
    "normal": (lambda rng: rng.normal(size=N_INPUTS), None),
    "from 0 to 1": (lambda rng: rng.random(N_INPUTS), (0, 1)),
    "0 and 1": (lambda rng: rng.integers(2, size=N_INPUTS).astype(float), (0, 1)),
}


def ours(x, n_modes, seed, bounds):
    medium = GaussianMedium(seed)
    readings = OPU(medium).intensity(x[None], n_modes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return recover_inputs(medium, readings, len(x), bounds=bounds).X[0]


def by_deepinv(x, n_modes, seed, n_steps=2000):
    rng = torch.Generator().manual_seed(seed)
    size = (1, 1, len(x))
    physics = deepinv.physics.RandomPhaseRetrieval(m=n_modes, img_size=size, rng=rng)
    light = torch.tensor(x, dtype=torch.complex64).reshape(1, *size)
    readings = physics(light)
    found = deepinv.optim.phase_retrieval.spectral_methods(readings, physics, n_iter=100)
    found = found.real.to(torch.complex64) * np.linalg.norm(x) / found.real.norm()
    loss = deepinv.optim.data_fidelity.AmplitudeLoss()
    for _ in range(n_steps):
        found = (found - 0.4 * loss.grad(found, readings, physics)).real.to(torch.complex64)
    return found.real.numpy().ravel()


def is_found(found, x):
    return min(np.linalg.norm(found - x), np.linalg.norm(found + x)) < 0.01 * np.linalg.norm(x)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--output", default="inverse.csv")
    args = parser.parse_args()
    rows = []
    for ratio in RATIOS:
        n_modes, row = round(ratio * N_INPUTS), {"modes / inputs": ratio}
        for kind, (draw, bounds) in KINDS.items():
            xs = [draw(np.random.default_rng(seed)) for seed in range(args.seeds)]
            found = [is_found(ours(x, n_modes, s, bounds), x) for s, x in enumerate(xs)]
            row[f"skopu, {kind}"] = float(np.mean(found))
        if deepinv is not None:
            draw, _ = KINDS["normal"]
            xs = [draw(np.random.default_rng(seed)) for seed in range(args.seeds)]
            found = [is_found(by_deepinv(x, n_modes, s), x) for s, x in enumerate(xs)]
            row["deepinv, normal"] = float(np.mean(found))
        print(row, flush=True)
        rows.append(row)
    write_table(rows, args.output)


if __name__ == "__main__":
    main()
