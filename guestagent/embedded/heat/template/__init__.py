"""Templates as Heat reads them: sections, functions, dependencies, property schemata. Pure."""
