"""Optuna studies over tegnas spaces: an objective, a sampler, and searches written as studies.

    study = create_study(space, settings, sampler=StrategySampler(space, "evolution", seed=0))
    study.optimize(Objective(space, batch, settings), n_trials=500)

The objectives of a study are the indicators of the settings, T, E, G and PR of the default ones,
each in its own direction. An architecture is a trial's parameters, one categorical parameter per
choice of the space, and its text is the trial's attribute ``architecture``.

Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework" (KDD 2019,
arXiv 1907.10902).
"""

from __future__ import annotations

import threading
import warnings
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

from tegnas._version import __version__
from tegnas.data import Batch
from tegnas.errors import InputError
from tegnas.indicators.base import LOWER
from tegnas.integrations.missing import import_extra
from tegnas.scoring.prepare import prepared
from tegnas.scoring.scorer import Scorer
from tegnas.scoring.settings import ScoreSettings, settings_for
from tegnas.search.evaluation import Evaluation
from tegnas.search.strategies import make_strategy
from tegnas.spaces import Architecture, Space
from tegnas.spaces.factorised import CodedSpace, FactorisedSpace, Supernet

optuna = import_extra("optuna", "a study", "optuna")

ARCHITECTURE = "architecture"


def distributions(space: Space) -> dict[str, Any]:
    """The parameters of a trial: a ``CategoricalDistribution`` for every choice of the space.

    None for a space that has no choices: there the attribute ``architecture`` alone tells trials
    apart.
    """
    if not isinstance(space, CodedSpace):
        return {}
    return {
        choice.name: optuna.distributions.CategoricalDistribution(choice.options)
        for choice in space.choices()
    }


def _product(space: Space) -> FactorisedSpace:
    if not all(hasattr(space, method) for method in ("choices", "encode", "decode")):
        raise InputError(
            f"{space.name} isn't a product of choices (choices, encode and decode), which the "
            "parameters of a trial stand for; tegnas search --storage writes a study of any space"
        )
    return cast(FactorisedSpace, space)


def architecture_of(space: FactorisedSpace, params: Mapping[str, Any]) -> Architecture:
    """The architecture that a trial's parameters stand for."""
    return space.decode([choice.options.index(params[choice.name]) for choice in space.choices()])


def parameters_of(space: Space, arch: Architecture) -> dict[str, str]:
    """The parameters that stand for an architecture; none for a space that has no choices."""
    if not isinstance(space, CodedSpace):
        return {}
    return {
        choice.name: choice.options[index]
        for choice, index in zip(space.choices(), space.encode(arch), strict=True)
    }


def create_study(
    space: Space,
    settings: ScoreSettings | None = None,
    *,
    storage: Any = None,
    name: str | None = None,
    sampler: Any = None,
) -> Any:
    """An ``optuna.Study`` whose objectives are the indicators of the settings.

    Args:
        space: of the architectures.
        settings: how they are scored, by default the preset ``best``.
        storage: whatever Optuna takes, as ``"sqlite:///runs.db"``; by default memory.
        name: of the study; one of this name in the storage is continued.
        sampler: any of Optuna's, or a ``StrategySampler``; by default Optuna's own choice.

    Raises:
        InputError: the storage can't be used, or holds a study of this name that is of another
            space or scored otherwise.
    """
    settings = settings_for(space, settings or ScoreSettings())
    about = {"tegnas": __version__, "space": space.name, "score": settings.to_json()}
    directions = [
        "minimize" if each.better == LOWER else "maximize" for each in settings.indicators
    ]
    try:
        with _quiet():
            study = optuna.create_study(
                storage=storage,
                study_name=name,
                sampler=sampler,
                directions=directions,
                load_if_exists=name is not None,
            )
            known = dict(study.user_attrs)
            if not known and not study.get_trials(deepcopy=False):
                study.set_metric_names([each.label for each in settings.indicators])
                for key, value in about.items():
                    study.set_user_attr(key, value)
                known = about
    except Exception as error:  # whatever a driver of some database raises
        raise InputError(
            f"Optuna can't use the storage {storage!r} ({type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else 'no reason given'}); a file is "
            "written as sqlite:///FILE.db"
        ) from None
    differing = [key for key in ("space", "score") if known.get(key) != about[key]]
    if differing:
        raise InputError(
            f"the study {name!r} in {storage} is of another {' and another '.join(differing)}; "
            "choose another name"
        )
    return study


