"""A data set of torchvision as the images of a score."""

import torch
import torchvision

import tegnas

torch.manual_seed(0)
dataset = torchvision.datasets.FakeData(200, image_size=(3, 24, 24), num_classes=5)
batch = tegnas.load_batch(dataset, train=16, val=16)
print(batch)

space = tegnas.get_space("nas-bench-201")
settings = tegnas.ScoreSettings(train=16, val=16, repeats=1, region_samples=200)
scores = tegnas.score(["index:0", "index:9"], batch, space=space, settings=settings)
print(scores.best()[0])
