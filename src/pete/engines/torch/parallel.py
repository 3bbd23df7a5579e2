"""The torch engine on several devices: each rank computes its share of a step's micro-batches, then all take the step of the sum.

A step is the same list of micro-batches on any number of devices: rank r of n takes the r-th, the (r+n)-th and so on. Rank 0 leads: it
alone has data, a run folder and a screen. The others load the base it names, and get the adapter and then their shares from it.
"""

import contextlib
import math
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pete.config import Config, LoraConfig, ModelConfig
from pete.data.batch import Batch
from pete.engines.devices import on_this_machine, world
from pete.engines.protocol import LossSum, RankLost, StepResult
from pete.engines.torch.device import gpus_here
from pete.engines.torch.engine import TorchEngine, settings_of
from pete.engines.torch.policy import choose_device
from pete.engines.torch.ranks import END, Ranks, end_with_the_leader, leading, serving
from pete.errors import BaseModelError, ConfigError, PeteError, WorkError


def check(config: Config) -> None:
    """See that this machine has the devices a training asks of it.

    Raises:
        ConfigError: it has fewer.
    """
    device = choose_device(config.engine.device, gpus_here()).value
    wanted = on_this_machine(config.train.devices)
    there = {"cpu": os.cpu_count() or 1, "cuda": torch.cuda.device_count()}.get(device, 1)
    if wanted > there:
        found = {
            "cpu": f"{there} processor core{'s' if there > 1 else ''} here, and on cpu a device is a process with cores of its own",
            "cuda": f"{there} CUDA card{'s' if there > 1 else ''} here",
        }.get(device, "one GPU in a Mac")
        raise ConfigError(f"train.devices = {config.train.devices}: there {'is' if there == 1 else 'are'} {found}.", f"--devices {there}")


@contextlib.contextmanager
def on_all_devices(config: Config) -> Iterator[TorchEngine]:
    """The engine that computes on every device of `train.devices`; the processes it started end with the block."""
    threads = torch.get_num_threads()
    with leading(config.train.devices) as ranks:
        try:
            yield Leader(config, ranks)
        finally:
            torch.set_num_threads(threads)


class Member(TorchEngine):
    """What every rank does: sum the gradients before a step, and take rank 0's adapter."""

    def __init__(self, config: Config, ranks: Ranks) -> None:
        super().__init__(config)
        self._ranks = ranks
        if self.device == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) if world() else 0)

    def _update(self, nats: float, lr: float) -> float:
        """Take the step of all ranks' gradient; every rank sees the same numbers, and so decides the same."""
        parameters = list(self._trainable().values())
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]  # a rank without a micro-batch has none
        whole = torch.cat([*(part.reshape(-1) for part in parts), torch.tensor([nats], device=self.device)])
        self._ranks.add_up(whole)
        for parameter, part in zip(parameters, whole[:-1].split([p.numel() for p in parameters]), strict=True):
            parameter.grad = part.view_as(parameter)
        return super()._update(float(whole[-1]), lr)

    @torch.no_grad()
    def _take_adapter(self) -> None:
        """Make adapter and optimizer those of rank 0."""
        tensors = list(self._trainable().values())
        if self._updates:
            assert self._optimizer is not None
            states = [self._optimizer.state[parameter] for parameter in tensors]
            tensors += [state[name] for state in states for name in ("exp_avg", "exp_avg_sq")]
        for tensor in tensors:
            self._ranks.copy(tensor)


