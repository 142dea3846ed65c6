"""Training-free scores of other papers, in plain PyTorch on the network that would be trained.

They stand here for comparison. Each is computed as its paper and released code do, on the network
as it is initialised here, BatchNorm with the statistics of the batch.
"""
