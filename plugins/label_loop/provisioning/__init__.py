"""Creates a loop's resources, adopts existing ones and maintains both; ``label_loop.cli`` is its command line."""

from label_loop.provisioning.provision import provision
from label_loop.provisioning.report import DeploymentError, ProvisioningError, Report, ResourceLine, ResourceOutcome
from label_loop.provisioning.site import Options

__all__ = ["DeploymentError", "Options", "ProvisioningError", "Report", "ResourceLine", "ResourceOutcome", "provision"]
