"""The four papers side by side: one report of what they claim and what skopu does.

    python benchmarks/papers.py --data FOLDER [--output paper_report]

Runs the benchmarks of the papers, each by its own command, which stands in the report, and
writes report.md, report.csv and the figures: what a paper claims, our ideal device, our
device with a noisy 8-bit camera, and what a user would pick instead. The documentation shows
those of doc/papers. A part whose CSV file is in the folder already is not run again: delete
the file to have it measured anew. From the beginning, it takes some five hours on two cores.

FOLDER holds mnist.npz and planetoid_NAME.npz: see kernel_paper.py and dfa_paper.py.
"""

import argparse
import csv
import datetime
import pathlib
import shlex
import subprocess
import sys

import matplotlib.pyplot as plt
from _report import machine, write_csv

HERE = pathlib.Path(__file__).parent
GRAPHS = {"cora": "Cora", "citeseer": "CiteSeer", "pubmed": "PubMed"}
NETWORKS = {"mnist-256": "MNIST, 784-256-256-10", "mnist-1024": "MNIST, 784-1024-1024-10"}
TITLES = NETWORKS | GRAPHS
MACHINES = '--machines speckle "speckle, noisy 8-bit camera" RBFSampler'
IMPERFECT = "speckle, as imperfect as the real machine"
# What writes each CSV file.
COMMANDS = {
    "kernel": f"kernel_paper.py --data DATA/mnist.npz --seeds 3 {MACHINES} --figure kernel.png",
    "kernel_imperfect": f'kernel_paper.py --data DATA/mnist.npz --seeds 3 --machines "{IMPERFECT}"'
    " --figure kernel_imperfect.png",
    "kernel_limit": f"kernel_paper.py --data DATA/mnist.npz --train 10000 --exact {MACHINES} rbf"
    " --figure kernel_limit.png",
    **{f"dfa_{task}": f"dfa_paper.py --data DATA --tasks {task}" for task in TITLES},
    "randnla": "randnla_paper.py --figure randnla.png",
}
PAPERS = {
    "kernel": "Saade et al. 2016, kernel machine",
    "light": "Launay et al. 2020a, light in the loop",
    "hardware": "Launay et al. 2020b, beyond back-propagation",
    "randnla": "Hesslow et al. 2021, linear algebra",
}
COLUMNS = [
    *("quantity", "the paper", "ideal device", "noisy 8-bit camera"),
    *("as imperfect as the real machine", "instead", "seeds"),
]
NOISY = "DFA, ternary, 8-bit camera"


def command_of(part, data):
    return f"python benchmarks/{COMMANDS[part].replace('DATA', str(data))} --output {part}.csv"


def run(part, data, folder):
    """The rows that the command of a part has written, now or before."""
    path = folder / f"{part}.csv"
    if not path.exists():
        script, *options = shlex.split(COMMANDS[part].replace("DATA", str(data.resolve())))
        command = [sys.executable, str((HERE / script).resolve()), *options, "--output", path.name]
        print("+", shlex.join(command), flush=True)
        subprocess.run(command, cwd=folder, check=True)
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def percent(row, name="test accuracy %", spread="+-"):
    spread = float(row[spread])
    return f"{float(row[name]):.2f}" + (f" ± {spread:.2f}" if spread else "")


def row_of(paper, quantity, claim, ideal, noisy, instead, command, seeds, imperfect=""):
    return {
        "paper": PAPERS[paper],
        "quantity": quantity,
        "the paper": claim,
        "ideal device": ideal,
        "noisy 8-bit camera": noisy,
        "as imperfect as the real machine": imperfect,
        "instead": instead,
        "command": command,
        "seeds": seeds,
    }


def kernel_rows(rows, command):
    found = {(row["features"], row["n"]): percent(row, "test error %", "std %") for row in rows}
    train = int(rows[0]["train"])
    seeds = max(int(row["seeds"]) for row in rows)
    task = f"MNIST, {train:,} binary images, test error %"
    for n in sorted({int(row["n"]) for row in rows[1:] if row["n"] != "exact"}):
        yield row_of(
            "kernel",
            f"{task}, {n:,} features",
            "as the kernel",
            found["speckle", str(n)],
            found["speckle, noisy 8-bit camera", str(n)],
            f"{found['RBFSampler', str(n)]} (RBFSampler)",
            command,
            f"0 to {seeds - 1}",
            found.get((IMPERFECT, str(n)), ""),
        )
    if ("speckle", "exact") in found:
        yield row_of(
            "kernel",
            f"{task}, exact kernels",
            "the limit",
            f"{found['speckle', 'exact']} (speckle kernel)",
            "",
            f"{found['rbf', 'exact']} (rbf kernel)",
            command,
            "none",
        )


