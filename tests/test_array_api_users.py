"""Libraries that are written against the array API run on tensors, and gradients flow through."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

SCIPY = """
import numpy as np
import scipy.special, scipy.stats
import tinygrad_lesson as tl

x = tl.Tensor(np.random.default_rng(0).uniform(0.2, 2, (5, 2)), requires_grad=True)
for function in (
    scipy.special.logsumexp,
    scipy.special.softmax,
    scipy.stats.skew,
    scipy.stats.kurtosis,
    scipy.stats.zscore,
    scipy.stats.gmean,
):
    found = function(x)
    assert isinstance(found, tl.Tensor) and found.requires_grad, function
    np.testing.assert_allclose(found.numpy(), function(x.numpy()), rtol=1e-9)
    tl.gradcheck(function, x)
print("done")
"""

SKLEARN = """
import numpy as np
import sklearn
from sklearn.decomposition import PCA
from sklearn.metrics import accuracy_score, mean_squared_error
from sklearn.preprocessing import MinMaxScaler, StandardScaler
import tinygrad_lesson as tl

array = np.random.default_rng(0).uniform(0.2, 2, (6, 3))
labels = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0])
with sklearn.config_context(array_api_dispatch=True):
    x = tl.Tensor(array)
    scaled = [Scaler().fit_transform(x) for Scaler in (StandardScaler, MinMaxScaler)]
    turned = PCA(2, svd_solver="full").fit_transform(x)
    accuracy = accuracy_score(*map(tl.Tensor, labels))
    error = mean_squared_error(x[:, 0], x[:, 1])
assert all(isinstance(result, tl.Tensor) for result in [*scaled, turned])
for result, Scaler in zip(scaled, (StandardScaler, MinMaxScaler)):
    np.testing.assert_allclose(result.numpy(), Scaler().fit_transform(array))
expected = PCA(2, svd_solver="full").fit_transform(array)
np.testing.assert_allclose(np.abs(turned.numpy()), np.abs(expected))
assert accuracy == accuracy_score(*labels) and np.isclose(
    error, mean_squared_error(array[:, 0], array[:, 1])
)
print("done")
"""


@pytest.mark.parametrize(
    ("library", "version", "program"), [("scipy", "1.16", SCIPY), ("sklearn", "1.9", SKLEARN)]
)
def test_a_library_runs_on_tensors(library: str, version: str, program: str) -> None:
    pytest.importorskip(library, version)
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}  # which SciPy reads when it is imported
    root = Path(__file__).parent.parent
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=environment, cwd=root, capture_output=True, text=True,
    )  # fmt: skip
    assert run.stdout.strip() == "done", run.stderr
