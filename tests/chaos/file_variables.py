"""Airflow's Variables as files, which outlive the process that writes them, as Airflow's database does."""

from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote


class FileVariables(MutableMapping[str, str]):
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _file(self, key: str) -> Path:
        return self.folder / quote(key, safe="")

    def __getitem__(self, key: str) -> str:
        try:
            return self._file(key).read_text()
        except FileNotFoundError:
            raise KeyError(key) from None

    def __setitem__(self, key: str, value: str) -> None:
        whole = self.folder / "written"
        whole.write_text(value)
        whole.rename(self._file(key))

    def __delitem__(self, key: str) -> None:
        self._file(key).unlink()

    def __iter__(self) -> Iterator[str]:
        return (unquote(file.name) for file in self.folder.iterdir())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    # -------------------------------------------- as airflow.sdk.Variable

    def read(self, key: str, default: Any = None, deserialize_json: bool = False) -> Any:
        return self.get(key, default)

    def write(self, key: str, value: str, description: str | None = None, serialize_json: bool = False) -> None:
        self[key] = value
