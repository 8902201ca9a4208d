"""Five papers side by side: one report of what they claim and what skopu does.

    python benchmarks/papers.py --data FOLDER [--output paper_report] [--more]

Runs the benchmarks of the papers, each by its own command, which stands in the report, and
writes report.md, its tables and the figures: what a paper claims, our ideal device, our
device with a noisy 8-bit camera, and what a user would pick instead. The documentation shows
those of doc/papers. A part whose CSV file is in the folder already is not run again: delete
the file to have it measured anew, or give --more for the seeds that its rows lack. From the
beginning, it takes some ten hours on two cores.

FOLDER holds mnist.npz, fashion_mnist.npz and planetoid_NAME.npz: see kernel_paper.py, fashion.py
and dfa_paper.py.
"""

import argparse
import datetime
import math
import pathlib
import shlex
import subprocess
import sys
from importlib.metadata import version

import kernel_paper
import matplotlib.pyplot as plt
import randnla_paper
from _report import read_csv, write_csv

HERE = pathlib.Path(__file__).parent
GRAPHS = {"cora": "Cora", "citeseer": "CiteSeer", "pubmed": "PubMed"}
NETWORKS = {"mnist-256": "MNIST, 784-256-256-10", "mnist-1024": "MNIST, 784-1024-1024-10"}
TITLES = NETWORKS | GRAPHS
MACHINES = '--machines speckle "speckle, noisy 8-bit camera" RBFSampler'
IMPERFECT = "speckle, as imperfect as the real machine"
FASHION = "fashion.py --data DATA/fashion_mnist.npz"
# What writes each CSV file.
COMMANDS = {
    "kernel": f"kernel_paper.py --data DATA/mnist.npz {MACHINES} --figure kernel.png",
    "kernel_imperfect": f'kernel_paper.py --data DATA/mnist.npz --machines "{IMPERFECT}"'
    " --figure kernel.png",  # drawn anew below, with all machines
    "kernel_limit": f"kernel_paper.py --data DATA/mnist.npz --train 10000 --exact {MACHINES} rbf"
    " --figure kernel_limit.png",
    **{f"dfa_{task}": f"dfa_paper.py --data DATA --tasks {task}" for task in TITLES},
    "citeseer": "citeseer.py --data DATA",
    "randnla": "randnla_paper.py --figure randnla.png",
    "fashion": FASHION,
    "fashion_powers": f"{FASHION} --powers",
}
PAPERS = {
    "kernel": "Saade et al. 2016, kernel machine",
    "light": "Launay et al. 2020a, light in the loop",
    "hardware": "Launay et al. 2020b, beyond back-propagation",
    "citeseer": "CiteSeer, other seeds, widths and splits",
    "randnla": "Hesslow et al. 2021, linear algebra",
    "fashion": "Ohana et al. 2020, the real machine on Fashion-MNIST",
    "powers": "Ohana et al. 2020, two powers",
}
NONE = "not given"
PM = "\u00a0±\u00a0"  # no line breaks within a cell's number
NOISY = "DFA, ternary, 8-bit camera"
# What is published of the real machine, for matrices and a graph that are not.
REAL = {
    "matrix product": NONE,
    "trace": "0.05",
    "triangles": "0.34",
    "SVD": "0.351 (simulated 0.326)",
}


def command_of(part, data):
    return f"python benchmarks/{COMMANDS[part].replace('DATA', str(data))} --output {part}.csv"


def run(part, data, folder, more):
    """The rows that the command of a part has written, now or before."""
    path = folder / f"{part}.csv"
    adding = more and path.exists() and part not in ("citeseer", "randnla")
    if adding or not path.exists():
        script, *options = shlex.split(COMMANDS[part].replace("DATA", str(data.resolve())))
        command = [sys.executable, str((HERE / script).resolve()), *options, "--output", path.name]
        command += ["--more"] if adding else []
        print("+", shlex.join(command), flush=True)
        subprocess.run(command, cwd=folder, check=True)
    return read_csv(path)


