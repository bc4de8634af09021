"""Every command under arguments that are plausible, misplaced or hostile: it ends well, or in one line that says why.

The options are taken from the commands themselves, so that a new command or option is fuzzed without a line here.
"""

from __future__ import annotations

import click
import pytest
from examples import examples, hostile
from fuzzing import try_on
from hypothesis import given
from hypothesis import strategies as st
from scmbench.benchmarks.cli import app


def mix(good: list[str], bad: list[str]) -> st.SearchStrategy[str]:
    """Mostly what may stand there."""
    return st.integers(0, 4).flatmap(lambda i: st.sampled_from(good if i else bad))


PATHS = st.sampled_from(
    [
        *(
            "own.csv",
            "own.parquet",
            "rows.csv",
            "do.csv",
            "graph.txt",
            "toy.toml",
            "toy_numbers.toml",
            "toy_numbers.csv",
        ),
        *(
            "fitted",
            "fitted/model",
            "results/runs",
            "committed/toy",
            "committed",
            "binary",
            "latin.csv",
            "empty",
            "none",
        ),
        *(
            "dangling",
            "circle",
            "own.csv/below",
            "ohne/umlaut.txt",
            "new/folder",
            ".",
            "..",
            "",
            "/dev/null",
            "/dev/full",
        ),
        *("/proc/nothing", "x" * 300, "y/" * 3000, "[red]x", "a\nb.csv", "~", "$HOME"),
    ]
)
ODD = [
    *("-1", "2.5", "1e-9", "1e400", "nan", "inf", "-inf", "1_0", "²", "٣", "0x10", "9" * 30, "1,5", "", " 1", "0", "7"),
    *("1e9999999999", "9" * 5000),
]
WHOLE, REAL = mix(["1", "3", "20"], ODD), mix(["0.2", "0.5"], ODD)
SEEDS = mix(["2", "0,1", "0-1"], ["3-1", "-1", "1-", "0-0,0", "²", "9" * 30, "0-99999999999", ",", "1;2", "0", "1_0"])
MODELS = mix(
    ["marginal,label=other", "linear,ridge=0.1,label=other", "identity", "linear,label=b:c", "linear,label=[red]"],
    [
        *("linear", "oracle", "posterior", "anm", "liner", "", ":", "a:", ":b", "os:system", "os", "a b:C", "..x:Y"),
        *("scmbench.models:linear", "scmbench.models.linear:LinearGaussian", "json:JSONDecoder", "linear,ridge=nan"),
        *("linear,ridge", "linear,ridge=[1", "linear,=1", "linear,label=", "linear,variant=reference", "dcm,steps=x"),
        *("linear,label=é,ridge=1e999", "linear,label=a,label=b", "linear,label=\u202ea", "x.:Y"),
    ],
)
OPTIONS = mix(
    ["ridge=0.1", "ridge=1", "ridge=0"],
    [
        *("ridge=-1", "ridge=nan", "ridge=", "=1", "ridge", "ridge=[1,[2]]", "width=3", "variant=reference", "seed=1"),
        *("variant=corrected", "ridge=true", "ridge=none", "self=1", "ridge=1e400", "ridge=0.1,", "variant=x"),
    ],
)
DO = mix(
    ["x1=1", "x2=0.5", "x1*=2", "x2+=1", "x3=0"],
    [
        *("x1/=0", "x1=nan", "x1=inf", "x1=1e300", "x1==1", "x1", "=1", "x9=1", "x1=[1]", "x1=true", "x1 = 1", "X1=1"),
        *("x1=" + "9" * 400, "x1*=1e308", "x1=", "x1=0x1", "x1=1_0", "x1=é", "x1=1,x2=2"),
    ],
)
NODES = mix(["x1", "x2", "x3"], ["x9", "", "x1,x2", "[x1]", "note"])
SUITES = mix(["toy.toml"], ["smoke", "pape", "", "own.csv", "none.toml", "./toy.toml", "binary", "committed/toy"])
TEXTS = mix(["a sentence that says why", "toy=results/runs"], ["", "why", "\n", "x=y", "=", "a=none", "committed"])

