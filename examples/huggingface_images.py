"""Images out of a data set of Hugging Face: saved to a folder, and as an object."""

import datasets
from PIL import Image
from sklearn.datasets import load_digits

import tegnas

datasets.disable_progress_bars()
pixels, labels = load_digits(return_X_y=True)
images = [Image.fromarray((each * 15).astype("uint8").reshape(8, 8)) for each in pixels[:400]]
features = datasets.Features(
    {"image": datasets.Image(), "label": datasets.ClassLabel(names=[*"0123456789"])}
)
columns = {"image": images, "label": labels[:400].tolist()}
dataset = datasets.Dataset.from_dict(columns, features=features)
dataset.save_to_disk("digits")

print(tegnas.load_batch("huggingface:digits", train=32, val=32))
print(tegnas.load_batch(dataset, train=32, val=32, size=16))
