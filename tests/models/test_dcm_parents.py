"""DCM with other ways for parents to enter: each network by an independent formula, its size, and what it learns."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from scmbench.datasets.seeds import generator
from scmbench.models import conformance
from scmbench.models.contract.fields import FieldError
from scmbench.models.contract.nodewise import Task
from scmbench.models.dcm import DCM
from scmbench.models.dcm.entries import ParentsDCM
from scmbench.models.dcm.entries.mechanism import Entering
from scmbench.models.dcm.entries.networks import HEADS, Attending, Entry, Gated, Mean, Modulated
from scmbench.models.dcm.entries.sizes import ENTRIES, networks
from scmbench.models.training.regressed import Diverged
from torch.nn.functional import scaled_dot_product_attention, silu


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=generator(seed, "test"))


def drawn(entry: Entry, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights, far from linear."""
    return {name: 2 * weight for name, weight in entry.draw(generator(seed, "weights")).items()}


def layer(w, name: str, x: torch.Tensor) -> torch.Tensor:
    return x @ w[name] + w[name + " bias"]


SHAPE = {"own": 1, "parents": 3, "told": 1, "outputs": 1, "hidden": (8, 12)}


def test_film_scales_and_shifts_every_hidden_unit():
    entry = Modulated(**SHAPE)
    w, state, pa = drawn(entry), normal(20, 2), normal(20, 3, seed=1)
    made = layer(w, "given 1", silu(layer(w, "given 0", pa)))
    h = silu((1 + made[:, :8]) * layer(w, "0", state) + made[:, 20:28])
    h = silu((1 + made[:, 8:20]) * layer(w, "1", h) + made[:, 28:])
    torch.testing.assert_close(entry.predict(w, state, entry.condition(w, pa)), layer(w, "out", h))


def test_gates_make_the_next_matrix_a_function_of_the_parents():
    entry = Gated(**SHAPE)
    w, state, pa = drawn(entry), normal(20, 2), normal(20, 3, seed=1)
    answer = entry.predict(w, state, entry.condition(w, pa))
    for i in range(20):  # a gate on a unit scales a row of the matrix that reads it
        first, second = (2 * torch.sigmoid(layer(w, "given 1", silu(layer(w, "given 0", pa[i : i + 1]))))).split(
            (8, 12), 1
        )
        own = dict(w) | {"1": torch.diag(first[0]) @ w["1"], "out": torch.diag(second[0]) @ w["out"]}
        h = layer(own, "1", silu(layer(own, "0", state[i : i + 1])))
        torch.testing.assert_close(answer[i : i + 1], layer(own, "out", silu(h)))


def test_attention_is_that_of_pytorch_over_parents_and_one_token_more():
    entry = Attending(**SHAPE)
    w, state, pa = drawn(entry), normal(20, 2), normal(20, 3, seed=1)
    tokens = silu(torch.cat([w["none"].expand(20, 1, -1), pa[..., None] * w["tokens"] + w["tokens bias"]], 1))
    h = silu(layer(w, "0", state))
    query, key, value = (
        layer(w, name, x).unflatten(-1, (HEADS, -1)).transpose(1, 2)
        for name, x in (("queries", h[:, None]), ("keys", tokens), ("values", tokens))
    )
    heard = scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(1)
    expected = layer(w, "out", silu(layer(w, "1", h + layer(w, "answers", heard))))
    torch.testing.assert_close(entry.predict(w, state, entry.condition(w, pa)), expected)


def test_with_a_single_parent_there_is_something_to_choose_from():
    entry = Attending(1, 1, 1, 1, (8, 12))
    w, pa = drawn(entry), torch.tensor([[1.0], [1.0]])
    keys, _ = entry.condition(w, pa)
    assert keys.shape == (2, 2, HEADS, 2)
    h = silu(layer(w, "0", torch.tensor([[-2.0, 0.1], [2.0, 0.1]])))
    queries = layer(w, "queries", h).unflatten(-1, (HEADS, -1))
    shares = torch.softmax((queries[:, None] * keys).sum(-1) / 2**0.5, 1)
    assert (shares[0] - shares[1]).abs().max() > 0.05


