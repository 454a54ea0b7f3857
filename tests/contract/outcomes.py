"""Statuses and reasons of stacks and resources, as lists and events spell them."""

COMPLETE = "CREATE_COMPLETE: Stack CREATE completed successfully"
UPDATED = "UPDATE_COMPLETE: Stack UPDATE completed successfully"
ROLLED_BACK = "ROLLBACK_COMPLETE: Stack ROLLBACK completed successfully"
FAILED = "CREATE_FAILED: Resource CREATE failed: "
UPDATE_FAILED = "UPDATE_FAILED: Resource CREATE failed: "

IN_PLACE = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
RECREATED = ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
REPLACED = [*IN_PLACE, *RECREATED]  # Heat decides during the update that it must replace the resource
