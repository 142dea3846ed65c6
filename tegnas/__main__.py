"""``python -m tegnas`` is the ``tegnas`` command."""

from __future__ import annotations

from tegnas.cli import main

if __name__ == "__main__":
    main()
