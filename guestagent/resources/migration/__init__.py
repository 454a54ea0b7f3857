"""MIGRATION: clusters of NATIVES stay with NATIVES, and new ones become stacks of ORCHESTRATOR."""
