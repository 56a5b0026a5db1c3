"""What picture files of other tools say, and files that mean harm."""

from __future__ import annotations

import io
import json
import random
import struct
import time
import zlib

import pytest

from imgplay_widget._rules.embedded import found_in, metadata_of
from tests.servers.foreign_files import (
    DREAM,
    FLUX_GRAPH,
    FOOOCUS,
    GRAPH,
    INVOKEAI,
    PARAMETERS,
    SD_METADATA,
    SWARMUI,
    a1111_jpeg,
    comfyui_webp,
    comment_of,
    fooocus_exif,
    png,
    swarmui_jpeg,
    tiff_with,
    with_exif,
)

FOX = {"prompt": "a red fox", "negative_prompt": "blurry", "width": 96, "height": 64}


def read(data):
    return found_in(metadata_of(io.BytesIO(data)))


def fields(data, *names):
    said = read(data).as_json()
    return {name: said[name] for name in names or ("tool", "model", "seed", "steps", "cfg", "sampler", *FOX)}


A1111 = {
    "tool": "AUTOMATIC1111",
    "prompt": "a red fox, (masterpiece:1.2)\nin the snow <lora:detail:0.8>",
    "negative_prompt": "blurry, lowres\nbad hands",
    "model": "sd_xl_base_1.0",
    "seed": 1234567890,
    "steps": 28,
    "cfg": 6.5,
    "sampler": "DPM++ 2M",
    "width": 96,
    "height": 64,
}


@pytest.mark.parametrize(
    "data",
    [png(parameters=PARAMETERS), a1111_jpeg(), a1111_jpeg(kind="WEBP")],
    ids=["PNG", "JPEG", "WebP"],
)
def test_a_picture_of_a1111_is_read(data):
    assert fields(data) == A1111
    rest = read(data).parameters
    assert rest["Lora hashes"] == "detail: 7c6bad76eb54, other: 0ef1"
    assert rest["Wildcard prompt"] == 'a {red|blue} fox, "quoted": yes\nnext line'
    assert rest["Schedule type"] == "Karras"
    assert not {"Steps", "Model", "Size"} & rest.keys()


def test_the_text_of_a1111_may_be_of_any_language_and_of_forge():
    said = PARAMETERS.replace("a red fox", "一只红狐 🦊").replace(
        "v1.10.1", "f2.0.1v1.10.1-previous-224-g9001"
    )
    for data in (png(parameters=said), a1111_jpeg(said), a1111_jpeg(said, "WEBP")):
        assert (read(data).tool, read(data).prompt.partition(",")[0]) == ("Forge", "一只红狐 🦊")


@pytest.mark.parametrize(
    ("said", "prompt"),
    [
        ("Steps: 20, Sampler: Euler a, Seed: 1", ""),
        ("a fox\nSteps: 20, Sampler: Euler a, Seed: 1\nTemplate: a {fox}", "a fox"),
        ("a fox\r\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 1x", "a fox"),
        ("Seed: of doubt\nSteps: 20, Sampler: Euler a, Seed: 1", "Seed: of doubt"),
        (
            'a fox\nSteps: 20, Civitai resources: [{"type":"lora","weight":1}, 2], Seed: 1, Sampler: x',
            "a fox",
        ),
    ],
)
def test_odd_texts_of_a1111_are_read(said, prompt):
    found = read(png(parameters=said))
    assert (found.prompt, found.seed, found.steps) == (prompt, 1, 20)


@pytest.mark.parametrize(
    "said", ["", "a photo", "Steps: 20", "a: b, c", ":,:,:,", "{}", "[1]", "OLYMPUS, a: b"]
)
def test_a_comment_that_is_no_recipe_says_nothing(said):
    assert read(png(parameters=said)) is None
    assert read(a1111_jpeg(said or " ")) is None


@pytest.mark.parametrize("head", [b"ASCII\0\0\0", b"\0" * 8, b""])
@pytest.mark.parametrize("order", "><")
def test_a_comment_is_read_in_every_encoding(head, order):
    assert fields(with_exif("JPEG", tiff_with(head + PARAMETERS.encode(), order))) == A1111
    for data in (comment_of(PARAMETERS), b"UNICODE\0" + PARAMETERS.encode("utf-16-le")):
        assert fields(with_exif("JPEG", tiff_with(data, order))) == A1111


