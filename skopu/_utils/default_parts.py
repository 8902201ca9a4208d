"""Nested parameters of a part that has been left at its default, None."""

from .fitting import unchanged_on_error


class DefaultPartsMixin:
    """Lets ``set_params(part__name=...)`` make the part where it is None.

    So that a grid search can reach the camera of a device that nobody has made.
    """

    def _default_parts(self):
        """For each parameter that may be None what makes its default."""
        return {}

    @unchanged_on_error()
    def set_params(self, **params):
        """Set parameters, also of nested parts.

        Parameters
        ----------
        **params : dict
            Parameters by name; ``part__name`` is the parameter ``name`` of ``part``, and makes
            the default one where that is None.

        Returns
        -------
        self : object
            This object.
        """
        for part, make in self._default_parts().items():
            nested = any(name.startswith(f"{part}__") for name in params)
            if nested and params.get(part, getattr(self, part)) is None:
                params[part] = make()
        return super().set_params(**params)
