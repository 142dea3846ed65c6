"""The tables of docs/ranking.md, each from the selection half."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from bench.ranking.combine import AGGREGATIONS, average, log_rank, ranks
from bench.ranking.probe import Probe
from bench.ranking.probes import GROUPS, MANY, PRESENT
from bench.ranking.statistics import EXPRESSIVITY, GENERALIZATION, OTHER, TRAINABILITY
from bench.ranking.study import Study

# The statistics that the study ends in.
T, G = "correlation harmonic", "left-out noise"
CHOSEN = MANY["CIFAR 16²"][:8]


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; numbers have three decimals."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(map(_cell, line)) + " |\n" for line in lines)


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def statistics_table(study: Study) -> str:
    """Every statistic by the same probes."""
    probes = GROUPS["CIFAR 16²"]
    rows = []
    for indicator, names in (("T", TRAINABILITY), ("G", GENERALIZATION), ("–", OTHER)):
        for name in names:
            rows.append(_row(study, indicator, name, study.each(probes, name)))
    for name in EXPRESSIVITY:
        rows.append(_row(study, "E", name, study.patterns(probes[:2], name)))
    for side in (2, 3, 4, 5):
        for samples in (300, 1000, 3000):
            counts = study.regions(3, side=side, samples=samples)
            rows.append(_row(study, "E", f"R, {samples:,} inputs of {side}²", counts))
    return markdown(["for", "statistic", "networks", "τ of one", "τ of the average"], rows)


def _row(study: Study, indicator: str, name: str, costs: list[np.ndarray]) -> list[object]:
    single = float(np.mean([study.judge.tau(cost) for cost in costs]))
    return [indicator, name, len(costs), single, study.judge.interval(average(costs))]


def probes_table(study: Study) -> str:
    """The same statistics by different probes, two networks each."""
    rows = []
    for name, members in GROUPS.items():
        probes = members[:2]
        whole = [study.cost(probes, each) for each in ("κ", T, G)]
        body = [study.cost(probes, each) for each in ("labels", "body harmonic", "body " + G)]
        combined = log_rank([whole[1], average(study.regions(2)), whole[2]])
        body_combined = log_rank([body[1], average(study.regions(2)), body[2]])
        taus = [study.judge.tau(cost) for cost in (*whole, *body, body_combined)]
        rows.append([name, *taus, study.judge.interval(combined)])
    header = ["probe", "κ", "T", "G", "MSE", "T body", "G body", "body T+E+G", "T+E+G"]
    return markdown(header, rows)


def networks_table(study: Study) -> str:
    """One to sixteen networks."""
    rows = []
    for name, probes in MANY.items():
        for count in (1, 2, 4, 8, 16):
            if count <= len(probes):
                rows.append([name, count, *networks_row(study, probes[:count])])
    return markdown(["probe", "networks", "T", "G", "T+E+G", "T+E+G + parameters"], rows)


def networks_row(study: Study, probes: Sequence[Probe]) -> list[object]:
    """T and G alone, with E, and with parameters."""
    judge, costs = study.judge, chosen(study, probes)
    with_size = log_rank([*costs, study.extras["parameters"]])
    return [
        judge.tau(costs[0]),
        judge.tau(costs[2]),
        judge.interval(log_rank(costs)),
        judge.interval(with_size),
    ]


def chosen(study: Study, probes: Sequence[Probe]) -> list[np.ndarray]:
    """T, E and G of the definition that the study ends in, with as many networks for E."""
    count = min(8, len(probes))
    return [study.cost(probes, T), average(study.regions(count)), study.cost(probes, G)]


def choices_table(study: Study) -> str:
    """What one change to the chosen definition costs, paired."""
    judge, base = study.judge, chosen(study, CHOSEN)
    best = log_rank(base)
    second = GROUPS["CIFAR 16²"]
    alternatives: dict[str, list[np.ndarray]] = {
        f"T: {name}": [study.cost(CHOSEN, name), *base[1:]]
        for name in ("κ", "λmin", "harmonic", "correlation κ", "correlation λmin", "quartile")
    }
    alternatives |= {
        "G: left-out labels": [*base[:2], study.cost(CHOSEN, "left-out labels")],
        "all by 3 networks": chosen(study, CHOSEN[:3]),
        "G: MSE from batch to batch (3 networks)": [
            *chosen(study, CHOSEN[:3])[:2],
            study.cost(second, "labels"),
        ],
        "E: Hamming log-determinant with units (2 networks)": [
            base[0],
            average(study.patterns(second[:2], "pattern log-determinant with units")),
            base[2],
        ],
        "without T": base[1:],
        "without E": [base[0], base[2]],
        "without G": base[:2],
        "images of 8²": chosen(study, MANY["CIFAR 8²"][:8]),
        "128 images (4 networks)": chosen(study, MANY["CIFAR 16², N = 128"]),
        "32 images": chosen(study, MANY["CIFAR 16², N = 32"][:8]),
        "noise images": chosen(study, MANY["noise 16²"]),
        "4 networks": chosen(study, CHOSEN[:4]),
        "16 networks": chosen(study, MANY["CIFAR 16²"]),
    }
    rows = [["as chosen", judge.interval(best), ""]]
    for name, costs in alternatives.items():
        cost = log_rank(costs)
        rows.append([name, judge.interval(cost), judge.difference(best, cost)])
    for name, combine in AGGREGATIONS.items():
        if combine is not log_rank:
            cost = combine(base)
            rows.append([f"by {name}", judge.interval(cost), judge.difference(best, cost)])
    return markdown(["T + E + G", "τ", "chosen minus this"], rows)


def extras_table(study: Study) -> str:
    """Extras alone and beside T, E and G."""
    base, rows = chosen(study, CHOSEN), []
    names = list(study.extras)
    sets = [(), *((name,) for name in names), ("parameters", "layers with weights"), tuple(names)]
    for extra in sets:
        costs = [study.extras[name] for name in extra]
        alone = study.judge.interval(log_rank(costs)) if costs else ""
        rows.append(
            [" + ".join(extra) or "none", alone, study.judge.interval(log_rank(base + costs))]
        )
    return markdown(["extras", "τ of extras alone", "with T + E + G"], rows)


def bound_table(study: Study) -> str:
    """Linear combinations of ranks fitted to accuracy, judged on folds that they haven't seen."""
    base = dict(zip(("T", "E", "G"), chosen(study, CHOSEN), strict=True))
    probes = GROUPS["CIFAR 16²"]
    every = base | {name: study.cost(probes, name) for name in TRAINABILITY | GENERALIZATION}
    every |= {name: average(study.patterns(probes[:2], name)) for name in EXPRESSIVITY}
    size = {"parameters": study.extras["parameters"]}
    rows = []
    for name, costs in (
        ("T, E, G", base),
        ("T, E, G, parameters", base | size),
        (f"{len(every)} statistics", every),
        (f"{len(every)} statistics and all extras", every | study.extras),
    ):
        equal = "" if len(costs) > 4 else study.judge.interval(log_rank(list(costs.values())))
        fitted = study.judge.interval(_fitted(list(costs.values()), study))
        rows.append([name, equal, fitted])
    return markdown(["of", "equal weights, log-rank", "fitted weights, ranks"], rows)


