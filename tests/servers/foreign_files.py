"""Picture files as other tools write them, by their own ways."""

from __future__ import annotations

import io
import json
import struct

from PIL import Image
from PIL.PngImagePlugin import PngInfo

PARAMETERS = (
    "a red fox, (masterpiece:1.2)\nin the snow <lora:detail:0.8>\n"
    "Negative prompt: blurry, lowres\nbad hands\n"
    "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 1234567890, Size: 96x64, "
    "Model hash: 31e35c80fc, Model: sd_xl_base_1.0, Denoising strength: 0.4, Clip skip: 2, "
    'Lora hashes: "detail: 7c6bad76eb54, other: 0ef1", '
    'Wildcard prompt: "a {red|blue} fox, \\"quoted\\": yes\\nnext line", Version: v1.10.1'
)
"""What A1111 shows below a picture."""


def picture(width=96, height=64, mode="RGB"):
    """A picture that is not of one colour, so that its compression matters."""
    image = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (image, image.rotate(90), image.rotate(180))).convert(mode)


def png(**texts):
    """A PNG with texts, which Pillow writes as tEXt or iTXt as all these tools do."""
    info = PngInfo()
    for name, said in texts.items():
        info.add_text(name.replace("__", "-"), said)
    out = io.BytesIO()
    picture().save(out, "PNG", pnginfo=info)
    return out.getvalue()


def comment_of(said):
    """A UserComment as piexif dumps it for A1111: UTF-16, the high byte first."""
    return b"UNICODE\0" + said.encode("utf-16-be")


def tiff_with(comment, order=">"):
    """An EXIF with one UserComment in its second list of tags, as piexif builds it."""
    mark = b"MM\0*" if order == ">" else b"II*\0"
    first = struct.pack(f"{order}IHHHIIIH", 8, 1, 0x8769, 4, 1, 26, 0, 1)
    second = struct.pack(f"{order}HHIII", 0x9286, 7, len(comment), 44, 0)
    return mark + first + second + comment


def with_exif(kind, tiff):
    """A JPEG or WebP with an EXIF."""
    out = io.BytesIO()
    picture().save(out, kind, quality=90, exif=b"Exif\0\0" + tiff)
    return out.getvalue()


def a1111_jpeg(said=PARAMETERS, kind="JPEG"):
    return with_exif(kind, tiff_with(comment_of(said)))


GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 156680208700286,
            "steps": 20,
            "cfg": 8.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1.0,
            "model": ["10", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5-pruned-emaonly.ckpt"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 96, "height": 64, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "fox", "images": ["8", 0]}},
    "10": {
        "class_type": "LoraLoader",
        "inputs": {"lora_name": "x.safetensors", "model": ["4", 0], "clip": ["4", 1]},
        "is_changed": [float("nan")],
    },
}
"""The first example of ComfyUI, with a LoRA."""

FLUX_GRAPH = {
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 96, "height": 64, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["30", 0], "clip": ["11", 0]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["13", 0], "vae": ["10", 0]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}},
    "10": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
    "11": {"class_type": "DualCLIPLoader", "inputs": {"clip_name1": "t5xxl.safetensors", "type": "flux"}},
    "12": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev.safetensors"}},
    "13": {
        "class_type": "SamplerCustomAdvanced",
        "inputs": {
            "noise": ["25", 0],
            "guider": ["22", 0],
            "sampler": ["16", 0],
            "sigmas": ["17", 0],
            "latent_image": ["5", 0],
        },
    },
    "16": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
    "17": {
        "class_type": "BasicScheduler",
        "inputs": {"scheduler": "simple", "steps": 20, "model": ["12", 0]},
    },
    "22": {"class_type": "BasicGuider", "inputs": {"model": ["12", 0], "conditioning": ["26", 0]}},
    "25": {"class_type": "RandomNoise", "inputs": {"noise_seed": 219670278747233}},
    "26": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["6", 0]}},
    "30": {"class_type": "PrimitiveString", "inputs": {"value": "an owl"}},
}
"""The example of ComfyUI for FLUX, with its words in a node of their own."""