def percent(row, name="test accuracy %", spread="+-"):
    return f"{row[name]:.2f}" + (f"{PM}{row[spread]:.2f}" if row[spread] else "")


def seeds_of(*rows):
    """How many seeds the rows of one line of a table have."""
    fewest, most = (end(row["seeds"] for row in rows) for end in (min, max))
    return str(most) if fewest == most else f"{fewest} to {most}"


def kernel_rows(rows):
    found = {(row["features"], row["n"]): row for row in rows}
    train = f"{rows[0]['train']:,}"
    # The later machine's 96.57 % with 10,000 features, of 60,000 images, is published.
    published = {(60_000, 10_000): "3.43"}
    names = ["speckle", "speckle, noisy 8-bit camera", IMPERFECT, "RBFSampler"]
    for n in sorted({row["n"] for row in rows[1:] if row["n"] != "exact"}):
        line = [found.get((name, n)) for name in names]
        cells = [percent(row, "test error %", "std %") if row else "" for row in line]
        yield {
            "images / features": f"{train} / {n:,}",
            "published": published.get((rows[0]["train"], n), NONE),
            **dict(
                zip(["ideal device", "noisy camera", "all flaws", "RBFSampler"], cells, strict=True)
            ),
            "seeds": seeds_of(*filter(None, line)),
        }
    if ("speckle", "exact") in found:
        yield {
            "images / features": f"{train} / exact kernel",
            "published": NONE,
            "ideal device": f"{found['speckle', 'exact']['test error %']:.2f}",
            "noisy camera": "",
            "all flaws": "",
            "RBFSampler": f"{found['rbf', 'exact']['test error %']:.2f} (rbf kernel)",
            "seeds": "no randomness",
        }


def training_row(rows):
    found = {row["method"]: row for row in rows}
    back = found["back-propagation"]
    published = [
        f"{found[method]['published']} {what}"
        for method, what in ((NOISY, "by light"), ("DFA", "by DFA on a GPU"))
        if found[method]["published"] != "-"
    ]
    yield {
        "task": TITLES[back["task"]],
        "the paper": ", ".join(published) or NONE,
        "DFA": percent(found["DFA"]),
        "ternary": percent(found["DFA, ternary"]),
        "ternary, noisy camera": percent(found[NOISY]),
        "back-propagation": percent(back),
        **({"published": f"{back['published']}"} if back["published"] != "-" else {}),
        "seeds": seeds_of(*rows),
    }


def citeseer_rows(rows):
    for row in rows:
        yield {
            "split, hidden units": f"{row['split']}, {row['width']}",
            "back-propagation": f"{row['back-propagation %']:.2f}",
            "accuracy": f"{row['accuracy']:+.2f}{PM}{row['accuracy +-']:.2f}",
            **{
                name: f"{row[name]:+.3f}{PM}{row[f'{name} +-']:.3f}"
                for name in ("test loss", "training loss")
            },
            "seeds": str(row["seeds"]),
        }


def loss_of(row):
    """Loss and its interval, to the first digit of that."""
    digits = max(0, -math.floor(math.log10(row["95 % interval +-"])))
    loss = round(row["loss"], digits) + 0.0  # no -0.0
    return f"{loss:.{digits}f}{PM}{row['95 % interval +-']:.{digits}f}"


def randnla_rows(rows):
    found = {(row["task"], row["compression ratio"], row["device"]): row for row in rows}
    devices = list(randnla_paper.devices(0))
    for task in dict.fromkeys(row["task"] for row in rows):
        for ratio in (0.1, 0.5):
            digital, ideal, noisy, imperfect = (found[task, ratio, name] for name in devices)
            yield {
                "task, projections a dimension": f"{task}, {ratio:g}",
                "real machine, other data": REAL[task],
                "NumPy": f"{digital['error']:.2g}",
                "ideal device": f"{ideal['error']:.2g}",
                "loss, noisy camera": loss_of(noisy),
                "further loss, all flaws": loss_of(imperfect),
            }


