# %% [markdown]
# # A first run
#
# One small world, three methods, the three kinds of causal question, and how to read the scores: in a minute on a
# laptop. It takes a clone with `pip install -e .`, and JupyterLab to run it yourself.
#
# ## A world
#
# A world is a structural causal model: it can be sampled, intervened on, and run again with the noise of a row. This
# one is the nonlinear chain \(x_1 \to x_2 \to x_3\) of the DCM paper.

# %%
import matplotlib.pyplot as plt
from scmbench import benchmarks, datasets
from scmbench.models import load

world = datasets.get("dcm/chain/nlin").scm()
rows = world.sample(2000, seed=0)
noise = world.noise(5, seed=1)
factual = world.run(noise)  # five rows that happened ...
truth = world.counterfactual(noise, {"x1": 1.0})  # ... and the same five, had x1 been 1
list(world.graph.edges), factual["x3"], truth["x3"]

# %% [markdown]
# ## A method
#
# A method learns from rows and the graph, and answers the same questions without the equations. The linear-Gaussian
# model is the quickest; how wrong a straight line is on a curved world shows best where counterfactuals are set
# against the truth.

# %% alt="True against predicted counterfactuals of x3 under do(x1 = 1): the linear model's points leave the diagonal."
model = load("linear")().fit(world.graph, rows, seed=0)
noise = world.noise(300, seed=2)
answer = model.counterfactual(world.run(noise), {"x1": 1.0}, seed=3)["x3"]
wanted = world.counterfactual(noise, {"x1": 1.0})["x3"]

figure, axis = plt.subplots(figsize=(4, 4), layout="constrained")
axis.scatter(wanted, answer, s=8)
axis.axline((float(wanted.mean()), float(wanted.mean())), slope=1, color="black", linewidth=0.8)
axis.set(xlabel="truth of $x_3$", ylabel="answer of the linear model", title="had $x_1$ been 1")
plt.show()

# %% [markdown]
# ## A suite
#
# A suite asks every method the same questions, at several seeds, and keeps each finished result. Here a part of the
# paper's own suite: one world, one published method (`anm`) between its floor (`marginal`, which ignores causes) and
# its ceiling (`oracle`, the world itself), with `linear` added. What is computed once is never computed again: run
# the cell twice.
#
# In a script or a long run leave `engine` out, and a pool of processes does the work.

# %%
results = benchmarks.run(
    "paper",
    scms=["chain/nlin"],
    only=["anm", "oracle", "marginal"],
    add_models=[benchmarks.Entry("linear", "linear")],
    seeds=3,
    store="runs",
    engine="inline",
)
cells = results.cells().assign(question=lambda x: x["query"] + " " + x["metric"])
table = cells.pivot_table(index="question", columns="model", values="median")
table.rename_axis(index=None, columns=None).map("{:.2g}".format)

# %% [markdown]
# A score is a distance from the truth, lower is better: MMD between samples for the first two rungs, squared error
# per row for counterfactuals. Read each between the columns `oracle` and `marginal`.
#
# ## What was published
#
# The committed run that comes with scmbench holds ten seeds of every method of the paper, so that nothing has to be
# trained to see what came out. A verdict is about the ratio of our median to the published one, and its 95 %
# interval.

# %%
committed = benchmarks.load("paper", source="committed", scms=["chain/nlin"])
verdicts = committed.verdicts().dropna(subset=["ours", "theirs"])
verdicts[["model", "query", "metric", "ours", "theirs", "verdict"]].round(4)

# %% [markdown]
# ## Who is ahead
#
# The mean rank over worlds, and the skill: 0 is the better trivial floor, 1 the ceiling. One world is no evidence for
# a choice; leave `scms` out for all of them, which is what the intervals are for.

# %%
ranks = committed.ranks(["counterfactual"])
ranks[["model", "variant", "rank", "skill"]].round(2)

# %% [markdown]
# ## From here
#
# * The same from a terminal: `scmbench run paper --scms chain/nlin --seeds 3 --only anm,oracle,marginal --add-model
#   linear`, which ends in the table with the published numbers.
# * What a verdict means: [Read a verdict](../verdicts.md); what a rank: [Read a ranking](../ranking.md).
# * A table of your own: [Your own data](own-data.md). A method of your own: [Add a method](add-a-method.md).
