"""How stacks and resources end when all is well, in the words that the lists and the events have for it."""

COMPLETE = "CREATE_COMPLETE: Stack CREATE completed successfully"
UPDATED = "UPDATE_COMPLETE: Stack UPDATE completed successfully"
ROLLED_BACK = "ROLLBACK_COMPLETE: Stack ROLLBACK completed successfully"
FAILED = "CREATE_FAILED: Resource CREATE failed: "
UPDATE_FAILED = "UPDATE_FAILED: Resource CREATE failed: "

IN_PLACE = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
RECREATED = ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
REPLACED = [*IN_PLACE, *RECREATED]  # it is found out while it is updated
