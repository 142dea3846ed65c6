"""Networks as programs of the native engine."""
