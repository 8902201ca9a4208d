"""Estimators with other glass, for displays that compare independent ones."""

from sklearn.base import clone


def with_other_glass(estimator, seed):
    """A clone with glass made from a seed; of a device whose glass has none, with the same."""
    other = clone(estimator).set_params(random_state=seed)
    if other.opu is not None:
        other.set_params(opu=other_glass(other.opu, seed))
    return other


def other_glass(opu, seed):
    """The device with other glass, where it is made from a seed."""
    opu = clone(opu)
    return opu.set_params(**dict.fromkeys(seeds_of(opu), seed))


def seeds_of(opu):
    """Names of the device's parameters that may be seeds of its glass."""
    params = opu.get_params()
    inner = ["medium__random_state"] if params.get("medium__random_state") is not None else []
    return inner + [name for name in ("random_state",) if name in params]
