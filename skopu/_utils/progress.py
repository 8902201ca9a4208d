"""Progress bars, shown on request."""

import contextlib
import sys
import threading

_printing = threading.Lock()
_n_bars, _stdout, _above = 0, None, None


@contextlib.contextmanager
def _printed_above(file_above):
    """Print above all bars, while there is one: bars of several threads may end in any order.

    The first puts file_above(stdout) in the place of stdout, the last puts it back, unless
    something else has taken its place meanwhile.
    """
    global _n_bars, _stdout, _above
    with _printing:
        if _n_bars == 0:
            _stdout, _above = sys.stdout, file_above(sys.stdout)
            sys.stdout = _above
        _n_bars += 1
    try:
        yield
    finally:
        with _printing:
            _n_bars -= 1
            if _n_bars == 0:
                if sys.stdout is _above:
                    sys.stdout = _stdout
                _stdout = _above = None


@contextlib.contextmanager
def progress_bar(verbose, total, description, unit, required=True):
    """Give a function that counts what is done, on a tqdm bar if verbose is above 0.

    Threads may share it. Without a total there is a count alone. What is printed meanwhile goes
    above the bar. Unless it is required there is no bar without tqdm.
    """
    if not verbose:
        yield lambda done=1: None
        return
    try:
        from tqdm.auto import tqdm
        from tqdm.contrib import DummyTqdmFile
    except ImportError as error:
        if not required:
            yield lambda done=1: None
            return
        raise ImportError(
            f"verbose={verbose} shows a progress bar of tqdm, which is not installed. Install "
            "it (python -m pip install tqdm), or set verbose=0."
        ) from error
    lock = threading.Lock()
    options = {"desc": description, "unit": unit, "unit_scale": total is not None}
    with tqdm(total=total, **options) as bar, _printed_above(DummyTqdmFile):

        def done(count=1):
            with lock:
                bar.update(count)

        yield done
