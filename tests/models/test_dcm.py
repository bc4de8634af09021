"""DCM: schedule and sampler against independent implementations, exact abduction, guidance, and learning."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import networkx as nx
import pytest
import torch
from diffusers import DDIMInverseScheduler, DDIMScheduler
from scmbench.datasets.seeds import generator
from scmbench.models import conformance
from scmbench.models.contract.columns import Scaler
from scmbench.models.contract.nodewise import Task
from scmbench.models.dcm import DCM, Diffusion, belm
from scmbench.models.dcm.denoising import Denoising
from scmbench.models.dcm.mechanism import INVERSIONS
from scmbench.models.dcm.sampler import Sampler
from scmbench.models.dcm.schedule import Schedule, time_features
from scmbench.models.training import Architecture, Network, draw_network
from scmbench.models.training.regressed import Diverged

DIFFUSERS = {
    "num_train_timesteps": 100,
    "beta_start": 1e-4,
    "beta_end": 0.1,
    "beta_schedule": "linear",
    "clip_sample": False,
    "set_alpha_to_one": True,
}


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=generator(seed, "test"))


def sampler(p: int = 3, d: int = 1, time: str = "scalar", guidance: float = 0.0, sharpen: float = 3.0) -> Sampler:
    """A sampler around a random network, its weights enlarged so that it is far from linear."""
    features = time_features(100, time)
    architecture = Architecture((64, 128), branch=(16, 128, 64) if time == "positional" else ())
    network = draw_network(architecture, d + p + features.shape[1], d, generator(1, "weights"))
    trunk = replace(network.trunk, weights=tuple(sharpen * weight for weight in network.trunk.weights))
    return Sampler(replace(network, trunk=trunk), Schedule(100), features, guidance)


def ask(s: Sampler, z: torch.Tensor, parents: torch.Tensor, row: int) -> torch.Tensor:
    """The network called the plain way, on concatenated columns."""
    return s.network(torch.cat([z, parents, s.features[row].expand(len(z), -1)], dim=1))


def test_schedule_has_the_papers_values():
    alpha_bar = Schedule(100).alpha_bar
    expected = {0: 1.0, 1: 0.999900, 10: 0.954508, 50: 0.282981, 100: 0.005619}
    for t, value in expected.items():
        assert float(alpha_bar[t]) == pytest.approx(value, abs=5e-7)


@pytest.mark.parametrize("p", [1, 9])
@pytest.mark.parametrize(("time", "constant"), [("scalar", 8641), ("positional", 23105)])
def test_parameter_counts(p, time, constant):
    assert sampler(p, time=time).network.size() == 64 * p + constant


def test_decoder_is_diffusers_ddim():
    s, u, pa = sampler(), normal(50, 1), normal(50, 3, seed=1)
    scheduler = DDIMScheduler(**DIFFUSERS)
    scheduler.set_timesteps(100)
    z = u
    for k in scheduler.timesteps:
        z = scheduler.step(ask(s, z, pa, int(k) + 1), k, z).prev_sample
    torch.testing.assert_close(s.decode(u, pa), z, rtol=1e-4, atol=1e-5)


def test_encoder_is_diffusers_inverse_ddim_asked_at_the_level_it_leaves():
    s, x, pa = sampler(), normal(50, 1), normal(50, 3, seed=1)
    scheduler = DDIMInverseScheduler(**DIFFUSERS)
    scheduler.set_timesteps(100)
    z = x
    for k in scheduler.timesteps:
        z = scheduler.step(ask(s, z, pa, int(k)), k, z).prev_sample
    torch.testing.assert_close(s.encode(x, pa), z, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("guidance", [0.0, 0.7])
@pytest.mark.parametrize("time", ["scalar", "positional"])
def test_exact_encoder_inverts_the_decoder(d, guidance, time):
    # Sharper networks amplify the rounding of u a hundredfold on its way to x.
    s, x, pa = sampler(d=d, time=time, guidance=guidance, sharpen=1.5), normal(200, d), normal(200, 3, seed=1)
    torch.testing.assert_close(s.decode(s.invert(x, pa), pa), x, rtol=0, atol=1e-5)
    u = s.invert(x, pa)
    torch.testing.assert_close(s.invert(s.decode(u, pa), pa), u, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", ["decode", "encode", "invert", "decode_pair", "encode_pair"])
@pytest.mark.parametrize("time", ["scalar", "positional"])
def test_a_walk_that_nobody_watches_is_the_same(kind, time):
    s = sampler(2, 1, time, sharpen=1.5)
    start, pa = normal(50, 2 if kind == "decode_pair" else 1), normal(50, 2, seed=1)
    watched, _ = s.walk(kind, start, pa)
    alone, there = s.with_tensors([tensor.clone() for tensor in s.tensors()]).walk(kind, start, pa, watched=False)
    assert there.shape == (50,)
    assert there.all()
    torch.testing.assert_close(alone, watched, rtol=0, atol=2e-5)


def test_a_walk_tells_when_it_did_not_settle(monkeypatch):
    monkeypatch.setattr("scmbench.models.dcm.sampler.SETTLING", 1)
    assert not sampler(2).walk("invert", normal(50, 1), normal(50, 3), watched=False)[1].any()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", ["decode", "encode", "invert", "decode_pair", "encode_pair"])
def test_a_gpu_walks_the_same_way(kind):
    # The second and the last walk replay graphs that were captured for other weights.
    for p, n, sharpen in ((2, 50, 1.5), (2, 60, 1.0), (2, 20_000, 1.5), (3, 50, 1.5), (2, 50, 1.5)):
        s = sampler(p, 1, sharpen=sharpen)
        there = replace(s, network=Network(s.network.trunk.to("cuda")), features=s.features.cuda())
        start, pa = normal(n, 2 if kind == "decode_pair" else 1), normal(n, p, seed=1)
        answer = getattr(there, kind)(start.cuda(), pa.cuda()).cpu()
        torch.testing.assert_close(answer, getattr(s, kind)(start, pa), rtol=0, atol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_rows_that_a_graph_did_not_settle_are_walked_again(monkeypatch):
    monkeypatch.setattr("scmbench.models.dcm.sampler.SETTLING", 1)
    monkeypatch.setattr("scmbench.models.dcm.walks._GRAPHS", OrderedDict())
    s = sampler(2)
    there = replace(s, network=Network(s.network.trunk.to("cuda")), features=s.features.cuda())
    x, pa = normal(50, 1), normal(50, 2, seed=1)
    torch.testing.assert_close(there.invert(x.cuda(), pa.cuda()).cpu(), s.invert(x, pa), rtol=0, atol=1e-4)


def test_ddim_encoder_inverts_the_decoder_roughly():
    s, x, pa = sampler(sharpen=2.0), normal(200, 1), normal(200, 3, seed=1)
    error = (s.decode(s.encode(x, pa), pa) - x).abs().max()
    assert 1e-5 < error < 0.2


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("guidance", [0.0, 0.7])
@pytest.mark.parametrize("steps", [1, 2, 100])
def test_two_step_rules_undo_each_other_in_both_directions(d, guidance, steps):
    s = replace(sampler(d=d, guidance=guidance, sharpen=1.5), schedule=Schedule(steps))
    x, pa = normal(200, d), normal(200, 3, seed=1)
    torch.testing.assert_close(s.decode_pair(s.encode_pair(x, pa), pa), x, rtol=0, atol=1e-5)
    pair = torch.cat([normal(200, d), 1e-3 * normal(200, d, seed=2)], 1)
    torch.testing.assert_close(s.decode_pair(s.encode_pair(s.decode_pair(pair, pa), pa), pa), s.decode_pair(pair, pa))
    if steps == 1:  # there is no third level: a DDIM step, and the pair has what it does not undo
        torch.testing.assert_close(s.decode_pair(torch.cat([x, 0 * x], 1), pa), s.decode(x, pa))


def perfect(schedule: Schedule, deviation: float):
    """The best prediction of the noise in N(0, deviation²) data, whose flow is x_t = x_0 sqrt(v_t) / deviation."""
    variance = schedule.alpha_bar * deviation**2 + 1 - schedule.alpha_bar
    return variance, lambda x, t: (1 - schedule.alpha_bar[t]).sqrt().to(x) / variance[t].to(x) * x


def test_two_step_rules_follow_the_flow_to_second_order():
    variance, eps = perfect(schedule := Schedule(200), 0.5)
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    exact = x * variance[-1].sqrt() / 0.5
    u, e = belm.to_noise(schedule, x, eps).chunk(2, 1)
    ddim = x
    for t in range(200):
        ddim = (ddim - schedule.shift[t + 1] * eps(ddim, t)) / schedule.scale[t + 1]
    assert (u - exact).abs().max() < 0.1 * (ddim - exact).abs().max()
    assert e.abs().max() < 1e-2
    torch.testing.assert_close(belm.from_noise(schedule, torch.cat([exact, 0 * exact], 1), eps), x, rtol=0, atol=2e-3)


def test_round_trips_get_closer_by_better_inversions():
    task = Task(normal(400, 1), normal(400, 2, seed=1), 0)
    task.x.add_(task.parents.prod(1, keepdim=True))
    mechanism = DCM(epochs=40, lr=2e-3).mechanism().fit(task)
    error = {}
    for inversion in INVERSIONS:
        asked = mechanism.at_query(inversion=inversion, wraps_time=False)
        error[inversion] = (asked.decode(asked.encode(task.x, task.parents), task.parents) - task.x).abs().max()
    assert max(error["implicit"], error["belm"]) < 1e-4 < 1e-3 < error["ddim"] < 0.3


def test_rows_do_not_influence_each_other():
    s, x, pa = sampler(), normal(1500, 1), normal(1500, 3, seed=1)
    order = torch.randperm(1500, generator=generator(0, "order"))
    torch.testing.assert_close(s.encode_pair(x[order], pa[order]), s.encode_pair(x, pa)[order], rtol=1e-4, atol=1e-5)
    for query in (s.decode, s.encode):
        torch.testing.assert_close(query(x[order], pa[order]), query(x, pa)[order], rtol=1e-4, atol=1e-5)


def test_guidance_mixes_predictions_with_and_without_parents():
    s, z, pa = sampler(guidance=0.5), normal(20, 1), normal(20, 3, seed=1)
    one_step = replace(s, schedule=Schedule(1), features=s.features[:2])
    scale, shift = float(one_step.schedule.scale[1]), float(one_step.schedule.shift[1])
    eps = 1.5 * ask(s, z, pa, 1) - 0.5 * ask(s, z, torch.zeros_like(pa), 1)
    torch.testing.assert_close(one_step.decode(z, pa), scale * z + shift * eps)


def test_guidance_zero_is_the_plain_sampler_and_drops_no_parents():
    x, pa = normal(40, 1), normal(40, 3, seed=1)
    assert torch.equal(sampler(guidance=0.0).decode(x, pa), sampler().decode(x, pa))
    plain, dropping = (Denoising(x, pa, Schedule(100), time_features(100, "scalar"), w, 0) for w in (0.0, 0.1))
    kept, noise = plain.epoch(generator(0, "batches"))
    dropped, same_noise = dropping.epoch(generator(0, "batches"))
    assert torch.equal(noise, same_noise)
    assert not (kept[:, 1:4] == 0).any()
    zero = (dropped[:, 1:4] == 0).all(1)
    assert 0 < zero.sum() < 20
    assert torch.equal(dropped[~zero], kept[~zero])


def test_denoising_mixes_value_and_noise_by_time():
    x, pa, schedule = normal(500, 2), normal(500, 1, seed=1), Schedule(100)
    inputs, eps = Denoising(x, pa, schedule, time_features(100, "scalar"), 0.0, 0).epoch(generator(3, "batches"))
    t = (inputs[:, -1] * 100).round().long()
    assert set(t.tolist()) <= set(range(1, 101))
    signal = (inputs[:, :2] - (1 - schedule.alpha_bar[t]).sqrt()[:, None] * eps) / schedule.alpha_bar[t].sqrt()[:, None]
    rows = torch.cat([signal.float(), inputs[:, 2:3]], 1)
    original = torch.cat([x, pa], 1)
    order, source = rows[:, 2].argsort(), original[:, 2].argsort()
    torch.testing.assert_close(rows[order], original[source], rtol=0, atol=1e-4)


def test_scaler_uses_population_moments_and_leaves_a_constant_column_alone():
    x = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    scaler = Scaler.of(x, correction=0)
    assert torch.equal(scaler(x), torch.tensor([[-1.0, 0.0], [1.0, 0.0]]))
    assert torch.equal(scaler.undo(scaler(x)), x)


def linear_gaussian(n: int = 2000) -> tuple[nx.DiGraph, dict[str, torch.Tensor], torch.Tensor]:
    u = normal(3, n, seed=7).double()
    x1 = u[0] + 2
    x2 = 0.8 * x1 + 0.6 * u[1]
    values = {"x1": x1, "x2": x2, "x3": x2 - x1 + 0.5 * u[2]}
    return nx.DiGraph([("x1", "x2"), ("x1", "x3"), ("x2", "x3")]), values, u


@pytest.fixture(scope="module")
def fitted() -> DCM:
    graph, values, _ = linear_gaussian()
    return DCM(epochs=60, lr=2e-3).fit(graph, values, seed=0)


def test_learns_a_linear_gaussian_model(fitted):
    _, values, u = linear_gaussian()
    x1 = values["x1"] + 1
    x2 = 0.8 * x1 + 0.6 * u[1]
    for variant in DCM.variants:
        answer = fitted.with_query_options(variant=variant).counterfactual(values, {"x1": x1}, seed=0)
        assert torch.equal(answer["x1"], x1)
        assert (answer["x2"] - x2).square().mean() < 0.05
        assert (answer["x3"] - (x2 - x1 + 0.5 * u[2])).square().mean() < 0.05
    sample = fitted.sample(4000, {"x1": 3.0}, seed=1)
    assert float(sample["x2"].mean()) == pytest.approx(2.4, abs=0.1)
    assert float(sample["x2"].std()) == pytest.approx(0.6, abs=0.1)


def test_variants_share_a_fit_and_differ_in_abduction(fitted):
    _, values, _ = linear_gaussian(100)
    reference, corrected = (fitted.with_query_options(variant=variant) for variant in ("reference", "corrected"))
    unchanged = corrected.counterfactual(values, {"x2": 1.0}, seed=0)
    assert torch.equal(unchanged["x1"], values["x1"])
    assert torch.equal(corrected.counterfactual(values, {}, seed=0)["x3"], values["x3"])
    again = reference.counterfactual(values, {}, seed=0)["x3"]
    assert 0 < float((again - values["x3"]).abs().max()) < 0.2
    exact = reference.with_query_options(encoder="exact").counterfactual(values, {}, seed=0)["x3"]
    assert float((exact - values["x3"]).abs().max()) < 1e-4
    implicit = reference.with_query_options(inversion="implicit").counterfactual(values, {}, seed=0)["x3"]
    assert torch.equal(exact, implicit)
    with pytest.raises(ValueError, match="epochs"):
        fitted.with_query_options(epochs=3)
    with pytest.raises(ValueError, match="correct"):
        fitted.with_query_options(variant="right")


def test_reference_asks_positional_time_zero_as_the_noisiest_level():
    task = Task(normal(100, 1), normal(100, 2, seed=1), 0)
    mechanism = DCM(time="positional", epochs=2).mechanism().fit(task)
    assert isinstance(mechanism, Diffusion)
    reference, clamped = (mechanism.at_query(inversion="ddim", wraps_time=wraps) for wraps in (True, False))
    x, pa = mechanism.scaler(task.x), mechanism.parent_scaler(task.parents)
    s = mechanism.sampler
    for asked, row in ((reference, 100), (clamped, 1)):
        z = (x - float(s.schedule.shift[1]) * ask(s, x, pa, row)) / float(s.schedule.scale[1])
        for t in range(1, 100):
            z = (z - float(s.schedule.shift[t + 1]) * ask(s, z, pa, t)) / float(s.schedule.scale[t + 1])
        torch.testing.assert_close(asked.encode(task.x, task.parents), z, rtol=1e-4, atol=1e-5)
    assert not torch.equal(*(asked.encode(task.x, task.parents) for asked in (reference, clamped)))


def test_two_step_rules_sample_and_answer_as_the_world_does(fitted):
    _, values, _ = linear_gaussian(1000)
    belm = fitted.with_query_options(inversion="belm")
    answer = belm.counterfactual(values, {"x1": values["x1"] + 1}, seed=0)
    assert (answer["x2"] - values["x2"] - 0.8).square().mean() < 0.05
    sample, plain = (model.sample(4000, {"x1": 3.0}, seed=1)["x2"] for model in (belm, fitted))
    assert float(sample.mean()) == pytest.approx(2.4, abs=0.1)
    assert float(sample.std()) == pytest.approx(0.6, abs=0.1)
    assert 0 < float((sample - plain).abs().max()) < 0.2  # the same noise by another sampler
    assert belm.abduct(values)["x2"].shape == (1000, 2)


def test_inversion_is_told_apart_in_records_only_where_it_is_asked_for():
    assert "inversion" not in DCM().identifying_options()
    assert DCM(inversion="belm").identifying_options()["inversion"] == "belm"
    assert list(DCM(device="cuda").identifying_options()) == list(DCM().identifying_options())
    assert "device" not in DCM().identifying_options()
    assert "empty do is identity" not in DCM(inversion="implicit").waives


def test_the_earlier_name_of_the_inversion_may_not_contradict_it():
    assert DCM(encoder="exact", inversion="implicit").options()["inversion"] == "implicit"
    with pytest.raises(ValueError, match=r"inversion='belm' and encoder='exact'"):
        DCM(encoder="exact", inversion="belm")


@pytest.mark.parametrize(
    ("variant", "inversion"), [("reference", "implicit"), ("reference", "belm"), ("corrected", "belm")]
)
def test_every_inversion_conforms(variant, inversion):
    conformance.require(DCM, {"variant": variant, "inversion": inversion, "steps": 10})


def test_vector_nodes():
    graph = nx.DiGraph([("a", "b")])
    a = normal(300, 2).double()
    values = {"a": a, "b": torch.stack([a.sum(1), a[:, 0] - a[:, 1], a[:, 0]], 1) + 0.1 * normal(300, 3, seed=1)}
    model = DCM("corrected", epochs=3).fit(graph, values, seed=0)
    assert model.sample(5, seed=0)["b"].shape == (5, 3)
    answer = model.counterfactual(values, {"a": a.clone()}, seed=0)
    torch.testing.assert_close(answer["b"], values["b"], rtol=0, atol=1e-4)


def test_divergence_is_told_when_asked():
    tasks = [Task(normal(100, 1), normal(100, 2, seed=1), 0), Task(normal(100, 1), normal(100, 2, seed=1), 1)]
    tasks[1].x[0] = float("nan")
    good, bad = DCM(epochs=2).mechanism().fit_stack(tasks)
    assert good.decode(normal(5, 1), normal(5, 2)).isfinite().all()
    with pytest.raises(Diverged, match=r"step 0 .*nan"):
        bad.decode(normal(5, 1), normal(5, 2))


@pytest.mark.parametrize(
    "options",
    [{"variant": "fixed"}, {"encoder": "ode"}, {"inversion": "heun"}, {"width": "wide"}, {"time": "sine"}],
    ids=lambda o: next(iter(o)),
)
def test_unknown_choice_is_named(options):
    with pytest.raises(ValueError, match=next(iter(options.values()))):
        DCM(**options)


def test_cost_counts_parameters_and_steps(fitted):
    assert fitted.cost() == {"parameters": 64 * 1 + 8641 + 64 * 2 + 8641, "gradient_steps": 60 * 32}