class Objective:
    """What a trial is worth: the indicators of the architecture that its parameters stand for.

    Trials that name one architecture twice are scored once.

    Args:
        space: a product of choices, such as ``nas-bench-201``, ``darts`` or a ``ChoiceSpace``.
        batch: labelled images.
        settings: how to score, by default the preset ``best``.

    Raises:
        InputError: a space that is no product of choices, or one of whose architectures an
            indicator tells nothing.
    """

    def __init__(self, space: Space, batch: Batch, settings: ScoreSettings | None = None) -> None:
        self._space = _product(space)
        settings = settings or ScoreSettings()
        fitting = prepared(space, batch, settings)
        self._settings = fitting.settings
        if fitting.notes:
            raise InputError(
                f"{'; '.join(fitting.notes)}; give the study and its objective settings with the "
                f"indicators {', '.join(self._settings.names)}"
            )
        self._scorer = Scorer(space, fitting.batch, self._settings)
        self._known: dict[Architecture, tuple[float, ...]] = {}

    def __call__(self, trial: Any) -> tuple[float, ...]:
        """The values, in the order of ``settings.indicators``; inf where an architecture fails."""
        params = {
            choice.name: trial.suggest_categorical(choice.name, choice.options)
            for choice in self._space.choices()
        }
        arch = architecture_of(self._space, params)
        trial.set_user_attr(ARCHITECTURE, str(arch))
        if arch not in self._known:
            scores = self._scorer([arch])
            self._known[arch] = tuple(float(scores[name][0]) for name in self._settings.names)
        return self._known[arch]


_Sampler: Any = optuna.samplers.BaseSampler


