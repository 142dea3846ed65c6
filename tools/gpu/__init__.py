"""The first minutes on a GPU: what ``tools/check_gpu.py`` runs, and how it is read."""
