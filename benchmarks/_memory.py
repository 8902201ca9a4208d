"""Peak memory of one call in a fresh process (Linux)."""

import multiprocessing
import warnings


def resident(name):
    """Resident memory of this process in MiB: VmRSS now, VmHWM at its peak."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))


def forget_peak():
    """Let VmHWM begin anew."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def _measure(prepare, run, arguments, connection):
    warnings.simplefilter("ignore")
    prepared = prepare(*arguments)
    forget_peak()
    before = resident("VmRSS")
    result = run(prepared)
    connection.send(resident("VmHWM") - before)
    del result


def peak_memory(prepare, run, *arguments):
    """MiB that run(prepare(*arguments)) takes beyond what is prepared, its result included.

    Both must be functions of a module.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measure, args=(prepare, run, arguments, theirs))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:  # killed for its memory
        return float("nan")
    finally:
        process.join()
