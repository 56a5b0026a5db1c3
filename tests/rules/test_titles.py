"""Topics get titles: from a prompt, from a text model, from the user; each ranks above the one before."""

from __future__ import annotations

import pytest

from imgplay_widget._rules.titles import first_words, tidy
from imgplay_widget.errors import InvalidRequest, NotFound
from imgplay_widget.providers.gemini import Gemini
from imgplay_widget.providers.openai import OpenAI
from imgplay_widget.providers.openrouter import OpenRouter
from imgplay_widget.testing import FakeProvider, open_studio
from tests.servers import openai_server as script
from tests.servers.openai_server import OpenAIServer, TextServer

WAIT = 20
KEY = "sk-canary-9c1f0a7be4d2"


def settle(studio):
    studio._core.start(studio._core.archive.settle).result(WAIT)


@pytest.fixture
def server():
    with TextServer("Winter Fox") as server:
        yield server


@pytest.fixture
def studio(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    with open_studio(OpenAI(), FakeProvider(), keys={"openai": KEY}, titles="auto") as studio:
        yield studio


def test_the_first_batch_names_the_topic_and_later_ones_do_not(studio, server):
    studio.generate("a red fox in the deep snow", model="fake:image").result(WAIT)
    settle(studio)
    assert studio.topics[0].title == "Winter Fox"
    studio.generate("the same at night", model="fake:image").result(WAIT)
    settle(studio)
    (chat,) = server.chats
    assert chat["messages"][1]["content"] == "a red fox in the deep snow"
    assert chat["model"]


def test_an_empty_topic_is_named_by_its_first_batch(studio):
    topic = studio.new_topic()
    assert topic.title is None
    studio.generate("a red fox", model="fake:image").result(WAIT)
    settle(studio)
    assert studio.topics[0].title == "Winter Fox"


@pytest.mark.parametrize(
    "answer", [None, "I cannot name this.\nSorry.", "", "one two three four five six seven"]
)
def test_without_a_title_the_first_words_stay(studio, server, answer):
    server.words = answer
    batch = studio.generate("a red fox in the deep snow", model="fake:image").result(WAIT)
    settle(studio)
    assert studio.topics[0].title == "a red fox"
    assert batch[0].bytes


def test_a_title_of_the_user_is_never_overwritten(studio, server):
    topic = studio.new_topic("mine")
    studio.generate("a red fox", model="fake:image").result(WAIT)
    settle(studio)
    assert studio.topics[0].title == "mine"
    assert server.chats == []
    studio.generate("a red fox", model="fake:image", topic="also mine").result(WAIT)
    settle(studio)
    assert server.chats == []
    renamed = studio.rename_topic(topic, "  still   mine ")
    assert renamed.title == "still mine"
    studio._core.start(lambda: studio._core.curator.title_topic(topic.id, "of a model", by="model")).result(
        WAIT
    )
    assert {t.title for t in studio.topics} == {"still mine", "also mine"}


@pytest.mark.parametrize("title", ["", "   ", "x" * 201])
def test_a_title_has_a_length(studio, title):
    topic = studio.new_topic("mine")
    with pytest.raises(InvalidRequest, match="200"):
        studio.rename_topic(topic, title)


def test_only_what_is_there_is_renamed(studio):
    with pytest.raises(NotFound):
        studio.rename_topic("nothing", "x")


def test_titles_can_be_turned_off_and_chosen(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    with open_studio(OpenAI(), FakeProvider(), keys={"openai": KEY}, titles="off") as studio:
        studio.generate("a red fox", model="fake:image").result(WAIT)
        settle(studio)
    assert server.chats == []
    local = OpenAI(server.base_url, name="local", key_variables=())
    with open_studio(local, FakeProvider(), titles="local:small-words") as studio:
        studio.generate("a red fox", model="fake:image").result(WAIT)
        settle(studio)
        assert studio.topics[0].title == "Winter Fox"
    assert server.chats[0]["model"] == "small-words"
    with pytest.raises(InvalidRequest), open_studio(titles="sometimes"):
        pass


def test_without_any_key_nothing_is_asked(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    with open_studio(OpenAI(), FakeProvider(), titles="auto") as studio:
        studio.generate("a red fox", model="fake:image").result(WAIT)
        settle(studio)
        assert studio.topics[0].title == "a red fox"
    assert server.requests == []


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("Winter Fox", "Winter Fox"),
        ('"Winter Fox."', "Winter Fox"),
        ("**Winter: Fox!**", "Winter Fox"),
        ("雪の中の赤い狐", "雪の中の赤い狐"),
        ("雪" * 17, None),
        ("L'été en forêt", "L'été en forêt"),
        ("x" * 49, None),
        ("...", None),
        ("A Lighthouse on a Cliff in", "A Lighthouse on a Cliff"),
        ("Fox and the", "Fox"),
        ("Snow, Ice, and", "Snow Ice"),
        ("Of the", None),
        ("Winter Blue", "Winter Blue"),
    ],
)
def test_an_answer_is_tidied_or_refused(answer, title):
    assert tidy(answer) == title


def test_first_words_of_nothing_but_marks():
    assert first_words("... !!") == "Untitled"


# Each line is a title, and after it the rest of the prompt.
ENGLISH = """
a cat
a red fox | in the deep snow
A lighthouse on a cliff | in a storm, oil painting
A red fox asleep | in fresh snow
A greenhouse full of ferns | after rain, soft light through glass, a brass watering can on the bench
portrait of an old fisherman | with a weathered face, 85mm, golden hour
a black and white photograph of New York | in the rain
tiny cute isometric low poly living room | with a sofa, soft light
A beautiful, detailed portrait of a queen |, by Klimt
an astronaut riding a horse | on mars, photorealistic
A woman in a red dress | with a hat and an umbrella
studio photograph of a perfume bottle | on marble, softbox
A cozy cabin | in the snowy mountains at night
Macro shot of a dew drop | on a leaf reflecting a forest
A bowl of fresh juicy red strawberries | on a wooden table
Cyberpunk street at night, neon signs |, rain, reflections
logo for a coffee shop |, flat vector, minimal
masterpiece, best quality, 1girl, solo |, long hair, smile
A cat and a dog playing chess | in a park
A poster | with the text "OPEN LATE" in neon letters
Watercolor painting of a harbor | at dawn. Fishing boats, gulls.
Design a modern minimalist logo of a mountain
An extremely detailed map of an imaginary island
Old man, sitting on a bench |, feeding pigeons
Low angle shot of a skyscraper | under construction
A man who sold the world
close-up of a bee | on a sunflower – shallow depth of field
3D render | of a robot barista making latte art
interior of a brutalist library | with tall windows and warm lamps
A market street in the rain |, lanterns and steam over wet stones.
sunset over the sea
A futuristic city | with flying cars and giant holograms
cat, dog, bird, fish, horse, cow |, pig
a fox | in the
A spiral staircase | (seen from below) in an old mansion
Portrait of "Ada" |, queen of the northern lakes and all of the islands
Ein roter Fuchs im tiefen Schnee bei Nacht
a mug of tea, steam, morning |, rain on the window
"""
CHINESE = """
雪山下的小木屋，黄昏，电影感
一只猫，坐在窗台上，看着雨
一位穿着红色长裙的年轻女子站在古老的石桥上 |，背景是樱花
赛博朋克城市夜景，霓虹灯 |，雨后的街道
一只戴着宇航员头盔的柴犬 |在月球表面上悠闲地散步并且看着地球
水墨画风格的山水
雪の中の赤い狐、夜明け
画一张海报，上面写着“你好” |，红色背景
城市 夜景 霓虹灯 | 下雨的街道和行人们
"""


@pytest.mark.parametrize("line", [*ENGLISH.strip().splitlines(), *CHINESE.strip().splitlines()])
def test_a_title_is_a_whole_phrase(line):
    title, _, rest = line.partition(" |")
    assert first_words(title + rest) == title


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        # Nothing tells where its phrase ends: it never stops in a word that needs another one.
        ("zig zag wug dax blick the fep gorp toma nif", "zig zag wug dax blick"),
        ("zig zag wug dax blick tiny gorp toma nif", "zig zag wug dax blick"),
        ("一二三四五六七八九十一二三四五的七八九十一二三四五六", "一二三四五六七八九十一二三四五"),
        # There is nothing else.
        ("in the and of", "in the and of"),
        ("x" * 60 + " fox", "x" * 48),
    ],
)
def test_a_prompt_without_a_phrase_still_gives_a_title(prompt, title):
    assert first_words(prompt) == title


