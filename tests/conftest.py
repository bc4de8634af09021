"""What holds for every test: PyTorch works on one thread, as in a run of a suite.

The last digit of a sum depends on the number of threads, so that no test may change it for those after it.
"""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)
