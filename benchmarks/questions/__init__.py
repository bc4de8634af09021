"""Questions: what a fitted model is asked, and how a protocol turns its answers into scores."""

PROTOCOLS = {
    "paper": "The evaluation of the DCM paper's published code, kept only to check its numbers.",
    "standard": (
        "Unbiased MMD with the bandwidth from the truth alone, energy distance, sliced Wasserstein, errors by depth."
    ),
}
"""Names of the protocols (protocols.py defines them), so that a suite can be read without loading the metrics."""
