"""A found architecture in a training loop of one's own, by the recipe of its space."""

import torch

import tegnas
from tegnas.data.dataset import load_dataset
from tegnas.networks.full import full_network
from tegnas.train import (
    augment,
    begin_epoch,
    clip_gradients,
    logits_and_loss,
    make_optimizer,
    make_scheduler,
    recipe_for,
)

generator = torch.Generator().manual_seed(0)
space = tegnas.get_space("nas-bench-201")
arch = space.parse(
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
)
recipe = recipe_for(space, "digits", epochs=2, batch_size=64)
network = full_network(space, arch, channels=4, cells=1)
dataset = load_dataset("digits", size=16)

optimizer = make_optimizer(recipe, network)
scheduler = make_scheduler(recipe, optimizer)
for epoch in range(recipe.epochs):
    begin_epoch(recipe, network, epoch)
    for chosen in torch.randperm(len(dataset.images), generator=generator).split(recipe.batch_size):
        images = augment(dataset.prepare(dataset.images[chosen]), recipe, generator)
        output = network(images)
        logits, loss = logits_and_loss(recipe, output, dataset.labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(recipe, network)
        optimizer.step()
    scheduler.step()
    print(f"epoch {epoch + 1}, loss of the last batch {loss:.1f}")
