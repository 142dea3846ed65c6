# Set-up, tests and the main job. Every step of the set-up leaves a stamp and is not done again.
PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV ?= .venv
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

BIN := $(VENV)/bin
CSRC := $(shell find csrc bench -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh')
export PATH := $(abspath $(BIN)):$(PATH)
export MAX_JOBS ?= $(JOBS)

.PHONY: search test test-cpp test-operators test-python test-integrations wheel check-wheel \
	check-cuda check-gpu lint format docs docs-version bench profile clean

search: $(VENV)/.built
	tegnas search --space nas-bench-201 --images digits --strategy evolution --budget 500 \
	  --seed 0 --out runs/digits

test: test-cpp test-python

test-cpp: $(VENV)/.tools
	cmake -S . -B build/cmake -G Ninja
	cmake --build build/cmake -j $(JOBS)
	ctest --test-dir build/cmake --output-on-failure -j $(JOBS)
	cmake -S . -B build/cmake-sanitize -G Ninja -DTEGNAS_SANITIZE=ON
	cmake --build build/cmake-sanitize -j $(JOBS)
	ctest --test-dir build/cmake-sanitize --output-on-failure -j $(JOBS)

# Hostile calls of the operators, under sanitizers.
test-operators: $(VENV)/.built
	python tools/fuzz_operators.py --sanitize --calls 100000

# Each process on one thread; the files of tests are shared out among them.
test-python: $(VENV)/.built
	OMP_NUM_THREADS=1 python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

# With the real libraries that are too large for the tests' environment.
test-integrations: $(VENV)/.integrations
	OMP_NUM_THREADS=1 python -m pytest tests/test_timm.py tests/test_lightning.py \
	  tests/test_data_objects.py tests/test_data_huggingface.py tests/test_optuna.py \
	  tests/test_examples_with_libraries.py

# One wheel for every torch from 2.10 on, in dist/; with CUDA kernels where FORCE_CUDA=1 says so.
wheel: $(VENV)/.built
	python tools/wheel.py

# The same beside several releases of torch, without a compiler; keeps .venv-torch-* for them.
check-wheel: $(VENV)/.built
	TEGNAS_CPU_ONLY=1 python tools/check_wheel.py

# Needs the CUDA toolkit (nvcc on PATH) and no GPU; makes the environment .venv-cuda of its own.
check-cuda:
	$(PYTHON) tools/check_cuda.py --jobs $(JOBS)

# Needs a GPU, nvcc and a python3 with a CUDA build of torch; nothing is installed. STEPS="tests ncu"
# repeats single steps with the build that is there, OUT is where log.txt and summary.txt go. With
# DRY=1 no GPU is needed: all steps on a smaller scale, on the CPU, in check-cuda's environment and
# with its build, so it comes after check-cuda.
OUT ?= build/check-gpu/out
check-gpu:
	$(if $(DRY),.venv-cuda/bin/python,$(PYTHON)) tools/check_gpu.py --out $(OUT) --jobs $(JOBS) \
	  --steps "$(STEPS)" $(if $(DRY),--dry)

lint: $(VENV)/.installed
	ruff check .
	ruff format --check .
	clang-format --dry-run -Werror $(CSRC)
	python tools/check_headers.py --jobs $(JOBS)
	mypy

format: $(VENV)/.installed
	ruff check --fix .
	ruff format .
	clang-format -i $(CSRC)

docs: $(VENV)/.installed
	mkdocs build --strict

# Adds this version's site to the local branch gh-pages, beside those of other versions; pushing that
# branch publishes it.
docs-version: $(VENV)/.installed
	mike deploy --update-aliases $$(python -c 'import tegnas; print(tegnas.__version__)') latest
	mike set-default latest

bench: $(VENV)/.built
	python -m pytest bench --benchmark-only --benchmark-group-by=group --benchmark-sort=mean \
	  --benchmark-columns=min,median,rounds --benchmark-warmup=on

# Where the time of a score goes, by presets and phases of the engine; the table of the documentation.
profile: $(VENV)/.tools
	cmake -S . -B build/cmake -G Ninja
	cmake --build build/cmake -j $(JOBS) --target engine_profile
	{ echo '```text'; build/cmake/engine_profile; echo '```'; } | tee docs/performance/profile.md

clean:
	rm -rf build dist *.egg-info tegnas/*.so $(VENV)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The torch that is in the environment already stays.
$(VENV)/.tools: | $(BIN)/python
	python -c 'import torch' 2>/dev/null || pip install '$(TORCH)'
	pip install 'setuptools>=77' wheel ninja cmake
	touch $@

$(VENV)/.installed: $(VENV)/.tools pyproject.toml setup.py build_support.py
	pip install --no-build-isolation -e '.[nats,test,dev]'
	touch $@

# Beside the torch that is there, which another torchvision would replace.
$(VENV)/.integrations: $(VENV)/.built
	python -c 'import torch; print("torch==" + torch.__version__)' > $(VENV)/torch.txt
	pip install -c $(VENV)/torch.txt timm 'lightning>=2' datasets 'optuna>=3.2' optuna-dashboard
	touch $@

$(VENV)/.built: $(VENV)/.installed $(CSRC)
	python setup.py build_ext --inplace
	touch $@
