"""The HTTP APIs of the embedded Heat: orchestration, CloudFormation and the administration of the cloud."""
