# %% [markdown]
# # Add a method
#
# A method becomes a row of the table in three steps: a class, a check, a run. Here in one notebook; the same class in
# a file of its own, outside this repository, works with every command ([Add a baseline](../add-a-baseline.md)).
#
# ## The class
#
# A method that learns a mechanism for every node writes just that mechanism, \(x = f(\mathrm{pa}, u)\) both ways:
# `encode` infers the noise of a row, `decode` gives the value back. The walk through the graph, `do`, roots, discrete
# nodes and what an intervention does not reach belong to the base class. This one takes the mean of the nearest rows,
# and additive noise around it.

# %%
import matplotlib.pyplot as plt
import torch
from scmbench import benchmarks
from scmbench.models import Mechanism, NodewiseModel, conformance
from sklearn.neighbors import KNeighborsRegressor


class Neighbours(Mechanism):
    """x = f(pa) + u, f the mean of the k nearest rows."""

    dtype = torch.float64

    def __init__(self, k):
        self.k = k

    def fit(self, task):
        self.regression = KNeighborsRegressor(self.k).fit(task.parents.numpy(), task.x.numpy())
        self.residuals = self.encode(task.x, task.parents)
        return self

    def encode(self, x, parents):
        return x - torch.as_tensor(self.regression.predict(parents.numpy()))

    def decode(self, u, parents):
        return torch.as_tensor(self.regression.predict(parents.numpy())) + u

    def noise(self, n, generator):
        return self.residuals[torch.randint(len(self.residuals), (n,))]  # a mistake, as the check will say


class NeighboursModel(NodewiseModel):
    """Additive noise around nearest neighbours."""

    def __init__(self, k: int = 10):
        self.k = k

    def mechanism(self):
        return Neighbours(self.k)


# %% [markdown]
# ## The check
#
# The conformance kit fits the model to small worlds and checks what must hold whatever was learned. It says which
# properties are broken, where, by how much, and why they matter:

# %%
failed = [result for result in conformance.check(NeighboursModel) if result.status == "failed"]
print("broken:", *(result.property for result in failed), sep="\n  ")
print("the last one:", failed[-1].message, failed[-1].reason, sep="\n  ")

# %% [markdown]
# All randomness has to come from the generator that is handed in. One argument:


# %%
def noise(self, n, generator):
    return self.residuals[torch.randint(len(self.residuals), (n,), generator=generator)]


Neighbours.noise = noise
sorted({result.status for result in conformance.require(NeighboursModel)})

# %% [markdown]
# ## The row
#
# Beside a published method on a world of its paper, between floor and ceiling. A class that lives in a notebook takes
# `engine="inline"`; one in a file is run by a pool of processes, apart from the truth.

# %%
mine = benchmarks.Entry("__main__:NeighboursModel", "neighbours", options={"k": 20})
asked = {"scms": ["triangle/nlin"], "only": ["anm", "oracle", "marginal"], "add_models": [mine], "seeds": 2}
results = benchmarks.run("paper", **asked, store="runs", engine="inline")
cells = results.cells().assign(question=lambda x: x["query"] + " " + x["metric"])
table = cells.pivot_table(index="question", columns="model", values="median")
table.rename_axis(index=None, columns=None).map("{:.2g}".format)

# %% alt="Counterfactual errors of every seed: the new method between its floor and its ceiling."
errors = results.scores().query("query == 'counterfactual' and metric == 'mse_all'")
figure, axis = plt.subplots(figsize=(5.5, 2.6), layout="constrained")
for model, part in errors.groupby("model"):
    axis.plot(part["score"], [model] * len(part), "o")
axis.set_xscale("symlog", linthresh=0.01)  # the oracle's error is 0
axis.set_xlabel("counterfactual mean squared error, a point a seed")
plt.show()

# %% [markdown]
# ## From here
#
# * `scmbench new-model my-method` writes the file, its test and its package; `scmbench run paper --add-model
#   my_method:MyMethod` puts it in any suite.
# * Options, waivers, saved models, methods that learn all nodes together, and what your code gets to see: [Add a
#   baseline](../add-a-baseline.md).
# * Beside all committed results: `scmbench rank paper --from committed --add-model my_method:MyMethod`.
# * Shown to others: [Submit a result](../community.md).
