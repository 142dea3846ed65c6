"""The study behind docs/ranking.md: which definitions of T, E and G rank architectures best."""
