"""Where the suite looks for a card that the client does not find."""

from __future__ import annotations

import pytest

from metaflow_orchestrator_kit.compliance.lab.actions import cards_above

TASK = "MokFlow/sched-7f/end/t-end"


@pytest.mark.parametrize("below", [".", "deep/down"])
def test_a_card_above_the_directory_of_its_task_is_found(tmp_path, below):
    cards = tmp_path / ".metaflow/mf.cards/MokFlow/runs/sched-7f/steps/end/tasks/t-end/cards"
    cards.mkdir(parents=True)
    (cards / "blank-1.html").touch()
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    assert cards_above(tmp_path / below, TASK) == 1


def test_a_card_of_another_task_or_out_of_metaflows_folder_is_none(tmp_path):
    for folder in ("mf.cards/MokFlow/runs/sched-7f/steps/end/tasks/t-start/cards", "elsewhere"):
        place = tmp_path / ".metaflow" / folder
        place.mkdir(parents=True)
        (place / "blank-1.html").touch()
    assert cards_above(tmp_path, TASK) == 0


def test_the_first_folder_from_the_task_upwards_counts(tmp_path):
    test_a_card_above_the_directory_of_its_task_is_found(tmp_path, ".")
    (tmp_path / "near/.metaflow").mkdir(parents=True)
    assert cards_above(tmp_path / "near", TASK) == 0
