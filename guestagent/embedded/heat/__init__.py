"""The engine of the fake Heat: stacks, resources and what their types do."""