def _fitted(costs: Sequence[np.ndarray], study: Study, folds: int = 5) -> np.ndarray:
    table = np.stack([ranks(cost) for cost in costs], 1)
    table = (table - table.mean(0)) / table.std(0)
    target = ranks(-study.half.accuracy["CIFAR-10"])
    target = (target - target.mean()) / target.std()
    places = np.random.default_rng(0).permutation(len(target))
    found = np.zeros(len(target))
    for fold in range(folds):
        test = places[fold::folds]
        train = np.setdiff1d(places, test)
        gram = table[train].T @ table[train] + 5 * np.eye(table.shape[1])
        found[test] = table[test] @ np.linalg.solve(gram, table[train].T @ target[train])
    return found


def present_table(study: Study) -> str:
    """The definition that the study starts from."""
    costs = [
        study.cost(PRESENT, "κ"),
        average(study.regions(3, samples=3000)),
        study.cost(PRESENT, "labels"),
    ]
    rows = [
        [name, study.judge.interval(cost)]
        for name, cost in (
            ("T (κ)", costs[0]),
            ("E (R)", costs[1]),
            ("G (MSE)", costs[2]),
            ("T + E + G, rank-sum", AGGREGATIONS["rank-sum"](costs)),
            ("T + E + G, log-rank", log_rank(costs)),
        )
    ]
    return markdown(["present definition, 3 networks", "τ"], rows)


TABLES = {
    "present": present_table,
    "statistics": statistics_table,
    "probes": probes_table,
    "networks": networks_table,
    "choices": choices_table,
    "extras": extras_table,
    "bound": bound_table,
}
