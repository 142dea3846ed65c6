"""Accuracy tables from CSV and from the official files of NAS-Bench-201 and NATS-Bench."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tegnas.benchmarks import AccuracyTable, load_nats_bench, load_table
from tegnas.errors import InputError
from tegnas.spaces import get_space

DATA = Path(os.environ.get("TEGNAS_DATA", Path(__file__).parents[2] / "shared" / "data"))
A, B, C = (f"|{op}~0|+|none~0|none~1|+|none~0|none~1|none~2|" for op in ("a", "b", "c"))


def csv_file(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    (folder / "table.csv").write_text("\n".join(lines) + "\n", encoding=encoding)
    return folder / "table.csv"


def test_rows_are_found_by_the_text_of_the_architecture(tmp_path):
    class Arch:
        def __str__(self) -> str:
            return A

    table = load_table(csv_file(tmp_path, "arch,accuracy", f"{A},91.5", f"{B},10"))
    assert table.accuracy(A) == table.accuracy(Arch()) == 91.5
    assert Arch() in table and list(table) == [A, B] and table[B] == {"accuracy": 10.0}
    assert (len(table), table.columns, table.column) == (2, ("accuracy",), "accuracy")


def test_what_is_missing_is_none(tmp_path):
    file = csv_file(tmp_path, "arch,acc,acc2", f"{A},,1", "", f'"{B}", nan ,2')
    table = load_table(file)
    assert table.accuracy(A) is table.accuracy(B) is table.accuracy(C) is None
    assert table.accuracy(A, "acc2") == 1 and table[A] == {"acc2": 1.0}
    with pytest.raises(InputError, match="no numeric column 'acc3'; it has acc, acc2"):
        table.accuracy(A, "acc3")


@pytest.mark.parametrize(
    ("header", "columns", "default"),
    [
        ("index,arch,iso_class,cifar10,params_M,flops_M", ["cifar10"], "cifar10"),
        ("arch,top1,test_acc", ["top1", "test_acc"], "test_acc"),
        ("arch,Accuracy,Acc", ["Accuracy", "Acc"], "Accuracy"),
        ("valid,arch,test", ["valid", "test"], "test"),
        ("valid,arch,params", ["valid"], "valid"),
        ("arch,seed,test_seed1", ["test_seed1"], "test_seed1"),
        ("arch,train_time,latency_ms,id,x200,cifar100_x", ["x200", "cifar100_x"], "cifar100_x"),
        ("arch,test_error,test", ["test"], "test"),
        ("arch,acc_std,acc_rank,acc_err,testAcc", ["testAcc"], "testAcc"),
        ("arch,accelerator,vaccine,val_top1", ["accelerator", "vaccine", "val_top1"], "val_top1"),
    ],
)
def test_which_columns_are_accuracies(tmp_path, header, columns, default):
    row = ",".join(A if name == "arch" else "1" for name in header.split(","))
    table = load_table(csv_file(tmp_path, header, row))
    assert (list(table.columns), table.column) == (columns, default)


def test_the_column_can_be_chosen(tmp_path):
    file = csv_file(tmp_path, "arch,acc,params,note", f"{A},1,2,hello")
    assert load_table(file, column="params").accuracy(A) == 2
    assert load_table(f"{file}#params").accuracy(A) == 2
    assert load_table(f"{file}#params", column="params").columns == ("acc", "params")
    for wrong in ("note", "other"):
        with pytest.raises(InputError, match=f"no numeric column '{wrong}'; it has acc"):
            load_table(f"{file}#{wrong}")
    with pytest.raises(InputError, match="two columns are asked for"):
        load_table(f"{file}#params", column="acc")
    file.rename(tmp_path / "a#b.csv")
    assert load_table(tmp_path / "a#b.csv").accuracy(A) == 1
    assert load_table(f"{tmp_path / 'a#b.csv'}#params").accuracy(A) == 2


# Errors, losses, ranks: columns of which less is better


@pytest.mark.parametrize(
    "name",
    ["test_error", "Error (%)", "err", "top1_err", "val_loss", "crossentropy", "simple_regret"]
    + ["rank", "test_mse", "perplexity", "testerror", "acc_rank", "accuracy_loss"],
)
def test_what_is_better_the_lower_is_no_accuracy(tmp_path, name):
    file = csv_file(tmp_path, f"arch,{name}", f"{A},2.5", f"{B},90")
    for column in (None, name):
        with pytest.raises(InputError, match="less is better|less is") as caught:
            load_table(file, column)
        assert f"FILE.csv#-{name}" in str(caught.value)
    for table in (
        load_table(f"{file}#-{name}"),
        load_table(file, f"-{name}"),
        load_table(file, name, higher_is_better=False),
        load_table(file, higher_is_better=False),
    ):
        assert table.column == f"-{name}" and table.columns == (f"-{name}",)
        assert table.accuracy(A) == -2.5 > table.accuracy(B)
    for table in (load_table(f"{file}#+{name}"), load_table(file, name, higher_is_better=True)):
        assert table.column == name and table.accuracy(B) == 90


@pytest.mark.parametrize("name", ["score", "x200", "value", "fitness", "mean"])
def test_a_direction_that_is_not_sure_is_asked_for(tmp_path, name):
    file = csv_file(tmp_path, f"arch,{name},params", f"{A},2.5,1", f"{B},90,2")
    with pytest.raises(InputError, match=f"isn't sure of the others .{name}.*#.{name} if more is"):
        load_table(file)
    assert load_table(f"{file}#{name}").accuracy(A) == 2.5
    assert load_table(file, higher_is_better=True).column == name
    assert load_table(file, higher_is_better=False).accuracy(B) == -90


def test_an_accuracy_is_taken_before_an_error_and_a_sign_may_be_part_of_a_name(tmp_path):
    file = csv_file(tmp_path, "arch,test_error,test_acc,-x", f"{A},1,2,3")
    assert load_table(file).column == "test_acc"
    assert load_table(file, higher_is_better=False).column == "-test_error"
    assert load_table(f"{file}#-x").accuracy(A) == 3
    with pytest.raises(InputError, match="say opposite things"):
        load_table(f"{file}#-test_acc", higher_is_better=True)
    with pytest.raises(InputError, match="no numeric column '-other'"):
        load_table(f"{file}#-other")


def test_a_table_of_very_many_columns_takes_seconds(tmp_path):
    names = [f"c{i}" for i in range(100_000)]
    file = csv_file(tmp_path, ",".join(["arch", *names]), ",".join([A, *["1"] * len(names)]))
    started = time.process_time()
    with pytest.raises(InputError, match="and 99,988 more") as caught:
        load_table(file)
    assert load_table(f"{file}#c77777").accuracy(A) == 1
    assert time.process_time() - started < 20 and len(str(caught.value)) < 500


def test_a_table_that_is_a_pipe_or_a_device_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match="it is a pipe and not a file"):
        load_table(tmp_path / "pipe.csv")
    (tmp_path / "link.csv").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="it is a device and not a file"):
        load_table(tmp_path / "link.csv")
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    with pytest.raises(InputError, match="can't be read"):
        load_table(tmp_path / "loop.csv")


def test_architectures_in_the_notation_of_others_are_found(tmp_path):
    space = get_space("nas-bench-201")
    own = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|"
    other = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    rows = ['"(2, 1, 3, 0, 1, 4)",91', f"{other},10", "resnet18,95"]
    table = load_table(csv_file(tmp_path, "arch,acc", *rows))
    assert table.accuracy(space.parse(own)) is None
    written = table.written_by(space)
    assert written.accuracy(space.parse(own)) == 91 and written.accuracy(other) == 10
    assert written.accuracy("resnet18") == 95 and written.column == "acc"
    with pytest.raises(InputError, match="twice, the second time as Structure"):
        load_table(
            csv_file(tmp_path, "arch,acc", *rows, f"Structure(4 nodes with {own}),1")
        ).written_by(space)


def test_byte_order_mark_and_spaces(tmp_path):
    file = csv_file(tmp_path, "arch, acc", f"{A} , 1.5", encoding="utf-8-sig")
    assert load_table(file).accuracy(A) == 1.5


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "is empty"),
        (["arch,acc"], "is empty"),
        (["name,acc", "x,1"], "has no column 'arch'; its header is name, acc"),
        (["arch,acc,acc", f"{A},1,2"], "two columns named 'acc'"),
        (["arch,acc", f"{A},1", f"{B},2", f"{A},1"], "line 4: .* already, in line 2"),
        (["arch,acc", f"{A},1,2"], "line 2: 3 cells where the header has 2"),
        (["arch,acc", f"{A},1", f"{B},9x"], "line 3: '9x' in column 'acc' is no finite number"),
        (["arch,test", f"{A},1", f"{B},inf"], "line 3: 'inf' in column 'test'"),
        (["arch,acc", f"{A},high"], "line 2: 'high' in column 'acc'"),
        (["arch,acc", ",1"], "line 2: the architecture is blank"),
        (["arch,note", f"{A},good"], "has no accuracy column"),
        (["arch,params", f"{A},1"], "has no accuracy column"),
        (["arch,acc", f'"{A},1'], "is not CSV text"),
    ],
)
def test_bad_tables(tmp_path, lines, message):
    with pytest.raises(InputError, match=message) as caught:
        load_table(csv_file(tmp_path, *lines))
    assert "\n" not in str(caught.value)


def test_unreadable_tables(tmp_path):
    with pytest.raises(InputError, match="none.csv can't be read"):
        load_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match="can't be read"):
        load_table(tmp_path)
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="is not CSV text"):
        load_table(tmp_path / "binary.csv")


@pytest.mark.skipif(
    not (DATA / "nb201_dev.csv").exists(), reason="shared data (TEGNAS_DATA) is absent"
)
def test_the_table_of_the_shared_data():
    table = load_table(DATA / "nb201_dev.csv")
    assert len(table) == 7823 and table.column == "cifar10_test200"
    assert table.columns == ("cifar10_test200", "cifar100_test200", "cifar10_test200_seed1")
    arch = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+"
    arch += "|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
    assert table.accuracy(arch) == 93.66 and table.accuracy(arch, "cifar100_test200") == 70.2933


# --- The official files ---------------------------------------------------------------------


class FakeApi:
    """The part of nats_bench's interface that is used."""

    fast_mode = False
    evaluated_indexes = {0, 2}

    def __init__(self, infos: dict[int, dict[str, float]]) -> None:
        self.infos = infos
        self.asked: list[tuple[object, ...]] = []

    def arch(self, index: int) -> str:
        return [A, B, C][index]

    def get_more_info(self, index: int, dataset: str, **options: object) -> dict[str, float]:
        self.asked.append((index, dataset, options["hp"], options["is_random"]))
        if index not in self.infos:
            raise KeyError(dataset)
        return self.infos[index]


