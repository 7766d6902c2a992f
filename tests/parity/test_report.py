"""The printed matrix: a mark for every form, dtype and layout, and what no sample tries."""

from __future__ import annotations

from types import ModuleType

import pytest
from parity import report

from hotplug import dtypes


@pytest.mark.parity
def test_rows_have_a_mark_for_everything(torch: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["hann_window", "isneginf"]) == 0
    lines = capsys.readouterr().out.splitlines()
    window, infinities = (line.split() for line in lines if line.startswith(("hann_window", "isneginf")))
    assert [len(each) for each in window[1:4]] == [len(report.FORMS), len(dtypes.ALL), len(report.LAYOUTS)]
    assert "pin_memory" in window[5:]
    assert window[1] == "#---"
    assert infinities[1] == "##-d"
    assert lines[-1].endswith(" 0 other differences")


@pytest.mark.parity
def test_a_wrong_name_is_an_error(torch: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        report.main(["maximun"])
    assert raised.value.code == 2
    assert "maximun" in capsys.readouterr().err


@pytest.mark.parity
def test_what_is_missing_is_told(torch: ModuleType) -> None:
    missing = report.lacking(torch)
    assert "quantize_per_tensor" in missing["torch"]
    assert "add" not in missing["torch"]
    assert set(missing) == {"torch", "nn.functional", "linalg", "fft", "special"}
