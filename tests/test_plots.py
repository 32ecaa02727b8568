"""Plots of a history and of a model's health: what is drawn, in words and numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import viz
from tinygrad_lesson.errors import ArgumentError
from tinygrad_lesson.health import (
    ActivationHealth,
    Finding,
    HealthReport,
    LayerHealth,
    ParameterHealth,
)

ROOT = Path(__file__).parent.parent


def ill() -> HealthReport:
    nan = float("nan")
    return HealthReport(
        steps=7,
        activations=(
            ActivationHealth("0", "relu", 8, 320, 0.5, 0.0, 0.75, 0.5),
            ActivationHealth("2", "tanh", 8, 320, 0.0, 0.0, 0.1, 0.0),
        ),
        layers=(LayerHealth("0", 0.0), LayerHealth("2", 1e-4), LayerHealth("4", 0.1)),
        parameters=(
            ParameterHealth("0.weight", (8, 4), 0.1, 0.0, 0.0, 1.0, 1.0, 0),
            ParameterHealth("0.bias", (8,), 0.1, 0.1, 0.1, 1.0, 1.0, 0),
            ParameterHealth("2.weight", (8, 8), 0.1, None, None, 1.0, 1.0, 0),
            ParameterHealth("4.weight", (2, 8), 0.1, nan, 0.5, 1.0, 1.0, 3),
        ),
        findings=(Finding("dead", "layer 0", "half of the units are dead", "Try again."),),
    )


def saved(figure: Any, path: Path) -> None:
    figure.savefig(path / "figure.png")
    assert (path / "figure.png").stat().st_size > 5_000
    assert figure._repr_png_().startswith(b"\x89PNG")  # which a notebook asks for


def test_training_and_validation_share_a_panel(tmp_path: Path) -> None:
    records = [
        {"epoch": i, "lr": 0.1 / i, "loss": 1 / i, "val_loss": 2 / i, "accuracy": 0.5}
        for i in range(1, 6)
    ]
    figure = viz.history(records)
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy", "lr"]
    trained, validated = figure.axes[0].get_lines()
    assert list(validated.get_ydata()) == [2 / i for i in range(1, 6)]
    assert list(trained.get_xdata()) == [1, 2, 3, 4, 5]
    assert trained.get_linestyle() != validated.get_linestyle()
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == [
        "training", "validation",
    ]  # fmt: skip
    saved(figure, tmp_path)


def test_a_constant_rate_is_not_drawn() -> None:
    figure = viz.history([{"epoch": i, "lr": 0.1, "loss": 1 / i} for i in range(1, 4)])
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss"]


def test_names_that_look_alike() -> None:
    figure = viz.history([{"interval_width": 1.0, "val_width": 2.0}])
    assert [axes.get_ylabel() for axes in figure.axes] == ["interval_width", "val_width"]


def test_an_empty_history_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"\[viz\.history\] there are no epochs to draw"):
        viz.history([])


def test_health_in_four_panels(tmp_path: Path) -> None:
    figure = viz.health(ill())
    dead, flat, signals, moves = figure.axes
    assert [bar.get_width() for bar in dead.patches] == [0.5, 0.0]
    assert [text.get_text() for text in flat.texts] == ["75%", "10%"]
    assert dead.patches[0].get_facecolor() != dead.patches[1].get_facecolor()
    assert [text.get_text() for text in signals.texts] == ["0"]
    assert [label.get_text() for label in moves.get_yticklabels()] == [
        "0.weight", "2.weight", "4.weight",
    ]  # fmt: skip
    assert [text.get_text() for text in moves.texts] == ["0", "none"]
    assert figure.get_suptitle() == "7 steps: dead"
    assert signals.get_ylim()[0] > signals.get_ylim()[1]  # the input's end is at the top
    saved(figure, tmp_path)


def test_a_healthy_and_an_empty_report(tmp_path: Path) -> None:
    figure = viz.health(HealthReport(0, (), (), (), ()))
    assert figure.get_suptitle() == "0 steps: nothing is wrong"
    saved(figure, tmp_path)


def test_pictures_share_one_scale(tmp_path: Path) -> None:
    images = np.arange(24.0).reshape(4, 1, 2, 3) - 8
    figure = viz.pictures(images, ["a", "b"], columns=3, title="Four")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["a", "b"]
    assert {image.get_clim() for image in axes.images} == {(-8.0, 15.0)}
    places = [image.get_extent() for image in axes.images]
    assert places[1][0] > places[0][1]  # beside the first, and the fourth below it
    assert places[3][0] == places[0][0]
    assert places[3][3] < places[0][2]
    assert figure.get_suptitle() == "Four"
    signed = viz.pictures(images[:, 0], signed=True)
    assert {image.get_clim() for image in signed.axes[0].images} == {(-15.0, 15.0)}
    figure.savefig(tmp_path / "figure.png")


def test_no_pictures_and_what_is_none(tmp_path: Path) -> None:
    figure = viz.pictures(np.zeros((0, 8, 8)), title="None")
    assert len(figure.axes[0].images) == 0
    figure.savefig(tmp_path / "figure.png")
    with pytest.raises(ArgumentError, match=r"images of shape \(8, 8\) in 10 columns"):
        viz.pictures(np.zeros((8, 8)))
    with pytest.raises(ArgumentError, match="one column or more"):
        viz.pictures(np.zeros((1, 8, 8)), columns=0)


def test_without_matplotlib_the_command_is_named() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None; sys.modules['matplotlib.figure'] = None\n"
        "import viz\n"
        "try:\n    viz.history([{'loss': 1.0}])\n"
        "except ImportError as error:\n    print(error)"
    )
    said = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT)
    assert said == (
        '[viz] matplotlib is not installed. Install it: pip install "tinygrad_lesson[plot]".\n'
    )