@pytest.mark.parametrize("entry", ENTRIES)
def test_stacked_networks_predict_what_each_does_alone(entry):
    for shape in networks(entry, 2, 3, 1, (16, 24)):
        apart = [drawn(shape, seed) for seed in range(3)]
        inputs = normal(3, 20, shape.own + shape.parents + shape.told)
        together = shape({name: torch.stack([w[name] for w in apart]) for name in apart[0]}, inputs)
        alone = torch.stack([shape(w, x) for w, x in zip(apart, inputs, strict=True)])
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
        assert together.shape == (3, 20, 2)
        changed = inputs.clone()
        changed[..., shape.own] += 1  # a parent
        assert ((shape(apart[0], changed[0]) - together[0]).abs() > 1e-4).float().mean() > 0.9


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("hidden", [(64, 128), (128, 256, 256)])
def test_every_entry_has_as_many_parameters_as_concatenation(entry, hidden):
    for own in (1, 3):
        for parents in (1, 2, 3, 5, 10):
            wanted = networks("concat", own, parents, 1, hidden)[0].size()
            has = sum(network.size() for network in networks(entry, own, parents, 1, hidden))
            assert abs(has / wanted - 1) < 0.05, (own, parents, has, wanted)


def test_concatenation_has_dcms_own_number_and_a_row_costs_about_as_much_in_all_entries():
    for p in (1, 2):
        assert networks("concat", 1, p, 1, (64, 128))[0].size() == 64 * p + 8641
        once = {e: sum(n.multiplications() for n in networks(e, 1, p, 1, (64, 128))) for e in ENTRIES}
        dearer = {e: cost / once["concat"] - 1 for e, cost in once.items()}
        assert max(abs(x) for e, x in dearer.items() if e != "attention") < 0.05
        assert -0.05 < dearer["attention"] < (0.05 if p == 1 else 0.35)  # keys and values of every parent