def network_rows(rows, command):
    found = {row["method"]: row for row in rows}
    claim = found[NOISY]["published"]
    claim = "trains" if claim == "-" else f"{claim}, on a GPU {found['DFA']['published']}"
    instead = f"{percent(found['back-propagation'])} (MLPClassifier)"
    yield training_row("light", claim, found, instead, command)


def graph_rows(rows, command):
    found = {row["method"]: row for row in rows}
    back = found["back-propagation"]
    instead = f"{percent(back)} (back-propagation; Kipf and Welling {back['published']})"
    yield training_row("hardware", "trains graph networks", found, instead, command)


def training_row(paper, claim, found, instead, command):
    quantity = f"{TITLES[found['DFA']['task']]}, test accuracy %"
    ideal = f"{percent(found['DFA'])}, ternary {percent(found['DFA, ternary'])}"
    noisy = f"ternary {percent(found[NOISY])}"
    seeds = f"0 to {int(found['DFA']['seeds']) - 1}"
    return row_of(paper, quantity, claim, ideal, noisy, instead, command, seeds)


def randnla_rows(rows, command):
    found = {(row["task"], float(row["compression ratio"]), row["device"]): row for row in rows}
    for task in dict.fromkeys(row["task"] for row in rows):
        for ratio in (0.1, 0.5):
            digital, ideal, noisy, imperfect = (
                found[task, ratio, device] for device in ("digital Gaussian", *COLUMNS[2:5])
            )
            losses = [
                f"{float(row['error']):.2g} (loss {float(row['loss']):.1g} ± "
                f"{float(row['95 % interval +-']):.1g})"
                for row in (noisy, imperfect)
            ]
            yield row_of(
                "randnla",
                f"{task}, projections / dimension {ratio:g}, relative error",
                "negligible loss",
                f"{float(ideal['error']):.2g}",
                losses[0],
                f"{float(digital['error']):.2g} (NumPy's Gaussian matrix)",
                command,
                "0 to 49",
                losses[1],
            )


MAKERS = {
    "kernel": kernel_rows,
    "kernel_limit": kernel_rows,
    **{f"dfa_{task}": network_rows for task in NETWORKS},
    **{f"dfa_{task}": graph_rows for task in GRAPHS},
    "randnla": randnla_rows,
}


def draw_training(tables, path):
    """Test accuracies of the four ways of training, task by task."""
    figure, axes = plt.subplots(1, len(tables), figsize=(14, 3.6), layout="constrained")
    for axis, rows in zip(axes, tables, strict=True):
        for i, (row, marker) in enumerate(zip(rows, "osv^", strict=True)):
            axis.errorbar(
                i,
                float(row["test accuracy %"]),
                float(row["+-"]),
                marker=marker,
                markersize=8,
                capsize=4,
                label=row["method"] if axis is axes[0] else None,
            )
        published = rows[0]["published"]
        if published != "-":
            axis.axhline(
                float(published), color="black", linestyle=":", label="back-propagation, published"
            )
        axis.set(title=TITLES[rows[0]["task"]], xticks=[], xlim=(-0.6, 3.6))
    axes[0].set_ylabel("test accuracy (%)")
    handles = {}
    for axis in axes:
        handles |= dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=5)
    figure.suptitle("Networks and graph networks trained by back-propagation and by DFA")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def write_report(rows, folder):
    """report.csv, report.md, and for the documentation a table of each paper and a date."""
    write_csv(rows, folder / "report.csv")
    measured = (
        f"Written on {datetime.date.today():%Y-%m-%d}: {machine()}. Mean ± standard deviation over "
        "seeds; a loss has its 95 % interval.\n"
    )
    (folder / "measured.txt").write_text(measured, encoding="utf-8")
    lines = ["# The four papers side by side", "", measured]
    for key, paper in PAPERS.items():
        chosen = [row for row in rows if row["paper"] == paper]
        columns = [name for name in COLUMNS if any(row[name] for row in chosen)]
        table = [{name: row[name] for name in columns} for row in chosen]
        write_csv(table, folder / f"table_{key}.csv")
        cells = [columns, ["---"] * len(columns), *(row.values() for row in table)]
        lines += ["", f"## {paper}", "", *(f"| {' | '.join(line)} |" for line in cells), ""]
        lines += [f"    {command}" for command in dict.fromkeys(row["command"] for row in chosen)]
    for title in ("kernel", "kernel_limit", "training", "randnla"):
        lines += ["", f"![{title}]({title}.png)"]
    (folder / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder, see above")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("paper_report"))
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    tables = {part: run(part, arguments.data, arguments.output) for part in COMMANDS}
    imperfect = tables.pop("kernel_imperfect")
    tables["kernel"] += [row for row in imperfect if row["features"] == IMPERFECT]
    rows = [
        row
        for part, table in tables.items()
        for row in MAKERS[part](table, command_of(part, "FOLDER"))
    ]
    draw_training([tables[f"dfa_{task}"] for task in TITLES], arguments.output / "training.png")
    write_report(rows, arguments.output)
    print((arguments.output / "report.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
