"""What PyTorch does, as instructions of a program: by idea, a file each with its tables.

A handler of a layer is called with what is written, the layer, its name and the value that it
reads; one of a function or a method with what is written and the arguments of the call.
"""

from __future__ import annotations

from collections.abc import Callable

from tegnas.engine.handlers import activations, arithmetic, layers, pools, shapes

# By the class itself: a layer of the user's may be made of one of these.
LAYERS: dict[type, Callable] = layers.LAYERS | activations.LAYERS | pools.LAYERS | shapes.LAYERS

# By the function itself: a function of the user's may have the name of one of these.
CALLED: dict[Callable, Callable] = (
    arithmetic.CALLED | activations.CALLED | pools.CALLED | shapes.CALLED
)

METHODS: dict[str, Callable] = (
    arithmetic.METHODS | activations.METHODS | pools.METHODS | shapes.METHODS
)
