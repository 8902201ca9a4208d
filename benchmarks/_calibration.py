"""Figures of true errors beside what was said of them."""

import matplotlib.pyplot as plt
import numpy as np


def draw_errors(panels, by, path):
    """Scatter plots of errors against bounds, coloured by one entry of the cases.

    A panel is a list of cases, the names of their error and bound, and a label. Cases whose bound
    is NaN have nothing to compare. The second panel has the legend.
    """
    width = 5 * len(panels)
    figure, axes = plt.subplots(1, len(panels), figsize=(width, 4.6), layout="constrained")
    names = dict.fromkeys(case[by] for cases, *_ in panels for case in cases)
    styles = {name: (f"C{i % 10}", ".x"[i // 10]) for i, name in enumerate(names)}
    for axis, (cases, error, bound, label) in zip(axes, panels, strict=True):
        cases = [case for case in cases if not np.isnan(case[bound])]
        for name, (color, marker) in styles.items():
            chosen = [case for case in cases if case[by] == name]
            if chosen:
                axis.plot(
                    [case[bound] for case in chosen],
                    [case[error] for case in chosen],
                    marker,
                    color=color,
                    alpha=0.5,
                    label=name,
                )
        bounds = [case[bound] for case in cases]
        ends = np.array([max(min(bounds) / 2, 1e-10), max(2 * max(bounds), 1)])
        axis.plot(ends, ends, "k-", label="as large as the bound")
        axis.plot(ends, ends / 5, "k:", label="a fifth of it")
        axis.set(xscale="log", yscale="log", xlabel="bound", ylabel=label, xlim=ends)
        axis.set_ylim(ends[0] / 100, ends[1])
    figure.legend(
        *axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8
    )
    figure.savefig(path, dpi=110)


def compared_sines(cases):
    """Table entries of sines and their bounds, of cases in which they are not NaN."""
    ratios = np.array([case["angle bound"] / case["angle"] for case in cases])
    known = ~np.isnan(ratios)
    some = known.any()
    return {
        "with sines": int(known.sum()),
        "sines below %": round(100 * float(np.mean(ratios[known] >= 1)), 1) if some else "",
        "sine bound / sine, median": round(float(np.median(ratios[known])), 1) if some else "",
    }


def largest_sine(sines, eps):
    """The largest of those that can be told, no less than eps; NaN of none."""
    return max(sines.max(), eps) if len(sines) else np.nan


def draw_coverage(cases, covered, n, path):
    """Shares in % that intervals of 95 % cover of n each, by name, with their standard errors.

    Bars are those of a binomial share, with two more successes and failures, so that one of 100 %
    has a bar as well.
    """
    figure, axis = plt.subplots(figsize=(10, 4.6), layout="constrained")
    axis.axhspan(93, 97, color="0.9", label="93 to 97 %")
    axis.axhline(95, color="0.6", linewidth=1)
    for i, (name, shares) in enumerate(covered.items()):
        shares = np.array(shares)
        smoothed = (n * shares / 100 + 2) / (n + 4)
        errors = 100 * np.sqrt(smoothed * (1 - smoothed) / (n + 4))
        places = np.arange(len(cases)) + 0.18 * (i - (len(covered) - 1) / 2)
        axis.errorbar(places, shares, errors, fmt="o", markersize=4, color=f"C{i}", label=name)
    axis.set_xticks(range(len(cases)), cases, rotation=45, ha="right")
    axis.set(ylabel="intervals that hold the trace, %", xlim=(-0.6, len(cases) - 0.4))
    axis.grid(axis="x", alpha=0.3)
    axis.legend(fontsize=8, loc="lower left")
    figure.savefig(path, dpi=110)
