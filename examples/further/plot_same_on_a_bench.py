"""
=====================
The same, on a bench
=====================

One pipeline on our device and on a bench: only the line that makes the device differs.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skopu import OPU, OpticalRandomFeatures
from skopu.bench import BenchOPU, SimulatedBench

X, y = load_digits(return_X_y=True)
X = X > 7
seeds = range(5)


def estimate(values):
    """Mean over seeds, and its standard error."""
    return f"{np.mean(values):.2f} +- {np.std(values, ddof=1) / np.sqrt(len(values)):.2f}"


found = {"OPU": [], "BenchOPU": []}
for seed in seeds:
    split = train_test_split(X, y, random_state=seed, stratify=y)
    bench = SimulatedBench(n_inputs=81, frame_shape=(128, 128), random_state=seed)
    for opu in (OPU(input_bits=1, random_state=seed), BenchOPU(bench)):
        model = make_pipeline(OpticalRandomFeatures(n=1000, opu=opu), RidgeClassifier(alpha=100))
        score = model.fit(split[0], split[2]).score(split[1], split[3])
        found[type(opu).__name__].append(100 * score)
for name, scores in found.items():
    print(f"{name}, test accuracy, %: {estimate(scores)}")
print(f"BenchOPU less OPU, points: {estimate(np.subtract(found['BenchOPU'], found['OPU']))}")

# %%
# Numbers after +- are standard errors over five seeds, each with its own glass, noise and split of
# the digits. The bench loses a few tenths of a point at most.