@pytest.fixture
def fake(monkeypatch, tmp_path) -> FakeApi:
    api = FakeApi({0: {"test-accuracy": 90.0, "train-accuracy": 99.0, "test-loss": 1.0}})
    module = SimpleNamespace(create=lambda *arguments, **options: api)
    monkeypatch.setitem(sys.modules, "nats_bench", module)
    return api


def test_every_evaluated_architecture_is_asked_for_its_mean(fake, tmp_path):
    table = load_nats_bench(tmp_path, "cifar100", hp="12")
    assert fake.asked == [(0, "cifar100", "12", False), (2, "cifar100", "12", False)]
    assert isinstance(table, AccuracyTable) and len(table) == 2
    assert table.columns == ("test-accuracy", "train-accuracy")
    assert table.accuracy(A) == 90 and table.accuracy(A, "train-accuracy") == 99
    assert C in table and table.accuracy(C) is None and table.accuracy(B) is None


def test_wrong_questions(fake, tmp_path):
    with pytest.raises(InputError, match="unknown data set 'mnist'; the benchmark has cifar10"):
        load_nats_bench(tmp_path, "mnist")
    with pytest.raises(InputError, match="no numeric column 'valid-accuracy'"):
        load_nats_bench(tmp_path, column="valid-accuracy")
    fake.infos = {}
    with pytest.raises(InputError, match="no accuracy for the data set 'cifar10'"):
        load_nats_bench(tmp_path)


