"""Which folders are loaded, as what, and how often."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys

import pytest

from annotations.steering.errors import INSTALL, SteeringError
from annotations.steering.loading import allowed, digest_of, dtype_for, load, stamp_of


@pytest.fixture
def folder(tmp_path):
    """What looks like a model, in a root of its own."""
    made = tmp_path / "root" / "m"
    made.mkdir(parents=True)
    (made / "config.json").write_text('{"dtype": "float16"}')
    (made / "model.safetensors").write_bytes(b"weights")
    (made / "README.md").write_text("not part of the model")
    return made


def test_folder_is_found_by_its_whole_path_and_by_its_name(folder):
    roots = [folder.parent.parent / "none", folder.parent]

    assert allowed(str(folder), roots) == allowed("m", roots) == folder


@pytest.mark.parametrize("path", ["/etc", "..", "../outside", "m/../../outside"])
def test_folder_outside_the_roots_is_refused(folder, path):
    (folder.parent.parent / "outside").mkdir()

    with pytest.raises(SteeringError, match="EVALPLATFORM_MODEL_ROOTS"):
        allowed(path, [folder.parent])


def test_link_out_of_the_roots_is_refused_and_one_within_is_followed(folder):
    outside = shutil.copytree(folder, folder.parent.parent / "outside")
    (folder.parent / "away").symlink_to(outside)
    (folder.parent / "here").symlink_to(folder)

    with pytest.raises(SteeringError, match="EVALPLATFORM_MODEL_ROOTS"):
        allowed("away", [folder.parent])
    assert allowed("here", [folder.parent]) == folder


def test_without_roots_nothing_is_loaded(folder):
    with pytest.raises(SteeringError, match="no folder at all"):
        allowed(str(folder), [])


@pytest.mark.parametrize(
    ("gone", "there", "message"),
    [
        ("config.json", "", "no config.json"),
        ("model.safetensors", "pytorch_model.bin", "no .safetensors; other formats may run code"),
        ("", "adapter_config.json", "is an adapter"),
    ],
)
def test_folder_that_is_no_plain_model_is_refused(folder, gone, there, message):
    if gone:
        (folder / gone).unlink()
    if there:
        (folder / there).write_text("{}")

    with pytest.raises(SteeringError, match=message):
        allowed("m", [folder.parent])


def test_missing_folder_is_named(folder):
    with pytest.raises(SteeringError, match="no folder other"):
        allowed("other", [folder.parent])


def test_digest_follows_the_files_that_make_the_model(folder):
    before = digest_of(folder, stamp_of(folder))

    (folder / "README.md").write_text("other words")
    os.utime(folder / "model.safetensors", ns=(1, 1))
    same = digest_of(folder, stamp_of(folder))
    (folder / "model.safetensors").write_bytes(b"weightz")
    changed = digest_of(folder, stamp_of(folder))

    assert before == same != changed


@pytest.mark.parametrize(
    ("config", "wish", "dtype"),
    [
        ({"dtype": "float16"}, ("auto", "cpu"), "float32"),
        ({"dtype": "float16"}, ("auto", "cuda"), "float16"),
        ({"torch_dtype": "bfloat16"}, ("auto", "cpu"), "bfloat16"),
        ({"text_config": {"dtype": "bfloat16"}}, ("auto", "cpu"), "bfloat16"),
        ({}, ("auto", "cpu"), "float32"),
        ({"dtype": "bfloat16"}, ("float32", "cpu"), "float32"),
    ],
)
def test_number_format_is_that_of_the_files(folder, config, wish, dtype):
    (folder / "config.json").write_text(json.dumps(config))

    assert dtype_for(wish[0], folder, wish[1]) == dtype


@pytest.mark.parametrize("config", ["{not json", "[1]"])
def test_configuration_that_cannot_be_read_is_named(folder, config):
    (folder / "config.json").write_text(config)

    with pytest.raises(SteeringError, match=r"config\.json of m"):
        dtype_for("auto", folder, "cpu")


def test_path_that_is_no_path_is_refused(folder):
    for path in ("m\0", "~nobody-of-this-name/m"):
        with pytest.raises(SteeringError):
            allowed(path, [folder.parent])


def test_model_whose_files_lack_weights_is_refused_and_not_filled_up_by_chance(models, tmp_path):
    for name, change in (("lacks", {"num_hidden_layers": 3}), ("differs", {"intermediate_size": 48})):
        folder = shutil.copytree(models / "llama", tmp_path / name)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | change))

        with pytest.raises(SteeringError, match=f"{name} is not whole: its files do not hold model.layers"):
            load(folder, device="cpu")


def test_model_without_tokenizer_or_with_broken_weights_is_refused(models, tmp_path):
    bare = shutil.copytree(models / "llama", tmp_path / "bare", ignore=shutil.ignore_patterns("tokenizer*"))
    cut = shutil.copytree(models / "llama", tmp_path / "cut")
    (cut / "model.safetensors").write_bytes((cut / "model.safetensors").read_bytes()[:5000])

    with pytest.raises(SteeringError, match="bare holds no tokenizer"):
        load(bare, device="cpu")
    with pytest.raises(SteeringError, match="cut cannot be loaded"):
        load(cut, device="cpu")


def test_model_in_several_files_is_the_same_model(torch, models, loaded, tmp_path):
    shutil.copytree(models / "llama", tmp_path / "split", ignore=shutil.ignore_patterns("*.safetensors"))
    loaded["llama"].model.save_pretrained(tmp_path / "split", max_shard_size="5KB")

    one = load(tmp_path / "split", device="cpu")

    assert len(list((tmp_path / "split").glob("*.safetensors"))) > 2
    ids = torch.tensor([[5, 6, 7]])
    assert torch.equal(one.model(ids).logits, loaded["llama"].model(ids).logits)


def test_without_the_extra_one_sentence_says_what_to_install(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(SteeringError) as refused:
        load(folder)
    assert str(refused.value) == INSTALL


def test_package_and_plugins_do_not_import_torch():
    code = (
        "import django, os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'evalplatform.settings'; django.setup();"
        "from annotations.registry import generators, scorers; generators.names(), scorers.names();"
        "print(sorted({'torch', 'transformers', 'safetensors'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_loaded_model_says_what_it_is(models, loaded):
    one = loaded["llama"]

    assert (one.name, one.revision, one.dtype, one.device, one.chat) == ("llama", "", "float32", "cpu", True)
    assert one.digest == digest_of(models / "llama", stamp_of(models / "llama"))
    assert one.window == 256
    assert not one.model.training
    assert not any(parameter.requires_grad for parameter in one.model.parameters())


def test_snapshot_of_the_hub_has_name_and_revision(models, tmp_path):
    revision = "0123456789abcdef0123456789abcdef01234567"
    snapshot = tmp_path / "models--small--neox" / "snapshots" / revision
    shutil.copytree(models / "neox", snapshot)

    one = load(allowed(str(snapshot), [tmp_path]), device="cpu", dtype="bfloat16")

    assert (one.name, one.revision, one.dtype) == ("small/neox", revision, "bfloat16")


def test_taste_of_the_model_is_left_out(models, tmp_path):
    folder = shutil.copytree(models / "gpt2", tmp_path / "m")
    said = {"repetition_penalty": 5.0, "top_k": 1, "do_sample": True, "eos_token_id": [0, 7], "max_length": 3}
    (folder / "generation_config.json").write_text(json.dumps(said))

    kept = load(folder, device="cpu").model.generation_config

    assert kept.eos_token_id == [0, 7]
    assert kept.repetition_penalty is None or kept.repetition_penalty == 1.0
    assert (kept.top_k, kept.max_length) != (1, 3)
    assert not kept.do_sample


def test_code_of_the_model_is_never_run(models, tmp_path):
    folder = shutil.copytree(models / "llama", tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "code.Mine", "AutoModelForCausalLM": "code.Mine"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")

    with pytest.raises(SteeringError, match="m cannot be loaded"):
        load(folder, device="cpu")
    assert not (tmp_path / "ran").exists()


def test_device_that_is_not_there_is_refused(torch, models):
    if torch.cuda.is_available():
        pytest.skip("there is one")

    with pytest.raises(SteeringError, match="there is no cuda on this machine; there is"):
        load(models / "llama", device="cuda")


def test_all_who_ask_share_one_model_and_a_changed_one_is_loaded_anew(models, tmp_path):
    from annotations.steering.shelf import Shelf

    shelf = Shelf()
    folder = shutil.copytree(models / "neox", tmp_path / "m")
    ask = {"roots": [tmp_path], "device": "cpu"}

    with shelf.borrow("m", **ask) as first, shelf.borrow(str(folder), **ask) as second:
        assert first is second
    with shelf.borrow("m", **ask) as third:
        assert third is first
    os.utime(folder / "model.safetensors", ns=(1, 1))
    with shelf.borrow("m", **ask) as fourth:
        assert fourth is not first
        assert len(shelf) == 1
        with shelf.borrow("m", dtype="bfloat16", **ask) as fifth:
            assert (fifth.dtype, len(shelf)) == ("bfloat16", 2)
            shelf.clear()
            assert len(shelf) == 2
    shelf.clear()
    assert len(shelf) == 0
