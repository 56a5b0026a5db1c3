"""What people really give: numbers of other packages, huge numbers, and values that fill an error."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from imgplay_widget import ImagePlayground, Studio
from imgplay_widget._plain import plain, whole
from imgplay_widget.errors import InvalidRequest, NotFound, UnknownParameter
from imgplay_widget.testing import FakeProvider, open_studio

WAIT = 30
MODEL = "fake:image"


class Scalar:
    """A scalar as PyTorch has it: an array without dimensions."""

    shape = ()
    dtype = "torch.int64"

    def __init__(self, value):
        self.value = value

    def item(self):
        return self.value


# ------------------------------------------------------------------ numbers of other packages

SEVENS = [7, np.int64(7), np.int32(7), np.uint8(7), np.array(7), Scalar(7)]
WHOLE_FLOATS = [7.0, np.float64(7), np.float32(7), Decimal(7)]


@pytest.mark.parametrize("seven", SEVENS, ids=lambda value: type(value).__name__)
def test_a_whole_number_of_any_package_is_stored_as_a_plain_one(seven):
    with open_studio(FakeProvider(), max_count=9) as studio:
        batch = studio.generate("a fox", model="demo:instant", n=seven, seed=seven).result(WAIT)
        assert (len(batch), batch.params["seed"], type(batch.params["seed"])) == (7, 7, int)
        json.dumps(dict(batch.params))
        assert "seed=7" in batch.code
        # The same request in plain numbers is the same one.
        assert studio.generate("a fox", model="demo:instant", n=7, seed=7, cache=True) == batch


@pytest.mark.parametrize("seven", WHOLE_FLOATS, ids=lambda value: type(value).__name__)
def test_a_float_without_a_fraction_is_a_whole_parameter_but_no_count(seven):
    with open_studio(FakeProvider(), max_count=9) as studio:
        batch = studio.generate("a fox", model="demo:instant", seed=seven).result(WAIT)
        assert (batch.params["seed"], type(batch.params["seed"])) == (7, int)
        with pytest.raises(InvalidRequest, match="not a whole number"):
            studio.generate("a fox", model="demo:instant", n=seven)


@pytest.mark.parametrize("name", ["width", "height"])
def test_every_call_takes_numpy_numbers(name):
    other = {"width": "height", "height": "width"}[name]
    params = {name: np.int64(512), other: np.float32(512)}
    with open_studio(FakeProvider(), max_count=np.int64(4)) as studio:
        assert studio.estimate("demo:instant", n=np.int64(2), **params) == studio.estimate(
            "demo:instant", n=2, width=512, height=512
        )
        studio.model = "demo:instant"
        studio.n = np.int64(3)
        studio.params = params
        assert (studio.n, studio.params["width"]) == (3, 512)
        assert (type(studio.n), type(studio.params["width"])) == (int, int)
        for seed in np.arange(2):
            studio.generate("a fox", model="demo:instant", seed=seed, **params)
        batch = studio.generate("a fox", model="demo:instant", deadline=np.int64(60), **params).result(WAIT)
        batch[0].scores["clip"] = np.float32(0.1)
        assert dict(batch[0].scores) == {"clip": 0.1}
        assert len(studio.batches(limit=np.int64(2))) == 2
        studio.budget = np.float64(2.5)
        assert studio.budget == Decimal("2.5")
        assert batch[0].width == 512


def test_truth_values_and_floats_of_numpy_are_plain():
    assert plain(np.bool_(True)) is True
    assert type(plain(np.float64(0.1))) is float
    assert plain(np.float32(0.1)) == 0.1
    assert plain(np.float16(0.5)) == 0.5
    assert plain(Fraction(1, 2)) == plain(Decimal("0.5")) == 0.5
    assert type(plain(np.str_("a"))) is str
    assert plain(np.array([1])).shape == (1,)
    assert (whole(2), whole(np.uint8(2)), whole(np.array(2))) == (2, 2, 2)
    for other in (True, 2.0, np.float32(2), 2.5, "2", None, np.bool_(True), float("nan"), np.array([2])):
        assert whole(other) is None


def test_a_text_of_numpy_is_a_prompt():
    fake = FakeProvider()
    with open_studio(fake) as studio:
        for prompt in np.array(["a fox", "a hare"]):
            studio.generate(prompt, model=MODEL).result(WAIT)
    assert [type(unit.prompt) for unit in fake.submits] == [str, str]


# ------------------------------------------------------------------ numbers that are none

NO_NUMBERS = [
    10**400,
    -(10**400),
    10**5000,
    2**64 + 1,
    float("nan"),
    float("inf"),
    np.float64("nan"),
    np.array([1, 2]),
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("1e400"),
    "7",
    True,
    np.bool_(True),
    7.5,
    [7],
]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: type(value).__name__)
def test_what_is_no_number_within_the_range_is_refused_by_name(value):
    with open_studio(FakeProvider()) as studio:
        for name in ("n", "seed", "width", "deadline"):
            if name == "deadline" and isinstance(value, float) and value == 7.5:
                continue
            for call in (studio.generate, studio.estimate):
                if call == studio.estimate and name == "deadline":
                    continue
                words = {"prompt": "a fox"} if call == studio.generate else {}
                with pytest.raises(InvalidRequest) as refused:
                    call(**words, model="demo:instant", **{name: value})
                assert refused.value.parameter == name
                assert len(str(refused.value)) < 400
        assert studio.topics == []
        with pytest.raises(InvalidRequest):
            studio.n = value
        with pytest.raises(InvalidRequest):
            studio.params = {"seed": value}
        with pytest.raises(InvalidRequest):
            studio.batches(studio.new_topic(), limit=value)
        with pytest.raises(InvalidRequest):
            Studio(max_count=value)


# ------------------------------------------------------------------ errors that show what was given

LONG = "x" * 300_000
HUGE = [LONG, LONG.encode(), [LONG] * 1000, {LONG: LONG}, 10**5000, [10**5000]]


class Silent:
    """An object that cannot be written."""

    def __repr__(self):
        raise RuntimeError("not today")


@pytest.mark.parametrize("value", [*HUGE, Silent()], ids=lambda value: type(value).__name__)
def test_no_error_repeats_more_than_a_little_of_what_was_given(value, tmp_path):
    with open_studio(FakeProvider()) as studio:
        batch = studio.generate("a fox", model=MODEL).result(WAIT)
        name = value if isinstance(value, str) else LONG
        attempts = [
            lambda: studio.generate(value, model="demo:instant", topic="t", deadline=-1),
            lambda: studio.generate("a fox", model=name),
            lambda: studio.generate("a fox", model=MODEL, n=value),
            lambda: studio.generate("a fox", model=MODEL, **{name: 1}),
            lambda: studio.generate("a fox", model="demo:instant", seed=value),
            lambda: studio.generate("a fox", model="demo:instant", width=value),
            lambda: studio.generate("a fox", model=MODEL, deadline=value),
            lambda: studio.generate("a fox", model=MODEL, references=[value, value]),
            lambda: studio.generate("a fox", model=MODEL, references=["https:/" + name]),
            lambda: studio.generate("a fox", model=MODEL, references=["http://" + name]),
            lambda: studio.estimate(name),
            lambda: studio.improve("a fox", value),
            lambda: studio.check(name),
            lambda: studio.set_key(name, "k"),
            lambda: studio.models(name),
            lambda: studio.add_server(name, "https://example.com"),
            lambda: studio.add_server("a", "http://example." + name),
            lambda: studio.add_reference(value),
            lambda: studio.new_topic(name),
            lambda: studio.batches(name),
            lambda: studio.batches(limit=value),
            lambda: studio.search(model=name),
            lambda: studio.search(status=name),
            lambda: studio.search(tag=value),
            lambda: studio.delete(name),
            lambda: studio.restore(name),
            lambda: studio.export(tmp_path / "e", format=name),
            lambda: studio.spent(topic=name),
            lambda: studio.generate("a fox", model=MODEL, topic=name),
            lambda: studio.on_generation(value),
            lambda: setattr(studio, "cache", value),
            lambda: setattr(studio, "budget", value),
            lambda: setattr(studio, "model", value),
            lambda: setattr(studio, "params", value),
            lambda: setattr(studio, "n", value),
            lambda: setattr(studio, "prompt", 7 if isinstance(value, str) else value),
            lambda: batch.save(tmp_path, "{" + name + "}"),
            lambda: batch[0].scores.update({"a": value}),
            lambda: batch[0].tags.add(value),
            lambda: Studio(max_count=value),
            lambda: Studio(titles=7 if isinstance(value, str) else value),
            lambda: Studio(**{name: 1}),
            lambda: ImagePlayground(theme=value),
            lambda: ImagePlayground(height=value),
        ]
        wrong = {number: said for number, one in enumerate(attempts) if (said := _wrong_about(one))}
    assert wrong == {}


def _wrong_about(attempt):
    """Return what is wrong about the error of a call, or None."""
    try:
        return f"it returned {type(attempt()).__name__}"
    except (InvalidRequest, NotFound, UnknownParameter) as error:
        message, whole_text = error.message, f"{error} {error!r}"
    except TypeError as error:
        message = whole_text = f"{error!r}"
    except Exception as error:
        return f"{error!r:.200}"
    return message[:500] if len(message) > 400 or "x" * 150 in whole_text else None
