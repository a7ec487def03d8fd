"""Several processes at one training: what the first decides, and what each tells the others.

torchrun or `accelerate launch` starts them, `TrainingArguments` joins them. Where there is but one,
nothing here does anything.
"""

from __future__ import annotations

import atexit
import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object
from torch.utils.data import DataLoader, Sampler
from transformers import Trainer
from transformers.trainer_pt_utils import LengthGroupedSampler

from farmaner.errors import ConfigError, FarmanerError

T = TypeVar("T")


def _state() -> PartialState:
    """Return what this process knows of the others; it leaves them before it ends."""
    state = PartialState()
    if state.num_processes > 1:
        _leave_at_the_end()
    return state


@cache
def _leave_at_the_end() -> None:
    """Have this process leave the group at its exit: gloo's threads abort one that does not."""
    atexit.register(lambda: PartialState().destroy_process_group())


def from_first(decide: Callable[[], T]) -> T:
    """Return what `decide` returns in the first process; what it raises there, all raise."""
    state = _state()
    if state.num_processes == 1:
        return decide()
    told: list[Any] = [None, None]
    if state.is_main_process:
        try:
            told = [decide(), None]
        except FarmanerError as error:
            told = [None, error]
    broadcast_object_list(told)
    decided, refused = told
    if refused is not None:
        raise refused
    return decided  # type: ignore[no-any-return]


def share(values: Sequence[T]) -> list[T]:
    """Return what of `values` is for this process to do."""
    state = _state()
    return list(values[state.process_index :: state.num_processes])


def from_all(values: list[T]) -> list[T]:
    """Return the values of every process; each has to ask."""
    gathered: list[T] = gather_object(values)
    return gathered


def check_batch_size(batch_size: int) -> None:
    """Raise ConfigError where a batch has less than one window for each process."""
    n_processes = _state().num_processes
    if batch_size < n_processes:
        raise ConfigError(
            f"batch_size: expected at least a window for each of {n_processes} processes, "
            f"found {batch_size}"
        )


class SharedBatches(Sampler[list[int]]):
    """This process's share of each batch of an epoch.

    Batches are the same however many processes share them: their order depends on the seed and the
    epoch alone. Of each, process r of n has the windows r, r + n, r + 2n and so on. One for which
    none is left has ~first in their stead: the first window, to be read and not to be learnt from.
    """

    def __init__(
        self,
        order: Callable[[int], Sequence[int]],
        batch_size: int,
        n_windows: int,
        *,
        rank: int,
        n_processes: int,
    ) -> None:
        self._order, self._batch_size, self._n_windows = order, batch_size, n_windows
        self._rank, self._n_processes = rank, n_processes
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next, from 0."""
        self._epoch = epoch

    def __len__(self) -> int:
        return math.ceil(self._n_windows / self._batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        order = self._order(self._epoch)
        for start in range(0, len(order), self._batch_size):
            batch = list(order[start : start + self._batch_size])
            yield batch[self._rank :: self._n_processes] or [~batch[0]]


def by_length(lengths: list[int], group_size: int, seed: int) -> Callable[[int], Sequence[int]]:
    """Return the order of an epoch's windows: random, of like length within groups."""

    def order(epoch: int) -> Sequence[int]:
        drawn = np.random.SeedSequence([seed, epoch]).generate_state(1)
        generator = torch.Generator().manual_seed(int(drawn[0]))
        return list(LengthGroupedSampler(group_size, lengths=lengths, generator=generator))

    return order


class EpochLoader(DataLoader[dict[str, torch.Tensor]]):
    """Tells its batches which epoch the Trainer is in."""

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next, from 0."""
        batches: Any = self.batch_sampler
        batches.set_epoch(epoch)


class SharingTrainer(Trainer):
    """A Trainer whose processes share each batch, with a loss that is a mean over a whole step.

    The loss of a batch has to be a sum over its targets, divided by `num_items_in_batch`: what
    `count` finds in all batches of the step, in whichever process. It is multiplied by the number
    of processes, of whose gradients the mean is taken.
    """

    def __init__(
        self,
        order: Callable[[int], Sequence[int]],
        count: Callable[[dict[str, torch.Tensor]], torch.Tensor],
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.model_accepts_loss_kwargs = True  # so that the loss is not divided once more
        self._order, self._count = order, count

    def get_train_dataloader(self) -> EpochLoader:
        """Return this process's share of the batches; the Trainer's own would be shared anew."""
        windows: Any = self.train_dataset
        batches = SharedBatches(
            self._order,
            self.args.per_device_train_batch_size,
            len(windows),
            rank=self.args.process_index,
            n_processes=self.args.world_size,
        )
        return EpochLoader(
            windows,
            batch_sampler=batches,
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Any]:
        """Return the batches of a step, and over how many targets its loss is a mean."""
        batches = list(islice(epoch_iterator, num_batches))
        counts = torch.stack([self._count(batch) for batch in batches]).sum(dim=0)
        return batches, self.accelerator.reduce(counts.to(device), reduction="sum")

    def told(self, metrics: dict[str, float]) -> dict[str, float]:
        """Return the figures of an evaluation, once the log and the callbacks have them."""
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics
