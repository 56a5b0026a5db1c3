"""What providers answer beside a call for images, as their documentation shows it: lists of models, words."""

from __future__ import annotations

from typing import Any

from imgplay_widget.testing.server import Answer, Received, answer

_SCHEMA = {
    "type": "object",
    "title": "Input",
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "title": "Prompt", "x-order": 0},
        "image_size": {
            "anyOf": [
                {"$ref": "#/components/schemas/ImageSize"},
                {"enum": ["square", "landscape_4_3"], "type": "string"},
            ],
            "default": "square",
            "x-order": 1,
        },
        "steps": {"type": "integer", "minimum": 1, "maximum": 12, "multipleOf": 1, "default": 4},
        "guidance": {
            "type": "number",
            "minimum": 0,
            "maximum": 20.5,
            "default": 3.5,
            "description": "How much.",
        },
        "style": {"allOf": [{"$ref": "#/components/schemas/style"}], "default": "photo"},
        "seed": {"anyOf": [{"type": "integer", "maximum": 4294967295}, {"type": "null"}]},
        "num_images": {"type": "integer", "minimum": 1, "maximum": 4},
        "image_urls": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        "negative": {"type": "string", "maxLength": 400, "default": "blur"},
        "safe": {"type": ["boolean", "null"], "default": True},
    },
}
_COMPONENTS = {
    "Input": _SCHEMA,
    "style": {"enum": ["photo", "ink"], "type": "string"},
    "ImageSize": {
        "type": "object",
        "properties": {
            "width": {"type": "integer", "minimum": 64, "maximum": 2048, "default": 512},
            "height": {"type": "integer", "minimum": 64, "maximum": 2048, "default": 512},
        },
    },
}
_INPUT = {"schema": {"$ref": "#/components/schemas/Input"}}
_NODES = {
    "CheckpointLoaderSimple": {"input": {"required": {"ckpt_name": [["a.safetensors", "b.ckpt"]]}}},
    "KSampler": {
        "input": {
            "required": {
                "sampler_name": ["COMBO", {"options": ["euler", "heun"]}],
                "scheduler": [["normal", "karras"]],
                "cfg": ["FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0}],
            }
        }
    },
}

LISTS: dict[str, dict[str, Any]] = {
    "openai": {
        "/v1/models": {"data": [{"id": "gpt-image-2", "shutdown_date": "2027-01-01"}, {"id": "tts-1"}]}
    },
    "xai": {
        "/v1/image-generation-models": {
            "models": [
                {
                    "id": "grok-imagine-image-2.0",
                    "image_price": 5,
                    "input_modalities": ["text", "image"],
                    "output_modalities": ["image"],
                }
            ]
        }
    },
    "gemini": {
        "/v1/models": {
            "models": [
                {
                    "name": "models/gemini-9-image",
                    "displayName": "Nano",
                    "description": "It paints.",
                    "supportedGenerationMethods": ["generateContent"],
                }
            ],
        }
    },
    "openrouter": {
        "/api/v1/images/models": {
            "data": [
                {
                    "id": "a/b",
                    "name": "B",
                    "description": "It paints.",
                    "architecture": {"output_modalities": ["image"]},
                    "supports_streaming": True,
                    "supported_parameters": {
                        "resolution": {"type": "enum", "values": ["1K", "2K"]},
                        "seed": {"type": "range", "min": 0, "max": 2147483647},
                        "n": {"type": "range", "min": 1, "max": 4},
                        "input_references": {"type": "range", "min": 0, "max": 8},
                        "strength": {"type": "range", "min": 0, "max": 100},
                    },
                }
            ]
        },
        "/api/v1/key": {"data": {"limit_remaining": 4.5}},
    },
    "fal": {
        "/v1/models": {
            "models": [
                {
                    "endpoint_id": "acme/paint",
                    "metadata": {"display_name": "Paint", "description": "It paints."},
                    "openapi": {
                        "paths": {"/p": {"post": {"requestBody": {"content": {"application/json": _INPUT}}}}},
                        "components": {"schemas": _COMPONENTS},
                    },
                }
            ]
        },
    },
    "replicate": {
        "/v1/collections/text-to-image": {
            "models": [
                {
                    "owner": "acme",
                    "name": "paint",
                    "description": "It paints.",
                    "is_official": True,
                    "latest_version": {
                        "id": "0123456789abcdef",
                        "openapi_schema": {"components": {"schemas": _COMPONENTS}},
                    },
                }
            ]
        },
        "/v1/account": {"username": "ann"},
    },
    "together": {
        "/v1/models": [{"id": "a/b", "type": "image", "display_name": "B"}, {"id": "c/d", "type": "chat"}]
    },
    "siliconflow": {"/v1/models": {"data": [{"id": "Qwen/Qwen-Image-Edit"}, {"id": "a/b"}]}},
    "huggingface": {
        "/api/models": [{"id": "acme/painter"}, {"id": "b/c"}],
        "/api/whoami-v2": {"name": "ann"},
    },
    "a1111": {
        "/sdapi/v1/sd-models": [{"title": "a.safetensors [1234]"}],
        "/sdapi/v1/samplers": [{"name": "Euler"}],
        "/sdapi/v1/schedulers": [{"name": "karras", "label": "Karras"}],
    },
    "sdcpp": {
        "/sdcpp/v1/capabilities": {
            "model": {"name": "a.gguf", "stem": "a"},
            "supported_modes": ["img_gen"],
            "samplers": ["euler"],
            "schedulers": ["karras"],
            "limits": {"min_width": 64, "max_width": 2048, "min_height": 64, "max_height": 2048},
            "output_formats_by_mode": {"img_gen": ["png", "jpeg"]},
            "defaults_by_mode": {
                "img_gen": {
                    "width": 512,
                    "height": 512,
                    "sample_params": {"sample_steps": 20, "guidance": {"txt_cfg": 7.0}},
                }
            },
        }
    },
    "comfyui": {
        **{f"/object_info/{name}": {name: node} for name, node in _NODES.items()},
        "/system_stats": {"system": {}},
    },
    "bfl": {"/v1/credits": {"credits": 5.0}},
    "stability": {"/v1/user/balance": {"credits": 5.0}},
}
"""The answers by the name of the contract case and the path."""


WORDS: dict[str, Any] = {
    "/chat/completions": {"choices": [{"message": {"role": "assistant", "content": "A boat"}}]},
    "/m:generateContent": {"candidates": [{"content": {"parts": [{"text": "A boat"}]}}]},
}
"""The answers of text models by the end of the path."""


def listed(case: str, received: Received) -> Answer | None:
    """Return the answer to a question about models or to a text model, or None for any other request."""
    path = received.path.partition("?")[0]
    if received.method == "POST":
        return next((answer(said) for end, said in WORDS.items() if path.endswith(end)), None)
    found = LISTS.get(case, {}).get(path)
    return None if found is None or received.method != "GET" else answer(found)
