"""Networks of our own as transformers models, so that all that opens, trains and writes an encoder takes them.

A folder of such a network has a `config.json` with the `model_type` `oreline_network` and the name of a network plug
with its options, and weights as safetensors; the layers come from the plug, never from the folder.

Shape suffixes: B rows of one batch, T tokens, E width of the embeddings, D width of the states, K tags, V pieces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForTokenClassification,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutput, MaskedLMOutput, TokenClassifierOutput

from oreline import registry
from oreline.errors import UsageError

MODEL_TYPE = "oreline_network"
_ANY_LENGTH = 1 << 16
"""Tokens that a network without positions takes: as many as come; `max_tokens` of the training options bounds them."""


class NetworkConfig(PretrainedConfig):  # type: ignore[misc]
    """What `config.json` says of a network of our own."""

    model_type = MODEL_TYPE

    def __init__(
        self,
        *,
        network: str = "",
        options: Mapping[str, Any] | None = None,
        vocab_size: int = 0,
        pad_token_id: int = 0,
        **others: Any,
    ) -> None:
        """Describe a network.

        Args:
            network: name of the plug; `options` are its keyword arguments.
            vocab_size: pieces of its vocabulary.
            pad_token_id: the one that fills rows up.
            others: what transformers notes in any configuration.
        """
        self.network, self.options, self.vocab_size = network, dict(options or {}), vocab_size
        others = {"max_position_embeddings": _ANY_LENGTH, "tie_word_embeddings": True, **others}
        super().__init__(pad_token_id=pad_token_id, **others)
        if network:
            plug = registry.create("network", network, **self.options)
            self.hidden_size, self.num_hidden_layers = plug.width, plug.layers
            self.embedding_width, self.head_dropout = plug.embedding_width, plug.dropout


class _Network(PreTrainedModel):  # type: ignore[misc]
    config_class = NetworkConfig
    base_model_prefix = "network"

    def _init_weights(self, module: nn.Module) -> None:
        """Begin with small embeddings and heads; layers keep the initialisation that torch gives them."""
        if isinstance(module, nn.Embedding):
            init.normal_(module.weight, std=0.1)
        elif isinstance(module, nn.LayerNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)
        elif type(module) is nn.Linear:
            init.normal_(module.weight, std=0.02)
            init.zeros_(module.bias)


class NetworkModel(_Network):
    """An embedding table and the layers of a network plug: states of all tokens, whatever the padding."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        plug = registry.create("network", config.network, **config.options)
        self.embeddings = nn.Embedding(config.vocab_size, plug.embedding_width)
        self.dropout = nn.Dropout(plug.dropout)
        self.layers = plug.body()
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        """Return the embedding table."""
        return self.embeddings

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_hidden_states: bool = False,
        **_: Any,
    ) -> BaseModelOutput:
        """Return the states of all tokens, (B, T, D), from ids (B, T) or embeddings (B, T, E).

        `attention_mask` (B, T) is 1 for real tokens; without one all are. Token types are not looked at.
        """
        embedded_BTE = self.embeddings(input_ids) if inputs_embeds is None else inputs_embeds
        states_BTD = self.layers(self.dropout(embedded_BTE), attention_mask)
        told = (states_BTD,) if output_hidden_states else None
        return BaseModelOutput(last_hidden_state=states_BTD, hidden_states=told)


class NetworkForTokenClassification(_Network):
    """A network with a linear head over the state of each token."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.network = NetworkModel(config)
        self.dropout = nn.Dropout(config.head_dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, output_hidden_states: bool = False, **inputs: Any) -> TokenClassifierOutput:
        """Return `logits` (B, T, K)."""
        found = self.network(output_hidden_states=output_hidden_states, **inputs)
        logits_BTK = self.classifier(self.dropout(found.last_hidden_state))
        return TokenClassifierOutput(logits=logits_BTK, hidden_states=found.hidden_states)


class NetworkForMaskedLM(_Network):
    """A network that guesses masked tokens: each state is brought to the width of the embeddings, and compared with
    those of all pieces. The comparison has no weights of its own but a bias."""

    _tied_weights_keys: ClassVar[dict[str, str]] = {"guess.3.weight": "network.embeddings.weight"}

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.network = NetworkModel(config)
        narrow = config.embedding_width
        self.guess = nn.Sequential(
            nn.Linear(config.hidden_size, narrow), nn.GELU(), nn.LayerNorm(narrow), nn.Linear(narrow, config.vocab_size)
        )
        self.post_init()

    def get_output_embeddings(self) -> nn.Module:
        """Return the layer that shares the embeddings' weights."""
        return self.guess[3]

    def forward(self, **inputs: Any) -> MaskedLMOutput:
        """Return `logits` (B, T, V) over the vocabulary."""
        found = self.network(**inputs)
        return MaskedLMOutput(logits=self.guess(found.last_hidden_state), hidden_states=found.hidden_states)


def register() -> None:
    """Tell transformers' Auto classes of the networks of our own; a second time changes nothing."""
    AutoConfig.register(MODEL_TYPE, NetworkConfig, exist_ok=True)
    AutoModel.register(NetworkConfig, NetworkModel, exist_ok=True)
    AutoModelForMaskedLM.register(NetworkConfig, NetworkForMaskedLM, exist_ok=True)
    AutoModelForTokenClassification.register(NetworkConfig, NetworkForTokenClassification, exist_ok=True)


def refuse_without(family: str, config: Mapping[str, Any], where: str) -> None:
    """Raise `UsageError` for what a network of our own does not have: a token that sums up the text."""
    if family == "AutoModelForSequenceClassification":
        raise UsageError(
            f"the network {config.get('network')!r} has no token that sums up the text",
            where=where,
            allowed="pooling max or mean",
        )


def positive(network: str, **options: int) -> None:
    """Raise `UsageError` for an option of a network that is no whole number from 1."""
    for name, value in options.items():
        if not isinstance(value, int) or value < 1:
            raise UsageError(f"{network}: {name} is {value!r}", allowed="a whole number from 1")


def share(network: str, **options: float) -> None:
    """Raise `UsageError` for an option of a network that is no number in [0, 1)."""
    for name, value in options.items():
        if not isinstance(value, int | float) or not 0 <= value < 1:
            raise UsageError(f"{network}: {name} is {value!r}", allowed="0 up to, but not, 1")