class StrategySampler(_Sampler):
    """Lets a strategy of tegnas propose the trials of a study.

    The trials are those of ``tegnas.search`` with the same strategy, seed and options. A study that
    is continued with a new sampler of the same kind goes on as if it had not been stopped: finished
    trials that the strategy proposes are taken as they are. A trial that fails is proposed again.
    The study stops once the strategy has nothing left to propose.

    Args:
        space: a product of choices.
        strategy: one of ``tegnas.strategy_names()``; not ``prune``, which scores supernets.
        seed: of the strategy.
        settings: of the objective, by default the preset ``best``.
        options: of the strategy, as ``population=64``.

    Raises:
        InputError: a strategy or option that isn't known, or a space that it can't work on.
    """

    def __init__(
        self,
        space: Space,
        strategy: str = "evolution",
        seed: int = 0,
        settings: ScoreSettings | None = None,
        **options: Any,
    ) -> None:
        if strategy == "prune":
            raise InputError("prune scores supernets, which no trial stands for; use tegnas search")
        self._space = _product(space)
        self._settings = settings_for(space, settings or ScoreSettings())
        self._strategy = make_strategy(strategy, space, seed, **options)
        self._others = optuna.samplers.RandomSampler(seed)
        self._waiting: deque[Architecture] = deque()
        self._scored: list[Evaluation] = []
        self._thread: int | None = None
        self._ask()

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        """One categorical parameter for every choice."""
        return distributions(self._space)

    def sample_relative(
        self, study: Any, trial: Any, search_space: dict[str, Any]
    ) -> dict[str, str]:
        """The options of the architecture that the strategy proposes next."""
        if self._thread is None:
            self._take_over(study)
        if self._thread not in (None, threading.get_ident()):
            raise InputError(
                "a strategy learns from one trial before it proposes the next: optimize with "
                "n_jobs=1, or let tegnas.search score in parallel by executor='process'"
            )
        self._thread = threading.get_ident()
        if not self._waiting:
            raise InputError("the strategy has nothing left to propose")
        return parameters_of(self._space, self._waiting[0])

    def sample_independent(self, study: Any, trial: Any, param_name: str, distribution: Any) -> Any:
        """Parameters of the user's own, at random."""
        return self._others.sample_independent(study, trial, param_name, distribution)

    def after_trial(
        self, study: Any, trial: Any, state: Any, values: Sequence[float] | None
    ) -> None:
        """Tell the strategy."""
        if state != optuna.trial.TrialState.COMPLETE or values is None:
            return
        self._note(trial.params, values)
        if not self._waiting:
            with suppress(RuntimeError):  # of trials that are asked for and told one by one
                study.stop()

    def _take_over(self, study: Any) -> None:
        """Finished trials of a study that is continued, as far as the strategy proposes them."""
        complete = (optuna.trial.TrialState.COMPLETE,)
        for trial in study.get_trials(deepcopy=False, states=complete):
            self._note(trial.params, trial.values)

    def _note(self, params: Mapping[str, Any], values: Sequence[float]) -> None:
        """A trial, where it is the one proposed: others can be put into a study's queue."""
        if not self._waiting or not set(distributions(self._space)) <= set(params):
            return
        arch = self._waiting[0]
        if architecture_of(self._space, params) != arch:
            return
        indicators = self._settings.indicators
        if len(values) != len(indicators):
            raise InputError(
                f"trials of the study have {len(values)} values, and the settings of the "
                f"StrategySampler {len(indicators)} indicators: give it those of the objective"
            )
        self._waiting.popleft()
        self._scored.append(Evaluation(arch, self._settings, tuple(values)))
        if not self._waiting:
            self._strategy.tell(self._scored)
            self._scored = []
            self._ask()

    def _ask(self) -> None:
        self._waiting.extend(self._strategy.ask(self._strategy.default_budget))


class StudyLog:
    """Writes a search into an Optuna study while it runs: ``tegnas.search(…, evaluated=log)``.

    Every evaluation becomes a finished trial, or a pruned one without values where a race gave it
    up; supernets that pruning scores are left out. A search that is resumed tells everything again:
    what the study holds already is not written twice.

    Args:
        space: of the search.
        storage: whatever Optuna takes, as ``"sqlite:///runs.db"``.
        name: of the study.
        settings: of the search, by default the preset ``best``.

    Raises:
        InputError: the storage can't be used, or its study of this name is of another search.
    """

    def __init__(
        self, space: Space, storage: Any, name: str, settings: ScoreSettings | None = None
    ) -> None:
        self._space = space
        self._name = name
        self._study = create_study(space, settings, storage=storage, name=name)
        self._known = [
            trial.user_attrs.get(ARCHITECTURE) for trial in self._study.get_trials(deepcopy=False)
        ]
        self._told = 0

    def __call__(self, evaluations: Sequence[Evaluation]) -> None:
        """Write the next evaluations; ``InputError`` if the study holds others in their place."""
        parameters = distributions(self._space)
        for each in evaluations:
            if isinstance(each.arch, Supernet):
                continue
            text = str(each.arch)
            if self._told < len(self._known):
                if self._known[self._told] != text:
                    raise InputError(
                        f"trial {self._told} of the study {self._name!r} is of another search; "
                        "choose another --study"
                    )
            else:
                stopped = each.stopped_after is not None
                states = optuna.trial.TrialState
                self._study.add_trial(
                    optuna.trial.create_trial(
                        state=states.PRUNED if stopped else states.COMPLETE,
                        values=None if stopped else list(each.values),
                        params=parameters_of(self._space, each.arch),
                        distributions=parameters,
                        user_attrs={ARCHITECTURE: text},
                    )
                )
            self._told += 1


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna says that a study was made, and that names of objectives are experimental."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
