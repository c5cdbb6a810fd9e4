"""The arithmetic that a step of stage 1 needs at least, for benchmarks that compare it with the measured time."""

import dataclasses


@dataclasses.dataclass
class Shape:
    width: int
    inner: int
    layers: int
    vocabulary: int
    heads: int
    groups: int  # of keys and values
    gated: bool  # an MLP of three matrices instead of two

    @classmethod
    def of(cls, config):
        """Of the config.json of a LLaMA or an OPT."""
        heads = config["num_attention_heads"]
        return cls(
            config["hidden_size"],
            config.get("intermediate_size") or config["ffn_dim"],
            config["num_hidden_layers"],
            config["vocab_size"],
            heads,
            config.get("num_key_value_heads", heads),
            "ffn_dim" not in config,
        )

    def layer_flop(self):
        """Of one token in the matrix products of one layer, forward."""
        maps = 2 * self.width + 2 * self.width * self.groups // self.heads + (3 if self.gated else 2) * self.inner
        return 2 * self.width * maps


def least_flop(shape, steps, parts, lora):
    """Floating-point operations of a step, mean over the steps: the matrix products of each packed token in the layers
    and the head. Shared prompts are counted once; attention, adapters and elementwise operations are not counted.

    steps: lines of a data.plan. parts(prompt, response): the tokens of both. lora: whether the base is frozen."""
    total = 0
    layers, head = shape.layers * shape.layer_flop(), 2 * shape.width * shape.vocabulary
    for rows in steps:
        tokens = responses = 0
        for (prompt, own), drawn in zip(rows["harmful"], rows["random"]):
            sizes = [parts(prompt, response) for response in (own, *drawn)]
            tokens += sizes[0][0] + sum(response for _, response in sizes)
            responses += sum(response for _, response in sizes)
        normal = [parts(prompt, response) for prompt, response in rows["normal"]]
        tokens += sum(map(sum, normal))
        normal_responses = sum(response for _, response in normal)
        ways = 2 if lora else 3  # forward and gradients of the inputs; full tuning: also of the weights
        total += ways * (tokens * layers + (responses + normal_responses) * head)
        # The original's distribution for the KL: LoRA needs another forward pass, full tuning stores the hidden states.
        total += normal_responses * head + (sum(map(sum, normal)) * layers if lora else 0)
    return total / len(steps)