class Leader(Member):
    """Rank 0: what the protocol asks of it, it asks of all."""

    def __init__(self, config: Config, ranks: Ranks) -> None:
        super().__init__(config, ranks)
        self.devices = ranks.size
        threads = 0  # torchrun's own choice stays
        if ranks.started and self.device == "cpu":
            threads = max(1, torch.get_num_threads() // ranks.size)
            torch.set_num_threads(threads)
        settled = config.model_copy(update={"engine": config.engine.model_copy(update={"device": self.device})})
        self._ask({"do": "begin", "config": settled.model_dump(mode="json"), "threads": threads})
        ranks.use(self.device)

    def _tell(self, orders: Iterable[Mapping[str, Any]]) -> None:
        """Give each of the other ranks its order."""
        for rank, order in zip(self._ranks.others, orders, strict=True):
            self._ranks.tell(rank, order)

    def _answers(self) -> list[dict[str, Any]]:
        """What each of the other ranks answers.

        Raises:
            WorkError: one could not do it. RankLost: one is gone.
        """
        answers = []
        for rank in self._ranks.others:
            answer = self._ranks.hear(rank)
            if "error" in answer:
                raise WorkError(f"Rank {rank} of {self._ranks.size}: {answer['error']}", answer["hint"])
            answers.append(answer)
        return answers

    def _ask(self, order: Mapping[str, Any]) -> list[dict[str, Any]]:
        self._tell([order] * len(self._ranks.others))
        return self._answers()

    def load(self, model: ModelConfig, adapter: Path | None = None) -> None:
        """See the protocol; the others load after this rank, from what it has fetched and proven by then."""
        super().load(model, adapter)
        exact = model.model_copy(update={"dtype": self.dtype, "revision": self.base.revision})
        for rank, answer in zip(self._ranks.others, self._ask({"do": "load", "model": exact.model_dump()}), strict=True):
            if answer["fingerprint"] != self.base.fingerprint:
                raise BaseModelError(
                    f"Rank {rank} has other weights of {self.base.name} than rank 0.", "put the same base on every machine, then go on"
                )
        if adapter is not None:
            self._give_adapter()

    def add_lora(self, lora: LoraConfig) -> int:
        """See the protocol."""
        trainable = super().add_lora(lora)
        self._give_adapter()
        return trainable

    def _give_adapter(self) -> None:
        self._ask({"do": "adapter", "settings": self._settings(), "updates": self._updates})
        self._take_adapter()

    def train_step(self, micro: Sequence[Batch], lr: float) -> StepResult:
        """See the protocol."""
        tokens = sum(int(batch.trained.sum()) for batch in micro)
        shares = [list(enumerate(micro))[rank :: self.devices] for rank in range(self.devices)]
        self._tell(
            {"do": "step", "lr": lr, "tokens": tokens, "micro": [(place, _as_lists(batch)) for place, batch in share]}
            for share in shares[1:]
        )
        nats = math.fsum([self._backward(dict(shares[0]), tokens), *(answer["nats"] for answer in self._answers())])
        return StepResult(nats, tokens, self._update(nats, lr))

    def losses(self, batches: Sequence[Batch]) -> list[LossSum]:
        """See the protocol."""
        shares = [batches[rank :: self.devices] for rank in range(self.devices)]
        active = self.adapter_active
        self._tell({"do": "losses", "active": active, "batches": [_as_lists(batch) for batch in share]} for share in shares[1:])
        found = [[self.loss(batch) for batch in shares[0]]]
        found += [[LossSum(tuple(nats), tuple(tokens)) for nats, tokens in answer["sums"]] for answer in self._answers()]
        return [found[place % self.devices][place // self.devices] for place in range(len(batches))]


class Servant(Member):
    """Any other rank: answers the orders of rank 0."""

    def answer(self, order: Mapping[str, Any]) -> None:
        """Do what an order says, and answer with what came out."""
        match order["do"]:
            case "load":
                self.load(ModelConfig.model_validate(order["model"]))
                self._ranks.tell(0, {"fingerprint": self.base.fingerprint})
            case "adapter":
                self._wrap(settings_of(order["settings"]))
                if updates := order["updates"]:
                    self._go_on_after(updates)
                self._ranks.tell(0, {})
                self._take_adapter()
            case "step":
                nats = self._backward({place: _as_batch(batch) for place, batch in order["micro"]}, order["tokens"])
                self._ranks.tell(0, {"nats": nats})
                self._update(nats, order["lr"])
            case "losses":
                self.adapter_active = order["active"]
                sums = [self.loss(_as_batch(batch)) for batch in order["batches"]]
                self.adapter_active = True
                self._ranks.tell(0, {"sums": [(one.nats, one.tokens) for one in sums]})

    def _go_on_after(self, updates: int) -> None:
        """An optimizer that has made so many updates, with moments that rank 0 is about to fill in."""
        self._optimizer, self._updates = self._new_optimizer(), updates
        for parameter in self._trainable().values():
            moments = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
            self._optimizer.state[parameter] = {"step": torch.tensor(float(updates), device=self.device), **moments}


def serve() -> None:
    """Do what rank 0 says until it says that it is over, or is gone."""
    warnings.simplefilter("ignore")  # rank 0 has heard the same
    servant: Servant | None = None
    with contextlib.suppress(RankLost), serving() as ranks:
        while (order := ranks.hear(0))["do"] != END:
            try:
                if servant is None:
                    if order["threads"]:
                        torch.set_num_threads(order["threads"])
                    servant = Servant(Config.model_validate(order["config"]), ranks)
                    ranks.tell(0, {})
                    ranks.use(servant.device)
                else:
                    servant.answer(order)
            except RankLost:
                raise
            except Exception as error:
                said = error.message if isinstance(error, PeteError) else f"{type(error).__name__}: {error}"
                ranks.tell(0, {"error": said, "hint": getattr(error, "hint", "")})
                ranks.hear(0)  # it ends, and so does this


def _as_lists(batch: Batch) -> dict[str, Any]:
    return {"ids": batch.ids.tolist(), "trained": np.flatnonzero(batch.trained).tolist(), "lengths": batch.lengths}


def _as_batch(lists: Mapping[str, Any]) -> Batch:
    trained = np.zeros(len(lists["ids"]), dtype=bool)
    trained[lists["trained"]] = True
    return Batch(np.array(lists["ids"], dtype=np.int32), trained, tuple(lists["lengths"]))


if __name__ == "__main__":
    end_with_the_leader()
    serve()
    sys.exit()
