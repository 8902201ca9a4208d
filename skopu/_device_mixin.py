"""What estimators that have a device share."""

from sklearn.base import clone

from ._utils.default_parts import DefaultPartsMixin
from .optics import OPU, GaussianMedium
from .optics.opu import resolve_opu


class DeviceMixin(DefaultPartsMixin):
    """An ``opu``, of which None is an ideal one with a default medium and a drawn seed."""

    _default_medium = GaussianMedium

    def _default_parts(self):
        # Without a seed, so that it is drawn as for None.
        return {"opu": lambda: OPU(self._default_medium(), random_state=None)}

    def _own_device(self, random_state):
        """A clone of ``opu``, or the default one, so that the parameter is left alone."""
        opu = None if self.opu is None else clone(self.opu)
        return resolve_opu(opu, random_state, medium=self._default_medium)