def comfyui_webp(graph=None):
    """A WebP as SaveAnimatedWEBP writes it: texts in the tags Model and Make."""
    exif = Image.Exif()
    exif[0x0110] = f"prompt:{json.dumps(GRAPH if graph is None else graph)}"
    exif[0x010F] = "workflow:{}".format(json.dumps({"nodes": []}))
    out = io.BytesIO()
    picture().save(out, "WEBP", exif=exif)
    return out.getvalue()


INVOKEAI = {
    "app_version": "5.6.0",
    "generation_mode": "sdxl_txt2img",
    "positive_prompt": "a red fox",
    "negative_prompt": "blurry",
    "width": 96,
    "height": 64,
    "seed": 2182847303,
    "rand_device": "cpu",
    "cfg_scale": 6.5,
    "steps": 30,
    "scheduler": "dpmpp_3m_k",
    "model": {"key": "k", "hash": "blake3:1", "name": "Juggernaut XL v9", "base": "sdxl", "type": "main"},
}

SD_METADATA = {
    "model": "stable diffusion",
    "model_weights": "stable-diffusion-1.5",
    "app_id": "invoke-ai/InvokeAI",
    "app_version": "2.3.5",
    "image": {
        "prompt": [{"prompt": "a red fox [blurry]", "weight": 1}],
        "steps": 50,
        "cfg_scale": 7.5,
        "width": 96,
        "height": 64,
        "seed": 42,
        "type": "txt2img",
        "sampler": "k_lms",
    },
}

DREAM = '"a "red" fox [blurry]" -s 50 -S 42 -W 96 -H 64 -C 7.5 -A k_lms'

FOOOCUS = {
    "adm_guidance": "(1.5, 0.8, 0.3)",
    "base_model": "juggernautXL_v8Rundiffusion",
    "base_model_hash": "aeb7e9e689",
    "full_negative_prompt": ["blurry", "ugly"],
    "full_prompt": ["cinematic still a red fox . emotional"],
    "guidance_scale": 4,
    "loras": [["sd_xl_offset_example-lora_1.0", 0.1, "4852686128"]],
    "negative_prompt": "blurry",
    "performance": "Speed",
    "prompt": "a red fox",
    "resolution": "(96, 64)",
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "seed": "7215640023216405541",
    "sharpness": 2,
    "steps": 30,
    "styles": "['Fooocus V2']",
    "version": "Fooocus v2.5.5",
}


def fooocus_exif(kind, said=None, scheme="fooocus"):
    """A JPEG or WebP as Fooocus writes it, with all tags in the first list of tags."""
    exif = Image.Exif()
    exif[0x9286] = json.dumps(FOOOCUS) if said is None else said
    exif[0x0131] = "Fooocus v2.5.5"
    exif[0x927C] = scheme
    out = io.BytesIO()
    picture().save(out, kind, quality=95, exif=exif)
    return out.getvalue()


SWARMUI = {
    "sui_image_params": {
        "prompt": "a red fox",
        "negativeprompt": "blurry",
        "model": "OfficialStableDiffusion/sd_xl_base_1.0",
        "seed": 1,
        "steps": 20,
        "cfgscale": 7.0,
        "aspectratio": "1:1",
        "width": 96,
        "height": 64,
        "sampler": "dpmpp_2m",
        "automaticvae": True,
        "swarm_version": "0.9.3.1",
    },
    "sui_extra_data": {"date": "2025-01-25", "generation_time": "4.84 sec"},
}


def swarmui_jpeg():
    """A JPEG as ImageSharp writes the comment: UTF-16, the low byte first."""
    said = b"UNICODE\0" + json.dumps(SWARMUI, indent=2).encode("utf-16-le")
    return with_exif("JPEG", tiff_with(said, "<"))
