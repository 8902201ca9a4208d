"""
=====================
The same, on a bench
=====================

One pipeline on our device and on a bench: the device's construction alone differs.
"""

from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from skopu import OPU, OpticalRandomFeatures
from skopu.bench import BenchOPU, SimulatedBench

X, y = load_digits(return_X_y=True)
X = X > 7
for opu in (OPU(input_bits=1), BenchOPU(SimulatedBench(n_inputs=81, frame_shape=(128, 128)))):
    model = make_pipeline(OpticalRandomFeatures(n=1000, opu=opu), RidgeClassifier(alpha=100))
    scores = cross_val_score(model, X, y, cv=3)
    print(f"{type(opu).__name__:8} {scores.mean():.1%} ± {scores.std(ddof=1) / 3**0.5:.1%}")
