"""The settings of a loop whose parameters have their defaults."""

from label_loop.parameters import FIELDS, PARAMETERS, Settings

DEFAULTS = Settings(**{FIELDS[name]: parameter.parse(parameter.default) for name, parameter in PARAMETERS.items()})
