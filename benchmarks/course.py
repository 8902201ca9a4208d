"""Do the numbers of the course hold with other seeds?

    python benchmarks/course.py [--only 07] [--seeds 100 110] [--jobs 2]

Runs each notebook of ``examples/`` twice: as it is, and with its line ``seeds = range(...)``
replaced. Each number that it prints as ``12.3 +- 0.4`` is compared with the one that has the same
label, the text before the first such number of the line. z is the difference over the root of the
sum of the squared errors, that of rounding among them; beyond 3 it is flagged. Errors that come
from five seeds are uncertain themselves, so that one number in fifty or so is flagged by chance:
look at it, with more seeds.
A label that only one of the runs prints is flagged, too.

Writes ``course.csv`` with the numbers, and ``course_times.csv`` with the time of each run.
"""

import argparse
import collections
import concurrent.futures
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from _report import write_table

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEEDS = re.compile(r"^seeds = range\(.*\)$", re.MULTILINE)
NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?"
ESTIMATE = re.compile(rf"({NUMBER}) \+- ({NUMBER})")
THREADS = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"


def estimates(printed):
    """Each ``a +- b`` by its label."""
    found, counts = {}, collections.Counter()
    for line in printed.splitlines():
        matches = list(ESTIMATE.finditer(line))
        for match in matches:
            label = " ".join(line[: matches[0].start()].split()).rstrip(" :,=") or "(no label)"
            counts[label] += 1
            found[label if counts[label] == 1 else f"{label} ({counts[label]})"] = match[0]
    return found


def distance(first, second):
    """From one ``a +- b`` to another, in standard errors."""
    (a, a_error), (b, b_error) = (
        [float(number.replace(",", "")) for number in each.split(" +- ")]
        for each in (first, second)
    )
    # What is printed is rounded, which counts where errors are below the last digit.
    rounding = [_last_digit(each.split(" +- ")[0]) / math.sqrt(12) for each in (first, second)]
    return (b - a) / math.hypot(a_error, b_error, *rounding)


def _last_digit(number):
    """The unit of the last digit of a printed number: 0.01 of 3.14."""
    mantissa, _, exponent = number.replace(",", "").partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def compare(name, first, second):
    """Rows of the table: all numbers of one notebook, with two sets of seeds."""
    for label in dict.fromkeys([*first, *second]):
        both = label in first and label in second
        z = distance(first[label], second[label]) if both else math.nan
        yield {
            "notebook": name,
            "label": label,
            "as printed": first.get(label, "missing"),
            "other seeds": second.get(label, "missing"),
            "z": round(z, 2),
            "flag": "" if abs(z) <= 3 else "LOOK",
        }


def run(path, seeds):
    """Printed text, CPU seconds and wall time of a notebook; seeds=None leaves it as it is."""
    text = path.read_text(encoding="utf-8")
    if seeds is not None:
        text = SEEDS.sub(f"seeds = range({seeds[0]}, {seeds[1]})", text)
    threads = {name: os.environ.get(name, "1") for name in THREADS}
    environment = os.environ | threads | {"MPLBACKEND": "agg", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        script, output = (pathlib.Path(folder) / name for name in (path.name, "printed.txt"))
        script.write_text(text, encoding="utf-8")
        start = time.perf_counter()
        with open(output, "w") as file:
            process = subprocess.Popen(
                [sys.executable, script.name],
                cwd=folder,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        printed = output.read_text(errors="replace")
    row = {
        "notebook": path.stem,
        "seeds": "as it is" if seeds is None else f"{seeds[0]} to {seeds[1] - 1}",
        "CPU seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "wall seconds": round(time.perf_counter() - start, 1),
        "failed": (printed.strip().splitlines() or ["no output"])[-1] if process.returncode else "",
    }
    print(*row.values(), flush=True)
    return printed, row


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default="", help="notebooks with this in their name")
    parser.add_argument("--seeds", type=int, nargs=2, default=(100, 110), metavar=("START", "STOP"))
    parser.add_argument("--jobs", type=int, default=1, help="notebooks at a time")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path())
    arguments = parser.parse_args()
    paths = sorted(
        path for path in (ROOT / "examples").rglob("plot_*.py") if arguments.only in path.name
    )
    if not paths:
        parser.error(f"no notebook has {arguments.only!r} in its name")
    seeded = [path for path in paths if SEEDS.search(path.read_text(encoding="utf-8"))]
    asked = [(path, None) for path in paths] + [(path, arguments.seeds) for path in seeded]
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        done = list(pool.map(run, *zip(*asked, strict=True)))

    times = [row for _, row in done]
    found = {
        (row["notebook"], row["seeds"]): estimates(printed)
        for printed, row in done
        if not row["failed"]
    }
    rows = []
    for path in seeded:
        both = [found[key] for key in found if key[0] == path.stem]
        if len(both) == 2:
            rows += compare(path.stem, *both)
    print()
    if rows:
        write_table(rows, arguments.output / "course.csv")
    write_table(times, arguments.output / "course_times.csv")
    for path in sorted(set(paths) - set(seeded)):
        print(f"{path.stem} has no line seeds = range(...)")
    flagged = sum(bool(row["flag"]) for row in rows)
    failed = sum(bool(row["failed"]) for row in times)
    print(f"{len(rows)} numbers, {flagged} to look at; {failed} runs failed")
    sys.exit(bool(flagged or failed))


if __name__ == "__main__":
    main()
