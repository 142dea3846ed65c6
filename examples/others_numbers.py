"""Architectures as NATS-Bench and NASLib number them."""

import tegnas
from tegnas.export import index_text, naslib_text

cells = tegnas.get_space("nas-bench-201")
arch = cells.parse("index:9")  # what nats_bench's api.arch(9) gives
print(arch)
print(naslib_text(cells, arch), index_text(cells, cells.parse("(2, 1, 3, 0, 1, 4)")))

sizes = tegnas.get_space("nats-size")
print(sizes.parse("index:8"), index_text(sizes, sizes.parse("64:64:64:64:64")))

matrix = "([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ['input', 'conv3x3-bn-relu', 'output'])"
graphs = tegnas.get_space("nas-bench-101")
print(naslib_text(graphs, graphs.parse(matrix)))
