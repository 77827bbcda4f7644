"""No cell of a CSV made for people is a formula, and what was written is read back."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.extract.formats.table import read_csv
from components.features.neighbours import Neighbour
from components.step.spreadsheets import as_written, inert, write_for_people
from components.test.label_errors import LabelDoubt, write_label_errors_csv
from components.test.near_duplicates import NearDuplicate, write_near_duplicates_csv
from components.test.predictions import Prediction, write_predictions_csv

FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\tx", "\rx", "\uff1d1+1", " =1", "'=1", "''@x"]
FORMULAS += ["a.png;=1+1", "a;b; +1", "a;'=1", ";@x"]
names = st.one_of(st.sampled_from(FORMULAS), st.text(alphabet="=+-@'abc ,;\"", max_size=8), st.text(max_size=8))


@given(names)
def test_no_text_stays_a_formula_and_each_is_read_back(text):
    for cell in inert(text).split(";"):  # As where a semicolon separates.
        assert not cell.strip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert as_written(inert(text)) == text


@pytest.mark.parametrize("plain", ["", "cat", "it's", "'quoted'", "a=b", "1-2", "'", "a;b", "a; 'b"])
def test_what_is_no_formula_stays(plain):
    assert inert(plain) == plain


def test_numbers_stay_numbers(tmp_path):
    write_for_people(tmp_path / "n.csv", ["score"], [[-0.5], ["-0.5"]])
    assert (tmp_path / "n.csv").read_text() == "score\n-0.5\n'-0.5\n"


def everything_for_people(folder, text):
    """Write each CSV that test makes for people with `text` wherever a user's text stands."""
    near = [Neighbour(text, text, "train", 0.5)]
    prediction = Prediction(text, True, text, text, [1.0], 1.0, text, 0.0, 1, 1, 0.0, "report.html#image-1", near)
    write_predictions_csv(folder / "predictions.csv", [prediction])
    write_label_errors_csv(folder / "label_errors.csv", [LabelDoubt(text, text, text, -0.5, False, text)])
    write_near_duplicates_csv(folder / "near.csv", [NearDuplicate(text, text, text, text, "train", "near", 0.9)])
    return sorted(folder.glob("*.csv"))


@pytest.mark.parametrize("text", FORMULAS)
def test_no_csv_for_people_has_a_formula(tmp_path, text):
    files = everything_for_people(tmp_path, text)
    assert len(files) == 3
    for path in files:
        with path.open(newline="", encoding="utf-8") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        texts = [cell for cell in cells if cell != "-0.5"]  # A number.
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d", " ")) for cell in texts)
        assert not any(";=" in cell or "; +" in cell or ";@" in cell for cell in texts)


@pytest.mark.parametrize("text", ["=1+1.png", "a;=1", "+a", "-a", "@a", "'=a", "''+a", "plain"])
def test_the_list_of_doubtful_labels_is_read_back_as_annotations(tmp_path, text):
    write_label_errors_csv(tmp_path / "l.csv", [LabelDoubt(text, text, "x", -0.5, False, text)])
    [found] = read_csv((tmp_path / "l.csv").read_text(encoding="utf-8")).annotations
    assert (found.file_name, found.label, found.group) == (text, text, text)


def test_an_apostrophe_in_a_user_s_own_csv_is_the_user_s_own():
    [found] = read_csv("file,label\n'=a.png,cat\n").annotations
    assert found.file_name == "'=a.png"
