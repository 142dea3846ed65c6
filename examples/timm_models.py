"""Models of timm, scored untrained at the size of one's own images."""

import warnings

import tegnas
from tegnas.integrations.timm import score_models

warnings.simplefilter("ignore")
settings = tegnas.ScoreSettings(indicators=("variance_inflation", "leave_one_out_error"))
batch = tegnas.load_batch("digits", train=8, val=8, seed=0)
scores = score_models(["resnet10t", "mobilenetv3_small_05*", "tinynet_e"], batch, settings=settings)
for place, row in enumerate(scores.ranked(), start=1):
    values = "  ".join(f"{name} {row.score[name]:.3g}" for name in scores.settings.names)
    print(f"{place} {row.name:22} {row.parameters:>10,}  {values}")
