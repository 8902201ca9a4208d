"""Readings on disk, written as they come."""

import contextlib
import dataclasses
import functools
import hashlib
import io
import os
import sqlite3
import threading
import weakref
import zipfile

import numpy as np

from .._utils.threads import pieces
from ._calibration import BenchCalibration
from .bench import BenchError

_ASKED_AT_ONCE = 50  # keys in one query: frames may have many pixels
_TABLES = (
    "CREATE TABLE IF NOT EXISTS skopu_calibration (settings TEXT PRIMARY KEY, data BLOB)",
    "CREATE TABLE IF NOT EXISTS skopu_readings (key BLOB PRIMARY KEY, counts BLOB)",
)


class Store:
    """A file of counts, each under a key of what was shown, and of calibrations.

    A process may be killed at any time: a block is in the file as a whole or not at all.

    Parameters
    ----------
    path : str or path
        An SQLite database, made where there is none.
    """

    def __init__(self, path):
        self.path, self._lock = os.fspath(path), threading.Lock()
        with self._explained():
            # Waits a minute for another process, which may use the file at the same time.
            self._database = sqlite3.connect(self.path, timeout=60, check_same_thread=False)
            # Left to itself, an open connection warns from Python 3.13 on.
            self._close = weakref.finalize(self, self._database.close)
            self._database.execute("PRAGMA journal_mode=WAL")
            for table in _TABLES:
                self._database.execute(table)

    def load(self, keys):
        """Those keys that are there, each with its counts: an iterator."""
        for some in pieces(len(keys), _ASKED_AT_ONCE):
            marks = ",".join("?" * len(keys[some]))
            with self._explained():
                rows = self._database.execute(
                    f"SELECT key, counts FROM skopu_readings WHERE key IN ({marks})", keys[some]
                ).fetchall()
                found = [(key, _array(data)) for key, data in rows]
            yield from found

    def save(self, keys, counts):
        """Write the counts of some keys, in one transaction."""
        rows = [(key, _bytes(reading)) for key, reading in zip(keys, counts, strict=True)]
        with self._explained(), self._database as database:
            database.executemany("INSERT OR REPLACE INTO skopu_readings VALUES (?, ?)", rows)

    def load_calibration(self, settings):
        """Calibration that was made with these settings, or None."""
        with self._explained():
            row = self._database.execute(
                "SELECT data FROM skopu_calibration WHERE settings = ?", [settings]
            ).fetchone()
        if row is None:
            return None
        with self._explained(), np.load(io.BytesIO(row[0]), allow_pickle=False) as fields:
            return _calibration_of(fields)

    def save_calibration(self, settings, calibration):
        """Write a calibration, in place of one with the same settings."""
        file = io.BytesIO()
        np.savez(file, **_fields_of(calibration))
        with self._explained(), self._database as database:
            database.execute(
                "INSERT OR REPLACE INTO skopu_calibration VALUES (?, ?)",
                [settings, file.getvalue()],
            )

    def close(self):
        """Close the file."""
        self._close()

    @contextlib.contextmanager
    def _explained(self):
        with self._lock:
            try:
                yield
            except (sqlite3.Error, zipfile.BadZipFile, ValueError, KeyError, EOFError) as error:
                raise BenchError(
                    f"The store {self.path!r} cannot be used ({error}). Give the path of a new "
                    "file, or of one that a BenchOPU has made, in a folder that can be written to."
                ) from error


def keys_of(calibration, patterns, number):
    """What readings are stored under: calibration, what is shown, number of the exposure."""
    digest = _digest_of(calibration).copy()
    digest.update(number.to_bytes(8, "little"))
    keys = []
    for pattern in patterns:
        own = digest.copy()
        own.update(pattern.tobytes())
        keys.append(own.digest())
    return keys


@functools.lru_cache(maxsize=1)  # of all pixels, and asked for with each piece of rows
def _digest_of(calibration):
    digest = hashlib.blake2b(digest_size=20)
    for name, value in sorted(_fields_of(calibration).items()):
        digest.update(f"{name} {value.dtype.str} {value.shape}".encode() + value.tobytes())
    return digest


def _fields_of(calibration):
    """A calibration as a dict of arrays."""
    names = [field.name for field in dataclasses.fields(calibration)]
    fields = {name: getattr(calibration, name) for name in names}
    fields["exposure"] = np.nan if calibration.exposure is None else calibration.exposure
    return {name: np.asarray(value) for name, value in fields.items()}


def _calibration_of(fields):
    """What `_fields_of` has made a dict of."""
    values = {field.name: fields[field.name] for field in dataclasses.fields(BenchCalibration)}
    floats = {name: float(values[name]) for name in ("agreement", "likeness", "contrast")}
    tuples = {name: tuple(values[name].tolist()) for name in ("frame_shape", "grain")}
    exposure = float(values["exposure"])
    exposure = None if np.isnan(exposure) else exposure
    return BenchCalibration(**{**values, **tuples, **floats, "exposure": exposure})


def _bytes(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def _array(data):
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
