"""The studies behind docs/ranking.md and docs/ranking-second.md: which definitions rank best."""