def test_missing_package_is_said(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "nats_bench", None)
    with pytest.raises(InputError, match=r"pip install 'tegnas\[nats\]'"):
        load_nats_bench(tmp_path)


def write_benchmark(folder: Path, form: str) -> Path:
    """A benchmark of three architectures, written with the real package; one is not trained."""
    import torch
    from nats_bench.api_utils import ArchResults, ResultsCount, pickle_save

    schedules = ("less", "full") if form == "pth" else ("12", "200")
    archs = [arch.replace("|a", "|nor_conv_3x3") for arch in (A, B, C)]
    results = {}
    for index in (0, 1):
        results[index] = {}
        for schedule, epochs in zip(schedules, (2, 3), strict=True):
            result = ArchResults(index, archs[index])
            for seed in (777, 888):
                epoch_values = {e: 10.0 * index + e for e in range(epochs)}
                trial = ResultsCount(
                    "cifar10", None, epoch_values, epoch_values, 1.0, 2.0, {}, seed, epochs, None
                )
                trial.update_OLD_eval(
                    "ori-test", {epochs - 1: 50.0 + epochs + seed}, {epochs - 1: 0.0}
                )
                result.update("cifar10", seed, trial)
            results[index][schedule] = result.state_dict()
    if form == "folder":
        (folder / "simple").mkdir()
        pickle_save({"meta_archs": archs[:2]}, folder / "simple" / "meta.pickle")
        for index, content in results.items():
            pickle_save(content, folder / "simple" / f"{index:06d}.pickle")
        return folder / "simple"
    whole = {"meta_archs": archs, "arch2infos": results, "evaluated_indexes": [0, 1]}
    if form == "pth":
        torch.save(whole, folder / "bench.pth")
        return folder / "bench.pth"
    pickle_save(whole, folder / "bench.pickle")
    return folder / "bench.pickle.pbz2"


