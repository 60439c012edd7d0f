"""Make a loop's resources, adopt those of others, and look after them; ``label_loop.cli`` is its command line."""

from label_loop.provisioning.provision import provision
from label_loop.provisioning.report import DeploymentError, Line, Outcome, ProvisioningError, Report
from label_loop.provisioning.site import Options

__all__ = ["DeploymentError", "Line", "Options", "Outcome", "ProvisioningError", "Report", "provision"]
