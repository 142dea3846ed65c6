"""Objects from the user's own Python files: ``FILE.py:NAME``.

Loading runs the file, so a reference is loaded only where the user gave it herself, never because
a file that was read names it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

from tegnas.errors import InputError


@dataclass(frozen=True)
class UserObject:
    """What a reference stands for.

    Attributes:
        value: the object called NAME.
        path: of the file.
        name: NAME.
        fingerprint: SHA-256 (hex) of the file, so that what came of an edited file is never taken
            for what came of the old one.
    """

    value: object
    path: Path
    name: str
    fingerprint: str

    @property
    def reference(self) -> str:
        """The reference with the whole path."""
        return f"{self.path}:{self.name}"


def is_reference(name: str) -> bool:
    """Whether a name means an object of a file."""
    return name.partition(":")[0].endswith(".py")


def load_user_object(reference: str, what: str) -> UserObject:
    """Run FILE.py and take the object called NAME.

    Args:
        reference: ``FILE.py:NAME``.
        what: the object should be, such as "space", for messages.

    Raises:
        InputError: the file can't be read or run, or has no such object.
    """
    file, _, name = reference.rpartition(":")
    path = Path(file or reference).resolve()
    if not file or not name.isidentifier():
        raise InputError(f"{reference!r} should name the {what} as FILE.py:NAME")
    try:
        source = path.read_bytes()
    except OSError as error:
        raise InputError(f"the {what} file {path} can't be read: {error.strerror}") from None
    fingerprint = hashlib.sha256(source).hexdigest()
    module_name = f"tegnas_{what}_{path.stem}_{fingerprint[:8]}"
    if module_name not in sys.modules:
        _run(module_name, path)
    module = sys.modules[module_name]
    if not hasattr(module, name):
        raise InputError(f"{path} has no {what} called {name}")
    return UserObject(getattr(module, name), path, name, fingerprint)


def _run(module_name: str, path: Path) -> None:
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None  # the file ends in .py
    module = importlib.util.module_from_spec(spec)
    # Registered, so that pickle and dataclasses find the module again.
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise InputError(f"{path} can't be run ({type(error).__name__}: {error})") from None
