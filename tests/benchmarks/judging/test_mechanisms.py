"""Laws, exceptions and the split of errors, on made-up mechanisms whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scmbench.benchmarks.judging.mechanisms import counterexamples, explained, law, mechanisms, passes, split

STREAM = np.random.default_rng(0)


def long(lines):
    """Scores in long form, as records have them."""
    return pd.DataFrame(
        [
            {**{k: line[k] for k in ("dataset", "node", "model", "variant", "seed")}, "metric": metric, "score": x}
            for line in lines
            for metric, x in line["scores"].items()
        ]
    )


def line(dataset="w", node="x2", model="m", variant="", seed=0, **scores):
    return {"dataset": dataset, "node": node, "model": model, "variant": variant, "seed": seed, "scores": scores}


RIGHT = {"hsic": 1e-3, "hsic_p": 0.5, "reconstruction": 1e-3, "monotone_share": 1.0}


def test_a_line_a_mechanism_and_what_is_not_shown_is_nan():
    found = mechanisms(long([line(**RIGHT, rmse=0.1), line(model="identity", rmse=1.0), line(seed=1, hsic=0.1)]))
    assert found[["model", "seed", "rmse"]].to_numpy().tolist() == [["identity", 0, 1.0], ["m", 0, 0.1]]
    assert math.isnan(found["hsic"][0])
    with pytest.raises(ValueError, match=r"rows lack the column\(s\) \['node'\]"):
        mechanisms(long([line(rmse=1.0)]).drop(columns="node"))


@pytest.mark.parametrize(
    "fault", [{"hsic_p": 0.01}, {"reconstruction": 0.2}, {"monotone_share": 0.9}, {"hsic_p": None}]
)
def test_one_fault_is_enough_not_to_pass(fault):
    told = mechanisms(long([line(**RIGHT, rmse=0.1), line(seed=1, **{**RIGHT, **fault}, rmse=0.1)]))
    assert passes(told).tolist() == [True, False]


def test_a_counterexample_passes_and_is_wrong():
    lines = [line(seed=s, **RIGHT, rmse=x) for s, x in enumerate((1.2, 1.4, 0.1))]
    lines += [line(model="honest", **{**RIGHT, "hsic_p": 0.001}, rmse=2.0)]
    (found,) = counterexamples(mechanisms(long(lines))).to_dict("records")
    assert (found["model"], found["seeds"], found["error"]) == ("m", 2, pytest.approx(1.3))


def made(noise, exact=False):
    """Errors that are HSIC to the power ½ times reconstruction to the power ¼, on eight worlds."""
    lines = []
    for k in range(8):
        for seed in range(6):
            h, r = 10 ** STREAM.uniform(-4, -1), 1e-17 if exact else 10 ** STREAM.uniform(-5, -1)
            error = h**0.5 * max(r, 1e-6) ** 0.25 * math.exp(noise * STREAM.normal())
            lines.append(line(dataset=f"w{k}", seed=seed, **{**RIGHT, "hsic": h, "reconstruction": r}, rmse=error))
    return mechanisms(long(lines))


def test_the_law_finds_the_powers_that_were_put_in():
    exact = law(made(noise=0.0))
    assert exact["slope"].tolist() == pytest.approx([0.5, 0.25])
    noisy = law(made(noise=0.3))
    assert (noisy["low"] < [0.5, 0.25]).all()
    assert (noisy["high"] > [0.5, 0.25]).all()
    assert (noisy["low"] > 0).all()
    assert noisy[["n", "worlds"]].to_numpy().tolist() == [[48, 8], [48, 8]]


def test_one_world_has_slopes_without_intervals():
    lines = made(noise=0.1)
    found = law(lines[lines["dataset"] == "w0"])
    assert found["slope"].notna().all()
    assert found[["low", "high"]].isna().all(axis=None)


def test_a_term_that_does_not_vary_has_no_slope():
    found = law(made(noise=0.0, exact=True))
    assert found.loc["hsic", "slope"] == pytest.approx(0.5)
    assert math.isnan(found.loc["reconstruction", "slope"])
    assert law(mechanisms(long([line(**RIGHT, rmse=0.1)])))["slope"].isna().all()


def test_errors_fall_into_three_parts_that_add_up():
    lines = [
        line(model=name, node=node, seed=seed, rmse=x)
        for name, x in (("posterior", 0.3), ("monotone", 0.5), ("oracle", 0.0), ("dcm", 0.6))
        for node in ("x2", "x3")
        for seed in (0, 1)
    ]
    lines += [line(dataset="no ceiling", model="dcm", rmse=1.0)]
    table = split(mechanisms(long(lines))).set_index("model")
    assert table["dataset"].to_dict() == {"dcm": "w"}
    dcm = table.loc["dcm"]
    assert dcm[["unavoidable", "price", "estimation"]].tolist() == pytest.approx([0.09, 0.16, 0.11])
    assert dcm["total"] == pytest.approx(dcm[["unavoidable", "price", "estimation"]].sum())
    assert dcm["share"] == pytest.approx(0.25)


def test_what_both_terms_explain_is_all_where_the_error_follows_them_and_nothing_where_it_does_not():
    hsic = [10.0**-k for k in range(1, 7)]
    told = {"dataset": "w", "reconstruction": 1e-9}
    follows = pd.DataFrame([{**told, "hsic": h, "rmse": 3 * h**0.5} for h in hsic])
    assert explained(follows) == pytest.approx(1)
    errors = [0.1, 0.4, 0.1, 0.1, 0.4, 0.1]  # as high on both sides
    apart = pd.DataFrame([{**told, "hsic": h, "rmse": x} for h, x in zip(hsic, errors, strict=True)])
    assert explained(apart) == pytest.approx(0, abs=1e-12)
    assert math.isnan(explained(follows.head(2)))
    assert math.isnan(explained(follows.assign(rmse=0.5)))
