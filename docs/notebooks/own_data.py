# %% [markdown]
# # Your own data
#
# A data frame and a graph that you believe: fit a causal model, see whether it describes rows that it has not seen,
# and ask what would happen. Here the data are made on the spot, so that every answer can be held against the truth;
# with yours, replace the first cell.
#
# ## Rows and a graph

# %%
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pandas as pd
from scmbench import metrics
from scmbench.datasets.values import flatten, from_frame
from scmbench.models.keeping.frames import FrameModel


def patients(n, *, treat=None, seed):
    """Severity drives both who is treated and how fast one recovers; treatment helps severe cases more."""
    stream = np.random.default_rng(seed)
    severity = stream.gamma(2.0, 1.0, n)
    drawn = severity + stream.normal(0, 2, n) > 2
    treated = drawn if treat is None else np.full(n, treat)
    days = 4 + 3 * severity - 1.5 * treated * severity + stream.normal(0, 1, n)
    return pd.DataFrame({"severity": severity, "treated": treated, "days": days})


frame = patients(2000, seed=0)
graph = nx.DiGraph([("severity", "treated"), ("severity", "days"), ("treated", "days")])
frame.head()

# %% [markdown]
# Edges go from cause to effect. Compared as they are, the treated recover hardly sooner, because they are the severe
# cases:

# %%
frame.groupby("treated")["days"].mean().round(2)

# %% [markdown]
# ## Fit, and doubt
#
# Nothing in the data can tell whether the graph is right. What can be told is how far the model's samples are from
# rows that it has not seen, beside rows of the same data (as near as one can be). Two models, one of straight lines
# and one of trees:

# %%
train, test = frame.head(1500), frame.tail(500)
models = {name: FrameModel(name).fit(graph, train, seed=0) for name in ("linear", "anm")}


def matrix(table):
    return flatten(from_frame(table, graph), sorted(graph))


samples = {name: model.sample(2000, seed=1) for name, model in models.items()}
apart = {name: metrics.energy_distance(matrix(test), matrix(drawn)) for name, drawn in samples.items()}
apart["the training rows"] = metrics.energy_distance(matrix(test), matrix(train))
pd.Series(apart, name="energy distance to held-out rows").astype(float).round(4)

# %% [markdown]
# ## What if everybody were treated
#
# `do` is a number for all rows, a value for each, or a function of a node's own value. An effect is a difference of
# two such worlds; its interval is that of the rows, the fitted model taken as it is.

# %%
effects = {
    name: model.effect("days", do={"treated": True}, versus={"treated": False}, n=5000, seed=2)
    for name, model in models.items()
}
told = pd.DataFrame(effects.values(), index=list(effects))[["difference", "low", "high"]]
true = patients(100_000, treat=True, seed=9)["days"].mean() - patients(100_000, treat=False, seed=9)["days"].mean()
told.loc["truth"] = true
told.round(2)

# %% [markdown]
# The truth is outside of both intervals: they hold what the rows leave open, and not how wrong a model is. Where the
# error comes from, the next picture shows.
#
# ## What would have been, for these rows
#
# A counterfactual keeps a row's own noise. For those who were treated: by how many days did it help each of them? A
# straight line gives everybody the same answer. Trees follow the truth as far as there are untreated rows to learn
# from; among the severest there are hardly any, and there the answer is made up, as every method's would be.

# %% alt="Days saved against severity: the line is level, trees follow the truth until severity 4.5 and fall off it."
treated = test[test["treated"]]
figure, axis = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
for name, model in models.items():
    without = model.counterfactual(treated, do={"treated": False})
    axis.scatter(treated["severity"], without["days"] - treated["days"], s=8, label=name)
span = np.array([0, treated["severity"].max()])
axis.plot(span, 1.5 * span, color="black", linewidth=0.8, label="truth")
axis.set(xlabel="severity", ylabel="days saved")
axis.legend()
plt.show()

# %% [markdown]
# ## Keep it
#
# A fitted model is saved as data, never pickled, and can be asked again from Python or from a terminal (`scmbench ask
# saved --do treated=1`).

# %%
models["anm"].save("saved")
again = FrameModel.load("saved")
again.sample(3, do={"treated": False}, seed=3).round(2)

# %% [markdown]
# ## From here
#
# * Labels, counts, missing values, graph files, and the command line: [Use a model on your own data](../own-data.md).
# * Which of the methods to take: [Choose a method](../choosing.md).
# * A method that is not there: [Add a method](add-a-method.md).