def fashion_rows(rows):
    for n in sorted({row["features"] for row in rows}):
        ideal, flawed = (row for row in rows if row["features"] == n)
        yield {
            "features": f"{n:,}",
            "simulated, published": f"{ideal['published']:.2f}",
            "ideal device": percent(ideal),
            "real, published": f"{flawed['published']:.2f}",
            "all flaws": percent(flawed),
            "used": flawed["used"],
            "seeds": seeds_of(ideal, flawed),
        }


def power_rows(rows):
    for row in rows:
        yield {
            "features": f"{row['features']:,}, power {row['power']}",
            "simulated, published": f"{row['published']:.2f}",
            "ideal device": percent(row),
            "seeds": seeds_of(row),
        }


# The parts of each table and what makes its rows.
TABLES = {
    "kernel": (("kernel", "kernel_limit"), kernel_rows),
    "light": ([f"dfa_{task}" for task in NETWORKS], training_row),
    "hardware": ([f"dfa_{task}" for task in GRAPHS], training_row),
    "citeseer": (("citeseer",), citeseer_rows),
    "randnla": (("randnla",), randnla_rows),
    "fashion": (("fashion",), fashion_rows),
    "powers": (("fashion_powers",), power_rows),
}


def draw_training(tables, path):
    """Test accuracies of the four ways of training, task by task."""
    figure, axes = plt.subplots(2, 3, figsize=(9, 6), layout="constrained")
    *axes, empty = axes.flat
    for axis, rows in zip(axes, tables, strict=True):
        for i, (row, marker) in enumerate(zip(rows, "osv^", strict=True)):
            axis.errorbar(
                i,
                row["test accuracy %"],
                row["+-"],
                marker=marker,
                markersize=8,
                capsize=4,
                label=row["method"] if axis is axes[0] else None,
            )
        published = rows[0]["published"]
        if published != "-":
            axis.axhline(
                published, color="black", linestyle=":", label="back-propagation, published"
            )
        axis.set(title=TITLES[rows[0]["task"]], xticks=[], xlim=(-0.6, 3.6))
    for axis in (axes[0], axes[3]):
        axis.set_ylabel("test accuracy (%)")
    handles = {}
    for axis in axes:
        handles |= dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    empty.axis("off")
    empty.legend(handles.values(), handles, loc="center")
    figure.suptitle("Networks and graph networks trained by back-propagation and by DFA")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def write_report(parts, folder):
    """report.md, and for the documentation a table of each paper and a date."""
    measured = f"Last written on {datetime.date.today():%Y-%m-%d}, by skopu {version('skopu')}.\n"
    (folder / "measured.txt").write_text(measured, encoding="utf-8")
    lines = ["# Five papers side by side", "", measured]
    for key, (names, make) in TABLES.items():
        table = [row for name in names for row in make(parts[name])]
        write_csv(table, folder / f"table_{key}.csv")
        columns = list(table[0])
        cells = [columns, ["---"] * len(columns), *(row.values() for row in table)]
        lines += ["", f"## {PAPERS[key]}", "", *(f"| {' | '.join(line)} |" for line in cells), ""]
        lines += [f"    {command_of(name, 'FOLDER')}" for name in names]
    for title in ("kernel", "kernel_limit", "training", "randnla"):
        lines += ["", f"![{title}]({title}.png)"]
    (folder / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder, see above")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("paper_report"))
    parser.add_argument("--more", action="store_true", help="measure the seeds that rows lack")
    arguments = parser.parse_args()
    folder = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    parts = {part: run(part, arguments.data, folder, arguments.more) for part in COMMANDS}
    parts["kernel"] += [row for row in parts["kernel_imperfect"] if row["features"] == IMPERFECT]
    kernel_paper.draw(parts["kernel"], folder / "kernel.png")
    kernel_paper.draw(parts["kernel_limit"], folder / "kernel_limit.png")
    randnla_paper.draw(parts["randnla"], folder / "randnla.png")
    draw_training([parts[f"dfa_{task}"] for task in TITLES], folder / "training.png")
    write_report(parts, folder)
    print((folder / "report.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
