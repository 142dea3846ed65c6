"""tegnas with other libraries, each an optional extra: one module per library, imported by name."""
