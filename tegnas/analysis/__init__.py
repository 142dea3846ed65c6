"""How well indicators agree with accuracy."""
