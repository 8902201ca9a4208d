"""Progress bars, shown on request."""

import contextlib
import sys
import threading

from .threads import SharedContext


@contextlib.contextmanager
def _above_bars():
    """Print above all bars, unless something else takes stdout's place meanwhile."""
    from tqdm.contrib import DummyTqdmFile

    before = sys.stdout
    sys.stdout = above = DummyTqdmFile(before)
    try:
        yield
    finally:
        if sys.stdout is above:
            sys.stdout = before


_printed_above = SharedContext(_above_bars)  # stdout is the process's


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
    with tqdm(total=total, **options) as bar, _printed_above():

        def done(count=1):
            with lock:
                bar.update(count)

        yield done
