"""Sentence-transformers with a tiny random model that is made on the spot."""

import importlib.util

import numpy as np
import pytest

from analysis.embeddings import EmbeddingError, SentenceTransformers, embed

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("sentence_transformers") is None, reason="the extra `steering` is not installed"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    known = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", "sat", "dog", "ran")
    vocabulary = {word: at for at, word in enumerate(known)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    path = tmp_path_factory.mktemp("models") / "mini-bert"
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(vocabulary), **sizes)).save_pretrained(path)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(path)
    return path


@pytest.fixture(scope="module", autouse=True)
def offline():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


def test_vectors_are_the_mean_of_the_last_hidden_states_of_the_model(folder):
    import torch
    from transformers import AutoModel, AutoTokenizer

    vectors = embed(["the cat sat", "the dog ran", "the cat sat"], SentenceTransformers(str(folder), device="cpu"))

    inputs = AutoTokenizer.from_pretrained(folder)("the dog ran", return_tensors="pt")
    with torch.no_grad():
        state = AutoModel.from_pretrained(folder).eval()(**inputs).last_hidden_state[0].mean(dim=0).numpy()
    assert vectors.shape == (3, 16)
    assert vectors[1] == pytest.approx(state / np.linalg.norm(state), abs=1e-5)  # float32 through one layer
    assert np.array_equal(vectors[0], vectors[2])


def test_description_pins_the_weights_and_names_no_folder(folder):
    told = SentenceTransformers(str(folder), device="cpu").describe()

    assert told["embedder"] == "sentence-transformers:mini-bert"
    assert told["dimensions"] == 16
    assert len(told["weights_sha256"]) == 64
    assert str(folder.parent) not in str(told)


def test_model_that_is_not_there_is_refused_in_words(tmp_path):
    with pytest.raises(EmbeddingError, match=r"cannot be loaded .*: give a folder that holds it"):
        SentenceTransformers(str(tmp_path / "nothing")).embed(["a"])