def test_a_network_learns_as_dcms_does_by_another_program():
    tasks = [Task(normal(300, 1, seed=s), normal(300, 2, seed=s + 10), s) for s in range(3)]
    how = {"epochs": 20, "lr": 1e-3, "steps": 20}
    ours = ParentsDCM(**how).mechanism().fit_stack(tasks)
    theirs = DCM("corrected", **how).mechanism().fit_stack(tasks)
    for a, b, task in zip(ours, theirs, tasks, strict=True):
        assert isinstance(a, Entering)
        torch.testing.assert_close(a.network.losses, b.network.losses, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(a.encode(task.x, task.parents), b.encode(task.x, task.parents), rtol=1e-3, atol=1e-3)


def linear_gaussian(n: int = 2000) -> tuple[nx.DiGraph, dict[str, torch.Tensor], torch.Tensor]:
    u = normal(3, n, seed=7).double()
    x1 = u[0] + 2
    x2 = 0.8 * x1 + 0.6 * u[1]
    return nx.DiGraph([("x1", "x2"), ("x1", "x3"), ("x2", "x3")]), {"x1": x1, "x2": x2, "x3": x2 - x1 + 0.5 * u[2]}, u


@pytest.mark.parametrize(
    "entry", [e if e in ("concat", "attention") else pytest.param(e, marks=pytest.mark.slow) for e in ENTRIES]
)
def test_learns_a_linear_gaussian_model(entry):
    graph, values, u = linear_gaussian()
    model = ParentsDCM(entry, epochs=100, lr=1e-3).fit(graph, values, seed=0)
    x1 = values["x1"] + 1
    x2 = 0.8 * x1 + 0.6 * u[1]
    answer = model.counterfactual(values, {"x1": x1}, seed=0)
    assert (answer["x2"] - x2).square().mean() < 0.05
    assert (answer["x3"] - (x2 - x1 + 0.5 * u[2])).square().mean() < 0.05
    again = model.counterfactual(values, {"x1": values["x1"].clone()}, seed=0)
    torch.testing.assert_close(again["x3"], values["x3"], rtol=0, atol=1e-4)
    sample = model.sample(4000, {"x1": 3.0}, seed=1)
    assert float(sample["x2"].mean()) == pytest.approx(2.4, abs=0.15)  # a quarter of the law's deviation
    assert float(sample["x2"].std()) == pytest.approx(0.6, abs=0.15)
    cost = model.cost()
    wanted = 64 * 1 + 8641 + 64 * 2 + 8641
    assert abs(cost["parameters"] / wanted - 1) < 0.05
    assert cost["gradient_steps"] == 100 * 32 * (2 if entry == "residual" else 1)
    assert cost["training_mflop"] == pytest.approx(6 * 100 * 2000 * wanted / 1e6, rel=0.2)


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_conforms(entry):
    conformance.require(ParentsDCM, {"entry": entry, "steps": 5})


def test_a_residual_is_what_the_learned_mean_leaves():
    pa = normal(1500, 1)
    noise = 0.2 * normal(1500, 1, seed=1)
    mechanism = ParentsDCM("residual", epochs=60, lr=2e-3).mechanism().fit(Task(pa.sin() + noise, pa, 0))
    assert isinstance(mechanism, Entering)
    assert (mechanism.mean(pa) - pa.sin()).square().mean() < 0.05**2
    assert float(mechanism.scaler.std[0]) == pytest.approx(0.2, rel=0.1)
    grid = torch.linspace(-1.5, 1.5, 9)[:, None]
    torch.testing.assert_close(mechanism.decode(0 * grid, grid), grid.sin(), rtol=0, atol=0.12)
    assert Mean(0, 1, 0, 1, (4, 4)).condition(drawn(Mean(0, 1, 0, 1, (4, 4))), pa)[0].shape == (1500, 1)


@pytest.mark.parametrize("entry", ENTRIES)
def test_guidance_mixes_predictions_with_and_without_parents(entry):
    task = Task(normal(200, 1), normal(200, 2, seed=1), 0)
    mechanism = ParentsDCM(entry, guidance=0.5, epochs=2, steps=1).mechanism().fit(task)
    assert isinstance(mechanism, Entering)
    s, shape = mechanism.sampler, mechanism.networks()[0]
    z, pa = normal(20, 1), normal(20, 2, seed=1)
    time = torch.ones(20, 1)
    told, untold = (shape(mechanism.network.weights, torch.cat([z, x, time], 1)) for x in (pa, 0 * pa))
    expected = float(s.schedule.scale[1]) * z + float(s.schedule.shift[1]) * (1.5 * told - 0.5 * untold)
    torch.testing.assert_close(s.decode(z, pa), expected)
    assert (told - untold).abs().max() > 1e-3
    plain = ParentsDCM(entry, epochs=2, steps=1).mechanism().fit(task)
    assert not torch.equal(plain.decode(z, pa), mechanism.decode(z, pa))


def test_divergence_is_told_when_asked_and_touches_no_mate():
    tasks = [Task(normal(100, 1), normal(100, 2, seed=1), 0), Task(normal(100, 1), normal(100, 2, seed=1), 1)]
    tasks[1].x[0] = float("nan")
    for entry in ("film", "residual"):
        good, bad = ParentsDCM(entry, epochs=2, steps=5).mechanism().fit_stack(tasks)
        assert good.decode(normal(5, 1), normal(5, 2)).isfinite().all()
        with pytest.raises(Diverged, match=r"step 0 .*nan"):
            bad.decode(normal(5, 1), normal(5, 2))


def test_weights_of_another_entry_are_refused():
    task = Task(normal(50, 1), normal(50, 2, seed=1), 0)
    saved = {e: ParentsDCM(e, epochs=1).mechanism().fit(task).saved() for e in ENTRIES}
    for entry, message in (("gating", "shapes of entry='film'"), ("residual", "not so with entry='film'")):
        with pytest.raises(FieldError, match=message):
            ParentsDCM("film", epochs=1).mechanism().restore(saved[entry])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"entry": "film-like"}, "entry='film-like': choose one of"),
        ({"width": "wide"}, "width='wide'"),
        ({"width": ()}, "one hidden layer or more"),
        ({"width": 64}, "width=64: expected the widths"),
        ({"width": (2.5,)}, "one hidden layer or more"),
        ({"epochs": 0}, "epochs=0: expected a whole number above 0"),
        ({"steps": 2.5}, r"steps=2.5: expected a whole number above 0"),
        ({"lr": float("nan")}, "lr=nan: expected a number above 0"),
        ({"guidance": "much"}, "guidance='much': expected a number"),
        ({"guidance": -1.0}, "guidance=-1.0: expected a number"),
    ],
)
def test_unknown_choices_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        ParentsDCM(**options)
