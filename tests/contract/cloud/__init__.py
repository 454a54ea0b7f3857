"""The contract of compute, volumes and network: rules that hold on the imitation and on the real services."""
