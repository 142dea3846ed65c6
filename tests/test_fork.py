"""Children that are forked after native code has used several threads."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system doesn't fork"
)

# In a process of its own: a fork of the test run would carry along whatever ran before it.
PROGRAM = """
import os, torch, tegnas
from tegnas import ops
torch.set_num_threads(2)
network = torch.nn.Sequential(
    torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.Flatten(),
    torch.nn.Linear(8 * 36, 4),
)
images = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))
matrices = torch.eye(300, dtype=torch.float64).expand(8, -1, -1)

def compute():
    kernel = tegnas.ntk(network, images, batch_norm="coupled")
    (matrices[0] @ matrices[0]).sum()  # torch's own threads
    return ops.eig_condition(kernel).condition.item() + ops.eig_condition(matrices)[2].sum().item()

print(torch.get_num_threads(), compute(), flush=True)
{start}
"""
FORK = """
child = os.fork()
if child == 0:
    print(torch.get_num_threads(), compute(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
LOADER = """
class Computed(torch.utils.data.Dataset):
    __len__ = lambda self: 2
    __getitem__ = lambda self, index: (torch.get_num_threads(), compute())
loader = torch.utils.data.DataLoader(
    Computed(), batch_size=None, num_workers=1, multiprocessing_context="fork"
)
for threads, number in loader:
    print(int(threads), float(number), flush=True)
"""


@pytest.mark.parametrize("start", [FORK, LOADER], ids=["fork", "DataLoader"])
def test_a_forked_child_computes_the_same_with_one_thread(start):
    program = PROGRAM.format(start=start)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    (parent, number), *children = (line.split() for line in done.stdout.splitlines())
    assert parent == "2" and children
    assert all(child == ["1", number] for child in children)