@pytest.mark.parametrize(
    "data",
    [png(prompt=json.dumps(GRAPH), workflow='{"nodes":[]}'), comfyui_webp()],
    ids=["PNG", "WebP"],
)
def test_a_picture_of_comfyui_is_read_from_its_sampler(data):
    assert fields(data) == FOX | {
        "tool": "ComfyUI",
        "model": "v1-5-pruned-emaonly.ckpt",
        "seed": 156680208700286,
        "steps": 20,
        "cfg": 8.0,
        "sampler": "euler",
    }
    assert read(data).parameters == {"scheduler": "normal", "denoise": "1.0"}
    assert metadata_of(io.BytesIO(data)).texts["workflow"].replace(" ", "") == '{"nodes":[]}'


def test_a_graph_with_a_guider_is_read():
    found = read(png(prompt=json.dumps(FLUX_GRAPH)))
    assert (found.prompt, found.negative_prompt, found.seed) == ("an owl", "", 219670278747233)
    assert (found.model, found.steps, found.cfg, found.sampler) == (
        "flux1-dev.safetensors",
        20,
        None,
        "euler",
    )
    assert (found.width, found.height, found.parameters) == (96, 64, {"guidance": "3.5"})


def test_the_sampler_that_made_the_saved_image_counts():
    graph = GRAPH | {"1": {"class_type": "KSampler", "inputs": {"seed": 1, "positive": ["7", 0]}}}
    assert read(png(prompt=json.dumps(graph))).seed == 156680208700286


@pytest.mark.parametrize("name", ["invokeai_metadata", "invokeai"])
def test_a_picture_of_invokeai_is_read(name):
    said = fields(png(**{name: json.dumps(INVOKEAI)}))
    assert said == FOX | {
        "tool": "InvokeAI",
        "model": "Juggernaut XL v9",
        "seed": 2182847303,
        "steps": 30,
        "cfg": 6.5,
        "sampler": "dpmpp_3m_k",
    }


@pytest.mark.parametrize(
    ("data", "prompt", "model"),
    [
        (png(sd__metadata=json.dumps(SD_METADATA), Dream=DREAM), "a red fox", "stable-diffusion-1.5"),
        (png(Dream=DREAM), 'a "red" fox', None),
    ],
)
def test_old_pictures_of_invokeai_are_read(data, prompt, model):
    assert fields(data) == FOX | {
        "tool": "InvokeAI",
        "prompt": prompt,
        "model": model,
        "seed": 42,
        "steps": 50,
        "cfg": 7.5,
        "sampler": "k_lms",
    }


@pytest.mark.parametrize(
    "data",
    [
        png(parameters=json.dumps(FOOOCUS), fooocus_scheme="fooocus"),
        fooocus_exif("JPEG"),
        fooocus_exif("WEBP"),
    ],
    ids=["PNG", "JPEG", "WebP"],
)
def test_a_picture_of_fooocus_is_read(data):
    assert fields(data) == FOX | {
        "tool": "Fooocus",
        "model": "juggernautXL_v8Rundiffusion",
        "seed": 7215640023216405541,
        "steps": 30,
        "cfg": 4.0,
        "sampler": "dpmpp_2m_sde_gpu",
    }
    assert read(data).parameters["performance"] == "Speed"


def test_fooocus_may_write_the_text_of_a1111():
    line = "Steps: 30, Seed: 7, Size: 96x64, Raw prompt: a red fox, Raw negative prompt: blurry"
    said = f"cinematic still a red fox\nNegative prompt: anime\n{line}, Version: Fooocus v2.5.5"
    for data in (png(parameters=said, fooocus_scheme="a1111"), fooocus_exif("JPEG", said, "a1111")):
        assert fields(data, "tool", "seed", *FOX) == {"tool": "Fooocus", "seed": 7} | FOX


@pytest.mark.parametrize("data", [png(parameters=json.dumps(SWARMUI, indent=2)), swarmui_jpeg()])
def test_a_picture_of_swarmui_is_read(data):
    assert fields(data) == FOX | {
        "tool": "SwarmUI",
        "model": "OfficialStableDiffusion/sd_xl_base_1.0",
        "seed": 1,
        "steps": 20,
        "cfg": 7.0,
        "sampler": "dpmpp_2m",
    }
    assert read(data).as_json()["created_at"] == "2025-01-25T00:00:00+00:00"


# ------------------------------------------------------------------ harm


def chunk(name, body, length=None):
    size = len(body) if length is None else length
    return struct.pack(">I", size) + name + body + struct.pack(">I", zlib.crc32(name + body))


