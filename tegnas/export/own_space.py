"""The network of an architecture of the user's own space as a file: her code and what calls it."""

from __future__ import annotations

from tegnas.errors import InputError
from tegnas.spaces import Architecture, Space
from tegnas.user_file import load_user_object

_HEADER = """\
# A network of the search space {space!r}, written by tegnas {version}. The architecture is
#
#     {arch}
#
# and the network, which Network() makes at the end of this file, is built by the space's own code:
# what follows is {path} as it was (SHA-256 {fingerprint}).

"""

_FOOTER = '''

# ---- What follows was written by tegnas. ----

from tegnas.networks.full import full_network as _full_network  # noqa: E402

_SPACE = {name}{call}


def Network(num_classes: int = {num_classes}, seed: int = 0):  # noqa: N802
    """The network, untrained; ``load_state_dict`` takes the weights of ``tegnas train``."""
    return _full_network(
        _SPACE,
        _SPACE.parse({arch!r}),
        channels={channels},
        cells={cells},
        num_classes=num_classes,
        seed=seed,
    )
'''


def own_space_source(
    space: Space,
    arch: Architecture,
    *,
    channels: int | None,
    cells: int | None,
    num_classes: int,
    version: str,
) -> str:
    """The file of the space with a function ``Network`` behind it, which makes the network.

    It needs what the space's file needs, tegnas among it.

    Raises:
        InputError: the space isn't from a file, or its file has changed since it was read.
    """
    reference = getattr(space, "reference", None)
    if reference is None:
        raise InputError(
            f"the code of the space {space.name} isn't known, since it wasn't read from a file: "
            "name it by FILE.py:NAME (--space, tegnas.get_space), or give it a method "
            "pytorch_source"
        )
    found = load_user_object(reference, "space")
    source = found.path.read_text("utf-8")
    if found.fingerprint != getattr(space, "fingerprint", found.fingerprint):
        raise InputError(f"{found.path} has changed since the space was read from it; start again")
    header = _HEADER.format(
        space=space.name,
        version=version,
        arch=arch,
        path=found.path,
        fingerprint=found.fingerprint,
    )
    footer = _FOOTER.format(
        name=found.name,
        call="" if isinstance(found.value, Space) else "()",
        arch=str(arch),
        channels=channels,
        cells=cells,
        num_classes=num_classes,
    )
    return header + source.rstrip() + "\n" + footer
