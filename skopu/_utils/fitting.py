"""A fit that fails or is interrupted leaves the estimator as it was."""

import copy
import functools


def unchanged_on_error(*changed_in_place):
    """Decorate a method: where it raises, attributes of self are what they were before.

    Attributes whose arrays or lists the method changes in place must be named; they are
    copied first. All others are kept by reference.
    """

    def decorate(method):
        @functools.wraps(method)
        def wrapper(self, *args, **kwargs):
            before = dict(vars(self))
            for name in changed_in_place:
                if name in before:
                    before[name] = copy.deepcopy(before[name])
            try:
                return method(self, *args, **kwargs)
            except BaseException:
                vars(self).clear()
                vars(self).update(before)
                raise

        return wrapper

    return decorate
