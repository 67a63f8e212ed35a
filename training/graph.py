"""The trained network as ONNX models in bytes, one for each stage: numbers of eight bits in matrices and their inputs.

The steps of inputs are fixed beforehand, from texts the network was shown: what it says of a text then never depends on
the texts beside it. Rows of a matrix that belong to one output share a step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from gateway.names.network import TAGS
from training.e5 import HEADS, WIDTH
from training.train import Layer, Network

Floats = NDArray[np.float32]

OWN = "com.microsoft"  # where onnxruntime keeps operators of its own
SHOWN = 400_000  # numbers of each input that are looked at
_CLIPPED = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1)


def inputs(network: Network, batches: Iterable[tuple[Tensor, Tensor]]) -> dict[str, tuple[float, int]]:
    """For each matrix, the step and zero of its input that lose least; `batches` are vectors and where texts are."""
    seen: dict[str, list[Floats]] = defaultdict(list)
    hooks = []
    real = torch.zeros(0)

    def watch(name: str) -> None:
        def look(_: nn.Module, given: tuple[Tensor, ...]) -> None:
            seen[name].append(given[0][real].float().flatten().numpy())

        hooks.append(network.get_submodule(name).register_forward_pre_hook(look))

    for at in range(len(network.layers)):
        for part in ("ask", "heard", "inner", "outer"):
            watch(f"layers.{at}.{part}")
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for vectors, mask in batches:
            real = mask
            network(vectors, mask)
    for hook in hooks:
        hook.remove()
    chance = np.random.default_rng(0)
    return {name: _range(chance.choice(np.concatenate(parts), SHOWN)) for name, parts in seen.items()}


def _range(numbers: Floats) -> tuple[float, int]:
    low, high = float(numbers.min()), float(numbers.max())
    best, least = (1.0, 0), np.inf
    for part in _CLIPPED:
        bottom = max(low, -high * part) if -low < high else low * part
        top = high * part if -low < high else min(high, -low * part)
        step = max((top - bottom) / 255, 1e-8)
        zero = round(-bottom / step)
        taken = (np.clip(np.rint(numbers / step) + zero, 0, 255) - zero) * step
        loss = float(np.square(taken - numbers).mean())
        if loss < least:
            best, least = (step, min(max(zero, 0), 255)), loss
    return best


class Graph:
    """Nodes and constants of a model in the making."""

    def __init__(self, arrays: dict[str, Floats], ranges: dict[str, tuple[float, int]]) -> None:
        self._arrays, self._ranges = arrays, ranges
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, name: str, array: NDArray[np.generic]) -> str:
        """A constant under a name."""
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, given: list[str], gives: str, domain: str = "", **options: object) -> str:
        """The one result of an operator."""
        self._nodes.append(helper.make_node(kind, given, [gives], domain=domain, **options))
        return gives

    def product(self, given: str, name: str) -> str:
        """What the matrix `name` makes of an input."""
        matrix = self._arrays[f"{name}.weight"].T
        steps = np.maximum(np.abs(matrix).max(axis=0) / 127, 1e-9).astype(np.float32)
        step, zero = self._ranges[name]
        step_name = self.constant(f"{name}.in.step", np.array(step, np.float32))
        zero_name = self.constant(f"{name}.in.zero", np.array(zero, np.uint8))
        small = self.node("QuantizeLinear", [given, step_name, zero_name], f"{name}.in")
        constants = [
            self.constant(f"{name}.matrix", np.rint(matrix / steps).astype(np.int8)),
            step_name,
            self.constant(f"{name}.steps", steps),
            zero_name,
            self.constant(f"{name}.zeros", np.zeros(len(steps), np.int8)),
            self.constant(f"{name}.bias", self._arrays[f"{name}.bias"]),
        ]
        return self.node("MatMulIntegerToFloat", [small, *constants], f"{name}.out", OWN)

    def normed(self, given: str, name: str) -> str:
        """An input, normed."""
        factors = [
            self.constant(f"{name}.{part}", self._arrays[f"{name}.{part}"]) for part in ("weight", "bias")
        ]
        return self.node("LayerNormalization", [given, *factors], f"{name}.out", axis=-1, epsilon=1e-12)

    def layer(self, states: str, name: str) -> str:
        """The states after a layer."""
        asked = self.product(states, f"{name}.ask")
        parts = [f"{name}.{one}" for one in ("query", "key", "value")]
        self._nodes.append(helper.make_node("Split", [asked], parts, axis=-1, num_outputs=3))
        heard = self.node(
            "MultiHeadAttention", [*parts, "", "mask"], f"{name}.attention", OWN, num_heads=HEADS
        )
        heard = self.product(heard, f"{name}.heard")
        states = self.normed(self.node("Add", [states, heard], f"{name}.middle"), f"{name}.heard_norm")
        inner = self.node("Gelu", [self.product(states, f"{name}.inner")], f"{name}.active", OWN)
        outer = self.product(inner, f"{name}.outer")
        return self.normed(self.node("Add", [states, outer], f"{name}.end"), f"{name}.outer_norm")

    def model(self, states: str, logits: str) -> bytes:
        """The whole, which gives `logits` and, if it is no last stage, `states`."""
        shape = ["texts", "length"]
        given = [("states", TensorProto.FLOAT, WIDTH), ("mask", TensorProto.INT32, None)]
        gives = [(logits, len(TAGS)), *([(states, WIDTH)] if states else [])]
        graph = helper.make_graph(
            self._nodes,
            "names",
            [
                helper.make_tensor_value_info(name, kind, [*shape, width] if width else shape)
                for name, kind, width in given
            ],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, [*shape, width])
                for name, width in gives
            ],
            self._constants,
        )
        sets = [helper.make_opsetid("", 21), helper.make_opsetid(OWN, 1)]
        model = helper.make_model(graph, opset_imports=sets, ir_version=10)
        done: bytes = model.SerializeToString()
        return done


def build(
    network: Network, ranges: dict[str, tuple[float, int]], begin: int, end: int, *, last: bool
) -> bytes:
    """The layers from `begin` to before `end`, and what they say; before the first, pieces get their places."""
    arrays = {name: tensor.detach().float().numpy() for name, tensor in network.state_dict().items()}
    graph = Graph(arrays, ranges)
    states = "states"
    if not begin:
        length = graph.node("Shape", [states], "length", start=1, end=2)
        bounds = [graph.constant("first", np.array([0])), length, graph.constant("axis", np.array([0]))]
        places = graph.node("Slice", [graph.constant("all_places", arrays["places"]), *bounds], "places")
        states = graph.normed(graph.node("Add", [states, places], "begin"), "norm")
    for at in range(begin, end):
        assert isinstance(network.layers[at], Layer)
        states = graph.layer(states, f"layers.{at}")
    tag = f"tag.{end - 1}"
    matrix = graph.constant(f"{tag}.matrix", arrays[f"{tag}.weight"].T)
    said = graph.node("MatMul", [states, matrix], f"{tag}.product")
    logits = graph.node("Add", [said, graph.constant(f"{tag}.bias", arrays[f"{tag}.bias"])], "logits")
    return graph.model("" if last else states, logits)
