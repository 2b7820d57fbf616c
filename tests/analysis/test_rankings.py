"""Rankings become pairs."""

import pandas as pd
import pytest

from analysis import schema
from analysis.rankings import RankingColumns, main, rankings_to_pairs

RANKS = pd.DataFrame(
    {
        "item": "i1",
        "rater": "R1",
        "system": ["human", "ai", "edited"],
        "rank": [1, 3, 2],
        "display_slot": [2, 1, 3],
    }
)


def test_every_pair_appears_once_with_the_smaller_slot_left():
    table = rankings_to_pairs(RANKS)

    found = table[["system_a", "system_b", "answer"]].to_numpy().tolist()
    assert found == [["ai", "human", 0.0], ["ai", "edited", 0.0], ["human", "edited", 1.0]]
    assert table["output_a"].tolist() == ["i1/ai", "i1/ai", "i1/human"]
    assert table["levels"].tolist() == [2, 2, 2]
    assert table["position"].tolist() == [1, 2, 3]


def test_equal_ranks_become_ties():
    table = rankings_to_pairs(RANKS.assign(rank=[1, 2, 1]))

    assert table["answer"].tolist() == [0.0, 0.0, 0.5]
    assert set(table["levels"]) == {3}


def test_columns_can_be_renamed():
    renamed = RANKS.rename(columns={"item": "question", "display_slot": "place"}).assign(text=["a", "b", "c"])

    table = rankings_to_pairs(
        renamed, columns=RankingColumns(prompt="question", block="question", slot="place", output="text")
    )

    assert table["prompt"].tolist() == ["i1"] * 3
    assert table["output_a"].tolist() == ["b", "b", "a"]


@pytest.mark.parametrize(
    ("change", "column"),
    [({"rank": ["1", "x", "2"]}, "rank"), ({"system": ["ai", "ai", "edited"]}, "system")],
)
def test_bad_ranking_is_refused_with_row_and_column(change, column):
    with pytest.raises(schema.SchemaError) as caught:
        rankings_to_pairs(RANKS.assign(**change))

    assert caught.value.issues[0].column == column
    assert caught.value.issues[0].row == 3


def test_missing_column_is_named(tmp_path, capsys):
    path = tmp_path / "ranks.csv"
    RANKS.drop(columns="rank").to_csv(path, index=False)

    code = main([str(path), str(tmp_path / "pairs.csv")])

    assert code == 2
    assert "'rank'" in capsys.readouterr().err
    assert not (tmp_path / "pairs.csv").exists()


def test_command_converts_lamp(shared, tmp_path, capsys):
    code = main([str(shared("data/lamp_preference/lamp_rankings_long.csv")), str(tmp_path / "pairs.csv")])

    table = schema.read(tmp_path / "pairs.csv")
    pair = table[(table[["system_a", "system_b"]].isin(["AI-edited", "AI-generated"])).all(axis=1)]
    won = ((pair["system_a"] == "AI-edited") == (pair["answer"] == 1.0)).mean()
    assert code == 0
    assert "1809 ranks became 1809 pairs" in capsys.readouterr().out
    # the share that the data's note gives
    assert won == pytest.approx(0.7164, abs=5e-5)
