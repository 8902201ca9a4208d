"""Figures for slides, as SVG whose text is text, so that labels can be translated.

    python doc/figures.py [--output doc/_static/slides]

A run takes less than a minute, and changes nothing where the numbers are the same. Numbers are over
ten seeds; error bars and bands are standard errors.
"""

import argparse
import pathlib

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from scipy.stats import sem
from sklearn.datasets import load_digits
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import train_test_split

from skopu import (
    OPU,
    DFAClassifier,
    GaussianMedium,
    LayeredMedium,
    OpticalRandomFeatures,
    optical_kernel,
    opu_trace,
)

SEEDS = range(10)
X, Y = load_digits(return_X_y=True)
X = X / 16


def feedback():
    """How the error reaches the hidden layers."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 4.2), layout="constrained")
    heights = {"input": 0, "hidden layer 1": 1, "hidden layer 2": 2, "output": 3, "error": 4}
    for ax, title in zip(axes, ("Back-propagation", "Direct feedback alignment"), strict=True):
        for name, y in heights.items():
            box = FancyBboxPatch(
                (-0.5, y - 0.2), 1, 0.4, boxstyle="round,pad=0.02", fc="white", ec="black"
            )
            ax.add_patch(box)
            ax.text(0, y, name, ha="center", va="center")
            if y:
                weights = f"$W_{y}$" if y < 4 else ""
                _arrow(ax, (-0.3, y - 0.78), (-0.3, y - 0.22), "0.4", weights, -0.1)
        if title == "Back-propagation":
            _arrow(ax, (0.52, 4), (0.52, 2), "C3", "$W_3^T$", 0.5, bend=-0.6)
            _arrow(ax, (0.52, 2), (0.52, 1), "C3", "$W_2^T$", 0.3, bend=-0.6)
        else:
            _arrow(ax, (0.52, 4), (0.52, 2), "C0", "$B_2$", 0.14, bend=-0.6)
            _arrow(ax, (0.52, 4), (0.52, 1), "C0", "$B_1$", 0.62, bend=-0.6)
        ax.set(xlim=(-1, 2), ylim=(-0.4, 4.4), title=title)
        ax.set_axis_off()
    return figure


def _arrow(ax, start, end, color, label, offset, bend=0.0):
    style = f"arc3,rad={bend}"
    ax.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="->", connectionstyle=style, mutation_scale=14, color=color
        )
    )
    y = (start[1] + end[1]) / 2
    side = "left" if offset > 0 else "right"
    ax.text(start[0] + offset, y, label, color=color, ha=side, va="center")


def kernel_convergence():
    """Features against the speckle kernel."""
    some = X[:100]
    exact = optical_kernel(some)
    squares = np.sum(some**2, axis=1)
    squared_cosines = (some @ some.T) ** 2 / np.outer(squares, squares)
    variance = np.outer(squares, squares) ** 2 * (3 + 14 * squared_cosines + 3 * squared_cosines**2)
    sizes = np.array([30, 100, 300, 1000, 3000, 10_000])
    figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, medium, style in (
        ("independent modes", GaussianMedium, "s"),
        ("layered medium", LayeredMedium, "o"),
    ):
        errors = []
        for seed in SEEDS:
            opu = OPU(medium(), random_state=seed)
            Z = [OpticalRandomFeatures(n, opu=opu).fit_transform(some) for n in sizes]
            errors.append([np.linalg.norm(z @ z.T - exact) / np.linalg.norm(exact) for z in Z])
        mean, error = 100 * np.mean(errors, axis=0), 100 * sem(errors)
        ax.errorbar(sizes, mean, error, fmt=style, capsize=3, label=name)
    theory = 100 * np.sqrt(variance.sum() / sizes) / np.linalg.norm(exact)
    ax.plot(sizes, theory, "k--", label="theory, independent modes")
    ax.set(xscale="log", yscale="log", xlabel="number of features n")
    ax.set(ylabel="relative error of the kernel, %", title="Speckle converges to a kernel")
    ax.legend()
    return figure


def trace_convergence():
    """Errors of three estimators of a trace."""
    K = rbf_kernel(X[:500], gamma=0.02)
    exact = np.trace(K)
    budgets = np.array([12, 24, 48, 96, 192, 384])
    figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    for method, style in (("hutchinson", "o"), ("hutch++", "s"), ("xtrace", "^")):
        values = [
            [opu_trace(K, m, method=method, random_state=seed).value for m in budgets]
            for seed in SEEDS
        ]
        errors = abs(np.array(values) / exact - 1)
        mean, error = 100 * np.mean(errors, axis=0), 100 * sem(errors)
        ax.errorbar(budgets, mean, error, fmt=style + "-", capsize=3, label=method)
    ax.set(xscale="log", yscale="log", xlabel="products with the matrix")
    ax.set(ylabel="mean error of the trace, %", title="Trace of a kernel matrix, 500 digits")
    ax.set_xticks(budgets, budgets)
    ax.minorticks_off()
    ax.legend()
    return figure


def alignment():
    """Angles of updates by DFA to the gradient."""
    angles = []
    for seed in SEEDS:
        train, _, labels, _ = train_test_split(X, Y, test_size=0.4, random_state=seed, stratify=Y)
        model = DFAClassifier(
            (128, 128), "tanh", batch_size=64, track_alignment=True, random_state=seed
        )
        for _ in range(12):
            model.partial_fit(train, labels, classes=np.arange(10))
        angles.append(model.alignment_)
    mean, error = np.mean(angles, axis=0), sem(angles)
    epochs = np.arange(1, 13)
    figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    for layer, style in enumerate(("o-", "s-")):
        (line,) = ax.plot(epochs, mean[:, layer], style, ms=4, label=f"hidden layer {layer + 1}")
        low, high = (mean + sign * error for sign in (-1, 1))
        ax.fill_between(epochs, low[:, layer], high[:, layer], color=line.get_color(), alpha=0.3)
    ax.axhline(90, color="k", linestyle=":", label="chance")
    ax.set(xlabel="epoch", ylabel="angle to the gradient, degrees", ylim=(0, 95))
    ax.set_title("Updates turn towards the gradient")
    ax.legend(loc="lower right")
    return figure


def main():
    """Draw all of them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    slides = pathlib.Path(__file__).parent / "_static" / "slides"
    parser.add_argument("--output", type=pathlib.Path, default=slides)
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    plt.rcParams.update({"svg.hashsalt": "skopu", "svg.fonttype": "none", "font.size": 12})
    for draw in (feedback, kernel_convergence, trace_convergence, alignment):
        path = folder / f"{draw.__name__}.svg"
        draw().savefig(path, metadata={"Date": None, "Creator": None})
        print(path)


if __name__ == "__main__":
    main()
