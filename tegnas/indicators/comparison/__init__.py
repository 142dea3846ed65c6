"""Training-free scores of other papers, in plain PyTorch on the network that would be trained.

They stand here for comparison. Each is computed as its authors' released code does, on the network
as it is initialised here; where that code and the paper differ, the docstring says what is done.
BatchNorm normalises by the statistics of the batch and dropout is off.

Every score is a function of

- a network that gives logits (N, K), which comes back as it was,
- images (N, C, H, W), float32 or float64 as the network's weights, and
- their labels, int64 (N,),

and gives one number. What is drawn at random follows from ``seed``. A network through which nothing
flows has a number too, often ±inf, or NaN where the score says nothing. Where a score isn't defined
at all it raises ``InputError``.
"""