BY_NAME = {
    **dict.fromkeys(["name", "added", "model", "model_formerly"], MODELS),
    **dict.fromkeys(["only", "models_formerly"], mix(["linear", "floor", "linear,floor"], [",", "x", "[b]", ""])),
    **dict.fromkeys(["options", "assignments"], OPTIONS),
    **dict.fromkeys(["effects"], NODES),
    **dict.fromkeys(["against", "source", "sources", "home"], st.just("committed/toy") | st.just("committed") | PATHS),
    **dict.fromkeys(["folder", "place"], st.just("results/runs") | PATHS),
    "counterfactual": mix(["rows.csv"], ["own.csv", "do.csv", "none", "binary", "empty", "latin.csv", "own.parquet"]),
    "do_file": mix(["do.csv"], ["own.csv", "rows.csv", "none", "binary", "empty", "latin.csv", "graph.txt", ""]),
    "out": st.sampled_from(["fitted", "new/folder", "elsewhere"]) | PATHS,
    **dict.fromkeys(["also", "reason"], TEXTS),
    "versus": DO,
    "scheduler": mix(["tcp://127.0.0.1:1"], ["nowhere", "tcp://:x", "", "tcp://[x", "tcp://h:99999", "x://y:1", "#"]),
    "suite": SUITES,
    "verdicts": SUITES,
    "worlds": mix(
        ["check/sine", "cnf/fork/lin", "worlds.py"],
        [
            "none.py",
            "toy.toml",
            "own.csv.py",
            ".py",
            ":",
            "a:",
            "a.b:C",
            "..x",
            "os:system",
            "json",
            "worlds.py:x",
            "[x]",
        ],
    ),
    "scms": mix(["sine", "check/sine"], ["chain", ",", "x,y", "*", "check/", ""]),
    "protocol": mix(
        ["paper", "standard"],
        [
            "cnf",
            "image",
            "pap",
            "",
            "standard+x",
            "paper+",
            "+",
            "standard+my_metrics:gap",
            "os:system",
            "a:",
            "..x:Y",
            "[b]",
        ],
    ),
    "shard": mix(["1/2", "2/2", "1/1"], ["0/2", "3/2", "2", "/", "1/", "²/3", "1/9999999", "-1/2", "a/b", "1/2/3", ""]),
    "condition": mix(
        ["n >= 1", "name == 'check/sine'"],
        [
            "n >",
            "()",
            "__import__('os')",
            "x" * 300,
            "n == 'a'",
            "1 < 2 < 3",
            "[",
            "",
            "not",
            "'a' * 10**9",
            "-" * 5000,
        ],
    ),
    "device": mix(["cpu"], ["cuda", "tpu", "", "cuda:99", "meta", "[x]"]),
}
OF_COMMAND = {
    ("fit", "assignments"): DO,
    ("ask", "assignments"): DO,
    ("new-model", "name"): mix(["my-method"], ["my_method", "My", "", "-", "os", "class", "a" * 300, "é", "a/b"]),
    ("fit", "graph_file"): mix(["graph.txt"], ["own.csv", "none", "binary", "empty", "fitted", "circle"]),
    ("fit", "data"): mix(["own.csv"], ["own.parquet", "latin.csv", "none", "binary", "empty", "fitted"]),
    ("fit", "name"): mix(["linear"], ["marginal", "oracle", "liner", "os:system", "", "json:JSONDecoder", "..a:B"]),
    ("ask", "folder"): mix(["fitted/model"], ["fitted", "none", "own.csv", "", "committed/toy"]),
}
OF_COMMAND["published check", "names"] = mix(
    ["dcm_figures", "toy_numbers"], ["x", "", "toy_numbers.toml", "binary", ".."]
)
OF_COMMAND["published check", "more"] = SUITES
for words in ("community check", "community table"):
    OF_COMMAND[words, "folder"] = st.just("sent/mine") | st.just("sent") | PATHS
OF_COMMAND["new-scm", "name"] = OF_COMMAND["new-model", "name"]


def commands() -> dict[str, click.Command]:
    """Every command by the words that call it."""
    group = click.Context(app.cli)
    found: dict[str, click.Command] = {}
    for name in app.cli.list_commands(group):
        command = app.cli.get_command(group, name)
        if isinstance(command, click.Group):
            found |= {f"{name} {sub}": each for sub, each in command.commands.items()}
        else:
            found[name] = command
    return found


COMMANDS = commands()


def value(command: str, param: click.Parameter) -> st.SearchStrategy[str]:
    """Words for one parameter: what it may be, now and then what it may not."""
    if isinstance(param.type, click.Choice):
        fitting = st.sampled_from([*map(str, param.type.choices), "none of these"])
    elif (command, param.name) in OF_COMMAND:
        fitting = OF_COMMAND[command, param.name]
    elif param.name in BY_NAME:
        fitting = BY_NAME[param.name]
    elif param.type.name == "seeds":
        fitting = SEEDS
    elif isinstance(param.type, click.Path):
        fitting = PATHS
    elif isinstance(param.type, click.types.IntParamType):
        fitting = WHOLE
    elif isinstance(param.type, click.types.FloatParamType):
        fitting = REAL
    else:
        raise AssertionError(f"{command}: what may {param.name!r} be? say so in BY_NAME")
    return st.integers(0, 24).flatmap(lambda i: fitting if i else hostile | PATHS | WHOLE)


def wanted(param: click.Parameter) -> st.SearchStrategy[int]:
    """How often a parameter is given."""
    usual = [1] * 40 + [0] if param.required or isinstance(param, click.Argument) else [0, 0, 0, 0, 1]
    return st.sampled_from([*usual, 2] if getattr(param, "multiple", False) or param.nargs < 0 else usual)


@st.composite
def lines(draw: st.DrawFn, command: str) -> list[str]:
    """A command line for this command."""
    words: list[str] = []
    for param in COMMANDS[command].params:
        for _ in range(draw(wanted(param))):
            option = [param.opts[-1]] if isinstance(param, click.Option) else []
            flag = isinstance(param, click.Option) and param.is_flag
            words += [*option, *([] if flag else [draw(value(command, param))])]
    if draw(st.integers(0, 19)) == 0:
        words.insert(draw(st.integers(0, len(words))), draw(hostile))
    return [*command.split(), *words]


@pytest.mark.parametrize("command", sorted(COMMANDS))
@examples(12)
@given(data=st.data())
def test_no_argument_ends_in_a_traceback(world, command, data):
    try_on(world, data.draw(lines(command)))


@examples(15)
@given(words=st.lists(hostile | st.sampled_from(["--help", "--version", "-h", "--", "committed", "data"]), max_size=3))
def test_no_first_word_does_either(world, words):
    try_on(world, words)
