"""Do intervals of `method="xnystrace"` hold what they say, up to as many vectors as rows?

    python benchmarks/nystrom_trace_errors.py --seeds 1000

Traces of matrices of 100 rows and of known spectrum are estimated from more and more random
vectors. Of each number of them, the table has the share of seeds whose interval of 95 % holds the
trace, as in trace_errors.py.
"""

import argparse

import numpy as np
from _report import write_table
from trace_errors import coverage

from skopu import opu_trace

N = 100
N_VECTORS = 10, 25, 50, 60, 70, 80, 90, 95, 98, 99
J = np.arange(1, N + 1.0)
SPECTRA = {
    "identity + slope": 2 - J / N,
    "line to 0": 1 - (J - 1) / N,
    "one of 2, then ones": np.where(J == 1, 2.0, 1),
    "1 / sqrt(i)": J**-0.5,
    "1 / i": 1 / J,
    "1 / i^2": J**-2,
    "0.9^i": 0.9**J,
    "0.97^i": 0.97**J,
    "40 ones, then 0.003": np.where(J <= 40, 1, 0.003),
    "steps of 16": 0.5 ** ((J - 1) // 16),
    "rank 60": np.where(J <= 60, 1.0, 0),
    "rank 90": np.where(J <= 90, 1.0, 0),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--output", default="nystrom_trace_errors.csv", help="CSV file")
    args = parser.parse_args()
    rows = []
    for name, spectrum in SPECTRA.items():
        A = np.diag(spectrum)  # to random vectors as good as any of this spectrum
        row = {"eigenvalues": name}
        for m in N_VECTORS:
            covered, _ = coverage(
                lambda seed, A=A, m=m: opu_trace(A, m, method="xnystrace", random_state=seed),
                spectrum.sum(),
                args.seeds,
                m,
            )
            row[f"{m} %"] = covered
        rows.append(row)
        print(row, flush=True)
    write_table(rows, args.output)


if __name__ == "__main__":
    main()
