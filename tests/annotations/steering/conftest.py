"""Tiny models, made once; whoever changes one has to change it back, which is what is tested."""

import importlib.util
import os

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"

NEEDS_TORCH = "the extra `steering` (PyTorch, transformers) is not installed"
# Looked for, not loaded: every process of a run collects every test, and PyTorch takes seconds.
needs_models = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("torch", "transformers")), reason=NEEDS_TORCH
)


@pytest.fixture(scope="session")
def torch():
    pytest.importorskip("transformers", reason=NEEDS_TORCH)
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    torch.set_num_threads(1)  # more threads wait for one another when other tests run beside
    return torch


@pytest.fixture(scope="session")
def models(torch, tmp_path_factory):
    """Folders of a Llama with a chat template and of a GPT-2 and a GPT-NeoX without one."""
    from tests.standins import tiny_model

    root = tmp_path_factory.mktemp("models")
    for kind in ("llama", "gpt2", "neox"):
        tiny_model.save(root / kind, kind, chat=kind == "llama")
    return root


@pytest.fixture(scope="session")
def loaded(torch, models):
    """One of each, loaded."""
    from annotations.steering.loading import load

    found = {kind: load(models / kind, device="cpu") for kind in ("llama", "gpt2", "neox")}
    for one in found.values():
        one.model(torch.tensor([[5]]), output_hidden_states=True)  # which leaves hooks of transformers' own
    return found


@pytest.fixture
def untouched(torch, loaded):
    """After the test every parameter of every model has the bits that it had before."""
    before = {kind: {n: p.clone() for n, p in one.model.named_parameters()} for kind, one in loaded.items()}
    hooks = {kind: hooks_of(one) for kind, one in loaded.items()}
    yield
    for kind, one in loaded.items():
        assert all(torch.equal(p, before[kind][n]) for n, p in one.model.named_parameters()), kind
        assert hooks_of(one) == hooks[kind], kind


def hooks_of(one):
    return [list(hooks) for m in one.model.modules() for hooks in (m._forward_hooks, m._forward_pre_hooks)]
