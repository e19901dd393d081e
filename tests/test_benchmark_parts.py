import pytest

from tests.benchmarks import spine
from tests.benchmarks.engine import __main__ as engine
from tests.benchmarks.parts import chosen


def test_without_names_all_parts_are_measured():
    assert chosen([], ["one", "two"]) == {"one", "two"}


def test_only_the_parts_named_are_measured():
    assert chosen(["two"], ["one", "two"]) == {"two"}


@pytest.mark.parametrize("main", [spine.main, engine.main])
def test_a_part_that_does_not_exist_is_refused_before_anything_is_measured(main, capsys):
    with pytest.raises(SystemExit) as refused:
        main(["idle", "pears"])

    assert refused.value.code == 2
    assert "no part 'pears'. There are: " in capsys.readouterr().err
