"""The command line."""

from __future__ import annotations

import pytest

from tinygrad_lesson.__main__ import inventory, main
from tinygrad_lesson.op import REGISTRY


def test_inventory_lists_every_op_and_counts_those_with_a_derivative(capsys) -> None:
    main(["inventory"])
    printed = capsys.readouterr().out
    assert printed == inventory() + "\n"
    words = set(printed.replace(",", " ").split())
    assert REGISTRY.keys() <= words
    assert f"{len(REGISTRY)} ops" in printed
    assert {"Linear", "CrossEntropyLoss", "Adam"} <= words


def test_without_a_command_it_says_how_to_use_it(capsys) -> None:
    with pytest.raises(SystemExit):
        main([])
    assert "inventory" in capsys.readouterr().err
