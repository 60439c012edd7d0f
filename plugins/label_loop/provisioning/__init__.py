"""Make a loop's resources: ``python -m label_loop.provisioning /logos``."""

from label_loop.provisioning.provision import provision
from label_loop.provisioning.report import Line, Outcome, ProvisioningError, Report
from label_loop.provisioning.site import Options

__all__ = ["Line", "Options", "Outcome", "ProvisioningError", "Report", "provision"]
