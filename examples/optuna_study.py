"""An Optuna study over a tegnas space: the objectives are the indicators."""

import optuna

import tegnas
from tegnas.integrations.optuna import Objective, StrategySampler, create_study

optuna.logging.set_verbosity(optuna.logging.WARNING)
space = tegnas.get_space("nas-bench-201")
settings = tegnas.ScoreSettings(train=8, val=8, repeats=1, region_samples=200)
batch = tegnas.load_batch("digits", train=8, val=8, seed=0)
objective = Objective(space, batch, settings)

nsga = optuna.samplers.NSGAIISampler(population_size=10, seed=0)
study = create_study(space, settings, sampler=nsga)
study.optimize(objective, n_trials=20)
print(len(study.best_trials), "of 20 trials are on the front of", ", ".join(study.metric_names))

# The same with a strategy of tegnas, kept in a file: run it again and the study goes on.
evolution = StrategySampler(
    space, "evolution", seed=0, settings=settings, population=10, tournament=3
)
study = create_study(
    space, settings, storage="sqlite:///studies.db", name="evolution", sampler=evolution
)
study.optimize(objective, n_trials=20)
last = study.trials[-1]
print(last.number, last.user_attrs["architecture"])
print(*(f"{name} {value:.3g}" for name, value in zip(study.metric_names, last.values, strict=True)))