def with_chunk(name, body, length=None):
    data = png()
    return data[:33] + chunk(name, body, length) + data[33:]


def deep(levels, text='"a"'):
    return '{"a":' * levels + text + "}" * levels


HARMFUL = {
    "a bomb of zTXt": with_chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b" " * 300_000_000)),
    "a bomb of iTXt": with_chunk(b"iTXt", b"parameters\0\1\0\0\0" + zlib.compress(b"\0" * 300_000_000)),
    "a text without an end": with_chunk(b"iTXt", b"parameters"),
    "no text at all": with_chunk(b"tEXt", b""),
    "a chunk that lies": with_chunk(b"tEXt", b"parameters\0Steps: 1", 2**31),
    "deep JSON": png(parameters=deep(100_000), prompt=deep(100_000), invokeai_metadata=deep(100_000)),
    "a deep value": png(parameters="a\nSteps: 1, Seed: " + "[" * 100_000),
    "broken UTF-8": with_chunk(b"iTXt", b'prompt\0\0\0\0\0{"\xff\xfe":\xc3}'),
    "many commas": png(parameters="," * 1_000_000),
    "many words": png(parameters="a " * 1_000_000),
    "many quotes": png(parameters="a\nSteps: " + '"\\' * 500_000),
    "a line of names": png(parameters="ab: " * 250_000),
    "an EXIF of no bytes": with_exif("JPEG", b"MM\0*"),
    "an EXIF that names itself": with_exif(
        "JPEG", b"MM\0*" + struct.pack(">IHHHIII", 8, 1, 0x8769, 4, 1, 8, 8)
    ),
    "a tag that lies": with_exif("JPEG", tiff_with(b"UNICODE\0a")[:-5]),
    "a graph in a circle": png(
        prompt=json.dumps(
            {
                "1": {"class_type": "KSampler", "inputs": {"seed": ["2", 0], "positive": ["2", 0]}},
                "2": {"class_type": "SaveImage", "inputs": {"a": ["1", 0], "text": ["2", 0]}},
            }
        )
    ),
    "a long graph": png(
        prompt=json.dumps(
            {
                str(n): {"class_type": "KSampler", "inputs": {"positive": [str(n + 1), 0], "guider": 1}}
                for n in range(4000)
            }
        )
    ),
    "a graph of anything": png(
        prompt='{"1": [], "2": {"inputs": 3}, "3": {"class_type": [], "inputs": {"a": [[]]}}}'
    ),
    "numbers that are none": png(
        parameters="a\nSteps: NaN, Seed: 1e999, CFG scale: -Infinity, Size: 9999999999x1",
        imgplay='{"prompt": "a", "model": "b", "seed": 1e400, "requested": [NaN], "created_at": "9999-99"}',
    ),
    "values of other kinds": png(
        invokeai_metadata='{"seed": true, "steps": [], "model": 3, "positive_prompt": {}}'
    ),
}


@pytest.mark.parametrize("data", HARMFUL.values(), ids=HARMFUL)
def test_harmful_texts_are_bounded_and_never_raise(data):
    begun = time.monotonic()
    found = read(data)
    assert found is None or json.dumps(found.as_json(), allow_nan=False).encode()
    assert time.monotonic() - begun < 5


def test_half_a_file_and_other_files_say_nothing():
    for data in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"GIF89a", b"no picture"):
        assert read(data) is None


KINDS = {
    "png": png(parameters=PARAMETERS, prompt=json.dumps(GRAPH), invokeai_metadata=json.dumps(INVOKEAI)),
    "jpeg": fooocus_exif("JPEG"),
    "webp": comfyui_webp(),
    "a1111": a1111_jpeg(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_changes_of_a_file_end_well(kind):
    data, dice = KINDS[kind], random.Random(7)
    begun = time.monotonic()
    for _ in range(1000):
        changed = bytearray(data)
        for _ in range(dice.randint(1, 8)):
            at = (
                dice.randrange(len(changed))
                if dice.random() < 0.3
                else dice.randrange(min(600, len(changed)))
            )
            changed[at] = dice.choice((0, 1, 0x7F, 0xFF, dice.randrange(256)))
        if dice.random() < 0.2:
            del changed[dice.randrange(len(changed)) :]
        found = read(bytes(changed))
        assert found is None or json.dumps(found.as_json(), allow_nan=False).encode()
    assert time.monotonic() - begun < 30
