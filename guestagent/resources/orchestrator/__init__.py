"""The engine ORCHESTRATOR: clusters as stacks of Heat. A stack's template is the state of record."""