@pytest.mark.parametrize("form", ["pbz2", "folder", "pth"])
def test_files_of_the_real_package(tmp_path, form, capsys):
    pytest.importorskip("nats_bench", reason="nats_bench is not installed")
    path = write_benchmark(tmp_path, form)
    table = load_nats_bench(path)
    arch = A.replace("|a", "|nor_conv_3x3")
    assert len(table) == 2 and table.column == "test-accuracy"
    assert table.accuracy(arch) == 53 + (777 + 888) / 2
    assert table.accuracy(B, "train-accuracy") == 12.0
    assert load_nats_bench(path, hp="12").accuracy(arch) == 52 + (777 + 888) / 2
    assert table.accuracy(C) is None
    with pytest.raises(InputError, match="no accuracy for the data set 'cifar100'"):
        load_nats_bench(path, "cifar100")
    with pytest.raises(InputError, match=r"no results of the training schedule '90' \(hp\)"):
        load_nats_bench(path, hp="90")
    assert capsys.readouterr().out == ""


def test_damaged_files_of_the_real_package(tmp_path):
    pytest.importorskip("nats_bench", reason="nats_bench is not installed")
    with pytest.raises(InputError, match="none.pbz2 does not exist"):
        load_nats_bench(tmp_path / "none.pbz2")
    for form in ("pbz2", "pth"):
        path = write_benchmark(tmp_path, form)
        path.write_bytes(path.read_bytes()[:200])
        with pytest.raises(InputError, match="nats_bench can't read"):
            load_nats_bench(path)
    with pytest.raises(InputError, match="nats_bench can't read"):
        load_nats_bench(tmp_path)
    folder = write_benchmark(tmp_path, "folder")
    (folder / "000001.pickle.pbz2").unlink()
    with pytest.raises(InputError, match="no readable data of architecture 1"):
        load_nats_bench(folder)
