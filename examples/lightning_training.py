"""A found architecture trained by Lightning, by the recipe of its space."""

import logging
import warnings

import lightning

import tegnas
from tegnas.data.dataset import load_dataset
from tegnas.integrations.lightning import ArchitectureModule
from tegnas.train import recipe_for

warnings.simplefilter("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
space = tegnas.get_space("nas-bench-201")
arch = space.parse(
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
)
recipe = recipe_for(space, "digits", epochs=2, batch_size=64)
module = ArchitectureModule(
    space, arch, load_dataset("digits", size=16), recipe, channels=4, cells=1
)
trainer = lightning.Trainer(
    max_epochs=module.recipe.epochs,
    accelerator="cpu",
    logger=False,
    enable_progress_bar=False,
    enable_checkpointing=False,
    enable_model_summary=False,
)
trainer.fit(module)
for name in ("train_loss", "train_accuracy", "test_accuracy"):
    print(name, f"{trainer.callback_metrics[name]:.1f}")
