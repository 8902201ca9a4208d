"""Progress bars, shown on request."""

import contextlib


@contextlib.contextmanager
def progress_bar(verbose, total, description, unit):
    """Give a function that counts what is done, on a tqdm bar if verbose is above 0."""
    if not verbose:
        yield lambda done=1: None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError(
            f"verbose={verbose} shows a progress bar of tqdm, which is not installed. Install "
            'it (python -m pip install "skopu[progress]"), or set verbose=0.'
        ) from error
    with tqdm(total=total, desc=description, unit=unit) as bar:
        yield bar.update
