"""Trainability, expressivity and generalization at initialisation."""
