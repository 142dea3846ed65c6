"""Successive halving of trainings that come one after the other, by Optuna."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tegnas.errors import InputError
from tegnas.refine.training import Outcome

_FACTOR = 2


def check_optuna() -> None:
    """``InputError`` where Optuna is missing."""
    _optuna()


class Halving:
    """Whether a training goes on, by how the earlier ones stood after as many epochs.

    After a quarter and a half of the epochs only those in the better half go on (asynchronous
    successive halving, Li et al., MLSys 2020, arXiv 1810.05934; ``optuna.pruners``).

    Args:
        epochs: of a training that isn't stopped.
        before: the earlier trainings, in their order.
    """

    def __init__(self, epochs: int, before: Sequence[Outcome]) -> None:
        optuna = _optuna()
        pruner = optuna.pruners.SuccessiveHalvingPruner(
            min_resource=max(1, epochs // _FACTOR**2), reduction_factor=_FACTOR
        )
        study = optuna.create_study(direction="maximize", pruner=pruner)
        for each in before:
            trial = study.ask()
            for epoch, accuracy in enumerate(each.epochs, start=1):
                trial.report(accuracy, epoch)
                trial.should_prune()
            state = optuna.trial.TrialState
            if each.stopped:
                study.tell(trial, state=state.PRUNED)
            else:
                study.tell(trial, each.epochs[-1])
        self._trial = study.ask()
        self._epochs = epochs

    def ends(self, epoch: int, accuracy: float) -> bool:
        """Whether the training ends after this epoch; to be asked after every one, in order."""
        self._trial.report(accuracy, epoch)
        return self._trial.should_prune() and epoch < self._epochs


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise InputError(
            "stopping hopeless trainings early needs Optuna; install it with "
            "pip install 'tegnas[optuna]', or train every candidate to the end (--no-halving)"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
