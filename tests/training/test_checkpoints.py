import errno
from pathlib import Path

import pytest
import torch

from vocalise.errors import RunError
from vocalise.training import checkpoints
from vocalise.training.checkpoints import Checkpoints, Snapshot, read_snapshot, write_snapshot

SNAPSHOT = Snapshot(
    {
        "main/weights/a": torch.tensor([[1.5, -0.0], [float("nan"), 3e-42]]),
        "chance": torch.tensor([0, 255, 7], dtype=torch.uint8),
        "batches/drawn": torch.tensor(1 << 60),
        "half": torch.tensor([0.1], dtype=torch.bfloat16),
        "nothing": torch.zeros(0, 4),
    },
    {"step": 3, "word": 'quoted "checksum":"' + "0" * 64 + '"', "share": 0.1},
)


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def test_a_snapshot_comes_back_bit_for_bit(tmp_path: Path) -> None:
    write_snapshot(tmp_path / "one.safetensors", SNAPSHOT)
    again = read_snapshot(tmp_path / "one.safetensors")
    assert again.facts == SNAPSHOT.facts
    assert again.tensors.keys() == SNAPSHOT.tensors.keys()
    for name, tensor in SNAPSHOT.tensors.items():
        assert again.tensors[name].dtype == tensor.dtype
        assert again.tensors[name].shape == tensor.shape
        assert bits(again.tensors[name].reshape(-1)) == bits(tensor.reshape(-1)), name


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    write_snapshot(path, SNAPSHOT)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        with pytest.raises(RunError, match=r"damaged|later"):
            read_snapshot(path)


@pytest.mark.parametrize("size", [0, 7, 8, 200, -1])
def test_a_truncated_snapshot_is_damaged(tmp_path: Path, size: int) -> None:
    path = tmp_path / "one.safetensors"
    write_snapshot(path, SNAPSHOT)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(RunError, match="damaged"):
        read_snapshot(path)


def test_only_the_last_few_are_kept(tmp_path: Path) -> None:
    folder = Checkpoints(tmp_path, kept=3)
    for step in (1, 2, 30, 4):
        folder.save(step, SNAPSHOT)
    assert folder.steps == [2, 4, 30]


def test_a_damaged_newest_falls_back_to_the_one_before_aloud(tmp_path: Path) -> None:
    folder, said = Checkpoints(tmp_path), []
    folder.save(1, SNAPSHOT)
    folder.save(2, SNAPSHOT)
    folder.path(2).write_bytes(folder.path(2).read_bytes()[:-1])
    found = folder.newest(said.append)
    assert found is not None
    assert found[0] == 1
    assert len(said) == 1
    assert "step-000000002" in said[0]
    assert "Going back to step 1" in said[0]


def test_with_no_sound_checkpoint_left_nothing_is_begun_anew(tmp_path: Path) -> None:
    folder = Checkpoints(tmp_path)
    folder.save(1, SNAPSHOT)
    folder.path(1).write_bytes(b"")
    for _ in range(2):
        with pytest.raises(RunError, match="no sound checkpoint"):
            folder.newest(lambda words: None)


def test_a_folder_without_checkpoints_has_no_newest(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path).newest(lambda words: None) is None


def test_a_full_disk_leaves_the_former_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Checkpoints(tmp_path, kept=1)
    folder.save(1, SNAPSHOT)

    def full(data: bytes) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints, "_digest", full)
    with pytest.raises(OSError, match="No space"):
        folder.save(2, SNAPSHOT)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001.safetensors"]
    assert read_snapshot(folder.path(1)).facts == SNAPSHOT.facts