def gemini_words(*parts):
    return script.answer({"candidates": [{"content": {"role": "model", "parts": list(parts)}}]})


def test_gemini_writes_titles_without_its_thoughts():
    with OpenAIServer([gemini_words({"text": "hm", "thought": True}, {"text": "Winter Fox"})]) as server:
        with open_studio(
            Gemini(server.origin), FakeProvider(), keys={"gemini": KEY}, titles="auto"
        ) as studio:
            studio.generate("a red fox", model="fake:image").result(WAIT)
            settle(studio)
            assert studio.topics[0].title == "Winter Fox"
        (asked,) = server.requests
    assert asked.json()["contents"][0]["parts"] == [{"text": "a red fox"}]
    assert asked.headers["x-goog-api-key"] == KEY


def test_gemini_that_blocks_the_prompt_leaves_the_first_words():
    blocked = script.answer({"promptFeedback": {"blockReason": "SAFETY"}})
    with (
        OpenAIServer([blocked]) as server,
        open_studio(Gemini(server.origin), FakeProvider(), keys={"gemini": KEY}, titles="auto") as studio,
    ):
        studio.generate("a red fox", model="fake:image").result(WAIT)
        settle(studio)
        assert studio.topics[0].title == "a red fox"


def test_openrouter_writes_titles(server):
    with open_studio(
        OpenRouter(f"{server.origin}/api/v1"), FakeProvider(), keys={"openrouter": KEY}, titles="auto"
    ) as studio:
        studio.generate("a red fox", model="fake:image").result(WAIT)
        settle(studio)
        assert studio.topics[0].title == "Winter Fox"
    assert len(server.chats) == 1


def test_the_batch_s_own_provider_goes_first(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    with OpenAIServer() as other:
        providers = (OpenAI(), Gemini(other.origin))
        with open_studio(*providers, keys={"openai": KEY, "gemini": KEY}, titles="auto") as studio:
            studio.generate("a red fox", model="openai:gpt-image-2", n=2).result(WAIT)
            settle(studio)
        assert other.requests == []
    assert len(server.chats) == 1
