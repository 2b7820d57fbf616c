"""What steering costs in memory: one copy of the model and less than its masks would take as plain booleans."""

import json
import os
import subprocess
import sys

import pytest

from tests.annotations.steering.conftest import needs_models

pytestmark = needs_models

CHILD = """
import gc, json, sys
from pathlib import Path
import torch
from annotations.steering import masks as masks_module
from annotations.steering.importance import input_norms
from annotations.steering.masks import make_masks
from annotations.steering.places import matrices
from annotations.steering.weights import steered
from tests.standins import tiny_model

PROMPTS = [list(range(2, 40)), list(range(60, 90))]

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])

def half(norms, part):
    for norm in norms.values():  # each set has features of its own: no overlap, which is the dearest case
        norm[part * len(norm) // 2 : (part + 1) * len(norm) // 2] *= 100
    return norms

def work(model, scope):
    found = matrices(model, blocks=(1, 2, 3, 4), modules=("mlp", "attention"))
    norms = [half(input_norms(model, [ids], found, norm="prompts"), part) for part, ids in enumerate(PROMPTS)]
    masks = make_masks(found, *norms, ratio=0.2, scope=scope)
    with steered(model, masks, 0.5), torch.inference_mode():
        model(torch.tensor([PROMPTS[0]]))
    return masks

masks_module.PIECE = 1 << 17  # as small beside this model as the real one is beside real models
work(tiny_model.model("llama", blocks=4), "model")  # what is imported and made once
model = tiny_model.model("llama", width=1024, blocks=4)
with torch.inference_mode():
    model(torch.tensor([PROMPTS[0]]))
gc.collect()
Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
before = status("VmRSS")
masks = work(model, "model")
print(json.dumps({
    "model": sum(p.numel() * p.element_size() for p in model.parameters()),
    "weights": masks.weights, "packed": masks.nbytes,
    "kept": masks.marked * model.lm_head.weight.element_size(),
    "share": masks.marked / masks.weights,
    "more": status("VmHWM") - before,
}))
"""
SLACK = 10_000_000  # bytes: activations, pieces at work, what the allocator holds back (4 to 6 million seen)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak from /proc")
def test_peak_is_one_copy_of_the_model_and_its_masks():
    gives_back = os.environ | {
        "MALLOC_MMAP_THRESHOLD_": "65536",
        "MALLOC_TRIM_THRESHOLD_": "0",
    }  # what is freed is gone

    done = subprocess.run([sys.executable, "-c", CHILD], env=gives_back, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    size = json.loads(done.stdout)
    assert size["packed"] == size["weights"] // 8
    assert 0.15 < size["share"] <= 0.2
    assert size["packed"] + size["kept"] < size["weights"]  # a byte a weight: plain booleans
    assert size["more"] < size["packed"] + size["kept"] + SLACK
    assert size["more"] < 0.5 * size["model"]
