"""DoWhy's graphical causal models as one of ours: automatic assignment, or a user's own mechanisms."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, ClassVar

import networkx as nx
import numpy as np
import pandas as pd
import torch
from scmbench.datasets.seeds import derive
from scmbench.datasets.values import Values, ValuesError, n_rows, to_frame
from threadpoolctl import threadpool_limits
from torch import Tensor

from .contract.base import CausalModel, Unsupported
from .contract.units import origin

try:
    gcm: Any = import_module("dowhy.gcm")
except ImportError as error:
    raise ImportError(f"DoWhy is not installed; get it with: pip install 'scmbench[dowhy]' ({error})") from error

QUALITIES = {quality.name.lower(): quality for quality in gcm.auto.AssignmentQuality}
FEWEST_ROWS = 10


class DoWhy(CausalModel):
    """A `dowhy.gcm.InvertibleStructuralCausalModel` with automatically assigned mechanisms.

    "DoWhy-GCM: An extension of DoWhy for causal inference in graphical causal models", Blöbaum, Götz, Budhathoki,
    Mastakouri, Janzing, JMLR 2024. Roots are bootstrapped, every other node is an additive-noise model x = f(pa) + u
    (discrete where all its values are whole numbers) with f chosen by cross-validation and u bootstrapped from
    residuals; the candidates for f depend on `quality`: ``good``, ``better`` or ``best`` (which needs AutoGluon).

    To judge mechanisms of your own, derive from this class and write `assign`:

        class Mine(DoWhy):
            def assign(self, model, data):
                super().assign(model, data)
                model.set_causal_mechanism("y", gcm.AdditiveNoiseModel(gcm.ml.create_random_forest_regressor()))

    Values far from 0 are counted from an `origin` near them, but for mechanisms of one's own, which may be about the
    values themselves. All answers come from `gcm.draw_samples`, `gcm.interventional_samples` and
    `gcm.counterfactual_samples`. DoWhy draws from the global generators of NumPy and of Python; they are seeded for
    each call and given back as they were, like DoWhy's settings for progress bars and jobs.
    """

    version: ClassVar[int] = 1

    def __init__(self, quality: str = "good"):
        if quality not in QUALITIES:
            raise ValueError(f"quality={quality!r}: choose one of {list(QUALITIES)}")
        self.quality = quality

    def assign(self, model: Any, data: pd.DataFrame) -> None:
        """Give every node of the `gcm.InvertibleStructuralCausalModel` a mechanism; `data` has a column a node."""
        gcm.auto.assign_causal_mechanisms(model, data, quality=QUALITIES[self.quality])

    def _fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> None:
        """Assign and fit all mechanisms. Raises `ValuesError` below ten rows, `Unsupported` for vector nodes."""
        if n_rows(data) < FEWEST_ROWS:
            raise ValuesError(f"training data: DoWhy's cross-validation needs {FEWEST_ROWS} rows at least")
        for node, x in data.items():
            if x.ndim > 1:
                raise Unsupported(f"DoWhy models scalars; {node!r} has event shape {tuple(x.shape[1:])}")
        own = type(self).assign is not DoWhy.assign
        self.origins = {node: torch.zeros(()).double() if own else _origin(x) for node, x in data.items()}
        with _alone(seed, "fit"):
            self.model = gcm.InvertibleStructuralCausalModel(graph.copy())  # DoWhy writes into its graph
            frame = _frame(self._counted(data))
            self.assign(self.model, frame)
            gcm.fit(self.model, frame)

    def _sample(self, n: int, forced: Values, *, seed: int) -> Values:
        with _alone(seed, "sample"):
            if forced:
                do = _row_by_row(self._counted(forced))
                return self._values(gcm.interventional_samples(self.model, do, num_samples_to_draw=n))
            return self._values(gcm.draw_samples(self.model, n))

    def _counterfactual(self, factual: Values, forced: Values, *, seed: int) -> Values:
        with _alone(seed, "counterfactual"):
            do, observed = _row_by_row(self._counted(forced)), _frame(self._counted(factual))
            return self._values(gcm.counterfactual_samples(self.model, do, observed_data=observed))

    def _counted(self, values: Values) -> Values:
        """Values counted from their origins; where that is 0, as they are."""
        return {node: x - self.origins[node] if self.origins[node] else x for node, x in values.items()}

    def _values(self, frame: pd.DataFrame) -> Values:
        return {node: x + self.origins[node] for node, x in _values(frame).items()}

    def saved(self) -> dict[str, Any]:
        """Raises `Unsupported`: the mechanisms are objects of other packages, and possibly of the user's."""
        raise Unsupported("DoWhy's mechanisms are objects of DoWhy and scikit-learn, which know no form but a pickle")


def _origin(x: Tensor) -> Tensor:
    """The origin of a column ``(n,)``, whole where all its values are: such a node is discrete for DoWhy."""
    wide = x.double()
    near = origin(wide[:, None])[0]
    return near.round() if bool((wide == wide.round()).all()) else near


def _frame(values: Values) -> pd.DataFrame:
    frame = to_frame(values)
    return frame.astype({column: int for column in frame if frame[column].dtype == bool})


def _values(frame: pd.DataFrame) -> Values:
    return {str(node): torch.tensor(frame[node].to_numpy(dtype=float)) for node in frame}


def _row_by_row(forced: Values) -> Mapping[str, Callable[[float], float]]:
    """DoWhy's interventions, functions that are called once a row in order."""

    def successive(values: list[float]) -> Callable[[float], float]:
        rows = iter(values)
        return lambda _: next(rows)

    return {node: successive(a.tolist()) for node, a in forced.items()}


@contextmanager
def _alone(seed: int, *labels: object) -> Iterator[None]:
    """DoWhy with its randomness on one stream, one thread, no progress bars; global state is as before afterwards."""
    config = gcm.config
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    jobs, bars = config.default_n_jobs, config.show_progress_bars
    gcm.util.general.set_random_seed(derive(seed, *labels) % 2**32)
    config.set_default_n_jobs(1)
    config.disable_progress_bars()
    try:
        with threadpool_limits(1):
            yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        config.default_n_jobs, config.show_progress_bars = jobs, bars
