"""Which parameters of a network the kernel is taken by, and which of them are searched."""

from __future__ import annotations

from torch import nn

from tegnas.errors import InputError

# What the attribute ``searched_prefixes`` was called once.
_OLD_NAME = "cell_prefixes"

# Learned key and value tokens of nn.MultiheadAttention: biases by name only.
_ATTENTION_TOKENS = ("bias_k", "bias_v")


def counted_parameters(network: nn.Module) -> list[str]:
    """The names of the parameters that enter the kernel: all but biases.

    Every floating-point or complex parameter counts, whatever it is called and whether or not it
    ``requires_grad`` at the moment: weights, ``weight_orig`` of a pruned layer, both parts of a
    normalised or otherwise parametrised weight, matrices of recurrent layers and of attention,
    embeddings, positions, tokens, scales. Buffers don't count. A parameter that is used under
    several names has its first.
    """
    biases = {name for name, _ in network.named_parameters() if is_bias(name)}
    tokens = {
        f"{prefix}.{token}" if prefix else token
        for prefix, module in network.named_modules()
        if isinstance(module, nn.MultiheadAttention)
        for token in _ATTENTION_TOKENS
    }
    return [
        name
        for name, parameter in network.named_parameters()
        if (name not in biases or name in tokens)
        and (parameter.is_floating_point() or parameter.is_complex())
    ]


def searched_prefixes(network: nn.Module) -> tuple[str, ...] | None:
    """What the names of a network's searched weights begin with; None where it doesn't say.

    Raises:
        InputError: it says so in the attribute that had this meaning before.
    """
    prefixes = getattr(network, "searched_prefixes", None)
    if prefixes is None and hasattr(network, _OLD_NAME):
        raise InputError(
            f"{type(network).__name__} names its searched weights in the attribute {_OLD_NAME}, "
            "which is called searched_prefixes now; rename it"
        )
    return None if prefixes is None else tuple(prefixes)


def is_bias(name: str) -> bool:
    """Whether a parameter is the bias of a layer, by what layers call theirs.

    These are ``bias``, ``bias_…`` (recurrent layers: ``bias_ih_l0``) and ``…_bias`` (attention:
    ``in_proj_bias``, ``q_bias``), also where torch has renamed them (``bias_orig``,
    ``parametrizations.bias.original``). A table of biases that positions are looked up in
    (``relative_position_bias_table``, ``attention_biases``) is an embedding and counts.
    """
    *path, last = name.split(".")
    if path[-2:-1] == ["parametrizations"]:
        last = path[-1]
    last = last.removesuffix("_orig")  # torch.nn.utils.prune
    if last.endswith("table"):
        return False
    return last == "bias" or last.startswith("bias_") or last.endswith("_bias")
